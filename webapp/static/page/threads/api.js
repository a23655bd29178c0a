/**
 * Who is signed in at this tab, the calls on threads in their name, and a switch that takes the network away.
 * @module
 */

import { WelnoClient } from "../../sdk/collection/client.js";
import { SignOut } from "../../sdk/collection/sign_out.js";
import { HttpClient } from "../../sdk/core/client.js";
import { SafeStorage } from "../../sdk/core/storage.js";
import { HealthLinksClient } from "../../sdk/shl/client.js";
import { ThreadsClient } from "../../sdk/threads/client.js";

const TOKEN = "welno_threads_staff_token";
const MEMBER = "welno_threads_member";

/** A `fetch` and sockets that a person can switch off, as for a look at what happens without a network. */
class NetworkSwitch {
  #cut = new AbortController();
  isOn = true;

  /** @type {typeof globalThis.fetch} */
  fetch = (input, init = {}) => {
    if (!this.isOn) return Promise.reject(new TypeError("the network is switched off"));
    const signal = AbortSignal.any([this.#cut.signal, ...(init.signal ? [init.signal] : [])]);
    return fetch(input, { ...init, signal });
  };

  /** @param {string} url @param {string[]} protocols */
  openSocket = (url, protocols) => {
    if (!this.isOn) return null;
    const socket = new WebSocket(url, protocols);
    this.#cut.signal.addEventListener("abort", () => socket.close(), { once: true });
    return socket;
  };

  /** @param {boolean} isOn */
  set(isOn) {
    this.isOn = isOn;
    if (isOn) this.#cut = new AbortController();
    else this.#cut.abort();
  }
}

export class ThreadsApi {
  network = new NetworkSwitch();
  client = new ThreadsClient({ fetch: this.network.fetch, openSocket: this.network.openSocket });
  /** A patient's own, by their cookie. */
  records = new WelnoClient({ fetch: this.network.fetch });
  links = new HealthLinksClient({ fetch: this.network.fetch });
  #accounts = new HttpClient({ fetch: this.network.fetch });
  #tab = new SafeStorage(() => sessionStorage);
  #patients;

  /** @param {() => void} onElsewhere a patient has signed out in another tab, or on another page */
  constructor(onElsewhere) {
    this.#useToken(this.#tab.getItem(TOKEN));
    this.#patients = new SignOut({
      client: this.records,
      onElsewhere: () => this.client.token === null && onElsewhere(),
    });
  }

  /** Who was known in this tab before, for when the server cannot be asked. */
  get remembered() {
    return this.#tab.getItem(MEMBER);
  }

  /** @param {string} memberId */
  remember(memberId) {
    this.#tab.setItem(MEMBER, memberId);
  }

  /** As a member of a hospital's staff. @param {string} login @param {string} password */
  async signIn(login, password) {
    const { access_token: token } = await this.#accounts.request("POST", "/auth/staff-login", { body: { login, password } });
    this.#tab.setItem(TOKEN, token);
    this.#useToken(token);
  }

  /** A token is forgotten in any case. A cookie only the server can take back: it rejects where that did not answer, and
   * then whoever comes next would still be this person. With it goes what other pages keep of a patient, in all tabs. */
  async signOut() {
    if (this.client.token === null) await this.#patients.run();
    else await this.#accounts.request("POST", "/auth/logout").catch((error) => requireAnswered(error));
    this.forget();
  }

  /** A token that opens nothing any more also keeps the push pass from being looked at.
   * @returns {boolean} whether there was one */
  dropToken() {
    const had = this.client.token !== null;
    this.#tab.removeItem(TOKEN);
    this.#useToken(null);
    return had;
  }

  /** For whom the page would open without a network. */
  forgetMember() {
    this.#tab.removeItem(MEMBER);
  }

  /** The login opens nothing any more; what lies in the member's database stays theirs. */
  forget() {
    this.dropToken();
    this.forgetMember();
  }

  /** @param {string|null} token */
  #useToken(token) {
    this.client.useToken(token);
    this.#accounts.useToken(token);
  }
}

/** A login that no server could take back ends by its time; an error of ours is none of that. @param {any} error */
function requireAnswered(error) {
  if (error.status === undefined) throw error;
}
