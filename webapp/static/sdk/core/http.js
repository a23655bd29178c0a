/**
 * Events by HTTP: server-sent events, polls, or polls while server-sent events fail; whichever a subject has.
 * @module
 */

import { judgeClose, judgeStatus, reconnectSeconds } from "./closing.js";
import { parsePlace, readBlocks } from "./sse.js";
import { Timers } from "./timers.js";

const FIRST_BYTE_MILLISECONDS = 10_000;
const PROBE_MILLISECONDS = 4_000; // where polls can take over, no byte for so long is enough
const SILENCE_MILLISECONDS = 45_000; // the server sends a comment every 20 s, others a frame every 30 s
const POLL_MILLISECONDS = 2_000;
const MAX_BACKOFF_EXPONENT = 4; // server-sent events that keep failing are tried after 16 polls at the latest
const RETRY_SECONDS = 3; // until the server has named another
const GOING_AWAY = 1001;

/**
 * `receive` answers false when events before the frame are missing; `place` takes a place that came without an event;
 * `readMissed` polls once; `refuse` answers whether another attempt is worth it; `onBack`: polls are answered again.
 * @typedef {{cursor: () => import("./ordering.js").Cursor, receive: (frame: any) => boolean,
 *   place: (at: import("./ordering.js").Cursor) => void, readMissed: () => Promise<void>,
 *   setState: (state: "streaming"|"polling"|"connecting"|"offline") => void,
 *   refuse: (reason: string) => Promise<boolean>, onBack: () => void}} HttpHandlers
 */
/** How an answer of server-sent events ended. @typedef {{isAlive: boolean, closed: any, error: any}} Ended */

export class HttpTransport {
  /** @type {import("./stream.js").Subject} */ #subject;
  /** @type {HttpHandlers} */ #handlers;
  #running = /** @type {AbortController|null} */ (null);
  #listening = /** @type {AbortController|null} */ (null);
  #failures = 0;
  #retrySeconds = RETRY_SECONDS;
  #isHurried = false;
  #timers = new Timers();
  #endPause = () => {};

  /** @param {import("./stream.js").Subject} subject @param {HttpHandlers} handlers */
  constructor(subject, handlers) {
    this.#subject = subject;
    this.#handlers = handlers;
  }

  /** Until it is stopped; a second call changes nothing. */
  async start() {
    if (this.#running) return;
    const running = new AbortController();
    this.#running = running;
    this.#isHurried = false;
    const next = this.#chooseStep();
    while (!running.signal.aborted) {
      const milliseconds = await next(running.signal);
      if (!running.signal.aborted) await this.#pause(milliseconds);
    }
  }

  stop() {
    this.#running?.abort();
    this.#running = null;
    this.#failures = 0;
    this.#listening?.abort();
    this.#timers.clear("silence", "pause");
    this.#endPause();
  }

  /** At once, instead of after the pause. */
  retryNow() {
    this.#failures = 0;
    this.#endPause();
  }

  /** After a phone slept, an answer may look open though its connection is dead: it is tested by a poll, or replaced. */
  wake() {
    this.retryNow();
    if (!this.#listening) return;
    if (this.#subject.messagesUrl) {
      this.#handlers.readMissed().catch(() => this.#listening?.abort());
    } else {
      this.#isHurried = true;
      this.#listening.abort();
    }
  }

  /** What is done again and again; each answers how many milliseconds to pause after it.
   * @returns {(signal: AbortSignal) => Promise<number>} */
  #chooseStep() {
    if (!this.#subject.messagesUrl) return () => this.#listenAgain();
    if (!this.#subject.eventsUrl) return () => this.#poll();
    let tries = 0;
    let pollsLeft = 0;
    return async (signal) => {
      const pause = await this.#poll();
      if (signal.aborted || this.#failures) return pause;
      pollsLeft -= 1;
      if (pollsLeft > 0) return pause;
      const ended = await this.#listen(PROBE_MILLISECONDS);
      await this.#refuse(ended);
      tries = ended.isAlive ? 0 : Math.min(tries + 1, MAX_BACKOFF_EXPONENT);
      pollsLeft = ended.isAlive ? 0 : 2 ** tries;
      return ended.isAlive ? pause * Math.random() : pause; // many readers lost it at once, and shall not return at once
    };
  }

  /** @returns {Promise<number>} */
  async #poll() {
    try {
      await this.#handlers.readMissed();
    } catch (/** @type {any} */ error) {
      return this.#failPoll(error);
    }
    const isBack = this.#failures > 0;
    this.#failures = 0;
    if (isBack) this.#handlers.onBack();
    this.#handlers.setState("polling");
    return POLL_MILLISECONDS;
  }

  /** @param {any} error @returns {Promise<number>} */
  async #failPoll(error) {
    if (error.status === undefined) throw error;
    const end = judgeStatus(error.status);
    if (end && (await this.#handlers.refuse(end)) && this.#failures === 0) {
      this.#failures = 1;
      return 0;
    }
    if (error.status === 0) this.#handlers.setState("offline");
    const seconds = reconnectSeconds(this.#failures, Math.random, 1, 15);
    this.#failures += 1;
    return Math.max(seconds, error.retryAfterSeconds ?? 0) * 1000;
  }

  /** Server-sent events without polls beside them. @returns {Promise<number>} */
  async #listenAgain() {
    const ended = await this.#listen(FIRST_BYTE_MILLISECONDS);
    if (ended.isAlive) this.#failures = 0;
    else this.#handlers.setState(ended.error?.status === 0 && !this.#isHurried ? "offline" : "connecting");
    const isRenewed = await this.#refuse(ended);
    const seconds = isRenewed && this.#failures === 0 ? 0 : this.#reopenSeconds(ended);
    this.#failures += 1;
    return seconds * 1000;
  }

  /** @param {Ended} ended */
  #reopenSeconds({ closed, error }) {
    if (closed?.code === GOING_AWAY) return this.#retrySeconds; // the very delay for this reader
    const first = Math.max(this.#retrySeconds, 1);
    const { reconnectSeconds: own = (attempt) => reconnectSeconds(attempt, Math.random, first) } = this.#subject;
    const { pause } = judgeClose(closed?.code ?? 0);
    return Math.max(own(this.#failures), pause ?? 0, error?.retryAfterSeconds ?? 0);
  }

  /** @param {Ended} ended @returns {Promise<boolean>} whether access was refused, and is worth another attempt */
  async #refuse({ closed, error }) {
    const end = judgeStatus(error?.status) ?? judgeClose(closed?.code ?? 0).end;
    return end !== null && this.#handlers.refuse(end);
  }

  /** One answer of server-sent events, to its end. @param {number} firstByteMilliseconds @returns {Promise<Ended>} */
  async #listen(firstByteMilliseconds) {
    const listening = new AbortController();
    this.#listening = listening;
    const ended = { isAlive: false, closed: null, error: null };
    try {
      await this.#readAnswer(listening, firstByteMilliseconds, ended);
    } catch (/** @type {any} */ error) {
      ended.error = error;
    } finally {
      listening.abort();
      if (this.#listening === listening) this.#listening = null;
    }
    if (ended.isAlive) this.#handlers.setState("connecting");
    return ended;
  }

  /** @param {AbortController} listening @param {number} firstByteMilliseconds @param {Ended} ended */
  async #readAnswer(listening, firstByteMilliseconds, ended) {
    const limitSilence = (/** @type {number} */ limit) => this.#timers.set("silence", limit, () => listening.abort());
    limitSilence(firstByteMilliseconds);
    const { eventsUrl, client } = /** @type {any} */ (this.#subject);
    const answer = await client.openEvents(eventsUrl(this.#handlers.cursor()), listening.signal);
    for await (const blocks of readBlocks(answer)) {
      if (listening.signal.aborted) return;
      limitSilence(SILENCE_MILLISECONDS);
      if (!ended.isAlive) this.#handlers.setState("streaming");
      ended.isAlive = true;
      if (!blocks.every((block) => this.#receive(block, ended))) return;
    }
  }

  /** @param {import("./sse.js").Block} block @param {Ended} ended @returns {boolean} false: nothing more is to be read */
  #receive({ id, data, retry }, ended) {
    if (retry !== null) this.#retrySeconds = retry / 1000;
    const frame = data === null ? null : JSON.parse(data);
    if (frame?.type === "closed") {
      ended.closed = frame;
      return false;
    }
    if (frame) return this.#handlers.receive(frame);
    const at = id && parsePlace(id);
    if (at) this.#handlers.place(at);
    return true;
  }

  /** @param {number} milliseconds @returns {Promise<void>} */
  #pause(milliseconds) {
    if (this.#isHurried) {
      this.#isHurried = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#endPause = resolve;
      this.#timers.set("pause", milliseconds, resolve);
    });
  }
}
