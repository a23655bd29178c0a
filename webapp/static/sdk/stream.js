/**
 * The events of one session, each once and in order, over whatever transport works just now.
 *
 * A WebSocket while it lives; when it is lost, polling at once and a new socket after a growing delay.
 * @module
 */

import { ending, judge, judgeClose, reconnectSeconds } from "./ordering.js";
import { WelnoClient } from "./session.js";

const POLL_MILLISECONDS = 2_000;
const PING_MILLISECONDS = 30_000;
const PONG_MILLISECONDS = 10_000;
const PROBE_MILLISECONDS = 4_000;
const OPEN_MILLISECONDS = 10_000;

/** @typedef {"connecting"|"live"|"polling"|"offline"|"closed"} StreamState */
/** @typedef {"completed"|"gone"|"expired"|"cancelled"|"unauthenticated"|"forbidden"|"left"} EndReason */
/** @typedef {{type: string, seq: number, epoch: string, session_id: string, message: string, timestamp: string,
 *   status?: string, data?: any}} SessionEvent */
/**
 * @typedef {object} StreamOptions
 * @property {string} sessionId
 * @property {number} [after] the last number already known
 * @property {string|null} [epoch] the history that number counts in
 * @property {(event: SessionEvent) => void} onEvent
 * @property {(status: any) => void} [onStatus] the history is gone: this is how things stand now
 * @property {(state: StreamState, reason: EndReason|null) => void} [onState]
 * @property {WelnoClient} [client]
 */

/** @param {StreamOptions} options @returns {Stream} already connecting */
export function connect(options) {
  const stream = new Stream(options);
  stream.retryNow();
  return stream;
}

export class Stream {
  #options;
  #client;
  #cursor;
  #state = /** @type {StreamState} */ ("connecting");
  #socket = /** @type {WebSocket|null} */ (null);
  #attempt = 0;
  #over = false;
  #polling = false;
  #timers = { open: 0, ping: 0, pong: 0, redial: 0, poll: 0 };
  #watching = new AbortController();

  /** @param {StreamOptions} options */
  constructor(options) {
    this.#options = options;
    this.#client = options.client ?? new WelnoClient();
    this.#cursor = { seq: options.after ?? 0, epoch: options.epoch ?? null };
    this.#watchTheWorld();
  }

  get cursor() {
    return { ...this.#cursor };
  }
  get state() {
    return this.#state;
  }

  /** Leaves for good; the session itself goes on. */
  close() {
    this.#end("left");
  }

  /** Dials at once instead of waiting for the next attempt. */
  retryNow() {
    if (this.#over || this.#socket) return;
    this.#attempt = 0;
    this.#dial();
  }

  /** A phone that was asleep may hold a dead socket that looks open: ask it, or dial anew. */
  #wake() {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#ping(PROBE_MILLISECONDS);
    else this.retryNow();
  }

  #watchTheWorld() {
    const { signal } = this.#watching;
    globalThis.addEventListener?.("online", () => this.#wake(), { signal });
    globalThis.addEventListener?.("pageshow", (shown) => shown.persisted && this.#wake(), { signal });
    globalThis.document?.addEventListener("visibilitychange", () => document.hidden || this.#wake(), { signal });
  }

  #dial() {
    this.#stop("redial");
    if (this.#state === "closed") return;
    const socket = new WebSocket(
      this.#client.socketUrl(this.#options.sessionId, this.#cursor),
      this.#client.socketProtocols,
    );
    this.#socket = socket;
    this.#after("open", OPEN_MILLISECONDS, () => this.#lose(socket, 1006));
    socket.onmessage = ({ data }) => socket === this.#socket && this.#hear(socket, data);
    socket.onclose = ({ code, reason }) => this.#lose(socket, code, reason);
  }

  #hear(socket, text) {
    this.#stop("open", "pong");
    this.#attempt = 0;
    if (this.#state !== "live") this.#goLive();
    const frame = JSON.parse(text);
    if (frame.type === "resync") this.#resync(frame);
    else if (Number.isInteger(frame.seq)) this.#takeLive(socket, frame);
    else if (frame.type === "connection_established") this.#cursor.epoch ??= frame.epoch;
  }

  #goLive() {
    this.#stop("poll");
    this.#say("live");
    this.#keepAlive();
  }

  #keepAlive() {
    this.#after("ping", PING_MILLISECONDS, () => {
      this.#ping(PONG_MILLISECONDS);
      this.#keepAlive();
    });
  }

  #ping(patience) {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    socket.send(JSON.stringify({ type: "ping", timestamp: new Date().toISOString() }));
    this.#after("pong", patience, () => this.#lose(socket, 1006));
  }

  /** A socket that skips a number has lost something: another one replays it. */
  #takeLive(socket, event) {
    if (judge(this.#cursor, event) === "gap") this.#lose(socket, 1006);
    else this.#take(event);
  }

  /** An answer to a poll is the whole truth after the cursor, so here a hole is none of ours. */
  #take(event) {
    const verdict = judge(this.#cursor, event);
    if (this.#over || verdict === "drop") return;
    if (verdict === "resync") {
      this.#resync({ epoch: event.epoch, last_seq: event.seq });
      return;
    }
    this.#cursor = { seq: event.seq, epoch: event.epoch ?? this.#cursor.epoch };
    this.#options.onEvent(event);
    const reason = ending(event);
    if (reason) this.#end(reason);
  }

  async #resync(frame) {
    this.#cursor = { seq: frame.last_seq, epoch: frame.epoch };
    const status = await this.#client.status(this.#options.sessionId).catch(() => frame);
    if (this.#over || !status.status) return;
    this.#options.onStatus?.(status);
    if (status.status === "completed" || status.status === "expired" || status.status === "cancelled") {
      this.#end(status.status);
    }
  }

  #lose(socket, code, reason = "") {
    if (socket !== this.#socket) return;
    this.#drop();
    const { end, pause, delay } = judgeClose(code, reason);
    if (end) this.#end(end);
    if (this.#over) return;
    if (this.#state === "live") this.#say("connecting");
    const seconds = delay ?? Math.max(pause ?? 0, reconnectSeconds(this.#attempt));
    this.#attempt += 1;
    this.#after("redial", seconds * 1000, () => this.#dial());
    this.#poll();
  }

  /** `close()` alone would wait for the other side, which may be gone. */
  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#stop("open", "ping", "pong");
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  async #poll() {
    this.#stop("poll");
    if (this.#polling) return;
    this.#polling = true;
    const pause = await this.#pollOnce().finally(() => {
      this.#polling = false;
    });
    if (!this.#over && this.#state !== "live") this.#after("poll", pause, () => this.#poll());
  }

  /** @returns {Promise<number>} milliseconds until the next poll */
  async #pollOnce() {
    try {
      const answer = await this.#client.messages(this.#options.sessionId, this.#cursor);
      if (this.#over) return 0;
      if (this.#state !== "live") this.#say("polling");
      if (answer.resync) await this.#resync(answer);
      else for (const event of answer.messages) this.#take(event);
    } catch (error) {
      if (error.status === 404) this.#end("gone");
      else if (error.status === undefined) throw error;
      else if (this.#state !== "live" && error.status === 0) this.#say("offline");
      return Math.max(POLL_MILLISECONDS, (error.retryAfterSeconds ?? 0) * 1000);
    }
    return POLL_MILLISECONDS;
  }

  #end(reason) {
    if (this.#over) return;
    this.#over = true;
    this.#drop();
    this.#stop("redial", "poll");
    this.#watching.abort();
    this.#say("closed", reason);
  }

  #say(state, reason = null) {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState?.(state, reason);
  }

  #after(name, milliseconds, act) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(act, milliseconds);
  }

  #stop(...names) {
    for (const name of names) clearTimeout(this.#timers[name]);
  }
}
