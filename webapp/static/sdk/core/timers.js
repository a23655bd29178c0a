/**
 * Named timers of one owner: setting a name again replaces it, and closing ends them all.
 * @module
 */

export class Timers {
  #running = /** @type {Record<string, {id: any, at: number}>} */ ({});
  #isClosed = false;

  /** @param {string} name @param {number} milliseconds @param {() => void} act */
  set(name, milliseconds, act) {
    this.clear(name);
    if (this.#isClosed) return;
    const run = () => {
      delete this.#running[name];
      act();
    };
    this.#running[name] = { id: setTimeout(run, milliseconds), at: performance.now() + milliseconds };
  }

  /** Unless that name is due sooner: what happens again and again must not put it off each time.
   * @param {string} name @param {number} milliseconds @param {() => void} act */
  setIfSooner(name, milliseconds, act) {
    const due = this.#running[name]?.at ?? Infinity;
    if (performance.now() + milliseconds < due) this.set(name, milliseconds, act);
  }

  /** @param {string[]} names */
  clear(...names) {
    for (const name of names) {
      clearTimeout(this.#running[name]?.id);
      delete this.#running[name];
    }
  }

  /** None runs any more, nor can be set. */
  close() {
    this.#isClosed = true;
    this.clear(...Object.keys(this.#running));
  }
}
