/**
 * The journey's calls, one method each. The access token stays in memory; a cookie that no script reads renews it.
 * @module
 */

import { decodeBase64url } from "../core/base64url.js";
import { HttpClient } from "../core/client.js";
import { WelnoError } from "../core/errors.js";
import { TokenRefresh } from "../core/token_refresh.js";
import { useTimeZone } from "./hospital_time.js";

const TIMEOUT_MILLISECONDS = 10_000;
const TRIES = 3;
const LONGEST_PAUSE_MILLISECONDS = 10_000;
const REFRESH_PATH = "/auth/token/refresh/";
const REFRESH = "welno.journey.refresh";

/** @typedef {import("../core/ordering.js").Cursor} Cursor */
/** `e` and `c` are what a dynamic tag said at this reading.
 * @typedef {{tag_code?: string, tag_uid?: string, e?: string, c?: string, ndef?: string,
 *   via?: "nfc"|"url"|"qr"|"typed"}} Tag */
/** @typedef {{phone_last4?: string, phone?: string, birth_date: string, name?: string, device_id?: string,
 *   scan_token?: string}} Person */
/** Which of our own addresses may be asked for a new token: none for staff, whose login has no second token.
 * @typedef {import("../core/client.js").ClientOptions & {isRefreshable?: boolean, onLoggedOut?: () => void,
 *   onDuration?: (method: string, url: string, milliseconds: number, status: number) => void}} JourneyOptions */

/** For one press of one button: what is sent again has the same. */
export const newKey = () => crypto.randomUUID();

export class JourneyClient extends HttpClient {
  #isRefreshable;
  #onLoggedOut;
  #onDuration;
  #refresh = new TokenRefresh(REFRESH);
  #refreshing = /** @type {Promise<boolean>|null} */ (null);
  #definitions = /** @type {Promise<any>|null} */ (null);

  /** @param {JourneyOptions} [options] */
  constructor({ isRefreshable = true, onLoggedOut = () => {}, onDuration = () => {}, ...options } = {}) {
    super({ timeoutMilliseconds: TIMEOUT_MILLISECONDS, ...options });
    this.#isRefreshable = isRefreshable;
    this.#onLoggedOut = onLoggedOut;
    this.#onDuration = onDuration;
  }

  /** Whom the access token is about; null without one. It is not checked: the server does that. @returns {any} */
  get claims() {
    return this.token ? readClaims(this.token) : null;
  }

  /** States, transitions and the sockets' addresses: asked for once, and from the server alone.
   * @returns {Promise<any>} */
  definitions() {
    this.#definitions ??= this.#askForDefinitions().catch((error) => {
      this.#definitions = null;
      throw error;
    });
    return this.#definitions;
  }

  async #askForDefinitions() {
    const told = await this.request("GET", "/state-definitions/");
    useTimeZone(told.time_zone);
    return told;
  }

  /** The address of a socket from the template that the definitions give. @param {string} template
   * @param {string} [id] @param {Cursor} [cursor] */
  socketAddress(template, id = "", cursor) {
    const url = new URL(template.replace(/\{\w+\}/, encodeURIComponent(id)), globalThis.location?.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    for (const [name, value] of Object.entries(placeQuery(cursor))) url.searchParams.set(name, value);
    return url.href;
  }

  /** @param {Person} person @returns {Promise<any>} `{user, journey}` beside the token, which is kept here */
  async signIn(person) {
    const answer = await this.request("POST", "/auth/simple-login", { body: person });
    this.useToken(answer.access_token);
    return answer;
  }

  /** @param {string} login @param {string} password @returns {Promise<any>} `{staff}` beside the token */
  async signInStaff(login, password) {
    const answer = await this.request("POST", "/auth/staff-login", { body: { login, password } });
    this.useToken(answer.access_token);
    return answer;
  }

  /** Ends the login everywhere; the token is forgotten in any case. */
  async signOut() {
    const ended = this.request("POST", "/auth/logout", { keepalive: true });
    try {
      await ended;
    } finally {
      this.useToken(null);
    }
  }

  /** @param {Tag & {device_id?: string}} tag */
  scan(tag) {
    return this.request("POST", "/nfc/scan/", { body: tag });
  }

  /** @param {string} [patientId] asked by staff @param {string} [reason] why; the person reads it
   * @returns {Promise<any>} the snapshot */
  currentState(patientId, reason) {
    return this.request("GET", `/patient-journey/current-state/${queryOf({ patient_id: patientId, reason })}`);
  }

  /** @param {{action_type: string, payload?: any, expected_state?: string, idempotency_key?: string,
   *   patient_id?: string}} action */
  performAction(action) {
    return this.request("POST", "/patient-journey/perform-action/", { body: action });
  }

  /** Today's open appointments in a good order. */
  itinerary() {
    return this.request("GET", "/patient-journey/itinerary");
  }

  /** Newest first. @returns {Promise<any[]>} */
  async notifications() {
    return (await this.request("GET", "/notifications")).notifications;
  }

  /** @param {string} id */
  readNotification(id) {
    return this.request("POST", `/notifications/${encodeURIComponent(id)}/read`, { keepalive: true });
  }

  /** Whether this login's browser is told while the page is closed, and the key to subscribe with: `{public_key,
   * is_subscribed}`; no key where the server tells nobody. */
  webPush() {
    return this.request("GET", "/notifications/push");
  }

  /** @param {PushSubscriptionJSON} subscription as the browser gives it; it ends with the login */
  subscribeToPush({ endpoint, keys }) {
    return this.request("PUT", "/notifications/push", { body: { endpoint, keys } });
  }

  unsubscribeFromPush() {
    return this.request("DELETE", "/notifications/push", { keepalive: true });
  }

  /** @param {string} queueId @param {boolean} delayed @param {string} [reason] staff say why */
  delay(queueId, delayed, reason) {
    return this.changeEntry(queueId, "delay", { delayed, ...(reason ? { reason } : {}) });
  }

  /** One step with one entry of a line. @param {string} queueId
   * @param {"recall"|"undo-call"|"delay"|"priority"|"transfer"} step @param {any} [body] */
  changeEntry(queueId, step, body = {}) {
    return this.request("POST", `/queue/${encodeURIComponent(queueId)}/${step}`, { body });
  }

  /** The layers of a floor's map: `[{name, href, bytes}]`. @param {string|number} floor */
  async mapLayers(floor) {
    return (await this.request("GET", `/maps/${encodeURIComponent(floor)}/layers`)).layers;
  }

  /** A renewed access token, once for all who ask at the same time, and one tab after the other: a refresh token that
   * two tabs present counts as stolen. @returns {Promise<boolean>} false: the login is over */
  refreshLogin() {
    if (!this.#isRefreshable) {
      this.#end();
      return Promise.resolve(false);
    }
    this.#refreshing ??= this.#refreshNow().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** The way of all calls: tried again where that is safe, and once more with a new token.
   * @param {string} method @param {string} url @param {import("../core/client.js").Sent} [sent] */
  async exchange(method, url, sent = {}) {
    const token = this.token;
    try {
      return await this.#tryAgain(method, url, sent);
    } catch (/** @type {any} */ error) {
      if (error.status !== 401 || !token) throw error;
      if (!(await this.#refreshFor(token))) throw error;
      return this.#tryAgain(method, url, sent);
    }
  }

  /** @param {string} token that was refused: another call may have renewed it meanwhile @returns {Promise<boolean>} */
  async #refreshFor(token) {
    return this.token !== null && this.token !== token ? true : this.refreshLogin();
  }

  async #refreshNow() {
    const exchange = (/** @type {string} */ key) =>
      this.#tryAgain("POST", this.httpUrl(REFRESH_PATH), { body: { idempotency_key: key } });
    try {
      const answer = await this.#refresh.run(exchange);
      this.useToken(answer.access_token);
      return true;
    } catch (/** @type {any} */ error) {
      if (error.status !== 401) throw error;
      this.#end();
      return false;
    }
  }

  #end() {
    this.#refresh.forget();
    const wasIn = this.token !== null;
    this.useToken(null);
    if (wasIn) this.#onLoggedOut();
  }

  /** @param {string} method @param {string} url @param {import("../core/client.js").Sent} sent */
  async #tryAgain(method, url, sent) {
    const isSafe = method === "GET" || sent.body?.idempotency_key !== undefined;
    for (let tried = 1; ; tried += 1) {
      const began = performance.now();
      try {
        const answer = await super.exchange(method, url, sent);
        this.#onDuration(method, url, performance.now() - began, 200);
        return answer;
      } catch (/** @type {any} */ error) {
        this.#onDuration(method, url, performance.now() - began, error.status ?? 0);
        const mayHelp = error instanceof WelnoError && (error.status === 0 || error.status >= 500);
        if (!isSafe || !mayHelp || tried === TRIES || globalThis.navigator?.onLine === false) throw error;
        await pause(Math.min(1000 * 2 ** (tried - 1), LONGEST_PAUSE_MILLISECONDS));
      }
    }
  }
}

/** @param {Cursor} [cursor] @returns {Record<string, string>} none: from now on */
export function placeQuery(cursor) {
  return cursor?.epoch ? { after_seq: `${cursor.epoch}:${cursor.seq}` } : {};
}

/** @param {Record<string, string|undefined>} query what is undefined is not asked */
function queryOf(query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length ? `?${new URLSearchParams(/** @type {[string, string][]} */ (given))}` : "";
}

/** @param {string} token @returns {any} */
function readClaims(token) {
  try {
    const claims = decodeBase64url(token.split(".")[1]);
    return claims && JSON.parse(new TextDecoder().decode(claims));
  } catch {
    return null;
  }
}

/** @param {number} milliseconds @returns {Promise<void>} */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
