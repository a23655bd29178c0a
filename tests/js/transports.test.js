import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { connect } from "../../webapp/static/sdk/core/stream.js";
import {
  events,
  FakeEvents,
  failure,
  follow,
  numbered,
  numbersOf,
  pass,
  setUp,
  settle,
  sockets,
  subject,
  tearDown,
} from "./browser.js";

/** @type {ReturnType<typeof follow>|null} */
let page = null;
beforeEach(setUp);
afterEach(() => {
  page?.stream.close();
  tearDown();
});

function begin(traits, options) {
  page = follow(subject(traits), options);
  return page;
}

/** A subject of server-sent events alone: `opened` are its answers and the places they were asked for, in order. */
function beginWithEvents({ answer = async () => new FakeEvents(), ...traits } = {}, options = {}) {
  const opened = [];
  const polls = () => assert.fail("server-sent events alone must not poll");
  const open = async (place, signal) => {
    const given = await answer(opened.length, signal);
    opened.push(Object.assign(given, { place }));
    return new Response(given.body.pipeThrough(new TransformStream(), { signal }));
  };
  return Object.assign(begin({ has: "events", events: open, messages: polls, ...traits }, options), { opened });
}

/** Fails each time, and counts. */
function refusing(error) {
  const answer = async () => {
    answer.tries += 1;
    throw error;
  };
  return Object.assign(answer, { tries: 0 });
}

test("server-sent events alone go on from their place after the delay that the server named", async () => {
  const { opened, events: seen, states } = beginWithEvents();
  await settle();
  opened[0].write("retry: 2000\n\n");
  opened[0].send(numbered(1), numbered(2));
  await settle();
  opened[0].end();
  await settle();
  await pass(1.9);
  assert.equal(opened.length, 1);
  await pass(0.7);
  opened[1].send(numbered(2), numbered(3));
  await settle();
  assert.deepEqual([opened[1].place, numbersOf(seen)], [{ seq: 2, epoch: "e" }, [1, 2, 3]]);
  assert.deepEqual(states, ["streaming", "connecting", "streaming"]);
});

test("server-sent events alone open no socket", async () => {
  beginWithEvents();
  await pass(120);
  assert.equal(sockets.length, 0);
});

test("server-sent events that cannot be had are tried again more and more rarely", async () => {
  const answer = refusing(failure(503));
  const { states } = beginWithEvents({ answer });
  for (let second = 0; second < 60; second += 1) await pass(1);
  assert.ok(answer.tries >= 4 && answer.tries <= 6, String(answer.tries));
  assert.deepEqual(states, []);
});

test("server-sent events are not asked for before Retry-After", async () => {
  const answer = refusing(Object.assign(failure(429), { retryAfterSeconds: 30 }));
  beginWithEvents({ answer });
  await settle();
  await pass(29);
  assert.equal(answer.tries, 1);
  await pass(1);
  assert.equal(answer.tries, 2);
});

test("without any answer the page is offline", async () => {
  const { states } = beginWithEvents({ answer: refusing(failure(0)) });
  await settle();
  assert.deepEqual(states, ["offline"]);
});

test("a server that stops names each reader its delay", async () => {
  const { opened } = beginWithEvents();
  await settle();
  opened[0].write('retry: 700\n\ndata: {"type":"closed","code":1001,"reason":"going away"}\n\n');
  await settle();
  await pass(0.69);
  assert.equal(opened.length, 1);
  await pass(0.02);
  assert.equal(opened.length, 2);
});

test("a server that is full is left alone for as long as its close code says", async () => {
  const { opened } = beginWithEvents();
  await settle();
  opened[0].write('data: {"type":"closed","code":1013,"reason":"try again later"}\n\n');
  await settle();
  await pass(9.9);
  assert.equal(opened.length, 1);
  await pass(0.2);
  assert.equal(opened.length, 2);
});

test("a first block with only an id is the place of a reader who named none", async () => {
  const { opened, stream } = beginWithEvents();
  await settle();
  opened[0].write("retry: 1000\nid: e:41\n\n");
  await settle();
  assert.deepEqual(stream.cursor, { seq: 41, epoch: "e" });
  opened[0].end();
  await settle();
  await pass(2);
  assert.deepEqual(opened[1].place, { seq: 41, epoch: "e" });
});

test("server-sent events alone that fall silent are opened anew", async () => {
  const { opened } = beginWithEvents();
  await settle();
  opened[0].write(": alive\n\n");
  await settle();
  await pass(45);
  await pass(4);
  assert.equal(opened.length, 2);
});

test("server-sent events alone are opened anew at once when the network is back", async () => {
  const { opened } = beginWithEvents();
  await settle();
  opened[0].send(numbered(1));
  await settle();
  events.dispatchEvent(new Event("online"));
  await settle();
  assert.deepEqual([opened.length, opened[1].place.seq], [2, 1]);
});

test("an event with a gap before it is asked for again", async () => {
  const { opened, events: seen } = beginWithEvents();
  await settle();
  opened[0].send(numbered(1), numbered(3));
  await settle();
  await pass(4);
  opened[1].send(numbered(2), numbered(3));
  await settle();
  assert.deepEqual([opened[1].place.seq, numbersOf(seen)], [1, [1, 2, 3]]);
});

test("a WebSocket alone is opened again with growing delay, and nothing is asked by HTTP", async () => {
  const { states } = begin({ has: "socket", client: undefined });
  sockets[0].open();
  sockets[0].receive(numbered(1));
  sockets[0].closeWith(1006);
  await pass(6.3);
  assert.deepEqual([sockets.length, sockets[1].url], [2, "ws://x/1"]);
  sockets[1].closeWith(1006);
  await pass(9.9);
  assert.equal(sockets.length, 2);
  await pass(2.7);
  assert.equal(sockets.length, 3);
  assert.deepEqual(states, ["live", "connecting", "offline"]);
});

test("what a WebSocket alone has skipped comes by the next one", async () => {
  const { events: seen } = begin({ has: "socket" });
  sockets[0].open();
  sockets[0].receive(numbered(1), numbered(3));
  await pass(6.3);
  sockets[1].open();
  sockets[1].receive(numbered(2), numbered(3));
  assert.deepEqual(numbersOf(seen), [1, 2, 3]);
});

test("a subject names its own delays", async () => {
  begin({ has: "socket", reconnectSeconds: (attempt) => 3 + attempt });
  sockets[0].closeWith(1006);
  await pass(3);
  sockets[1].closeWith(1006);
  await pass(3.9);
  assert.equal(sockets.length, 2);
  await pass(0.1);
  assert.equal(sockets.length, 3);
});

test("polls alone go on every two seconds", async () => {
  let seq = 0;
  const { events: seen, states } = begin({
    has: "messages",
    messages: async () => ({ messages: [numbered(++seq)], last_seq: seq, epoch: "e", resync: false }),
  });
  await settle();
  await pass(2);
  await pass(2);
  assert.deepEqual([numbersOf(seen), states, sockets.length], [[1, 2, 3], ["polling"], 0]);
});

test("a socket and polls do without server-sent events", async () => {
  const { states } = begin({ has: "socket messages" });
  sockets[0].closeWith(1006);
  await settle();
  await pass(6.3);
  sockets[1].open();
  assert.deepEqual(states, ["polling", "live"]);
});

test("a socket and server-sent events do without polls", async () => {
  const answer = new FakeEvents();
  const { events: seen, states } = begin({
    has: "socket events",
    events: async () => answer.response,
    messages: () => assert.fail("there are no polls"),
  });
  sockets[0].open();
  sockets[0].closeWith(1006);
  await settle();
  answer.send(numbered(1));
  await settle();
  await pass(6.3);
  sockets[1].open();
  sockets[1].receive(numbered(2));
  assert.deepEqual([numbersOf(seen), states], [[1, 2], ["live", "connecting", "streaming", "live"]]);
});

test("a subject without any address is a mistake that is seen at once", () => {
  assert.throws(() => connect({ id: "s" }, { onEvent: () => {} }), TypeError);
});

test("a subject with an address for HTTP needs a client", () => {
  assert.throws(() => connect({ id: "s", eventsUrl: () => "/events" }, { onEvent: () => {} }), TypeError);
});

test("a refused socket is opened again at once with new credentials", async () => {
  let token = "old";
  const { states } = begin({
    has: "socket",
    socketUrl: () => `ws://x/${token}`,
    onUnauthorized: async () => {
      token = "new";
      return true;
    },
  });
  sockets[0].closeWith(4401);
  await settle();
  await pass(0);
  sockets[1].open();
  assert.deepEqual([sockets[1].url, states.at(-1)], ["ws://x/new", "live"]);
});

test("credentials that stay refused are tried with growing delay", async () => {
  begin({ has: "socket", onUnauthorized: async () => true });
  sockets[0].closeWith(4401);
  await settle();
  await pass(0);
  sockets[1].closeWith(4401);
  await pass(9.9);
  assert.equal(sockets.length, 2);
});

test("a page that was put away while credentials were asked for opens nothing", async () => {
  let renew;
  const subjectOf = begin({ has: "socket messages", onUnauthorized: () => new Promise((resolve) => (renew = resolve)) });
  sockets[0].closeWith(4401);
  events.dispatchEvent(new Event("pagehide"));
  renew(true);
  await settle();
  await pass(60);
  assert.deepEqual([sockets.length, subjectOf.stream.state], [1, "connecting"]);
});

test("a socket on which nobody has let the subject in yet is not live by its pong", async () => {
  const subscription = { frame: () => ({ type: "subscribe" }), closeCode: () => null };
  const { states } = begin({ subscription });
  sockets[0].open();
  sockets[0].receive({ type: "pong" });
  await pass(2.6);
  assert.deepEqual(states, ["polling"]);
  sockets[0].receive(numbered(1));
  assert.equal(states.at(-1), "live");
});

test("without new credentials a refusal is the end", async () => {
  const { states } = begin({ has: "socket", onUnauthorized: async () => false });
  sockets[0].closeWith(4401);
  await settle();
  assert.deepEqual(states, ["closed: unauthenticated"]);
});

test("refused server-sent events are asked for again with new credentials", async () => {
  let isRefused = true;
  const { opened, states } = beginWithEvents({
    answer: async () => {
      if (isRefused) throw failure(401);
      return new FakeEvents();
    },
    onUnauthorized: async () => {
      isRefused = false;
      return true;
    },
  });
  await settle();
  await pass(0);
  opened[0].send(numbered(1));
  await settle();
  assert.deepEqual(states.at(-1), "streaming");
});

test("a refusal to renew that nobody could answer ends nothing", async () => {
  const { states } = begin({
    has: "socket",
    onUnauthorized: async () => {
      throw failure(0);
    },
  });
  sockets[0].closeWith(4401);
  await settle();
  await pass(0);
  assert.equal(sockets.length, 2);
  assert.ok(!states.some((state) => state.startsWith("closed")), String(states));
});

test("refused polls and sockets ask for new credentials once", async () => {
  let asked = 0;
  let renew;
  begin({
    has: "socket messages",
    messages: async () => {
      throw failure(401);
    },
    onUnauthorized: () => {
      asked += 1;
      return new Promise((resolve) => (renew = resolve));
    },
  });
  await pass(2.5);
  sockets[0].closeWith(4401);
  await settle();
  assert.equal(asked, 1);
  renew(true);
});

test("a subject says what its greeting means", async () => {
  const { statuses, events: seen } = begin({
    has: "socket",
    greeting: (frame) =>
      frame.type === "initial_state" ? { at: { seq: frame.last_seq, epoch: frame.epoch }, status: frame.payload } : null,
  });
  sockets[0].receive({ type: "initial_state", last_seq: 7, epoch: "e", payload: { state: "WAITING" } }, numbered(8));
  assert.deepEqual(statuses, [{ status: { state: "WAITING" }, at: { seq: 7, epoch: "e" } }]);
  assert.deepEqual(numbersOf(seen), [8]);
});

test("a poll's place is that of a reader who named none", async () => {
  const { stream } = begin({
    has: "messages",
    messages: async () => ({ messages: [], last_seq: 41, epoch: "e", resync: false }),
  });
  await settle();
  assert.deepEqual(stream.cursor, { seq: 41, epoch: "e" });
});

test("without a `status` of its own the state is the answer's", async () => {
  const { statuses } = begin(
    {
      has: "messages",
      messages: async ({ epoch }) => ({
        messages: [],
        last_seq: 3,
        epoch: "f",
        resync: epoch === "e",
        state: { status: "saving" },
      }),
    },
    { after: 9, epoch: "e" },
  );
  await settle();
  assert.deepEqual(statuses, [{ status: { status: "saving" }, at: { seq: 3, epoch: "f" } }]);
});

test("where there is no WebSocket, as in Node 20, events are streamed", async () => {
  delete globalThis.WebSocket;
  const answer = new FakeEvents();
  const { events: seen, states, stream } = begin({ events: async () => answer.response });
  await settle();
  answer.send(numbered(1));
  events.dispatchEvent(new Event("online"));
  await settle();
  assert.deepEqual(numbersOf(seen), [1]);
  assert.equal(states.at(-1), "streaming");
  assert.equal(stream.send({}), false);
});
