/**
 * Tells the server how many events came, once a minute at most and only when some did: a number, nothing of what they say.
 * @module
 */

import { Timers } from "../core/timers.js";

const REPORT_MILLISECONDS = 60_000;

export class ReceivedReports {
  #send;
  #count = 0;
  #timers = new Timers();

  /** @param {(received: number) => Promise<any>} send what cannot be told is forgotten */
  constructor(send) {
    this.#send = send;
  }

  count() {
    this.#count += 1;
    if (this.#count === 1) this.#timers.set("report", REPORT_MILLISECONDS, () => this.#report());
  }

  close() {
    this.#timers.close();
  }

  #report() {
    const received = this.#count;
    this.#count = 0;
    this.#send(received).catch(() => null);
  }
}
