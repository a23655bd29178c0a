/**
 * How many envelopes the next push has, and how long to wait before it: what the server's backpressure asks for.
 * @module
 */

const MOST = 100;
const FIRST_MILLISECONDS = 1_000;
const LONGEST_MILLISECONDS = 30_000;

/** @typedef {{level: "none"|"slow"|"stop", retryAfterMs: number, maxBatch: number}} Backpressure */

export class Pace {
  #random;
  #size = MOST;
  #isRecovering = false;
  #failures = 0;

  /** @param {() => number} [random] */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /** Envelopes in the next push. */
  get size() {
    return this.#size;
  }

  /** After a push that was answered. @param {Backpressure} pressure @returns {number} milliseconds to wait */
  note({ level, retryAfterMs, maxBatch }) {
    this.#failures = 0;
    const wanted = this.#isRecovering ? this.#size + 1 : maxBatch;
    this.#size = clamp(Math.min(wanted, maxBatch));
    if (this.#size >= maxBatch) this.#isRecovering = false;
    return level === "none" ? 0 : retryAfterMs;
  }

  /** After one of which nothing was taken. @param {{status?: number, retryAfterSeconds?: number|null,
   *   details?: {backpressure?: Backpressure}|null}} error @returns {number} milliseconds to wait */
  fail({ status, retryAfterSeconds, details }) {
    if (status === 413) {
      this.#size = clamp(Math.floor(this.#size / 2));
      return 0;
    }
    if (status === 429 || status === 503) {
      this.#size = 1;
      this.#isRecovering = true;
      // A page of another origin does not see the header.
      const pause = Math.max((retryAfterSeconds ?? 0) * 1000, details?.backpressure?.retryAfterMs ?? 0);
      return (pause || FIRST_MILLISECONDS) * (1 + this.#random() / 4);
    }
    const plain = Math.min(LONGEST_MILLISECONDS, FIRST_MILLISECONDS * 2 ** this.#failures);
    this.#failures += 1;
    return plain * (0.75 + this.#random() / 4);
  }
}

/** @param {number} size */
const clamp = (size) => Math.max(1, Math.min(MOST, size));
