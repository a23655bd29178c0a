/**
 * The connection of one stream: a WebSocket; while none is open, server-sent events; where none arrive, polls.
 * @module
 */

import { judgeClose, judgeStatus, reconnectSeconds } from "./closing.js";

const OPEN_MILLISECONDS = 10_000;
const SLOW_MILLISECONDS = 2_500; // a proxy may swallow a handshake: after so long the fallback starts
const PING_MILLISECONDS = 30_000;
const PONG_MILLISECONDS = 10_000;
const PROBE_MILLISECONDS = 4_000;
const SILENCE_MILLISECONDS = 45_000; // the server sends a comment every 20 s
const POLL_MILLISECONDS = 2_000;
const MAX_BACKOFF_EXPONENT = 4; // server-sent events that keep failing are tried after 16 polls at the latest

/** @typedef {import("./ordering.js").Cursor} Cursor */
/** @typedef {import("./stream.js").StreamState} StreamState */
/**
 * `accept` answers false when events before this one are missing; `readMissed` asks for them by HTTP.
 * @typedef {{cursor: () => Cursor, accept: (event: any) => boolean, readMissed: () => Promise<void>,
 *   greet: (frame: any) => void, resync: (frame: any) => void, setState: (state: StreamState) => void,
 *   end: (reason: any) => void}} StreamHandlers
 */

export class Connection {
  /** @type {import("./stream.js").Subject} */ #subject;
  /** @type {StreamHandlers} */ #handlers;
  #socket = /** @type {WebSocket|null} */ (null);
  #fallback = /** @type {AbortController|null} */ (null);
  #listening = /** @type {AbortController|null} */ (null);
  #attempt = 0;
  #failures = 0;
  #isLive = false;
  #isOver = false;
  #timers = /** @type {Record<string, any>} */ ({});
  #endRest = () => {};

  /** @param {import("./stream.js").Subject} subject @param {StreamHandlers} handlers */
  constructor(subject, handlers) {
    this.#subject = subject;
    this.#handlers = handlers;
    this.retryNow();
  }

  stop() {
    this.#isOver = true;
    this.#dropSocket();
    this.#fallback?.abort();
    this.#stop(...Object.keys(this.#timers));
  }

  /** Opens a socket at once instead of waiting for the next attempt. */
  retryNow() {
    this.#attempt = 0;
    if (!this.#isOver && !this.#socket) this.#openSocket();
  }

  /** After a phone slept, a dead connection may look open: it is pinged, or opened anew. */
  wake() {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#ping(PROBE_MILLISECONDS);
    else this.retryNow();
    this.#failures = 0;
    this.#endRest();
    if (this.#listening) this.#handlers.readMissed().catch(() => this.#listening?.abort());
  }

  #openSocket() {
    this.#stop("reopen");
    const socket = new WebSocket(this.#subject.socketUrl(this.#handlers.cursor()), this.#subject.socketProtocols ?? []);
    this.#socket = socket;
    this.#after("open", OPEN_MILLISECONDS, () => this.#loseSocket(socket, 1006));
    this.#after("slow", SLOW_MILLISECONDS, () => this.#runFallback());
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receiveFromSocket(socket, JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.#loseSocket(socket, code, reason);
  }

  /** @param {WebSocket} socket @param {any} frame */
  #receiveFromSocket(socket, frame) {
    this.#stop("open", "slow", "pong");
    this.#attempt = this.#failures = 0;
    if (!this.#isLive) this.#goLive();
    // A socket that skips a number has lost something: what is missing is read, and another socket opened.
    if (!this.#receive(frame)) this.#loseSocket(socket, 1006);
  }

  /** @param {any} frame @returns {boolean} false when something before it is missing */
  #receive(frame) {
    if (Number.isInteger(frame.seq)) return this.#handlers.accept(frame);
    if (frame.type === "connection_established") this.#handlers.greet(frame);
    if (frame.type === "resync") this.#handlers.resync(frame);
    return true;
  }

  #goLive() {
    this.#isLive = true;
    this.#fallback?.abort();
    this.#handlers.setState("live");
    this.#keepAlive();
  }

  #keepAlive() {
    this.#after("ping", PING_MILLISECONDS, () => {
      this.#ping(PONG_MILLISECONDS);
      this.#keepAlive();
    });
  }

  /** @param {number} timeout */
  #ping(timeout) {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    socket.send(JSON.stringify({ type: "ping", timestamp: new Date().toISOString() }));
    this.#after("pong", timeout, () => this.#loseSocket(socket, 1006));
  }

  /** @param {WebSocket} socket @param {number} code */
  #loseSocket(socket, code, reason = "") {
    if (socket !== this.#socket || this.#isOver) return;
    const wasLive = this.#isLive;
    this.#dropSocket();
    if (!this.#scheduleReopen(code, reason)) return;
    if (wasLive) this.#handlers.setState("connecting");
    this.#runFallback();
  }

  /** False when the stream is over. @param {number} code @param {string} reason */
  #scheduleReopen(code, reason) {
    const { end, pause, delay } = judgeClose(code, reason);
    if (end) {
      this.#handlers.end(end);
      return false;
    }
    const seconds = delay ?? Math.max(pause ?? 0, reconnectSeconds(this.#attempt));
    this.#attempt += 1;
    this.#after("reopen", seconds * 1000, () => this.#openSocket());
    return true;
  }

  /** `close()` alone would wait for the other side, which may be gone. */
  #dropSocket() {
    const socket = this.#socket;
    this.#socket = null;
    this.#isLive = false;
    this.#stop("open", "slow", "ping", "pong");
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** Until a socket is open: read what was missed, then take server-sent events, and poll where those fail. */
  async #runFallback() {
    if (this.#fallback || this.#isLive || this.#isOver) return;
    const fallback = new AbortController();
    this.#fallback = fallback;
    fallback.signal.addEventListener("abort", () => {
      this.#fallback = null;
      this.#listening?.abort();
      this.#endRest();
    });
    for (let tries = 0, polls = 0; !fallback.signal.aborted; ) {
      let pause = await this.#poll();
      if (!fallback.signal.aborted && !this.#failures && --polls <= 0) {
        const wasAlive = await this.#listen();
        tries = wasAlive ? 0 : Math.min(tries + 1, MAX_BACKOFF_EXPONENT);
        polls = wasAlive ? 0 : 2 ** tries;
        if (wasAlive) pause *= Math.random(); // many lost it at once: they do not all come back at once
      }
      if (!fallback.signal.aborted) await this.#rest(pause);
    }
  }

  /** @returns {Promise<number>} milliseconds until the next one */
  async #poll() {
    try {
      await this.#handlers.readMissed();
    } catch (/** @type {any} */ error) {
      return this.#handlePollError(error);
    }
    const isBack = this.#failures > 0;
    this.#failures = 0;
    if (isBack) this.retryNow();
    if (!this.#isLive && !this.#isOver) this.#handlers.setState("polling");
    return POLL_MILLISECONDS;
  }

  /** @param {any} error @returns {number} */
  #handlePollError(error) {
    const end = judgeStatus(error.status);
    if (end) this.#handlers.end(end);
    else if (error.status === undefined) throw error;
    else if (error.status === 0 && !this.#isLive && !this.#isOver) this.#handlers.setState("offline");
    const seconds = reconnectSeconds(this.#failures, Math.random, 1, 15);
    this.#failures += 1;
    return Math.max(seconds, error.retryAfterSeconds ?? 0) * 1000;
  }

  /** Server-sent events until they end. @returns {Promise<boolean>} whether anything arrived */
  async #listen() {
    const listening = new AbortController();
    this.#listening = listening;
    const limitSilence = (/** @type {number} */ wait) => this.#after("silence", wait, () => listening.abort());
    limitSilence(PROBE_MILLISECONDS);
    let isAlive = false;
    try {
      const answer = await this.#subject.events(this.#handlers.cursor(), listening.signal);
      for await (const frames of readFrames(answer)) {
        if (listening.signal.aborted) break;
        limitSilence(SILENCE_MILLISECONDS);
        if (!isAlive) this.#handlers.setState("streaming");
        isAlive = true;
        if (!frames.every((frame) => this.#receiveBlock(frame))) break;
      }
    } catch (/** @type {any} */ error) {
      const end = judgeStatus(error.status);
      if (end) this.#handlers.end(end);
    } finally {
      listening.abort();
      if (this.#listening === listening) this.#listening = null;
    }
    if (isAlive && !this.#isLive && !this.#isOver) this.#handlers.setState("connecting");
    return isAlive;
  }

  /** @param {any} frame @returns {boolean} false when nothing more is to be read */
  #receiveBlock(frame) {
    if (frame.type !== "closed") return !this.#isOver && this.#receive(frame);
    const { end } = judgeClose(frame.code, frame.reason);
    if (end) this.#handlers.end(end);
    return false;
  }

  /** @param {number} milliseconds @returns {Promise<void>} */
  #rest(milliseconds) {
    return new Promise((resolve) => {
      this.#endRest = resolve;
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

/** The frames of each chunk that arrives; none in a chunk that only keeps the connection alive.
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
