/**
 * What an owner's client does by itself: a new key wherever the server says that one is due.
 * @module
 */

import { DisbelievedError } from "./errors.js";

const AGAIN_MILLISECONDS = 60_000;

export class KeyRotation {
  #keysOf;
  #now;
  #tried = /** @type {Map<string, number>} */ (new Map());

  /** @param {(threadId: string) => Pick<import("./thread_keys.js").ThreadKeys, "ensure">} keysOf @param {() => number} [now] */
  constructor(keysOf, now = () => Date.now()) {
    this.#keysOf = keysOf;
    this.#now = now;
  }

  /** Of a list as the server tells it. A thread that could not be helped is tried again after a minute.
   * @param {{threadId: string, role: string, keyState: string}[]} threads @returns {Promise<string[]>} those that were tried */
  async rotateDue(threads) {
    const due = threads.filter(({ threadId, role, keyState }) => role === "owner" && keyState !== "ok" && this.#isTime(threadId));
    for (const { threadId } of due) {
      this.#tried.set(threadId, this.#now());
      const known = await this.#keysOf(threadId).ensure().catch(requireTold);
      if (known?.status.keyState === "ok") this.#tried.delete(threadId);
    }
    return due.map(({ threadId }) => threadId);
  }

  /** Somebody else reads the keys of this one just now, and makes those that are due. @param {string} threadId */
  leaveOut(threadId) {
    this.#tried.set(threadId, this.#now());
  }

  /** @param {string} threadId */
  #isTime(threadId) {
    return this.#now() - (this.#tried.get(threadId) ?? -Infinity) >= AGAIN_MILLISECONDS;
  }
}

/** What the server refuses or lies about is shown where the thread is open; anything else is a fault of ours.
 * @param {any} error */
function requireTold(error) {
  if (error.status === undefined && !(error instanceof DisbelievedError)) throw error;
}
