import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { WelnoClient } from "../../webapp/static/sdk/collection/client.js";
import { sessionStream } from "../../webapp/static/sdk/collection/subject.js";
import { failure, follow, numbered, numbersOf, pass, setUp, settle, sockets, subject, tearDown } from "./browser.js";
import { Locks } from "./locks.js";
import { memoryStorage } from "./stores.js";

let tabs = [];
beforeEach(() => {
  setUp();
  Object.defineProperty(globalThis, "navigator", { value: { locks: new Locks() }, configurable: true });
});
afterEach(async () => {
  for (const tab of tabs) tab.stream.close();
  tabs = [];
  await settle();
  tearDown();
});

async function openTab(traits, options) {
  const tab = follow(subject(traits), options);
  tabs.push(tab);
  await settle();
  return tab;
}

const open = () => sockets.filter(({ readyState }) => readyState < 2);

test("two tabs share one socket, and each gets each event once", async () => {
  const [first, second] = [await openTab(), await openTab()];
  sockets[0].open();
  sockets[0].receive(numbered(1), numbered(2));
  await settle();
  assert.equal(sockets.length, 1);
  assert.deepEqual(
    [numbersOf(first.events), numbersOf(second.events)],
    [
      [1, 2],
      [1, 2],
    ],
  );
  assert.deepEqual([first.stream.isLeading, second.stream.isLeading, second.stream.state], [true, false, "live"]);
});

test("a tab that leaves hands over, and the next goes on from its own cursor", async () => {
  const [first, second] = [await openTab(), await openTab()];
  sockets[0].open();
  sockets[0].receive(numbered(1), numbered(2));
  await settle();
  first.stream.close();
  await settle();
  assert.deepEqual(
    open().map(({ url }) => url),
    ["ws://x/2"],
  );
  sockets[1].open();
  sockets[1].receive(numbered(3));
  assert.deepEqual(numbersOf(second.events), [1, 2, 3]);
});

test("a tab that comes late gets what it missed from the leader", async () => {
  const first = await openTab();
  sockets[0].open();
  sockets[0].receive(numbered(1), numbered(2), numbered(3));
  const followed = subject();
  const late = follow(followed, { after: 1, epoch: "e" });
  tabs.push(first, late);
  await settle();
  assert.deepEqual([numbersOf(late.events), followed.asked], [[2, 3], []]);
});

test("what the leader never saw, a tab reads itself", async () => {
  await openTab({}, { after: 2, epoch: "e" });
  sockets[0].open();
  const late = await openTab({
    messages: async () => ({ messages: [numbered(1), numbered(2)], last_seq: 2, epoch: "e", resync: false }),
  });
  assert.deepEqual(numbersOf(late.events), [1, 2]);
});

test("without polls a tab opens its own socket for what the leader never saw, and leaves it when level", async () => {
  await openTab({ has: "socket" }, { after: 2, epoch: "e" });
  sockets[0].open();
  const late = await openTab({ has: "socket" });
  assert.deepEqual([sockets.length, sockets[1].url, late.stream.isLeading], [2, "ws://x/0", false]);
  sockets[1].open();
  sockets[1].receive(numbered(1), numbered(2));
  await settle();
  assert.deepEqual([numbersOf(late.events), open().length, late.stream.state], [[1, 2], 1, "live"]);
  sockets[0].receive(numbered(3));
  await settle();
  assert.deepEqual(numbersOf(late.events), [1, 2, 3]);
});

test("a tab gets no events of another epoch from the leader", async () => {
  await openTab();
  sockets[0].open();
  sockets[0].receive(numbered(1), numbered(2), { type: "resync", last_seq: 1, epoch: "f", data: {} }, numbered(2, "f"));
  const late = await openTab({
    messages: async () => ({ messages: [numbered(1, "f"), numbered(2, "f")], last_seq: 2, epoch: "f", resync: false }),
  });
  assert.deepEqual(
    late.events.map(({ seq, epoch }) => epoch + seq),
    ["f1", "f2"],
  );
});

test("a tab that could not read what it missed tries again", async () => {
  let tries = 0;
  await openTab({}, { after: 2, epoch: "e" });
  sockets[0].open();
  const late = await openTab({
    messages: async () => {
      tries += 1;
      if (tries === 1) throw failure(0);
      return { messages: [numbered(1), numbered(2)], last_seq: 2, epoch: "e", resync: false };
    },
  });
  await pass(5);
  assert.deepEqual(numbersOf(late.events), [1, 2]);
});

test("a lost history reaches every tab", async () => {
  await openTab({}, { after: 9, epoch: "e" });
  const second = await openTab(
    {
      messages: async ({ epoch }) => ({ messages: [], last_seq: 1, epoch: "f", resync: epoch === "e" }),
      status: async () => ({ status: "saving" }),
    },
    { after: 9, epoch: "e" },
  );
  sockets[0].open();
  sockets[0].receive({ type: "resync", last_seq: 1, epoch: "f", data: { status: "saving" } }, numbered(2, "f"));
  await pass(5);
  assert.deepEqual([second.statuses.length, numbersOf(second.events)], [1, [2]]);
});

test("a leader that hangs loses the lock, and follows", async () => {
  let isStolen = false;
  navigator.locks.request("welno.stream:s", {}, () => new Promise(() => {})).catch(() => (isStolen = true));
  const tab = await openTab();
  assert.equal(sockets.length, 0);
  await pass(2);
  assert.deepEqual([isStolen, tab.stream.isLeading, sockets.length], [true, true, 1]);
});

test("a leader whose lock was stolen disconnects and follows", async () => {
  const tab = await openTab();
  sockets[0].open();
  navigator.locks.request("welno.stream:s", { steal: true }, () => new Promise(() => {})).catch(() => null);
  await settle();
  assert.deepEqual([open().length, tab.stream.isLeading], [0, false]);
});

test("each tab learns from the server that its access has ended", async () => {
  const [first, second] = [await openTab(), await openTab()];
  sockets[0].open();
  sockets[0].closeWith(4408);
  await settle();
  sockets[1].closeWith(4408);
  await settle();
  assert.deepEqual([first.states.at(-1), second.states.at(-1)], ["closed: expired", "closed: expired"]);
});

test("a tab that does not share opens its own socket", async () => {
  await openTab();
  await openTab({}, { share: false });
  assert.equal(sockets.length, 2);
});

test("where locks are forbidden each tab opens its own socket", async () => {
  navigator.locks.request = async () => {
    throw new DOMException("storage is forbidden", "SecurityError");
  };
  await openTab();
  await openTab();
  assert.equal(sockets.length, 2);
});

test("who reads with a token of another session shares nothing", () => {
  const client = new WelnoClient({ storage: memoryStorage() });
  const byCookie = sessionStream("a", client).id;
  client.useToken("a.secret");
  const byToken = sessionStream("a", client).id;
  client.useToken("b.secret");
  assert.equal(new Set([byCookie, byToken, sessionStream("a", client).id]).size, 3);
  assert.ok(!byToken.includes("secret"));
});
