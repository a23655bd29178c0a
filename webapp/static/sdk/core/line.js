/**
 * One reader of one stream: a WebSocket; where none lives, server-sent events; where none come through, polls.
 * @module
 */

import { judgeClose, judgeStatus, reconnectSeconds } from "./closing.js";

const OPEN_MILLISECONDS = 10_000;
const PATIENCE_MILLISECONDS = 2_500; // a proxy may swallow a handshake: after so long the others step in
const PING_MILLISECONDS = 30_000;
const PONG_MILLISECONDS = 10_000;
const PROBE_MILLISECONDS = 4_000;
const SILENCE_MILLISECONDS = 45_000; // the server sends a sign of life every 20 s
const POLL_MILLISECONDS = 2_000;
const HARDEST = 4; // what keeps failing is tried after 16 polls at the latest

/** @typedef {import("./ordering.js").Cursor} Cursor */
/** @typedef {import("./stream.js").StreamState} StreamState */
/**
 * Whom a line tells. `take` answers false when events before this one are missing; `read` asks for them by HTTP.
 * @typedef {{cursor: () => Cursor, take: (event: any) => boolean, read: () => Promise<void>,
 *   greet: (frame: any) => void, resync: (frame: any) => void, say: (state: StreamState) => void, end: (reason: any) => void}} Host
 */

export class Line {
  /** @type {import("./stream.js").Subject} */ #subject;
  /** @type {Host} */ #host;
  #socket = /** @type {WebSocket|null} */ (null);
  #fallback = /** @type {AbortController|null} */ (null);
  #listening = /** @type {AbortController|null} */ (null);
  #attempt = 0;
  #failures = 0;
  #isLive = false;
  #isOver = false;
  #timers = /** @type {Record<string, any>} */ ({});
  #rise = () => {};

  /** @param {import("./stream.js").Subject} subject @param {Host} host */
  constructor(subject, host) {
    this.#subject = subject;
    this.#host = host;
    this.retryNow();
  }

  stop() {
    this.#isOver = true;
    this.#drop();
    this.#fallback?.abort();
    this.#stop(...Object.keys(this.#timers));
  }

  /** Dials at once instead of waiting for the next attempt. */
  retryNow() {
    this.#attempt = 0;
    if (!this.#isOver && !this.#socket) this.#dial();
  }

  /** A phone that was asleep may hold a dead line that looks open: ask it, or begin anew. */
  wake() {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#ping(PROBE_MILLISECONDS);
    else this.retryNow();
    this.#failures = 0;
    this.#rise();
    if (this.#listening) this.#host.read().catch(() => this.#listening?.abort());
  }

  #dial() {
    this.#stop("redial");
    const socket = new WebSocket(this.#subject.socketUrl(this.#host.cursor()), this.#subject.socketProtocols ?? []);
    this.#socket = socket;
    this.#after("open", OPEN_MILLISECONDS, () => this.#lose(socket, 1006));
    this.#after("patience", PATIENCE_MILLISECONDS, () => this.#fallBack());
    socket.onmessage = ({ data }) => socket === this.#socket && this.#hearSocket(socket, JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.#lose(socket, code, reason);
  }

  /** @param {WebSocket} socket @param {any} frame */
  #hearSocket(socket, frame) {
    this.#stop("open", "patience", "pong");
    this.#attempt = this.#failures = 0;
    if (!this.#isLive) this.#goLive();
    // A socket that skips a number has lost something: what is missing is read, and another one dialled.
    if (!this.#hear(frame)) this.#lose(socket, 1006);
  }

  /** @param {any} frame @returns {boolean} false when something before it is missing */
  #hear(frame) {
    if (Number.isInteger(frame.seq)) return this.#host.take(frame);
    if (frame.type === "connection_established") this.#host.greet(frame);
    if (frame.type === "resync") this.#host.resync(frame);
    return true;
  }

  #goLive() {
    this.#isLive = true;
    this.#fallback?.abort();
    this.#host.say("live");
    this.#keepAlive();
  }

  #keepAlive() {
    this.#after("ping", PING_MILLISECONDS, () => {
      this.#ping(PONG_MILLISECONDS);
      this.#keepAlive();
    });
  }

  /** @param {number} patience */
  #ping(patience) {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    socket.send(JSON.stringify({ type: "ping", timestamp: new Date().toISOString() }));
    this.#after("pong", patience, () => this.#lose(socket, 1006));
  }

  /** @param {WebSocket} socket @param {number} code */
  #lose(socket, code, reason = "") {
    if (socket !== this.#socket || this.#isOver) return;
    const wasLive = this.#isLive;
    this.#drop();
    if (!this.#comesBack(code, reason)) return;
    if (wasLive) this.#host.say("connecting");
    this.#fallBack();
  }

  /** Plans the next socket; false when the stream is over. @param {number} code @param {string} reason */
  #comesBack(code, reason) {
    const { end, pause, delay } = judgeClose(code, reason);
    if (end) {
      this.#host.end(end);
      return false;
    }
    const seconds = delay ?? Math.max(pause ?? 0, reconnectSeconds(this.#attempt));
    this.#attempt += 1;
    this.#after("redial", seconds * 1000, () => this.#dial());
    return true;
  }

  /** `close()` alone would wait for the other side, which may be gone. */
  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#isLive = false;
    this.#stop("open", "patience", "ping", "pong");
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** Until a socket lives: read what was missed, then listen, and poll where listening fails. */
  async #fallBack() {
    if (this.#fallback || this.#isLive || this.#isOver) return;
    const fallback = new AbortController();
    this.#fallback = fallback;
    fallback.signal.addEventListener("abort", () => {
      this.#fallback = null;
      this.#listening?.abort();
      this.#rise();
    });
    for (let tries = 0, polls = 0; !fallback.signal.aborted; ) {
      let pause = await this.#poll();
      if (!fallback.signal.aborted && !this.#failures && --polls <= 0) {
        const heard = await this.#listen();
        tries = heard ? 0 : Math.min(tries + 1, HARDEST);
        polls = heard ? 0 : 2 ** tries;
        if (heard) pause *= Math.random(); // many lost it at once: they do not all come back at once
      }
      if (!fallback.signal.aborted) await this.#rest(pause);
    }
  }

  /** @returns {Promise<number>} milliseconds until the next one */
  async #poll() {
    try {
      await this.#host.read();
    } catch (/** @type {any} */ error) {
      return this.#excuse(error);
    }
    const isBack = this.#failures > 0;
    this.#failures = 0;
    if (isBack) this.retryNow();
    if (!this.#isLive && !this.#isOver) this.#host.say("polling");
    return POLL_MILLISECONDS;
  }

  /** @param {any} error @returns {number} */
  #excuse(error) {
    const end = judgeStatus(error.status);
    if (end) this.#host.end(end);
    else if (error.status === undefined) throw error;
    else if (error.status === 0 && !this.#isLive && !this.#isOver) this.#host.say("offline");
    const seconds = reconnectSeconds(this.#failures, Math.random, 1, 15);
    this.#failures += 1;
    return Math.max(seconds, error.retryAfterSeconds ?? 0) * 1000;
  }

  /** Server-sent events until they end. @returns {Promise<boolean>} whether any sign of life came through */
  async #listen() {
    const listening = new AbortController();
    this.#listening = listening;
    const giveUpAfter = (/** @type {number} */ wait) => this.#after("silence", wait, () => listening.abort());
    giveUpAfter(PROBE_MILLISECONDS);
    let isHeard = false;
    try {
      const answer = await this.#subject.events(this.#host.cursor(), listening.signal);
      for await (const frames of readFrames(answer)) {
        if (listening.signal.aborted) break;
        giveUpAfter(SILENCE_MILLISECONDS);
        if (!isHeard) this.#host.say("streaming");
        isHeard = true;
        if (!frames.every((frame) => this.#hearEvents(frame))) break;
      }
    } catch (/** @type {any} */ error) {
      const end = judgeStatus(error.status);
      if (end) this.#host.end(end);
    } finally {
      listening.abort();
      if (this.#listening === listening) this.#listening = null;
    }
    if (isHeard && !this.#isLive && !this.#isOver) this.#host.say("connecting");
    return isHeard;
  }

  /** @param {any} frame @returns {boolean} false when the listening is over */
  #hearEvents(frame) {
    if (frame.type !== "closed") return !this.#isOver && this.#hear(frame);
    const { end } = judgeClose(frame.code, frame.reason);
    if (end) this.#host.end(end);
    return false;
  }

  /** @param {number} milliseconds @returns {Promise<void>} */
  #rest(milliseconds) {
    return new Promise((resolve) => {
      this.#rise = resolve;
      this.#after("rest", milliseconds, resolve);
    });
  }

  /** @param {string} name @param {number} milliseconds @param {() => void} act */
  #after(name, milliseconds, act) {
    clearTimeout(this.#timers[name]);
    if (!this.#isOver) this.#timers[name] = setTimeout(act, milliseconds);
  }

  /** @param {string[]} names */
  #stop(...names) {
    for (const name of names) clearTimeout(this.#timers[name]);
  }
}

/** The frames of each piece that arrives; none in a piece that is only a sign of life.
 * @param {Response} answer @returns {AsyncGenerator<any[]>} */
async function* readFrames(answer) {
  const reader = /** @type {ReadableStream} */ (answer.body).pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (text + value).split("\n\n");
    text = /** @type {string} */ (parts.pop());
    yield parts
      .map((part) => part.match(/^data: ?(.*)$/m)?.[1])
      .filter(Boolean)
      .map((json) => JSON.parse(/** @type {string} */ (json)));
  }
}
