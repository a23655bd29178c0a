/**
 * One line for all tabs of a browser: the tab that holds the lock reads, and the others hear it on a channel.
 *
 * The browser frees the lock of a tab that dies, and the next one in the queue reads on from its own place.
 * @module
 */

const ASK_MILLISECONDS = 5_000;
const ANSWER_MILLISECONDS = 2_000;

/** @typedef {import("./ordering.js").Cursor} Cursor */
/** `events` continue what was told before; `at` is where the teller stands.
 * @typedef {{events: any[], at: Cursor, state: import("./stream.js").StreamState}} News */
/** @typedef {{lead: () => void, follow: () => void, news: (after?: Cursor) => News, hear: (news: News) => void}} Member */

/** Whether this browser can share at all. */
export function canShare() {
  return Boolean(globalThis.navigator?.locks && globalThis.BroadcastChannel);
}

export class Tabs {
  #name;
  #member;
  #channel;
  #waiting = new AbortController();
  #release = /** @type {(() => void)|null} */ (null);
  #hasLeft = false;
  #timers = /** @type {Record<string, any>} */ ({});

  /** @param {string} name @param {Member} member */
  constructor(name, member) {
    this.#name = name;
    this.#member = member;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    this.#compete({ signal: this.#waiting.signal });
    this.ask();
  }

  get isLeading() {
    return this.#release !== null;
  }

  leave() {
    this.#hasLeft = true;
    this.#waiting.abort();
    this.#release?.();
    this.#channel.close();
    this.#stop();
  }

  /** What the leader has just taken, or how it stands. @param {any[]} events */
  tell(events = []) {
    if (this.isLeading && !this.#hasLeft) this.#channel.postMessage({ news: { ...this.#member.news(), events } });
  }

  /** Have I missed something? Asked again and again: a leader that gives no answer hangs, and is relieved. */
  ask() {
    if (this.isLeading || this.#hasLeft) return;
    this.#stop();
    this.#channel.postMessage({ ask: this.#member.news().at });
    this.#timers.answer = setTimeout(() => this.#relieve(), ANSWER_MILLISECONDS);
  }

  /** @param {{ask?: Cursor, news?: News}} message */
  #hear({ ask, news }) {
    if (this.#hasLeft) return;
    if (ask && this.isLeading) this.#channel.postMessage({ news: this.#member.news(ask) });
    if (!news || this.isLeading) return;
    this.#stop();
    this.#timers.ask = setTimeout(() => this.ask(), ASK_MILLISECONDS);
    this.#member.hear(news);
  }

  #relieve() {
    this.#waiting.abort();
    this.#waiting = new AbortController();
    this.#compete({ steal: true });
  }

  /** @param {LockOptions} how */
  async #compete(how) {
    let isGranted = false;
    const lead = () => {
      isGranted = true;
      return this.#lead();
    };
    const failure = await navigator.locks.request(this.#name, how, lead).catch((error) => error);
    if (this.#hasLeft || !failure) return;
    if (failure.name !== "AbortError") {
      this.#lead(); // storage is forbidden here, and locks with it: each tab for itself
    } else if (isGranted) {
      this.#release = null;
      this.#member.follow();
      this.#compete({ signal: this.#waiting.signal });
      this.ask();
    }
  }

  /** @returns {Promise<void>} kept until the lock may go */
  #lead() {
    if (this.#hasLeft) return Promise.resolve();
    this.#stop();
    return new Promise((resolve) => {
      this.#release = resolve;
      this.#member.lead();
      this.tell();
    });
  }

  #stop() {
    clearTimeout(this.#timers.ask);
    clearTimeout(this.#timers.answer);
  }
}
