/**
 * One connection for all tabs of a browser: the tab that holds a Web Lock leads, the others follow on a channel.
 *
 * The browser frees the lock of a tab that is closed or crashes, and the next tab in the queue goes on from its own cursor.
 * @module
 */

const ASK_MILLISECONDS = 5_000;
const ANSWER_MILLISECONDS = 2_000;

/** @typedef {import("./ordering.js").Cursor} Cursor */
/** `events` continue what was sent before; `at` is the leader's cursor.
 * @typedef {{events: any[], at: Cursor, state: import("./stream.js").StreamState}} Update */
/** @typedef {{lead: () => void, follow: () => void, makeUpdate: (after?: Cursor) => Update, onUpdate: (update: Update) => void}} TabHandlers */

/** To the other tabs. @param {string} name @returns {BroadcastChannel|null} null where the browser has no channels, or
 * forbids them as it forbids its stores */
export function openChannel(name) {
  try {
    return new BroadcastChannel(name);
  } catch {
    return null;
  }
}

/** Whether this browser can share at all. */
export function canShare() {
  const channel = globalThis.navigator?.locks ? openChannel("welno.probe") : null;
  channel?.close();
  return channel !== null;
}

export class Tabs {
  #name;
  #handlers;
  #channel;
  #queued = new AbortController();
  #release = /** @type {(() => void)|null} */ (null);
  #hasLeft = false;
  #timers = /** @type {Record<string, any>} */ ({});

  /** @param {string} name @param {TabHandlers} handlers */
  constructor(name, handlers) {
    this.#name = name;
    this.#handlers = handlers;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => this.#receive(data);
    this.#requestLock({ signal: this.#queued.signal });
    this.askLeader();
  }

  get isLeading() {
    return this.#release !== null;
  }

  leave() {
    this.#hasLeft = true;
    this.#queued.abort();
    this.#release?.();
    this.#channel.close();
    this.#stop();
  }

  /** The leader's new events, or only its state. @param {any[]} events */
  broadcast(events = []) {
    if (this.isLeading && !this.#hasLeft) this.#channel.postMessage({ update: { ...this.#handlers.makeUpdate(), events } });
  }

  /** Asks for what this tab has missed, again and again: a leader that does not answer hangs, and loses the lock. */
  askLeader() {
    if (this.isLeading || this.#hasLeft) return;
    this.#stop();
    this.#channel.postMessage({ ask: this.#handlers.makeUpdate().at });
    this.#timers.answer = setTimeout(() => this.#stealLock(), ANSWER_MILLISECONDS);
  }

  /** @param {{ask?: Cursor, update?: Update}} message */
  #receive({ ask, update }) {
    if (this.#hasLeft) return;
    if (ask && this.isLeading) this.#channel.postMessage({ update: this.#handlers.makeUpdate(ask) });
    if (!update || this.isLeading) return;
    this.#stop();
    this.#timers.ask = setTimeout(() => this.askLeader(), ASK_MILLISECONDS);
    this.#handlers.onUpdate(update);
  }

  #stealLock() {
    this.#queued.abort();
    this.#queued = new AbortController();
    this.#requestLock({ steal: true });
  }

  /** @param {LockOptions} how */
  async #requestLock(how) {
    let isGranted = false;
    const lead = () => {
      isGranted = true;
      return this.#lead();
    };
    const failure = await navigator.locks.request(this.#name, how, lead).catch((error) => error);
    if (this.#hasLeft || !failure) return;
    if (failure.name !== "AbortError") {
      this.#lead(); // storage is forbidden here, and locks with it: each tab leads itself
    } else if (isGranted) {
      this.#release = null;
      this.#handlers.follow();
      this.#requestLock({ signal: this.#queued.signal });
      this.askLeader();
    }
  }

  /** @returns {Promise<void>} kept until the lock may go */
  #lead() {
    if (this.#hasLeft) return Promise.resolve();
    this.#stop();
    return new Promise((resolve) => {
      this.#release = resolve;
      this.#handlers.lead();
      this.broadcast();
    });
  }

  #stop() {
    clearTimeout(this.#timers.ask);
    clearTimeout(this.#timers.answer);
  }
}
