/**
 * What works for the page while it is in the background, or closed: its service worker, and web push.
 *
 * Nobody is asked here whether they want notifications: that is the button's, which turns the sound on.
 * @module
 */

import { decodeBase64url, encodeBase64url } from "../../sdk/core/base64url.js";
import { scriptUrl } from "../../sdk/core/script_urls.js";

const SCOPE = "/static/page/journey/";
const WORKER = `${SCOPE}worker.js`;

let registering = /** @type {Promise<ServiceWorkerRegistration|null>|null} */ (null);

/** Once for the page, and of today's release: a browser looks for a newer one by itself only when a page within the
 * scope is opened, and none is. Null where there are no service workers. */
export function registerWorker() {
  registering ??= register().catch((error) => {
    registering = null;
    throw error;
  });
  return registering;
}

/** Of an earlier visit; null where nobody has asked for one. @returns {Promise<ServiceWorkerRegistration|null>} */
export async function findWorker() {
  return (await navigator.serviceWorker?.getRegistration(SCOPE)) ?? null;
}

/** Without a call that is open, nothing is shown of one. */
export async function closeNotices() {
  for (const notice of (await (await findWorker())?.getNotifications()) ?? []) notice.close();
}

async function register() {
  if (!navigator.serviceWorker) return null;
  const registration = await navigator.serviceWorker.register(scriptUrl(WORKER));
  if (registration.active) await registration.update().catch(() => null); // offline: the one that is there
  await becomeActive(registration.installing ?? registration.waiting);
  return registration;
}

/** A browser subscribes with an active worker alone. @param {ServiceWorker|null} worker @returns {Promise<void>} */
function becomeActive(worker) {
  return new Promise((resolve) => {
    const look = () => {
      if (!worker || ["activated", "redundant"].includes(worker.state)) resolve();
    };
    worker?.addEventListener("statechange", look);
    look();
  });
}

/** This browser's subscription to the notifications of whoever is signed in. One thing after the other: of two people
 * at one browser, the second one's subscription must not be ended for the first one. */
export class WebPush {
  #client;
  #last = /** @type {Promise<any>} */ (Promise.resolve());
  #keptFor = /** @type {string|null} */ (null);
  #keyFor = /** @type {{login: string, key: Promise<string|null>}|null} */ (null);

  /** @param {import("../../sdk/journey/client.js").JourneyClient} client */
  constructor(client) {
    this.#client = client;
  }

  /** Whether the server tells browsers whose page is closed. */
  async isOffered() {
    const login = this.#login();
    return login !== null && (await this.#keyOf(login).catch(() => null)) !== null;
  }

  /** Where the person allows notifications and the server can send them: told to it once for each login, as browsers
   * renew their subscriptions by themselves. Where it fails the page goes on calling by itself, and the next call here
   * tries again. @returns {Promise<boolean>} whether calls come while the page is closed */
  keep() {
    return this.#next(() => this.#subscribe().catch(() => false));
  }

  /** Nothing of it stays in this browser. */
  drop() {
    return this.#next(async () => {
      this.#keptFor = null;
      await (await (await findWorker())?.pushManager?.getSubscription())?.unsubscribe();
    });
  }

  /** @template T @param {() => Promise<T>} act @returns {Promise<T>} */
  #next(act) {
    const done = this.#last.then(act);
    this.#last = done.catch(() => null);
    return done;
  }

  async #subscribe() {
    const login = this.#login();
    if (!login || globalThis.Notification?.permission !== "granted") return false;
    if (this.#keptFor === login) return true;
    const key = await this.#keyOf(login);
    const manager = key ? (await registerWorker())?.pushManager : null;
    if (!manager) return false;
    const subscription = await subscribeWith(manager, key);
    if (this.#login() !== login) {
      await subscription.unsubscribe();
      return false;
    }
    await this.#client.subscribeToPush(subscription.toJSON());
    this.#keptFor = login;
    return true;
  }

  /** The server's, asked for once for each login. @param {string} login @returns {Promise<string|null>} */
  #keyOf(login) {
    if (this.#keyFor?.login !== login)
      this.#keyFor = { login, key: this.#client.webPush().then((answer) => answer.public_key) };
    const { key } = this.#keyFor;
    key.catch(() => {
      if (this.#keyFor?.key === key) this.#keyFor = null;
    });
    return key;
  }

  /** Null while nobody is signed in. @returns {string|null} */
  #login() {
    return this.#client.claims?.sid ?? null;
  }
}

/** @param {PushManager} manager @param {string} key the server's */
async function subscribeWith(manager, key) {
  const present = await manager.getSubscription();
  const made = present?.options.applicationServerKey;
  if (present && made && encodeBase64url(new Uint8Array(made)) === key) return present;
  await present?.unsubscribe();
  const applicationServerKey = /** @type {Uint8Array<ArrayBuffer>} */ (decodeBase64url(key));
  return manager.subscribe({ userVisibleOnly: true, applicationServerKey });
}
