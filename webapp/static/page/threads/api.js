/**
 * Who is signed in at this tab, the calls on threads in their name, and a switch that takes the network away.
 * @module
 */

import { HttpClient } from "../../sdk/core/client.js";
import { SafeStorage } from "../../sdk/core/storage.js";
import { ThreadsClient } from "../../sdk/threads/client.js";

const TOKEN = "welno_threads_staff_token";
const MEMBER = "welno_threads_member";

/** A `fetch` that a person can switch off, as for a look at what happens without a network. */
class NetworkSwitch {
  #cut = new AbortController();
  isOn = true;

  /** @type {typeof globalThis.fetch} */
  fetch = (input, init = {}) => {
    if (!this.isOn) return Promise.reject(new TypeError("the network is switched off"));
    const signal = AbortSignal.any([this.#cut.signal, ...(init.signal ? [init.signal] : [])]);
    return fetch(input, { ...init, signal });
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
  client = new ThreadsClient({ fetch: this.network.fetch });
  #accounts = new HttpClient({ fetch: this.network.fetch });
  #tab = new SafeStorage(() => sessionStorage);

  constructor() {
    this.#useToken(this.#tab.getItem(TOKEN));
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
   * then whoever comes next would still be this person. */
  async signOut() {
    const isByToken = this.client.token !== null;
    try {
      await this.#accounts.request("POST", isByToken ? "/auth/logout" : "/patients/sign-out");
    } catch (/** @type {any} */ error) {
      if (!isByToken && error.status !== 401) throw error;
    }
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

  /** The login opens nothing any more; what lies in the member's database stays theirs. */
  forget() {
    this.dropToken();
    this.#tab.removeItem(MEMBER);
  }

  /** @param {string|null} token */
  #useToken(token) {
    this.client.useToken(token);
    this.#accounts.useToken(token);
  }
}
