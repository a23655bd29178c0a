/**
 * The events of one stream, each once and in order, over whatever transport works just now.
 *
 *     connect(sessionStream(sessionId), { after, onEvent, onState });
 *
 * A WebSocket while it lives, else server-sent events, else polls; one of them for all tabs of a browser.
 * @module
 */

import { judgeStatus } from "./closing.js";
import { Line } from "./line.js";
import { isBehind, judge } from "./ordering.js";
import { canShare, Tabs } from "./tabs.js";

const KEPT_EVENTS = 200;
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
 * @property {string} id tabs with the same id read with the same right, and share one line
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
 * @property {string|null} [epoch] the history that number counts in
 * @property {(event: StreamEvent) => void} onEvent
 * @property {(state: StreamState, reason: EndReason|null) => void} [onState]
 * @property {(status: any, at: Cursor) => void} [onStatus] the history is gone: this is how things stand at `at`
 * @property {boolean} [share] false keeps this tab to itself
 */

/** @param {Subject} stream @param {StreamOptions} options @returns {Stream} already connecting */
export function connect(stream, options) {
  return new Stream(stream, options);
}

export class Stream {
  #subject;
  #options;
  /** @type {Cursor} */ #cursor;
  #kept = /** @type {StreamEvent[]} */ ([]);
  #state = /** @type {StreamState} */ ("connecting");
  #line = /** @type {Line|null} */ (null);
  #tabs = /** @type {Tabs|null} */ (null);
  #isOver = false;
  #isPaused = true;
  #reading = /** @type {Promise<void>|null} */ (null);
  #watching = new AbortController();

  /** @param {Subject} subject @param {StreamOptions} options */
  constructor(subject, options) {
    this.#subject = subject;
    this.#options = options;
    this.#cursor = { seq: options.after ?? 0, epoch: options.epoch ?? null };
    this.#watchTheWorld();
    this.#resume();
  }

  get cursor() {
    return { ...this.#cursor };
  }
  get state() {
    return this.#state;
  }
  /** Whether this tab reads for itself, and for the other tabs. */
  get isLeading() {
    return this.#line !== null;
  }

  /** Leaves for good; the stream itself goes on. */
  close() {
    this.#end("left");
  }

  /** Tries at once instead of waiting for the next attempt. */
  retryNow() {
    this.#line?.retryNow();
    this.#tabs?.ask();
  }

  #watchTheWorld() {
    const { signal } = this.#watching;
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
    // A page that is put away keeps neither line nor lock: nobody would hear it, and the other tabs would wait for it.
    on(globalThis, "pagehide", () => this.#pause());
    on(page, "freeze", () => this.#pause());
    on(globalThis, "pageshow", () => this.#resume());
    on(page, "resume", () => this.#resume());
  }

  #wake() {
    this.#line?.wake();
    this.#tabs?.ask();
  }

  #resume() {
    if (this.#isOver || !this.#isPaused) return;
    this.#isPaused = false;
    if (this.#options.share === false || !canShare()) this.#lead();
    else
      this.#tabs = new Tabs(`welno:${this.#subject.id}`, {
        lead: () => this.#lead(),
        follow: () => this.#unlead(),
        news: (after) => ({
          events: after ? this.#kept.filter(({ seq }) => seq > after.seq) : [],
          at: this.#cursor,
          state: this.#state,
        }),
        hear: (news) => this.#hear(news),
      });
  }

  #pause() {
    this.#isPaused = true;
    this.#tabs?.leave();
    this.#tabs = null;
    this.#unlead();
    this.#say("connecting");
  }

  #lead() {
    this.#say("connecting");
    this.#line = new Line(this.#subject, {
      cursor: () => this.#cursor,
      take: (event) => this.#take(event),
      read: () => this.#read(),
      greet: ({ epoch }) => {
        this.#cursor = { ...this.#cursor, epoch: this.#cursor.epoch ?? epoch };
      },
      resync: (frame) => this.#restart(frame, frame.data),
      say: (state) => this.#say(state),
      end: (reason) => this.#end(reason),
    });
  }

  #unlead() {
    this.#line?.stop();
    this.#line = null;
  }

  /** @param {import("./tabs.js").News} news */
  #hear({ events, at, state }) {
    // They may begin too late, or belong to another history: then none is taken, and all is read.
    for (const event of events) this.#take(event);
    this.#say(state);
    if (isBehind(this.#cursor, at)) this.#read().catch((error) => this.#excuse(error));
  }

  /** The next question to the leader tells again that something is missing. @param {any} error */
  #excuse(error) {
    if (error.status === undefined) throw error;
    this.#end(judgeStatus(error.status));
  }

  /** @param {StreamEvent} event @returns {boolean} false when events before it are missing */
  #take(event) {
    if (this.#isOver) return true;
    const verdict = judge(this.#cursor, event);
    if (verdict !== "deliver") return verdict === "drop";
    this.#cursor = { seq: event.seq, epoch: event.epoch ?? this.#cursor.epoch };
    this.#kept = [...this.#kept.slice(1 - KEPT_EVENTS), event];
    this.#tabs?.tell([event]);
    this.#call(this.#options.onEvent, event);
    this.#end(this.#subject.ending?.(event) ?? null);
    return true;
  }

  /** What came after the cursor, by HTTP. Two who ask at once get one answer. */
  #read() {
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
      for (const event of answer.messages) this.#take(event);
      isFull = answer.messages.length >= FULL_PAGE;
    }
  }

  /** @param {{last_seq: number, epoch: string}} place @param {any} status */
  #restart({ last_seq, epoch }, status) {
    if (this.#isOver) return;
    this.#cursor = { seq: last_seq, epoch };
    this.#kept = [];
    this.#tabs?.tell();
    this.#call(this.#options.onStatus, status, this.cursor);
    this.#end(this.#subject.ending?.(status) ?? null);
  }

  /** @param {EndReason|string|null} reason null: it goes on */
  #end(reason) {
    if (this.#isOver || !reason) return;
    this.#isOver = true;
    this.#watching.abort();
    this.#pause();
    this.#say("closed", reason);
  }

  /** @param {StreamState} state */
  #say(state, reason = /** @type {any} */ (null)) {
    if (state === this.#state || (this.#isOver && state !== "closed")) return;
    this.#state = state;
    this.#tabs?.tell();
    this.#call(this.#options.onState, state, reason);
  }

  /** What the page does wrong is the page's to see, and stops no event. @param {Function|undefined} act @param {any[]} news */
  #call(act, ...news) {
    try {
      act?.(...news);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
