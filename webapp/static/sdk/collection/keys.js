/**
 * The keys under which this browser keeps records: asked of the server for the session, and never written down.
 * @module
 */

import { importKey } from "../core/sealing.js";

/** Asks for the key of a patient. @typedef {{browserKey: (uuid: string) => Promise<string>}} KeySource */

export class BrowserKeys {
  #source;
  #keys = /** @type {Map<string, Promise<CryptoKey>>} */ (new Map());

  /** @param {KeySource} source a WelnoClient is one */
  constructor(source) {
    this.#source = source;
  }

  /** @param {string} uuid @returns {Promise<CryptoKey>} rejects with a WelnoError where no live session opens these
   * records, or the server does not answer */
  keyOf(uuid) {
    const known = this.#keys.get(uuid);
    if (known) return known;
    const asked = this.#source.browserKey(uuid).then(importKey);
    this.#keys.set(uuid, asked);
    asked.catch(() => this.#keys.delete(uuid));
    return asked;
  }

  /** Of one patient, or of all. @param {string} [uuid] */
  forget(uuid) {
    if (uuid === undefined) this.#keys.clear();
    else this.#keys.delete(uuid);
  }
}
