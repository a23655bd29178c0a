/** What a browser and a server give a stream: sockets, answers and events that a test controls. */

import { mock } from "node:test";

import { connect } from "../../webapp/static/sdk/core/stream.js";

/** Every socket that was opened, the newest last. @type {FakeSocket[]} */
export const sockets = [];

export class FakeSocket {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSED = 3;
  readyState = FakeSocket.CONNECTING;
  sent = [];

  constructor(url) {
    this.url = url;
    sockets.push(this);
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.readyState = FakeSocket.CLOSED;
  }
  open(epoch = "e") {
    this.readyState = FakeSocket.OPEN;
    this.receive({ type: "connection_established", epoch });
  }
  receive(...frames) {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) });
  }
  closeWith(code = 1006, reason = "") {
    this.readyState = FakeSocket.CLOSED;
    this.onclose?.({ code, reason });
  }
}

export const events = new EventTarget();

export function setUp() {
  sockets.length = 0;
  globalThis.WebSocket = FakeSocket;
  globalThis.addEventListener = events.addEventListener.bind(events);
  globalThis.removeEventListener = events.removeEventListener.bind(events);
  // Newer Nodes have locks of their own; a test that is about tabs plays them by hand.
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
  mock.timers.enable({ apis: ["setTimeout"] });
}

export const tearDown = () => mock.timers.reset();

export const numbered = (seq, epoch = "e") => ({ type: "note", seq, epoch });
export const numbersOf = (seen) => seen.map(({ seq }) => seq);

export function failure(status) {
  return Object.assign(new Error(`answered ${status}`), { status });
}

/** Lets promises and channels run; clocks stand still meanwhile. */
export async function settle(rounds = 30) {
  for (let round = 0; round < rounds; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

export async function pass(seconds) {
  mock.timers.tick(seconds * 1000);
  await settle();
}

/** An answer of server-sent events that a test writes. */
export class FakeEvents {
  constructor() {
    const encoder = new TextEncoder();
    this.body = new ReadableStream({ start: (controller) => (this.controller = controller) });
    this.end = () => this.controller.close();
    this.write = (text) => this.controller.enqueue(encoder.encode(text));
    this.response = new Response(this.body);
  }
  send(...frames) {
    for (const frame of frames) this.write(`id: e:${frame.seq}\ndata: ${JSON.stringify(frame)}\n\n`);
  }
}

/**
 * A subject whose answers a test gives: `events` those of server-sent events, `messages` those of polls, for the place
 * that their address names. `asked` holds the places that polls asked from. `has` names its transports.
 */
export function subject({ has = "socket events messages", events, messages, ...traits } = {}) {
  const asked = [];
  const addresses = {
    socket: { socketUrl: ({ seq }) => `ws://x/${seq}` },
    events: { eventsUrl: ({ seq, epoch }) => `/events ${seq} ${epoch ?? ""}` },
    messages: { messagesUrl: ({ seq, epoch }) => `/messages ${seq} ${epoch ?? ""}` },
  };
  const placeIn = (url) => {
    const [, seq, epoch] = url.split(" ");
    return { seq: Number(seq), epoch: epoch || null };
  };
  const unavailable = async () => {
    throw failure(503);
  };
  const nothing = async ({ seq }) => {
    asked.push(seq);
    return { messages: [], last_seq: seq, epoch: "e", resync: false };
  };
  return {
    asked,
    id: "s",
    ...Object.assign({}, ...has.split(" ").map((name) => addresses[name])),
    client: {
      openEvents: (url, signal) => (events ?? unavailable)(placeIn(url), signal),
      getJson: (url) => (messages ?? nothing)(placeIn(url)),
    },
    ...traits,
  };
}

/** A page that follows a subject and records what it is given. */
export function follow(followed, options = {}) {
  const seen = { events: [], states: [], statuses: [] };
  const stream = connect(followed, {
    onEvent: (event) => seen.events.push(event),
    onState: (state, reason) => seen.states.push(reason ? `${state}: ${reason}` : state),
    onStatus: (status, at) => seen.statuses.push({ status, at }),
    ...options,
  });
  return Object.assign(seen, { stream });
}
