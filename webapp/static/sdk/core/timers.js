/**
 * Named timers of one owner: setting a name again replaces it, and closing ends them all.
 * @module
 */

export class Timers {
  #ids = /** @type {Record<string, any>} */ ({});
  #isClosed = false;

  /** @param {string} name @param {number} milliseconds @param {() => void} act */
  set(name, milliseconds, act) {
    clearTimeout(this.#ids[name]);
    if (!this.#isClosed) this.#ids[name] = setTimeout(act, milliseconds);
  }

  /** @param {string[]} names */
  clear(...names) {
    for (const name of names) clearTimeout(this.#ids[name]);
  }

  /** None runs any more, nor can be set. */
  close() {
    this.#isClosed = true;
    this.clear(...Object.keys(this.#ids));
  }
}
