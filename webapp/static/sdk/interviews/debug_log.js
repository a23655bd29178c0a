/**
 * What a feed did lately, for who looks for a fault: connections, states, places and kinds of events, never their content.
 * @module
 */

const MOST_ENTRIES = 200;

/** @typedef {{at: string, what: "load"|"follow"|"state"|"event"|"failed", [fact: string]: any}} DebugEntry */

export class DebugLog {
  #isOn;
  #entries = /** @type {DebugEntry[]} */ ([]);

  /** @param {boolean} isOn */
  constructor(isOn) {
    this.#isOn = isOn;
  }

  /** The newest last. */
  get entries() {
    return [...this.#entries];
  }

  /** @param {DebugEntry["what"]} what @param {any} [facts] */
  note(what, facts = {}) {
    if (!this.#isOn) return;
    this.#entries.push({ at: new Date().toISOString(), what, ...facts });
    if (this.#entries.length > MOST_ENTRIES) this.#entries.shift();
  }
}
