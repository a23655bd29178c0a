/**
 * The connection of one stream over what its subject has: a WebSocket; while none is open, server-sent events; where
 * none arrive, polls.
 * @module
 */

import { HttpTransport } from "./http.js";
import { WebSocketTransport } from "./websocket.js";

/** @typedef {import("./ordering.js").Cursor} Cursor */
/**
 * Of the stream. `receive` answers false when events before the frame are missing; `place` takes a place that came
 * without an event; `readMissed` asks for what is missing; `refuse` answers whether another attempt is worth it.
 * @typedef {{cursor: () => Cursor, receive: (frame: any) => boolean, place: (at: Cursor) => void,
 *   readMissed: () => Promise<void>, setState: (state: import("./stream.js").StreamState) => void,
 *   refuse: (reason: string) => Promise<boolean>}} StreamHandlers
 */

export class Connection {
  #socket;
  #http;
  #handlers;

  /** @param {import("./stream.js").Subject} subject @param {StreamHandlers} handlers */
  constructor(subject, handlers) {
    this.#handlers = handlers;
    const hasHttp = subject.eventsUrl || subject.messagesUrl;
    this.#http = hasHttp ? new HttpTransport(subject, this.#httpHandlers()) : null;
    this.#socket = subject.socketUrl ? new WebSocketTransport(subject, this.#socketHandlers()) : null;
    if (this.#socket) this.#socket.open();
    else this.#http?.start();
  }

  stop() {
    this.#socket?.stop();
    this.#http?.stop();
  }

  /** @param {any} frame @returns {boolean} false: there is no open socket to send it on */
  send(frame) {
    return this.#socket?.send(frame) ?? false;
  }

  /** At once, instead of at the next attempt. */
  retryNow() {
    if (this.#socket) this.#socket.open();
    else this.#http?.retryNow();
  }

  /** What looks open is tested, what is not is opened at once: for when the page or the network is back. */
  wake() {
    this.#socket?.wake();
    this.#http?.wake();
  }

  /** @returns {import("./websocket.js").SocketHandlers} */
  #socketHandlers() {
    const { cursor, receive, refuse } = this.#handlers;
    return {
      cursor,
      receive,
      refuse,
      onLive: () => {
        this.#http?.stop();
        this.#handlers.setState("live");
      },
      onSlow: () => this.#http?.start(),
      onLost: (wasLive) => {
        if (wasLive) this.#handlers.setState("connecting");
        else if (!this.#http) this.#handlers.setState("offline");
        this.#http?.start();
      },
    };
  }

  /** @returns {import("./http.js").HttpHandlers} */
  #httpHandlers() {
    return {
      ...this.#handlers,
      setState: (state) => {
        if (!this.#socket?.isLive) this.#handlers.setState(state);
      },
      onBack: () => this.#socket?.open(),
    };
  }
}
