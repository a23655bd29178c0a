/** A browser's surroundings for the tests of the stream: sockets, answers and locks that a test plays by hand. */

import { mock } from "node:test";

import { connect } from "../../webapp/static/sdk/stream.js";

/** Everything that was dialled, the newest last. @type {FakeSocket[]} */
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
    this.say({ type: "connection_established", epoch });
  }
  say(...frames) {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) });
  }
  lose(code = 1006, reason = "") {
    this.readyState = FakeSocket.CLOSED;
    this.onclose?.({ code, reason });
  }
}

export const events = new EventTarget();

export function setUp() {
  sockets.length = 0;
  globalThis.WebSocket = FakeSocket;
  globalThis.addEventListener = events.addEventListener.bind(events);
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

/** Server-sent events by hand. */
export class FakeEvents {
  constructor() {
    const encoder = new TextEncoder();
    this.body = new ReadableStream({ start: (controller) => (this.controller = controller) });
    this.write = (text) => this.controller.enqueue(encoder.encode(text));
    this.response = new Response(this.body);
  }
  say(...frames) {
    for (const frame of frames) this.write(`id: e:${frame.seq}\ndata: ${JSON.stringify(frame)}\n\n`);
  }
}

/** A stream whose answers a test gives; `asked` tells what was asked of it. */
export function subject(traits = {}) {
  const asked = [];
  return {
    asked,
    id: "s",
    socketUrl: ({ seq }) => `ws://x/${seq}`,
    events: async () => {
      throw failure(503);
    },
    messages: async ({ seq }) => {
      asked.push(seq);
      return { messages: [], last_seq: seq, epoch: "e", resync: false };
    },
    ...traits,
  };
}

/** A page that follows a stream and writes down what it is told. */
export function follow(stream, options = {}) {
  const told = { events: [], states: [], statuses: [] };
  const line = connect(stream, {
    onEvent: (event) => told.events.push(event),
    onState: (state, reason) => told.states.push(reason ? `${state}: ${reason}` : state),
    onStatus: (status, at) => told.statuses.push({ status, at }),
    ...options,
  });
  return Object.assign(told, { line });
}
