/**
 * The WebSocket of a stream: opened again with growing delay, pinged, and dropped when it falls silent.
 * @module
 */

import { judgeClose, reconnectSeconds } from "./closing.js";
import { Timers } from "./timers.js";

const OPEN_MILLISECONDS = 10_000;
const SLOW_MILLISECONDS = 2_500; // a proxy may swallow a handshake: after so long the fallback starts
const PING_MILLISECONDS = 30_000;
const PONG_MILLISECONDS = 10_000;
const PROBE_MILLISECONDS = 4_000;

/**
 * `receive` answers false when events before the frame are missing; `refuse` whether another attempt is worth it.
 * @typedef {{cursor: () => import("./ordering.js").Cursor, receive: (frame: any) => boolean, onLive: () => void,
 *   onSlow: () => void, onLost: (wasLive: boolean) => void, refuse: (reason: string) => Promise<boolean>}} SocketHandlers
 */

const OPEN = 1; // WebSocket.OPEN, also where there is no WebSocket: Node has one from version 22 on

/** @param {string} url @param {string[]} protocols @returns {WebSocket|null} */
const openWebSocket = (url, protocols) => (globalThis.WebSocket ? new WebSocket(url, protocols) : null);

export class WebSocketTransport {
  /** @type {import("./stream.js").Subject} */ #subject;
  /** @type {SocketHandlers} */ #handlers;
  #socket = /** @type {WebSocket|null} */ (null);
  #attempt = 0;
  #isLive = false;
  #isOver = false;
  #timers = new Timers();

  /** @param {import("./stream.js").Subject} subject @param {SocketHandlers} handlers */
  constructor(subject, handlers) {
    this.#subject = subject;
    this.#handlers = handlers;
  }

  /** Whether frames arrive by it. */
  get isLive() {
    return this.#isLive;
  }

  /** At once, instead of at the next attempt. */
  open() {
    this.#attempt = 0;
    if (!this.#isOver && !this.#socket) this.#connect();
  }

  /** After a phone slept, a dead socket may look open: it is pinged, or another one opened. */
  wake() {
    if (this.#socket?.readyState === OPEN) this.#ping(PROBE_MILLISECONDS);
    else this.open();
  }

  /** @param {any} frame @returns {boolean} false: there is no open socket to send it on */
  send(frame) {
    if (!this.#isLive || this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  stop() {
    this.#isOver = true;
    this.#drop();
    this.#timers.close();
  }

  #connect() {
    this.#timers.clear("reopen");
    const { socketUrl, socketProtocols = [], openSocket = openWebSocket } = /** @type {any} */ (this.#subject);
    const socket = openSocket(socketUrl(this.#handlers.cursor()), socketProtocols);
    if (!socket) {
      this.#lose(null, 1006);
      return;
    }
    this.#socket = socket;
    this.#timers.set("open", OPEN_MILLISECONDS, () => this.#lose(socket, 1006));
    this.#timers.set("slow", SLOW_MILLISECONDS, () => this.#handlers.onSlow());
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(socket, JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.#lose(socket, code, reason);
  }

  /** @param {WebSocket} socket @param {any} frame */
  #receive(socket, frame) {
    const { subscription } = this.#subject;
    if (subscription && frame.type === "connection_established") {
      socket.send(JSON.stringify(subscription.frame(this.#handlers.cursor())));
      return; // live is only who was let in to the subject
    }
    const code = subscription?.closeCode(frame) ?? null;
    if (code !== null) {
      this.#lose(socket, code);
      return;
    }
    this.#timers.clear("pong");
    if (subscription && !this.#isLive && frame.type === "pong") return;
    this.#timers.clear("open", "slow");
    this.#attempt = 0;
    if (!this.#isLive) this.#goLive();
    // A socket that skips a number has lost something: another one is asked for what is missing.
    if (!this.#handlers.receive(frame)) this.#lose(socket, 1006);
  }

  #goLive() {
    this.#isLive = true;
    this.#handlers.onLive();
    this.#keepAlive();
  }

  #keepAlive() {
    this.#timers.set("ping", PING_MILLISECONDS, () => {
      this.#ping(PONG_MILLISECONDS);
      this.#keepAlive();
    });
  }

  /** @param {number} timeout */
  #ping(timeout) {
    const socket = this.#socket;
    if (socket?.readyState !== OPEN) return;
    socket.send(JSON.stringify({ type: "ping", timestamp: new Date().toISOString() }));
    this.#timers.set("pong", timeout, () => this.#lose(socket, 1006));
  }

  /** @param {WebSocket|null} socket @param {number} code */
  #lose(socket, code, reason = "") {
    if (socket !== this.#socket || this.#isOver) return;
    const wasLive = this.#isLive;
    this.#drop();
    const { end, pause, delay } = judgeClose(code, reason);
    if (end) {
      this.#reopenUnlessOver(end, wasLive);
      return;
    }
    this.#reopenAfter(delay ?? Math.max(pause ?? 0, this.#delay()));
    this.#handlers.onLost(wasLive);
  }

  /** @param {string} end @param {boolean} wasLive */
  async #reopenUnlessOver(end, wasLive) {
    if (!(await this.#handlers.refuse(end)) || this.#socket || this.#isOver) return;
    this.#reopenAfter(this.#attempt === 0 ? 0 : this.#delay());
    this.#handlers.onLost(wasLive);
  }

  #delay() {
    return (this.#subject.reconnectSeconds ?? reconnectSeconds)(this.#attempt);
  }

  /** @param {number} seconds */
  #reopenAfter(seconds) {
    this.#attempt += 1;
    this.#timers.set("reopen", seconds * 1000, () => this.#connect());
  }

  /** `close()` alone would wait for the other side, which may be gone. */
  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#isLive = false;
    this.#timers.clear("open", "slow", "ping", "pong");
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }
}
