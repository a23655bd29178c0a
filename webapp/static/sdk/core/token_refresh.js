/**
 * A login that is renewed by a cookie which no script reads, under one key until it is known how that ended. The server
 * takes a refresh token that it has exchanged before for stolen, unless the same key comes with it: so a page that is
 * loaded anew while the answer is on its way, or whose answer is lost, asks under the key of before.
 * @module
 */

import { underLock } from "./locks.js";
import { SafeStorage } from "./storage.js";

const INCONCLUSIVE = new Set([408, 429]);

export class TokenRefresh {
  #name;
  #store;

  /** @param {string} name of the lock that tabs share, and of what is kept @param {import("./storage.js").Store} [store] */
  constructor(name, store = new SafeStorage(() => globalThis.localStorage)) {
    this.#name = name;
    this.#store = store;
  }

  /** One tab after the other. @template T @param {(key: string) => Promise<T>} exchange @returns {Promise<T>} */
  run(exchange) {
    return underLock(this.#name, () => this.#run(exchange));
  }

  /** The login is over. */
  forget() {
    this.#store.removeItem(this.#name);
  }

  /** @template T @param {(key: string) => Promise<T>} exchange @returns {Promise<T>} */
  async #run(exchange) {
    const kept = this.#store.getItem(this.#name);
    try {
      return await this.#exchangeUnder(kept ?? crypto.randomUUID(), exchange);
    } catch (/** @type {any} */ error) {
      if (kept === null || error.code !== "IDEMPOTENCY_MISMATCH") throw error;
      // The answer of before had come: its cookie is here, and only the page that asked was gone.
      return this.#exchangeUnder(crypto.randomUUID(), exchange);
    }
  }

  /** @template T @param {string} key @param {(key: string) => Promise<T>} exchange @returns {Promise<T>} */
  async #exchangeUnder(key, exchange) {
    this.#store.setItem(this.#name, key);
    try {
      const answer = await exchange(key);
      this.forget();
      return answer;
    } catch (/** @type {any} */ error) {
      if (error.status >= 400 && error.status < 500 && !INCONCLUSIVE.has(error.status)) this.forget();
      throw error;
    }
  }
}
