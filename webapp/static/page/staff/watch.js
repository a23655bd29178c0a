/**
 * Looks again every few seconds: never twice at once, not while the tab is hidden, more rarely while it fails.
 * @module
 */

const EVERY_MILLISECONDS = 5_000;
const LONGEST_MILLISECONDS = 30_000;

export class Watch {
  #load;
  #report;
  #timer = 0;
  #failures = 0;
  #turn = 0;
  #auto = true;
  #running = false;

  /**
   * @param {(isCurrent: () => boolean, byItself: boolean) => Promise<void>} load asks and draws, but draws only what is
   *   still current; by itself: nobody has asked for it
   * @param {(error: any|null) => boolean} report shows the error, or with null that there is none; false ends the watch
   */
  constructor(load, report) {
    this.#load = load;
    this.#report = report;
    document.addEventListener("visibilitychange", () => this.#tick());
    addEventListener("online", () => this.#tick());
  }

  set auto(/** @type {boolean} */ wanted) {
    this.#auto = wanted;
    clearTimeout(this.#timer);
    if (wanted) this.#tick();
  }

  stop() {
    this.#running = false;
    this.#turn += 1;
    clearTimeout(this.#timer);
  }

  /** At once. An answer that is still on its way counts no more: it may be of another view. */
  async now(byItself = false) {
    clearTimeout(this.#timer);
    this.#running = true;
    const turn = ++this.#turn;
    const isCurrent = () => turn === this.#turn;
    let asked = 0;
    try {
      await this.#load(isCurrent, byItself);
      if (!isCurrent()) return;
      this.#failures = 0;
      this.#report(null);
    } catch (error) {
      if (!isCurrent()) return;
      this.#failures += 1;
      asked = (error.retryAfterSeconds ?? 0) * 1_000;
      if (!this.#report(error)) return this.stop();
    }
    const grown = Math.min(EVERY_MILLISECONDS * 1.5 ** this.#failures, LONGEST_MILLISECONDS);
    this.#timer = setTimeout(() => this.#tick(), Math.max(grown, asked));
  }

  #tick() {
    if (this.#running && this.#auto && !document.hidden) this.now(true);
  }
}
