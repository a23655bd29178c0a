/**
 * The events of one stream, each once and in order, over whatever transport works just now.
 *
 *     connect(subject, { after, onEvent, onState });
 *
 * A WebSocket while one is open, else server-sent events, else polls, of those that the subject has; one connection for
 * all tabs of a browser.
 * @module
 */

import { judgeStatus } from "./closing.js";
import { Connection } from "./connection.js";
import { watchPage } from "./lifecycle.js";
import { checkOrder, isBehind } from "./ordering.js";
import { canShare, Tabs } from "./tabs.js";

const RECENT_EVENTS = 200;
const FULL_PAGE = 100;

/** @typedef {import("./ordering.js").Cursor} Cursor */
/** @typedef {"connecting"|"live"|"streaming"|"polling"|"offline"|"closed"} StreamState
 *   over which transport events come: a WebSocket, server-sent events, polls; or none */
/** `left`: `close()` was called; `over`: nothing comes any more; a subject has further ones.
 * @typedef {"gone"|"expired"|"unauthenticated"|"forbidden"|"over"|"left"|string} EndReason */
/** @typedef {{type: string, seq: number, epoch: string, [field: string]: any}} StreamEvent */
/** What a reader learns when it is let in: from which place it counts, and perhaps the state there.
 * @typedef {{at: Cursor, status?: any}} Greeting */
/**
 * How one subject is asked for on a socket that may follow several: the frame that subscribes, from a place on, and the
 * close code for a frame by which the server refuses or ends it; null: the frame does neither.
 * @typedef {{frame: (cursor: Cursor) => any, closeCode: (frame: any) => number|null}} Subscription
 */
/**
 * What a stream is about, and where to ask. At least one of the three addresses; each is made with the place to begin
 * behind. An error of `client` or `status` has the HTTP status as its `status`, 0 when no answer came at all.
 * @typedef {object} Subject
 * @property {string} id tabs with the same id read with the same right, and share one connection
 * @property {(cursor: Cursor) => string} [socketUrl]
 * @property {(cursor: Cursor) => string} [eventsUrl] of server-sent events
 * @property {(cursor: Cursor) => string} [messagesUrl] of `{messages, last_seq, epoch, resync, state?}`
 * @property {string[]} [socketProtocols]
 * @property {(url: string, protocols: string[]) => WebSocket|null} [openSocket] null: there is no network
 * @property {Subscription} [subscription] where the address alone does not tell the subject
 * @property {{getJson: (url: string) => Promise<any>, openEvents: (url: string, signal: AbortSignal) =>
 *   Promise<Response>}} [client] an HttpClient, which asks for `eventsUrl` and `messagesUrl`: needed where one of them is given
 * @property {() => Promise<any>} [status] the state as it is now, for who has missed too much
 * @property {(event: any) => EndReason|null} [ending] why nothing comes after this event (or state), or null
 * @property {(frame: any, cursor: Cursor) => Greeting|null} [greeting] what an unnumbered frame says; null: no greeting
 * @property {boolean} [isFromNowOn] who names no place gets what comes: the first event tells where that is; by polls, which
 *   have no greeting, `status` is asked for first
 * @property {(attempt: number) => number} [reconnectSeconds] the delay before attempt 0, 1, 2 ...
 * @property {() => Promise<boolean>} [onUnauthorized] true when there are new credentials to try with
 */
/**
 * @typedef {object} StreamOptions
 * @property {number} [after] the last number already known
 * @property {string|null} [epoch] the epoch in which that number counts
 * @property {(event: StreamEvent) => void} onEvent
 * @property {(state: StreamState, reason: EndReason|null) => void} [onState]
 * @property {(status: any, at: Cursor) => void} [onStatus] this is the state at `at`, behind which events go on
 * @property {(frame: any) => void} [onFrame] an unnumbered frame that is no greeting, as the answer to what was sent
 * @property {boolean} [share] false gives this tab a connection of its own
 */

const CONNECTED = new Set(["live", "streaming", "polling"]);

/** Whether events come, over whichever transport. @param {StreamState} state */
export function isConnected(state) {
  return CONNECTED.has(state);
}

/** @param {Subject} subject @param {StreamOptions} options @returns {Stream} already connecting */
export function connect(subject, options) {
  return new Stream(subject, options);
}

export class Stream {
  /** @type {Subject} */ #subject;
  /** @type {StreamOptions} */ #options;
  /** @type {Cursor} */ #cursor;
  #recent = /** @type {StreamEvent[]} */ ([]);
  #state = /** @type {StreamState} */ ("connecting");
  #connection = /** @type {Connection|null} */ (null);
  #catchUp = /** @type {Connection|null} */ (null);
  #leaderAt = /** @type {Cursor|null} */ (null);
  #tabs = /** @type {Tabs|null} */ (null);
  #isOver = false;
  #isPaused = true;
  #reading = /** @type {Promise<void>|null} */ (null);
  #refreshing = /** @type {Promise<boolean>|null} */ (null);
  #pageEvents = new AbortController();

  /** @param {Subject} subject @param {StreamOptions} options */
  constructor(subject, options) {
    checkSubject(subject);
    this.#subject = subject;
    this.#options = options;
    this.#cursor = { seq: options.after ?? 0, epoch: options.epoch ?? null };
    const act = { wake: () => this.#wake(), pause: () => this.#pause(), resume: () => this.#resume() };
    watchPage(act, this.#pageEvents.signal);
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

  /** A frame to the server, by this tab's own socket.
   * @param {any} frame @returns {boolean} false: this tab has no open socket, and another way has to be taken */
  send(frame) {
    return this.#connection?.send(frame) ?? false;
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
    this.#disconnect();
    this.#setState("connecting");
    this.#connection = this.#open((state) => this.#setState(state));
  }

  /** @param {(state: StreamState) => void} setState */
  #open(setState) {
    return new Connection(this.#subject, {
      cursor: () => this.#cursor,
      receive: (frame) => this.#receive(frame),
      place: (at) => this.#takePlace(at),
      readMissed: () => this.#readMissed(),
      setState,
      refuse: (reason) => this.#refuse(reason),
    });
  }

  #disconnect() {
    this.#connection?.stop();
    this.#connection = null;
    this.#endCatchUp();
  }

  /** @param {import("./tabs.js").Update} update */
  #follow({ events, at, state }) {
    this.#leaderAt = at;
    // They may begin too late, or belong to another epoch: then none is accepted, and all is read.
    for (const event of events) this.#accept(event);
    this.#setState(state);
    if (!isBehind(this.#cursor, at)) return;
    if (this.#subject.messagesUrl) this.#readMissed().catch((error) => this.#failRead(error));
    else this.#catchUp ??= this.#open(() => {}); // the state shown is the leader's
  }

  /** The leader's next update shows again that something is missing. @param {any} error */
  #failRead(error) {
    if (error.status === undefined) throw error;
    const reason = judgeStatus(error.status);
    if (reason) this.#refuse(reason);
  }

  /** A connection of a follower's own lasts until it stands where the leader stands. */
  #endCatchUp() {
    this.#catchUp?.stop();
    this.#catchUp = null;
  }

  /** @param {any} frame @returns {boolean} false when events before it are missing */
  #receive(frame) {
    if (Number.isInteger(frame.seq)) return this.#accept(frame);
    if (frame.type !== "resync") this.#greet(frame);
    else {
      const own = this.#subject.greeting?.(frame, this.cursor); // a subject may name its place in its own words
      this.#restart(own?.at ?? { seq: frame.last_seq, epoch: frame.epoch }, own ? (own.status ?? null) : frame.data);
    }
    return true;
  }

  /** @param {StreamEvent} event @returns {boolean} false when events before it are missing */
  #accept(event) {
    if (this.#isOver) return true;
    const isFirst = this.#subject.isFromNowOn && this.#cursor.epoch === null;
    const order = isFirst ? "next" : checkOrder(this.#cursor, event);
    if (order !== "next") return order === "duplicate";
    this.#moveTo({ seq: event.seq, epoch: event.epoch ?? this.#cursor.epoch }, event);
    this.#notify(this.#options.onEvent, event);
    this.#end(this.#subject.ending?.(event) ?? null);
    return true;
  }

  /** @param {Cursor} at @param {StreamEvent} [event] that led there; without one, what was kept leads there no more */
  #moveTo(at, event) {
    this.#cursor = at;
    this.#recent = event ? [...this.#recent.slice(1 - RECENT_EVENTS), event] : [];
    this.#tabs?.broadcast(event ? [event] : []);
    if (this.#leaderAt && !isBehind(at, this.#leaderAt)) this.#endCatchUp();
  }

  /** @param {any} frame */
  #greet(frame) {
    const greeting = (this.#subject.greeting ?? readGreeting)(frame, this.cursor);
    if (this.#isOver) return;
    if (!greeting) return this.#notify(this.#options.onFrame, frame);
    const { at, status } = greeting;
    if (at.seq !== this.#cursor.seq || (this.#cursor.epoch && at.epoch !== this.#cursor.epoch)) this.#moveTo(at);
    else this.#cursor = at;
    if (status !== undefined) this.#notify(this.#options.onStatus, status, this.cursor);
  }

  /** For who named none: from here on. @param {Cursor} at */
  #takePlace(at) {
    if (!this.#isOver && this.#cursor.epoch === null) this.#moveTo(at);
  }

  /** What came after the cursor, by HTTP; nothing where a subject has no polls. Two calls at once share one request. */
  async #readMissed() {
    if (!this.#subject.messagesUrl) return;
    this.#reading ??= this.#readPages(this.#subject.messagesUrl).finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  /** @param {(cursor: Cursor) => string} urlOf */
  async #readPages(urlOf) {
    for (let isFull = true; isFull && !this.#isOver; ) {
      const asked = this.#cursor;
      const answer = await /** @type {any} */ (this.#subject.client).getJson(urlOf(asked));
      const at = { seq: answer.last_seq, epoch: answer.epoch };
      const status = answer.resync ? await (this.#subject.status?.() ?? answer.state ?? null) : null;
      if (answer.resync && this.#cursor === asked) this.#restart(at, status);
      for (const event of answer.messages) this.#accept(event);
      isFull = answer.messages.length >= FULL_PAGE;
      if (!isFull && this.#cursor === asked) await this.#beginAt(at, asked);
      else if (!isFull) this.#takePlace(at);
    }
  }

  /** A poll has no greeting: what was before this place is told by the state, asked for after it.
   * @param {Cursor} at @param {Cursor} asked */
  async #beginAt(at, asked) {
    const isGreetingless = asked.epoch === null && this.#subject.isFromNowOn;
    const status = isGreetingless ? ((await this.#subject.status?.()) ?? null) : null;
    if (this.#cursor !== asked) return;
    this.#takePlace(at);
    if (status !== null && !this.#isOver) this.#notify(this.#options.onStatus, status, this.cursor);
  }

  /** @param {Cursor} at @param {any} status */
  #restart(at, status) {
    if (this.#isOver) return;
    this.#moveTo(at);
    this.#notify(this.#options.onStatus, status, this.cursor);
    this.#end(this.#subject.ending?.(status) ?? null);
  }

  /**
   * Access was refused. New credentials are asked for once for all who were refused meanwhile; when they could not be
   * asked for, the next attempt shows how things are.
   * @param {EndReason} reason @returns {Promise<boolean>} whether another attempt is worth it; else the stream is over
   */
  async #refuse(reason) {
    if (reason === "unauthenticated" && this.#subject.onUnauthorized && !this.#isOver) {
      this.#refreshing ??= this.#subject.onUnauthorized().finally(() => {
        this.#refreshing = null;
      });
      if (await this.#refreshing.catch(() => true)) return !this.#isOver;
    }
    this.#end(reason);
    return false;
  }

  /** @param {EndReason|null} reason null: it goes on */
  #end(reason) {
    if (this.#isOver || !reason) return;
    this.#isOver = true;
    this.#pageEvents.abort();
    this.#pause();
    this.#setState("closed", reason);
  }

  /** @param {StreamState} state @param {EndReason|null} [reason] */
  #setState(state, reason = null) {
    if (state === this.#state || (this.#isOver && state !== "closed")) return;
    this.#state = state;
    this.#tabs?.broadcast();
    this.#notify(this.#options.onState, state, reason);
  }

  /** An error of the page's own callbacks is reported as uncaught, and stops no event.
   * @param {Function|undefined} act @param {any[]} facts */
  #notify(act, ...facts) {
    try {
      act?.(...facts);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

/** @param {any} frame @param {Cursor} cursor @returns {Greeting|null} */
function readGreeting(frame, cursor) {
  if (frame.type !== "connection_established") return null;
  return { at: { seq: cursor.seq, epoch: cursor.epoch ?? frame.epoch } };
}

/** @param {Subject} subject */
function checkSubject({ socketUrl, eventsUrl, messagesUrl, client }) {
  if (!socketUrl && !eventsUrl && !messagesUrl)
    throw new TypeError("a subject needs a socketUrl, an eventsUrl or a messagesUrl");
  if ((eventsUrl || messagesUrl) && !client) throw new TypeError("a subject with an eventsUrl or messagesUrl needs a client");
}
