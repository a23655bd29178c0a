import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

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

const begin = (traits, options) => {
  page = follow(subject(traits), options);
  return page;
};

test("events of a socket arrive once and in order", () => {
  const { events: seen } = begin();
  sockets[0].open();
  sockets[0].receive(numbered(1), numbered(2), numbered(2), numbered(1), numbered(3));
  assert.deepEqual(numbersOf(seen), [1, 2, 3]);
});

test("a socket is opened after the last number known", () => {
  begin({}, { after: 7, epoch: "e" });
  assert.equal(sockets[0].url, "ws://x/7");
});

test("what a socket skipped is read", async () => {
  const { events: seen } = begin({
    messages: async () => ({ messages: [numbered(2), numbered(3)], last_seq: 3, epoch: "e", resync: false }),
  });
  sockets[0].open();
  sockets[0].receive(numbered(1), numbered(3));
  await settle();
  assert.deepEqual(numbersOf(seen), [1, 2, 3]);
  assert.equal(sockets[0].readyState, 3);
});

test("a lost socket is replaced by server-sent events, and these by a socket again", async () => {
  const answer = new FakeEvents();
  let listening;
  const { events: seen, states } = begin({
    events: async (_, signal) => {
      listening = signal;
      return answer.response;
    },
  });
  sockets[0].open();
  sockets[0].receive(numbered(1));
  sockets[0].closeWith();
  await settle();
  answer.send(numbered(2));
  await settle();
  await pass(6.3);
  sockets[1].open();
  sockets[1].receive(numbered(2), numbered(3));
  await settle();
  assert.equal(sockets[1].url, "ws://x/2");
  assert.deepEqual(numbersOf(seen), [1, 2, 3]);
  assert.deepEqual(states, ["live", "connecting", "polling", "streaming", "live"]);
  assert.ok(listening.aborted);
});

test("an event in two pieces is one event", async () => {
  const answer = new FakeEvents();
  const { events: seen } = begin({ events: async () => answer.response });
  sockets[0].closeWith();
  await settle();
  answer.write('id: e:1\ndata: {"seq":1,');
  await settle();
  answer.write('"epoch":"e"}\n\n: alive\n\n');
  await settle();
  assert.deepEqual(numbersOf(seen), [1]);
});

test("server-sent events of which no byte arrives are given up for polls", async () => {
  let seq = 0;
  const { events: seen, stream } = begin({
    events: (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
    messages: async () => ({ messages: [numbered(++seq)], last_seq: seq, epoch: "e", resync: false }),
  });
  sockets[0].closeWith();
  await settle();
  await pass(4);
  await pass(2);
  assert.equal(stream.state, "polling");
  assert.deepEqual(numbersOf(seen), [1, 2]);
});

test("server-sent events that fall silent are given up", async () => {
  const answer = new FakeEvents();
  const { states } = begin({
    events: async (_, signal) => new Response(answer.body.pipeThrough(new TransformStream(), { signal })),
  });
  sockets[0].closeWith();
  await settle();
  answer.write(": alive\n\n");
  await settle();
  await pass(44);
  assert.deepEqual(states, ["polling", "streaming"]);
  await pass(1);
  assert.deepEqual(states.slice(0, 3), ["polling", "streaming", "connecting"]);
});

test("server-sent events are tried again, more and more rarely", async () => {
  let tried = 0;
  begin({
    events: async () => {
      tried += 1;
      throw failure(503);
    },
  });
  sockets[0].closeWith();
  for (let second = 0; second < 60; second += 1) await pass(1);
  assert.ok(tried > 2 && tried < 7, String(tried));
});

test("whoever comes back after the end is told what was missed, and stays away", async () => {
  let tried = 0;
  const { events: seen, states } = begin({
    events: async () => {
      tried += 1;
      throw failure(204);
    },
    messages: async () => ({ messages: [numbered(1), numbered(2)], last_seq: 2, epoch: "e", resync: false }),
  });
  sockets[0].closeWith();
  for (let second = 0; second < 20; second += 1) await pass(1);
  assert.deepEqual(numbersOf(seen), [1, 2]);
  assert.deepEqual([states.at(-1), tried, sockets.length], ["closed: over", 1, 1]);
});

test("a proxy that swallows handshakes delays nothing", async () => {
  const { stream } = begin();
  await pass(2.5);
  assert.equal(stream.state, "polling");
  assert.equal(sockets[0].readyState, 0);
});

test("a network that is back is used at once", async () => {
  let isCut = true;
  const { states } = begin({
    messages: async ({ seq }) => {
      if (isCut) throw failure(0);
      return { messages: [], last_seq: seq, epoch: "e", resync: false };
    },
  });
  sockets[0].closeWith();
  await settle();
  isCut = false;
  await pass(1.3);
  assert.deepEqual(states.slice(0, 2), ["offline", "polling"]);
  assert.equal(sockets.length, 2);
});

test("`online` opens a socket at once", async () => {
  begin({
    messages: async () => {
      throw failure(0);
    },
  });
  sockets[0].closeWith();
  await settle();
  events.dispatchEvent(new Event("online"));
  assert.equal(sockets.length, 2);
});

test("a socket that looks open is pinged on return, and dropped when it is dead", async () => {
  begin();
  sockets[0].open();
  events.dispatchEvent(new Event("online"));
  assert.equal(sockets[0].sent[0].type, "ping");
  await pass(4);
  assert.equal(sockets[0].readyState, 3);
});

test("polls that fail become rarer", async () => {
  let asked = 0;
  begin({
    messages: async () => {
      asked += 1;
      throw failure(503);
    },
  });
  sockets[0].closeWith();
  for (let second = 0; second < 60; second += 1) await pass(1);
  assert.ok(asked > 5 && asked < 12, String(asked));
});

test("a lost history is replaced by the state, and followed from there", () => {
  const { events: seen, statuses } = begin({}, { after: 9, epoch: "e" });
  sockets[0].open();
  sockets[0].receive({ type: "resync", last_seq: 3, epoch: "f", data: { status: "saving" } }, numbered(4, "f"));
  assert.deepEqual(statuses, [{ status: { status: "saving" }, at: { seq: 3, epoch: "f" } }]);
  assert.deepEqual(numbersOf(seen), [4]);
});

test("a poll that cannot learn the state asks again", async () => {
  let tries = 0;
  const { stream, statuses } = begin(
    {
      messages: async ({ epoch }) => ({ messages: [], last_seq: 3, epoch: "f", resync: epoch === "e" }),
      status: async () => {
        tries += 1;
        if (tries === 1) throw failure(0);
        return { status: "saving" };
      },
    },
    { after: 9, epoch: "e" },
  );
  sockets[0].closeWith();
  await settle();
  assert.deepEqual(stream.cursor, { seq: 9, epoch: "e" });
  await pass(1.3);
  assert.deepEqual([stream.cursor, statuses.length], [{ seq: 3, epoch: "f" }, 1]);
});

const fromNowOn = { isFromNowOn: true, messages: async () => ({ messages: [], last_seq: 7, epoch: "e", resync: false }) };

test("whoever asks for what comes from now on by polls learns the state, as no greeting tells it", async () => {
  const { stream, statuses } = begin({ ...fromNowOn, status: async () => ({ status: "called" }) });
  await pass(2.5);
  assert.deepEqual(statuses, [{ status: { status: "called" }, at: { seq: 7, epoch: "e" } }]);
  await pass(5);
  assert.deepEqual([stream.cursor.seq, statuses.length], [7, 1]);
});

test("who could not learn the state by polls asks for it again", async () => {
  let tries = 0;
  const status = async () => {
    tries += 1;
    if (tries === 1) throw failure(0);
    return { status: "called" };
  };
  const { stream, statuses } = begin({ ...fromNowOn, status });
  await pass(2.5);
  assert.deepEqual([stream.cursor.epoch, statuses.length], [null, 0]);
  await pass(1.3);
  assert.deepEqual([stream.cursor.epoch, statuses.length], ["e", 1]);
});

test("a state that a greeting has overtaken is not shown", async () => {
  let tell;
  const { stream, statuses } = begin({ ...fromNowOn, status: () => new Promise((resolve) => (tell = resolve)) });
  await pass(2.5);
  sockets[0].open(null);
  sockets[0].receive(numbered(9));
  tell({ status: "waiting" });
  await settle();
  assert.deepEqual([stream.cursor.seq, statuses.length], [9, 0]);
});

test("an answer that comes too late changes nothing", async () => {
  let answer;
  const { events: seen, stream } = begin(
    { messages: () => new Promise((resolve) => (answer = resolve)) },
    { after: 1, epoch: "e" },
  );
  await pass(2.5);
  sockets[0].open();
  sockets[0].receive({ type: "resync", last_seq: 0, epoch: "f", data: {} }, numbered(1, "f"));
  answer({ messages: [numbered(2, "e")], last_seq: 2, epoch: "e", resync: false });
  await settle();
  assert.deepEqual(stream.cursor, { seq: 1, epoch: "f" });
  assert.equal(seen.length, 1);
});

test("a state that arrives too late changes nothing", async () => {
  let tell;
  const { stream, statuses } = begin(
    {
      messages: async () => ({ messages: [], last_seq: 1, epoch: "f", resync: true }),
      status: () => new Promise((resolve) => (tell = resolve)),
    },
    { after: 9, epoch: "e" },
  );
  await pass(2.5);
  sockets[0].open();
  sockets[0].receive({ type: "resync", last_seq: 2, epoch: "f", data: {} }, numbered(3, "f"));
  tell({ status: "saving" });
  await settle();
  assert.deepEqual([stream.cursor.seq, statuses.length], [3, 1]);
});

for (const [code, reason] of [
  [4401, "unauthenticated"],
  [4404, "gone"],
  [4408, "expired"],
]) {
  test(`close code ${code} reaches the page: ${reason}`, async () => {
    const { states } = begin();
    sockets[0].open();
    sockets[0].closeWith(code);
    await pass(60);
    assert.deepEqual(states, ["live", `closed: ${reason}`]);
    assert.equal(sockets.length, 1);
  });
}

for (const [status, reason] of [
  [401, "unauthenticated"],
  [404, "gone"],
]) {
  test(`an answer ${status} reaches the page: ${reason}`, async () => {
    const { states } = begin({
      messages: async () => {
        throw failure(status);
      },
    });
    sockets[0].closeWith();
    await settle();
    assert.deepEqual(states, [`closed: ${reason}`]);
  });
}

test("a `closed` frame ends the stream for its reason", async () => {
  const answer = new FakeEvents();
  const { states } = begin({ events: async () => answer.response });
  sockets[0].closeWith();
  await settle();
  answer.write('data: {"type":"closed","code":4408,"reason":"session expired"}\n\n');
  await settle();
  assert.equal(states.at(-1), "closed: expired");
});

test("nothing is asked after the last event", async () => {
  const { states } = begin({ ending: (event) => (event?.seq === 2 ? "completed" : null) });
  sockets[0].open();
  sockets[0].receive(numbered(1), numbered(2), numbered(3));
  await pass(120);
  assert.deepEqual(states, ["live", "closed: completed"]);
  assert.equal(sockets.length, 1);
});

test("a page that throws at one event gets the next", (t) => {
  const thrown = [];
  t.mock.method(globalThis, "queueMicrotask", (act) => thrown.push(act));
  let count = 0;
  begin(
    {},
    {
      onEvent: () => {
        count += 1;
        throw new TypeError("oops");
      },
    },
  );
  sockets[0].open();
  sockets[0].receive(numbered(1), numbered(2));
  assert.equal(count, 2);
  assert.throws(thrown[0], TypeError);
});

test("a page that is put away disconnects, and goes on from its cursor when it is back", async () => {
  const { stream } = begin();
  sockets[0].open();
  sockets[0].receive(numbered(1));
  events.dispatchEvent(new Event("pagehide"));
  await pass(60);
  assert.deepEqual([sockets[0].readyState, sockets.length, stream.isLeading], [3, 1, false]);
  events.dispatchEvent(new Event("pageshow"));
  assert.equal(sockets[1].url, "ws://x/1");
});

test("what a page sends goes by its open socket, and the answer comes to it", () => {
  const answers = [];
  const { stream } = follow(subject(), { onFrame: (frame) => answers.push(frame) });
  assert.equal(stream.send({ command: "x" }), false);
  sockets[0].open();
  assert.equal(stream.send({ command: "x" }), true);
  sockets[0].receive({ type: "action_result", request_id: "r" });
  assert.deepEqual([sockets[0].sent, answers], [[{ command: "x" }], [{ type: "action_result", request_id: "r" }]]);
  sockets[0].closeWith(1006);
  assert.equal(stream.send({ command: "x" }), false);
  stream.close();
});

test("who asks for what comes from now on takes the first event's place for its own", () => {
  const { stream, events } = follow(subject({ isFromNowOn: true }));
  sockets[0].open(null);
  sockets[0].receive(numbered(12), numbered(13));
  assert.deepEqual([numbersOf(events), stream.cursor], [[12, 13], { seq: 13, epoch: "e" }]);
  stream.close();
});
