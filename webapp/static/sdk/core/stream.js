/**
 * The events of one stream, each once and in order, over whatever transport works just now.
 *
 *     connect(sessionStream(sessionId), { after, onEvent, onState });
 *
 * A WebSocket while one is open, else server-sent events, else polls; one connection for all tabs of a browser.
 * @module
 */

import { judgeStatus } from "./closing.js";
import { Connection } from "./connection.js";
import { checkOrder, isBehind } from "./ordering.js";
import { canShare, Tabs } from "./tabs.js";

const RECENT_EVENTS = 200;
const FULL_PAGE = 100;

/** @typedef {import("./ordering.js").Cursor} Cursor */
/** @typedef {"connecting"|"live"|"streaming"|"polling"|"offline"|"closed"} StreamState
 *   over which transport events come: a WebSocket, server-sent events, polls; or none */
/** @typedef {"completed"|"gone"|"expired"|"cancelled"|"unauthenticated"|"forbidden"|"left"} EndReason */
/** @typedef {{type: string, seq: number, epoch: string, session_id: string, message: string, timestamp: string,
 *   status?: string, data?: any}} StreamEvent */
/**
 * What a stream is about, and where to ask. An error of `events`, `messages` or `status` has the HTTP status as its
 * `status`, 0 when no answer came at all.
 * @typedef {object} Subject
 * @property {string} id tabs with the same id read with the same right, and share one connection
 * @property {(cursor: Cursor) => string} socketUrl
 * @property {string[]} [socketProtocols]
 * @property {(cursor: Cursor, signal: AbortSignal) => Promise<Response>} events server-sent events
 * @property {(cursor: Cursor) => Promise<{messages: StreamEvent[], last_seq: number, epoch: string,
 *   resync: boolean}>} messages
 * @property {() => Promise<any>} [status] how things stand now
 * @property {(event: any) => EndReason|null} [ending] why nothing comes after this event, or null
 */
/**
 * @typedef {object} StreamOptions
 * @property {number} [after] the last number already known
 * @property {string|null} [epoch] the epoch in which that number counts
 * @property {(event: StreamEvent) => void} onEvent
 * @property {(state: StreamState, reason: EndReason|null) => void} [onState]
 * @property {(status: any, at: Cursor) => void} [onStatus] the events after the cursor are gone: this is the state at `at`
 * @property {boolean} [share] false gives this tab a connection of its own
 */

/** @param {Subject} stream @param {StreamOptions} options @returns {Stream} already connecting */
export function connect(stream, options) {
  return new Stream(stream, options);
}

export class Stream {
  #subject;
  #options;
  /** @type {Cursor} */ #cursor;
  #recent = /** @type {StreamEvent[]} */ ([]);
  #state = /** @type {StreamState} */ ("connecting");
  #connection = /** @type {Connection|null} */ (null);
  #tabs = /** @type {Tabs|null} */ (null);
  #isOver = false;
  #isPaused = true;
  #reading = /** @type {Promise<void>|null} */ (null);
  #pageEvents = new AbortController();

  /** @param {Subject} subject @param {StreamOptions} options */
  constructor(subject, options) {
    this.#subject = subject;
    this.#options = options;
    this.#cursor = { seq: options.after ?? 0, epoch: options.epoch ?? null };
    this.#watchPage();
    this.#resume();
  }

  get cursor() {
    return { ...this.#cursor };
  }
  get state() {
    return this.#state;
  }
  /** Whether this tab has the connection, for itself and for the other tabs. */
  get isLeading() {
    return this.#connection !== null;
  }

  /** Leaves for good; the stream itself goes on. */
  close() {
    this.#end("left");
  }

  /** Tries at once instead of waiting for the next attempt. */
  retryNow() {
    this.#connection?.retryNow();
    this.#tabs?.askLeader();
  }

  #watchPage() {
    const { signal } = this.#pageEvents;
    const on = (
      /** @type {EventTarget|undefined} */ target,
      /** @type {string} */ names,
      /** @type {() => void} */ act,
    ) => {
      for (const name of names.split(" ")) target?.addEventListener?.(name, act, { signal });
    };
    const page = globalThis.document;
    on(globalThis, "online", () => this.#wake());
    on(page, "visibilitychange", () => page.hidden || this.#wake());
    // A page that is put away keeps neither connection nor lock: the other tabs would wait for a leader that is frozen.
    on(globalThis, "pagehide", () => this.#pause());
    on(page, "freeze", () => this.#pause());
    on(globalThis, "pageshow", () => this.#resume());
    on(page, "resume", () => this.#resume());
  }

  #wake() {
    this.#connection?.wake();
    this.#tabs?.askLeader();
  }

  #resume() {
    if (this.#isOver || !this.#isPaused) return;
    this.#isPaused = false;
    if (this.#options.share === false || !canShare()) this.#lead();
    else
      this.#tabs = new Tabs(`welno.stream:${this.#subject.id}`, {
        lead: () => this.#lead(),
        follow: () => this.#disconnect(),
        makeUpdate: (after) => ({
          events: after ? this.#recent.filter(({ seq }) => seq > after.seq) : [],
          at: this.#cursor,
          state: this.#state,
        }),
        onUpdate: (update) => this.#follow(update),
      });
  }

  #pause() {
    this.#isPaused = true;
    this.#tabs?.leave();
    this.#tabs = null;
    this.#disconnect();
    this.#setState("connecting");
  }

  #lead() {
    this.#setState("connecting");
    this.#connection = new Connection(this.#subject, {
      cursor: () => this.#cursor,
      accept: (event) => this.#accept(event),
      readMissed: () => this.#readMissed(),
      greet: ({ epoch }) => {
        this.#cursor = { ...this.#cursor, epoch: this.#cursor.epoch ?? epoch };
      },
      resync: (frame) => this.#restart(frame, frame.data),
      setState: (state) => this.#setState(state),
      end: (reason) => this.#end(reason),
    });
  }

  #disconnect() {
    this.#connection?.stop();
    this.#connection = null;
  }

  /** @param {import("./tabs.js").Update} update */
  #follow({ events, at, state }) {
    // They may begin too late, or belong to another epoch: then none is accepted, and all is read.
    for (const event of events) this.#accept(event);
    this.#setState(state);
    if (isBehind(this.#cursor, at)) this.#readMissed().catch((error) => this.#handleReadError(error));
  }

  /** The leader's next update shows again that something is missing. @param {any} error */
  #handleReadError(error) {
    if (error.status === undefined) throw error;
    this.#end(judgeStatus(error.status));
  }

  /** @param {StreamEvent} event @returns {boolean} false when events before it are missing */
  #accept(event) {
    if (this.#isOver) return true;
    const order = checkOrder(this.#cursor, event);
    if (order !== "next") return order === "duplicate";
    this.#cursor = { seq: event.seq, epoch: event.epoch ?? this.#cursor.epoch };
    this.#recent = [...this.#recent.slice(1 - RECENT_EVENTS), event];
    this.#tabs?.broadcast([event]);
    this.#notify(this.#options.onEvent, event);
    this.#end(this.#subject.ending?.(event) ?? null);
    return true;
  }

  /** What came after the cursor, by HTTP. Two calls at once share one request. */
  #readMissed() {
    this.#reading ??= this.#readPages().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readPages() {
    for (let isFull = true; isFull && !this.#isOver; ) {
      const asked = this.#cursor;
      const answer = await this.#subject.messages(asked);
      const status = answer.resync ? await this.#subject.status?.() : null;
      if (answer.resync && this.#cursor === asked) this.#restart(answer, status);
      for (const event of answer.messages) this.#accept(event);
      isFull = answer.messages.length >= FULL_PAGE;
    }
  }

  /** @param {{last_seq: number, epoch: string}} place @param {any} status */
  #restart({ last_seq, epoch }, status) {
    if (this.#isOver) return;
    this.#cursor = { seq: last_seq, epoch };
    this.#recent = [];
    this.#tabs?.broadcast();
    this.#notify(this.#options.onStatus, status, this.cursor);
    this.#end(this.#subject.ending?.(status) ?? null);
  }

  /** @param {EndReason|string|null} reason null: it goes on */
  #end(reason) {
    if (this.#isOver || !reason) return;
    this.#isOver = true;
    this.#pageEvents.abort();
    this.#pause();
    this.#setState("closed", reason);
  }

  /** @param {StreamState} state */
  #setState(state, reason = /** @type {any} */ (null)) {
    if (state === this.#state || (this.#isOver && state !== "closed")) return;
    this.#state = state;
    this.#tabs?.broadcast();
    this.#notify(this.#options.onState, state, reason);
  }

  /** An error of the page's own callbacks is reported as uncaught, and stops no event. @param {Function|undefined} act @param {any[]} update */
  #notify(act, ...update) {
    try {
      act?.(...update);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
