/** What a reader of a thread believes, delivers and acknowledges; the server's answers are a test's. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { IDBKeyRange } from "fake-indexeddb";

import { Inbox } from "../../webapp/static/sdk/threads/inbox.js";
import { ThreadReceiver } from "../../webapp/static/sdk/threads/receiver.js";
import { noteItem, noteSigned } from "../../webapp/static/sdk/threads/senders.js";
import { asMessages } from "../../webapp/static/sdk/threads/subject.js";
import { ThreadKeys } from "../../webapp/static/sdk/threads/thread_keys.js";
import { FakeEvents, FakeSocket, failure, settle } from "./browser.js";
import { DOCTOR, makeMember, NURSE, Room, THREAD, until, writeItem } from "./threads-setup.js";

globalThis.IDBKeyRange = IDBKeyRange;
beforeEach(() => {
  globalThis.addEventListener ??= () => {};
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
});

/** A server with a thread's items, which tells them by polls while no socket opens; `lies` changes what a poll tells. */
class Server {
  items = [];
  acked = [];
  lies = (items) => items;
  epoch = "e";
  constructor(room, reader) {
    this.room = room;
    this.reader = reader;
  }
  socketUrl = "ws://x/ws/threads";
  openSocket = () => null;
  openEvents = async () => {
    throw failure(503);
  };
  eventsUrl = () => "/events";
  rangeUrl = (_, { after }) => `/range?${new URLSearchParams({ after })}`;
  getJson = async (url) => {
    const [epoch, seq] = new URL(url, "http://x").searchParams.get("after").split(":");
    const after = seq === undefined ? Number(epoch) : epoch === this.epoch ? Number(seq) : 0;
    const items = this.lies(this.items.filter((item) => item.seq > after));
    return { items, lastSeq: this.items.length, epoch: this.epoch };
  };
  range = async (_, { fromSeq }) => ({ items: this.items.filter(({ seq }) => seq === fromSeq), epoch: this.epoch });
  ack = async (_, seq) => {
    this.acked.push(seq);
    return { ackedSeq: seq };
  };
  status = async () => ({ epoch: this.epoch, role: "writer", keyState: "ok", kid: `k${this.room.keysets.length}`, members: this.room.roles() });
  devices = async () => this.room.devices;
  keys = async () => ({ keys: this.room.toldTo(this.reader).keys, lacking: [] });

  async write(member, traits = {}) {
    const seq = this.items.length + 1;
    this.items.push({ ...(await writeItem(member, { clientSeq: seq, ...traits, seq })), epoch: this.epoch });
  }
  tell(event, data) {
    this.items.push({ seq: this.items.length + 1, epoch: this.epoch, type: "system", threadId: THREAD, receivedAt: "x", by: NURSE, event, data });
  }
}

async function makeThread() {
  const [nurse, doctor] = await Promise.all([makeMember(NURSE), makeMember(DOCTOR)]);
  const room = new Room(nurse, doctor);
  await room.rotate();
  return { room, nurse, doctor, server: new Server(room, doctor) };
}

async function receive(t, { server, doctor }, traits = {}) {
  const seen = { texts: [], errors: [], senderGaps: [], gaps: [] };
  const receiver = new ThreadReceiver(THREAD, {
    client: server,
    crypto: doctor.crypto,
    database: doctor.database,
    memberId: DOCTOR,
    keys: new ThreadKeys(THREAD, doctor.claim.deviceId, { client: server, crypto: doctor.crypto, database: doctor.database }),
    onItem: ({ content, event }) => seen.texts.push(content ? new TextDecoder().decode(content) : event),
    onError: ({ seq }, code) => seen.errors.push(`${seq} ${code}`),
    onSenderGap: ({ from, to }) => seen.senderGaps.push([from, to]),
    onGap: (gap) => seen.gaps.push(gap),
    share: false,
    ...traits,
  });
  t.after(() => receiver.close());
  await receiver.start();
  return Object.assign(seen, { receiver });
}

/** Between two questions for what lacks. What the browser's store is given stays as long as it was: on a busy machine it
 * needs it. */
function shortenPauses(t) {
  const { setTimeout: later } = globalThis;
  t.after(() => Object.assign(globalThis, { setTimeout: later }));
  const pauses = new Set([500, 1_000, 2_000, 4_000]);
  globalThis.setTimeout = (act, milliseconds, ...more) => later(act, pauses.has(milliseconds) ? 5 : milliseconds, ...more);
}

test("all that was written is delivered once, in order, and then acknowledged", async (t) => {
  const thread = await makeThread();
  for (const text of ["1", "2", "3"]) await thread.server.write(thread.nurse, { text });
  const seen = await receive(t, thread);
  await until(() => thread.server.acked.at(-1) === 3);
  assert.deepEqual([seen.texts, seen.errors, seen.senderGaps], [["1", "2", "3"], [], []]);
});

test("what a poll passes over is read before what comes after it", async (t) => {
  const thread = await makeThread();
  for (const text of ["1", "2", "3", "4"]) await thread.server.write(thread.nurse, { text });
  thread.server.lies = (items) => items.filter(({ seq }) => seq === 1 || seq === 4);
  const seen = await receive(t, thread);
  await until(() => seen.texts.length === 4);
  assert.deepEqual([seen.texts, seen.gaps], [["1", "2", "3", "4"], []]);
});

test("what was trimmed is told as a gap, and what is held follows", async (t) => {
  const thread = await makeThread();
  for (const text of ["1", "2", "3", "4"]) await thread.server.write(thread.nurse, { text });
  thread.server.lies = (items) => items.filter(({ seq }) => seq === 1 || seq === 4);
  const { range } = thread.server;
  thread.server.range = async (id, asked) => {
    if (asked.fromSeq === 2) return { items: [], epoch: "e", missing: { fromSeq: 2, toSeq: 3, reason: "trimmed" } };
    return range(id, asked);
  };
  const seen = await receive(t, thread);
  await until(() => seen.texts.length === 2);
  assert.deepEqual([seen.texts, seen.gaps], [["1", "4"], [{ from: 2, to: 3, reason: "trimmed" }]]);
});

test("what is not told when it was asked for five times is told as a gap", async (t) => {
  const thread = await makeThread();
  for (const text of ["1", "2", "3"]) await thread.server.write(thread.nurse, { text });
  thread.server.lies = (items) => items.filter(({ seq }) => seq !== 2);
  let asked = 0;
  thread.server.range = async () => ((asked += 1), { items: [], epoch: "e" });
  shortenPauses(t);
  const seen = await receive(t, thread);
  await until(() => seen.texts.length === 2);
  assert.deepEqual([seen.texts, seen.gaps, asked], [["1", "3"], [{ from: 2, to: 2, reason: "missing" }], 5]);
});

test("what lacks is told once more in its place when the thread is opened again", async (t) => {
  const thread = await makeThread();
  for (const text of ["1", "2", "3", "4", "5"]) await thread.server.write(thread.nurse, { text });
  thread.server.lies = (items) => items.filter(({ seq }) => seq === 1 || seq >= 4);
  thread.server.range = async () => ({ items: [], epoch: "e", missing: { fromSeq: 2, toSeq: 3, reason: "trimmed" } });
  const first = await receive(t, thread);
  await until(() => thread.server.acked.at(-1) === 5);
  first.receiver.close();
  const told = [];
  const traits = { onItem: ({ seq }) => told.push(seq), onGap: ({ from, to }) => told.push([from, to]) };
  await receive(t, thread, traits);
  assert.deepEqual(told.splice(0), [1, [2, 3], 4, 5]);
  await receive(t, thread, { ...traits, historyItems: 2 });
  assert.deepEqual(told.splice(0), [[2, 3], 4, 5]);
  await receive(t, thread, { ...traits, historyItems: 1 });
  assert.deepEqual(told, [5]);
});

test("two tabs that find out of the same numbers at once that they lack note them once, and lose no others", async () => {
  const { doctor } = await makeThread();
  const [inbox, other] = [new Inbox(doctor.database, THREAD), new Inbox(doctor.database, THREAD)];
  const noted = [[inbox, 7, 8], [other, 2, 2], [inbox, 2, 3], [other, 2, 3]];
  await Promise.all(noted.map(([one, from, to]) => one.noteGap("e", { from, to, reason: "trimmed" })));
  const gaps = await inbox.gaps({ seq: 0, epoch: "e" });
  assert.deepEqual(gaps.map(({ from, to }) => [from, to]), [[2, 3], [7, 8]]);
  assert.deepEqual(await inbox.gaps({ seq: 0, epoch: "f" }), []);
});

/** The server tells from where on the doctor may read. */
function tellVisibleFrom(server, visibleFrom) {
  const { status } = server;
  server.status = async () => {
    const told = await status();
    return { ...told, members: told.members.map((one) => ({ ...one, visibleFrom: one.memberId === DOCTOR ? visibleFrom : 1 })) };
  };
}

test("who may read from the middle on misses nothing of before", async (t) => {
  const thread = await makeThread();
  for (const text of ["1", "2", "3"]) await thread.server.write(thread.nurse, { text });
  thread.server.lies = (items) => items.filter(({ seq }) => seq >= 3);
  tellVisibleFrom(thread.server, 3);
  const asked = countAsked(thread.server);
  const seen = await receive(t, thread);
  await until(() => thread.server.acked.at(-1) === 3);
  assert.deepEqual([seen.texts, seen.gaps, seen.senderGaps, asked.range], [["3"], [], [], 0]);
});

test("who may read all is told that the first items were trimmed", async (t) => {
  const thread = await makeThread();
  for (const text of ["1", "2", "3"]) await thread.server.write(thread.nurse, { text });
  thread.server.lies = (items) => items.filter(({ seq }) => seq >= 3);
  tellVisibleFrom(thread.server, 1);
  thread.server.range = async () => ({ items: [], epoch: "e", missing: { fromSeq: 1, toSeq: 2, reason: "trimmed" } });
  const seen = await receive(t, thread);
  await until(() => seen.texts.length === 1);
  assert.deepEqual([seen.texts, seen.gaps], [["3"], [{ from: 1, to: 2, reason: "trimmed" }]]);
});

test("a server that does not say from where on is believed that it begins there", async (t) => {
  const thread = await makeThread();
  for (const text of ["1", "2", "3"]) await thread.server.write(thread.nurse, { text });
  thread.server.lies = (items) => items.filter(({ seq }) => seq >= 3);
  const { status } = thread.server;
  let isRefused = true;
  thread.server.status = async (...told) => (isRefused ? ((isRefused = false), Promise.reject(failure(503))) : status(...told));
  const seen = await receive(t, thread);
  await until(() => seen.texts.length === 1);
  assert.deepEqual([seen.texts, seen.gaps], [["3"], []]);
});

/** A doctor who has read 1, was removed while 2 to 4 were written, and is back with 5, from `visibleFrom` on. */
async function comeBack(t, { visibleFrom, isShortened = true }) {
  const thread = await makeThread();
  await thread.server.write(thread.nurse, { text: "1" });
  const first = await receive(t, thread);
  await until(() => thread.server.acked.at(-1) === 1);
  first.receiver.close();
  thread.server.tell("member_removed", { memberId: NURSE });
  thread.server.tell("member_added", { memberId: NURSE, role: "writer" });
  await thread.server.write(thread.nurse, { text: "meanwhile", clientSeq: 2 });
  thread.server.tell("member_added", { memberId: DOCTOR, role: "writer" });
  await thread.server.write(thread.nurse, { text: "back", clientSeq: 3 });
  thread.server.lies = (items) => items.filter(({ seq }) => seq === 1 || seq >= 5);
  tellVisibleFrom(thread.server, visibleFrom);
  const asked = [];
  thread.server.range = async (_, { fromSeq }) => (asked.push(fromSeq), { items: [], epoch: "e" });
  if (isShortened) shortenPauses(t);
  return { thread, asked };
}

test("who is back without what was said meanwhile misses nothing", async (t) => {
  const { thread, asked } = await comeBack(t, { visibleFrom: 5, isShortened: false });
  const seen = await receive(t, thread);
  await until(() => seen.texts.length === 3);
  assert.deepEqual([seen.texts, seen.errors, seen.gaps, seen.senderGaps, asked], [["1", "member_added", "back"], [], [], [], []]);
});

test("who is back is asked about no more than once the server tells from where on", async (t) => {
  const { thread, asked } = await comeBack(t, { visibleFrom: 5 });
  const { status } = thread.server;
  let isAnswering = false;
  thread.server.status = () => (isAnswering ? status() : Promise.reject(failure(503)));
  const { range } = thread.server;
  thread.server.range = async (...told) => ((isAnswering = true), range(...told));
  const seen = await receive(t, thread);
  await until(() => seen.texts.length === 3);
  assert.deepEqual([seen.gaps, asked], [[], [2]]);
});

test("who is back with what was said meanwhile is told that it lacks", async (t) => {
  const { thread } = await comeBack(t, { visibleFrom: 1 });
  const seen = await receive(t, thread);
  await until(() => seen.texts.length === 3);
  assert.deepEqual(seen.gaps, [{ from: 2, to: 4, reason: "missing" }]);
});

test("numbers are left out by no word of the server but at one's own arrival", async (t) => {
  const { thread } = await comeBack(t, { visibleFrom: 6 });
  thread.server.lies = (items) => items.filter(({ seq }) => seq === 1 || seq >= 6);
  const seen = await receive(t, thread);
  await until(() => seen.texts.length === 2);
  assert.deepEqual([seen.texts, seen.gaps], [["1", "back"], [{ from: 2, to: 5, reason: "missing" }]]);
});

test("after a reload what was read is here, and only what is new is asked for", async (t) => {
  const thread = await makeThread();
  await thread.server.write(thread.nurse, { text: "1" });
  const first = await receive(t, thread);
  await until(() => thread.server.acked.length > 0);
  first.receiver.close();
  await thread.server.write(thread.nurse, { text: "2" });
  const asked = [];
  const { getJson } = thread.server;
  thread.server.getJson = (url) => (asked.push(url), getJson(url));
  const second = await receive(t, thread);
  await until(() => second.texts.length === 2);
  assert.deepEqual(second.texts, ["1", "2"]);
  assert.equal(asked[0], "/range?after=e%3A1");
});

test("of what is here already as many are shown as were asked for", async (t) => {
  const thread = await makeThread();
  for (const text of ["1", "2", "3"]) await thread.server.write(thread.nurse, { text });
  const first = await receive(t, thread);
  await until(() => thread.server.acked.at(-1) === 3);
  first.receiver.close();
  const second = await receive(t, thread, { historyItems: 2 });
  assert.deepEqual([second.texts, second.receiver.hasEarlier], [["2", "3"], true]);
  second.receiver.close();
  const third = await receive(t, thread, { historyItems: 4 });
  assert.deepEqual([third.texts, third.receiver.hasEarlier], [["1", "2", "3"], false]);
});

test("what was read is here without the network, too", async (t) => {
  const thread = await makeThread();
  await thread.server.write(thread.nurse, { text: "1" });
  const first = await receive(t, thread);
  await until(() => thread.server.acked.length > 0);
  first.receiver.close();
  for (const call of ["getJson", "range", "ack", "status", "devices", "keys"])
    thread.server[call] = async () => Promise.reject(failure(0));
  assert.deepEqual((await receive(t, thread)).texts, ["1"]);
});

test("the inbox holds nothing that anybody can read", async (t) => {
  const thread = await makeThread();
  await thread.server.write(thread.nurse, { text: "혈압" });
  await receive(t, thread);
  await until(() => thread.server.acked.length > 0);
  const rows = await thread.doctor.database.read(["inbox"], ({ inbox }) => new Promise((resolve) => {
    const request = inbox.getAll();
    request.onsuccess = () => resolve(request.result);
  }));
  assert.equal(rows.length, 1);
  assert.doesNotMatch(JSON.stringify(rows), /혈압/);
});

test("what was damaged on its way is read again, and delivered", async (t) => {
  const thread = await makeThread();
  await thread.server.write(thread.nurse, { text: "1" });
  const damage = (item) => ({ ...item, envelope: { ...item.envelope, payload: "A".repeat(64) } });
  thread.server.lies = (items) => items.map(damage);
  const seen = await receive(t, thread);
  await until(() => thread.server.acked.length > 0);
  assert.deepEqual([seen.texts, seen.errors], [["1"], []]);
});

test("what is not believed is told, kept, not acknowledged, and blocks nothing that comes after", async (t) => {
  const thread = await makeThread();
  for (const text of ["1", "2", "3"]) await thread.server.write(thread.nurse, { text });
  thread.server.items[1] = { ...thread.server.items[1], from: DOCTOR };
  const seen = await receive(t, thread);
  await until(() => seen.texts.length === 2 && thread.server.acked.length > 0);
  assert.deepEqual([seen.texts, seen.errors, thread.server.acked], [["1", "3"], ["2 UNKNOWN_DEVICE"], [1]]);
  thread.server.items[1] = { ...thread.server.items[1], from: NURSE };
  await seen.receiver.retryQuarantined();
  await until(() => thread.server.acked.at(-1) === 3);
  assert.deepEqual(seen.texts, ["1", "3", "2"]);
});

test("an envelope that is played once more under another number is found out", async (t) => {
  const thread = await makeThread();
  await thread.server.write(thread.nurse, { text: "1" });
  thread.server.items.push({ ...thread.server.items[0], seq: 2 });
  const seen = await receive(t, thread);
  await until(() => seen.errors.length === 1);
  assert.deepEqual([seen.texts, seen.errors], [["1"], ["2 REPLAYED"]]);
});

test("envelopes that the server swapped or kept back are seen by their signed numbers", async (t) => {
  const thread = await makeThread();
  for (const clientSeq of [2, 1, 5]) await thread.server.write(thread.nurse, { text: `${clientSeq}`, clientSeq });
  const seen = await receive(t, thread);
  await until(() => thread.server.acked.at(-1) === 3);
  assert.deepEqual(seen.senderGaps, [[1, 1], [3, 4]]);
});

test("whoever was removed is not believed any more, and is once they are back", async (t) => {
  const thread = await makeThread();
  thread.server.tell("member_removed", { memberId: NURSE });
  await thread.server.write(thread.nurse, { text: "late", clientSeq: 1 });
  thread.server.tell("member_added", { memberId: NURSE, role: "writer" });
  await thread.server.write(thread.nurse, { text: "back", clientSeq: 2 });
  const seen = await receive(t, thread);
  await until(() => seen.texts.includes("back"));
  assert.deepEqual([seen.texts, seen.errors], [["member_removed", "member_added", "back"], ["2 NOT_A_MEMBER"]]);
});

test("a new generation is opened when its item comes", async (t) => {
  const thread = await makeThread();
  const seen = await receive(t, thread);
  await thread.room.rotate();
  thread.server.tell("key", { kid: "k2" });
  await thread.server.write(thread.nurse, { kid: "k2", text: "new", clientSeq: 1 });
  seen.receiver.retryNow();
  await until(() => seen.texts.includes("new"));
  assert.deepEqual([seen.texts, seen.errors], [["key", "new"], []]);
});

test("what a device cannot open yet is delivered when its wrap has come", async (t) => {
  const thread = await makeThread();
  await thread.server.write(thread.nurse, { text: "1" });
  const { keys } = thread.server;
  thread.server.keys = async () => ({ keys: (await keys()).keys.map((one) => ({ ...one, wrapped: null })), lacking: [] });
  const seen = await receive(t, thread);
  await until(() => seen.errors.length === 1);
  thread.server.keys = keys;
  thread.server.tell("device_added", { memberId: DOCTOR, deviceId: thread.doctor.claim.deviceId });
  seen.receiver.retryNow();
  await until(() => thread.server.acked.at(-1) === 2);
  assert.deepEqual([seen.texts, seen.errors], [["device_added", "1"], ["1 UNKNOWN_KEY"]]);
});

test("a wrap that was added without a word is asked for after a while", async (t) => {
  const thread = await makeThread();
  await thread.server.write(thread.nurse, { text: "1" });
  const { keys } = thread.server;
  thread.server.keys = async () => ({ keys: (await keys()).keys.map((one) => ({ ...one, wrapped: null })), lacking: [] });
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const seen = await receive(t, thread);
  await until(() => seen.errors.length === 1);
  thread.server.keys = keys;
  await settle();
  t.mock.timers.tick(10_000);
  await until(() => seen.texts.length === 1);
  assert.deepEqual(seen.texts, ["1"]);
});

/** Counts what a server is asked from now on. */
function countAsked(server) {
  const asked = { status: 0, devices: 0, keys: 0, range: 0 };
  for (const call of Object.keys(asked)) {
    const answer = server[call];
    server[call] = (...told) => ((asked[call] += 1), answer(...told));
  }
  return asked;
}

test("however many wait for a key, the keys are read once for all, and no item again", async (t) => {
  const thread = await makeThread();
  await thread.room.rotate();
  for (const kid of ["k1", "k2", "k1", "k2", "k1"]) await thread.server.write(thread.nurse, { kid });
  const { keys } = thread.server;
  thread.server.keys = async () => ({ keys: (await keys()).keys.map((one) => ({ ...one, wrapped: null })), lacking: [] });
  const asked = countAsked(thread.server);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const seen = await receive(t, thread);
  await until(() => seen.errors.length === 5);
  const [first, again, byHand] = [3, 4, 5]; // first for the devices, and for each key
  const all = (times) => ({ status: times, devices: times, keys: times, range: 0 });
  assert.deepEqual(asked, all(first));
  t.mock.timers.tick(10_000);
  await until(() => asked.keys === again);
  await seen.receiver.retryQuarantined(); // after the renewal, which is complete by then
  assert.deepEqual(asked, all(byHand));
});

test("what happened to keys and members meanwhile costs one reading when it comes", async (t) => {
  const thread = await makeThread();
  for (const memberId of ["staff:a", "staff:b", "staff:c"]) thread.server.tell("member_added", { memberId, role: "reader" });
  thread.server.tell("device_added", { memberId: "staff:a", deviceId: crypto.randomUUID() });
  await thread.server.write(thread.nurse, { text: "1", clientSeq: 1 });
  const asked = countAsked(thread.server);
  let told = 0;
  const seen = await receive(t, thread, { onKeys: () => (told += 1) });
  await until(() => told > 0);
  await settle();
  const [devices, renewal] = [1, 1]; // of the message's writer, and for all that happened
  assert.deepEqual([asked.keys, told, seen.texts.at(-1)], [devices + renewal, 1, "1"]);
});

test("messages that keep coming under a key that is not there do not put its renewal off", async (t) => {
  const thread = await makeThread();
  await thread.server.write(thread.nurse);
  const { keys } = thread.server;
  thread.server.keys = async () => ({ keys: (await keys()).keys.map((one) => ({ ...one, wrapped: null })), lacking: [] });
  const asked = countAsked(thread.server);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const seen = await receive(t, thread);
  await until(() => seen.errors.length === 1);
  const before = asked.keys;
  for (const count of [2, 3]) {
    await thread.server.write(thread.nurse);
    t.mock.timers.tick(6_000);
    await until(() => seen.errors.length === count);
  }
  assert.equal(asked.keys, before + 1);
});

test("one that was played once more, or of somebody who was removed, is not asked for again", async (t) => {
  const thread = await makeThread();
  await thread.server.write(thread.nurse, { text: "1" });
  thread.server.items.push({ ...thread.server.items[0], seq: 2 });
  thread.server.tell("member_removed", { memberId: NURSE });
  await thread.server.write(thread.nurse, { text: "late", clientSeq: 2 });
  const asked = countAsked(thread.server);
  const seen = await receive(t, thread);
  await until(() => seen.errors.length === 2);
  await settle();
  assert.deepEqual([seen.errors, asked], [["2 REPLAYED", "4 NOT_A_MEMBER"], { status: 2, devices: 2, keys: 2, range: 0 }]);
  await seen.receiver.retryQuarantined();
  assert.deepEqual(asked, { status: 3, devices: 3, keys: 3, range: 0 });
});

test("a revoked device, and a member who only reads, may not write", () => {
  const item = (event, data) => ({ seq: 1, epoch: "e", type: "system", event, data });
  const revoked = noteItem(undefined, item("device_revoked", { memberId: NURSE, deviceId: "d" })).senders;
  const reading = noteItem(revoked, item("role_changed", { memberId: DOCTOR, role: "reader" })).senders;
  assert.deepEqual(reading.barred, ["d", DOCTOR]);
  assert.deepEqual(noteItem(reading, item("role_changed", { memberId: DOCTOR, role: "owner" })).senders.barred, ["d"]);
  assert.deepEqual(noteItem(reading, { ...item("key", { kid: "k1" }), epoch: "f" }).senders.barred, []);
});

test("a reader who came later takes a device's first number as it is", () => {
  const { senders } = noteItem(undefined, { seq: 7, epoch: "e", type: "message", from: NURSE, envelope: { clientId: "c" } });
  const first = noteSigned(senders, { clientId: "c", clientSeq: 40 });
  assert.equal(first.gap, null);
  const third = noteSigned(first.senders, { clientId: "c", clientSeq: 42 });
  assert.deepEqual(third.gap, { clientId: "c", from: 41, to: 41 });
  assert.equal(noteSigned(third.senders, { clientId: "c", clientSeq: 42 }).gap, null); // it was told
  assert.deepEqual(noteSigned(third.senders, { clientId: "c", clientSeq: 41 }).senders.progress.c, { contiguous: 42, pending: [] });
});

test("a number that its device did not sign hides no gap, and makes none", async (t) => {
  const thread = await makeThread();
  for (const clientSeq of [1, 2, 3]) await thread.server.write(thread.nurse, { text: `${clientSeq}`, clientSeq });
  const forge = (at, clientSeq) => {
    const item = thread.server.items[at];
    thread.server.items[at] = { ...item, envelope: { ...item.envelope, clientSeq } };
  };
  thread.server.items.splice(1, 0, { ...thread.server.items[0], envelope: { ...thread.server.items[0].envelope, dedupeId: crypto.randomUUID() } });
  thread.server.items.forEach((item, at) => (item.seq = at + 1));
  forge(1, 900); // of nobody's
  thread.server.items[2].envelope.payloadHash = `sha256:${"0".repeat(64)}`; // kept back: another one stands for it
  const seen = await receive(t, thread);
  await until(() => seen.texts.length === 2 && seen.senderGaps.length > 0);
  assert.deepEqual([seen.texts, seen.errors], [["1", "3"], ["2 BAD_SIGNATURE", "3 HASH_MISMATCH"]]);
  assert.deepEqual(seen.senderGaps, [[2, 2]]);
});

test("the number of what a device cannot open yet counts, as its signature was right", async (t) => {
  const thread = await makeThread();
  for (const clientSeq of [1, 2]) await thread.server.write(thread.nurse, { text: `${clientSeq}`, clientSeq });
  const { keys } = thread.server;
  thread.server.keys = async () => ({ keys: (await keys()).keys.map((one) => ({ ...one, wrapped: null })), lacking: [] });
  const seen = await receive(t, thread);
  await until(() => seen.errors.length === 2);
  assert.deepEqual(seen.senderGaps, []);
});

test("a range that does not follow on the place that was asked for begins the stream anew", () => {
  const items = [{ seq: 8 }, { seq: 9 }];
  const at = (epoch, seq) => ({ epoch, seq });
  const range = { items, lastSeq: 9, epoch: "e" };
  assert.deepEqual(asMessages(range, at("e", 7)), { messages: items, last_seq: 9, epoch: "e", resync: false });
  for (const asked of [at("e", 3), at("d", 7), at(null, 0)]) assert.deepEqual([asMessages(range, asked).resync, asMessages(range, asked).last_seq], [true, 7]);
  const gone = { items: [], lastSeq: 9, epoch: "e", missing: { fromSeq: 8, toSeq: 9, reason: "trimmed" } };
  assert.deepEqual([asMessages(gone, at("e", 7)).resync, asMessages(gone, at("e", 7)).last_seq], [true, 9]);
});

test("behind an item whose writer could not be asked for nothing is acknowledged", async (t) => {
  const thread = await makeThread();
  await thread.server.write(thread.nurse, { text: "1" });
  thread.server.tell("role_changed", { memberId: DOCTOR, role: "writer" });
  const { devices } = thread.server;
  thread.server.devices = async () => {
    throw failure(503);
  };
  const seen = await receive(t, thread);
  await until(() => seen.texts.length === 1);
  await settle();
  assert.deepEqual([seen.texts, thread.server.acked], [["role_changed"], []]);
  thread.server.devices = devices;
  await seen.receiver.retryQuarantined();
  await until(() => thread.server.acked.at(-1) === 2);
  assert.deepEqual(seen.texts, ["role_changed", "1"]);
});

test("one that was not believed stays unacknowledged after a reload, however much has come since", async (t) => {
  const thread = await makeThread();
  await thread.server.write(thread.nurse, { text: "1" });
  const [forged] = thread.server.items;
  thread.server.items[0] = { ...forged, envelope: { ...forged.envelope, sig: forged.envelope.sig.replace(/^./, (one) => (one === "A" ? "B" : "A")) } };
  for (const text of ["2", "3", "4"]) await thread.server.write(thread.nurse, { text });
  const first = await receive(t, thread);
  await until(() => first.texts.length === 3);
  first.receiver.close();
  const second = await receive(t, thread, { historyItems: 2 });
  await until(() => second.texts.length === 2);
  await settle();
  assert.deepEqual([second.errors.length, thread.server.acked], [1, []]);
});

test("in a new epoch nothing is taken for acknowledged", async (t) => {
  const thread = await makeThread();
  for (const text of ["1", "2", "3"]) await thread.server.write(thread.nurse, { text });
  const first = await receive(t, thread);
  await until(() => thread.server.acked.at(-1) === 3);
  thread.server.epoch = "f";
  thread.server.items = [];
  thread.server.acked = [];
  await thread.server.write(thread.nurse, { text: "anew", clientSeq: 9 });
  first.receiver.retryNow();
  await until(() => thread.server.acked.length > 0);
  assert.deepEqual([first.texts.at(-1), thread.server.acked], ["anew", [1]]);
});

test("a resync of server-sent events goes on where the server says", async (t) => {
  const thread = await makeThread();
  await thread.server.write(thread.nurse, { text: "1" });
  const events = new FakeEvents();
  thread.server.openEvents = async () => events.response;
  const asked = [];
  const { getJson } = thread.server;
  thread.server.getJson = (url) => (asked.push(url), getJson(url));
  const seen = await receive(t, thread);
  await until(() => seen.texts.length === 1);
  thread.server.epoch = "f";
  thread.server.items = [];
  for (const [clientSeq, text] of [[7, "a"], [8, "b"]]) await thread.server.write(thread.nurse, { text, clientSeq });
  events.write(`data: ${JSON.stringify({ type: "resync", threadId: THREAD, epoch: "f", firstSeq: 1, lastSeq: 2, reason: "epoch" })}\n\n`);
  for (const item of thread.server.items) events.write(`id: f:${item.seq}\ndata: ${JSON.stringify(item)}\n\n`);
  await until(() => seen.texts.length === 3);
  assert.deepEqual([seen.texts, asked.filter((url) => url.includes("undefined"))], [["1", "a", "b"], []]);
});

/** A reader whose socket was opened, and is subscribed by the test. */
async function receiveBySocket(t, thread) {
  const opened = [];
  thread.server.openSocket = (url) => (opened.push(new FakeSocket(url)), opened.at(-1));
  globalThis.WebSocket = FakeSocket;
  const told = { epoch: "e", threadId: THREAD, lastSeq: 0, ackedSeq: 0, kid: "k1" };
  const states = [];
  const seen = await receive(t, thread, { onState: (state, reason) => states.push(reason ? `${state}: ${reason}` : state) });
  opened[0].open();
  const subscribe = () => opened.at(-1).receive({ type: "subscribed", ...told });
  return Object.assign(seen, { opened, states, subscribe });
}

test("a thread is asked for on the threads' socket, from where its reader stands, and read by it alone", async (t) => {
  const thread = await makeThread();
  const asked = [];
  thread.server.getJson = async (url) => asked.push(url);
  const seen = await receiveBySocket(t, thread);
  assert.deepEqual([seen.opened[0].url, seen.opened[0].sent], ["ws://x/ws/threads", [{ type: "subscribe", threadId: THREAD, after: "0" }]]);
  assert.deepEqual(seen.states, []); // nobody has let it in yet
  seen.subscribe();
  await thread.server.write(thread.nurse, { text: "1" });
  seen.opened[0].receive(...thread.server.items);
  await until(() => thread.server.acked.at(-1) === 1);
  assert.deepEqual([seen.states, seen.texts, asked], [["live"], ["1"], []]);
});

test("who may not see what was before begins in the middle, by the same socket", async (t) => {
  const thread = await makeThread();
  const seen = await receiveBySocket(t, thread);
  seen.subscribe();
  for (const text of ["1", "2", "3"]) await thread.server.write(thread.nurse, { text });
  seen.opened[0].receive(...thread.server.items.slice(1));
  await until(() => seen.texts.length === 2);
  assert.deepEqual([seen.texts, seen.opened.length, seen.states], [["2", "3"], 1, ["live"]]);
});

test("a socket that was cut is opened again where its reader stands", async (t) => {
  const thread = await makeThread();
  const seen = await receiveBySocket(t, thread);
  seen.subscribe();
  await thread.server.write(thread.nurse, { text: "1" });
  seen.opened[0].receive(...thread.server.items);
  await until(() => seen.texts.length === 1);
  seen.opened[0].closeWith(1006);
  seen.receiver.retryNow();
  seen.opened[1].open();
  assert.deepEqual(seen.opened[1].sent, [{ type: "subscribe", threadId: THREAD, after: "e:1" }]);
});

test("a place that is gone is gone on from where the socket says", async (t) => {
  const thread = await makeThread();
  const seen = await receiveBySocket(t, thread);
  seen.subscribe();
  for (const text of ["1", "2", "3"]) await thread.server.write(thread.nurse, { text });
  seen.opened[0].receive({ type: "resync", threadId: THREAD, epoch: "e", firstSeq: 3, lastSeq: 3, reason: "trimmed" });
  seen.opened[0].receive(thread.server.items[2]);
  await until(() => seen.texts.length === 1);
  assert.deepEqual([seen.texts, seen.opened.length], [["3"], 1]);
});

for (const [frame, state] of [
  [{ type: "unsubscribed", reason: "removed" }, "closed: gone"],
  [{ type: "unsubscribed", reason: "closed" }, "closed: gone"],
  [{ type: "error", code: "THREAD_NOT_FOUND" }, "closed: gone"],
  [{ type: "error", code: "FORBIDDEN" }, "closed: forbidden"],
])
  test(`a thread's reader ends at ${Object.values(frame).join(" ")}`, async (t) => {
    const thread = await makeThread();
    const seen = await receiveBySocket(t, thread);
    seen.opened[0].receive({ threadId: THREAD, ...frame });
    await settle();
    assert.deepEqual(seen.states, [state]);
  });

for (const frame of [{ type: "unsubscribed", reason: "unavailable" }, { type: "error", code: "TRY_AGAIN_LATER" }, { type: "error", code: "RATE_LIMITED" }])
  test(`a thread's reader goes on by HTTP after ${Object.values(frame).join(" ")}`, async (t) => {
    const thread = await makeThread();
    await thread.server.write(thread.nurse, { text: "1" });
    const seen = await receiveBySocket(t, thread);
    seen.opened[0].receive({ threadId: THREAD, ...frame });
    await until(() => seen.texts.length === 1);
    assert.ok(seen.states.includes("polling"), String(seen.states));
  });

test("a login that a socket refuses is renewed by a request, unless that is refused, too", async (t) => {
  for (const [me, end] of [[async () => ({}), undefined], [async () => Promise.reject(failure(503)), undefined], [async () => Promise.reject(failure(401)), "closed: unauthenticated"]]) {
    const thread = await makeThread();
    const seen = await receiveBySocket(t, thread);
    thread.server.me = me;
    seen.opened[0].receive({ type: "error", code: "UNAUTHORIZED", threadId: THREAD });
    await until(() => seen.opened.length === 2 || seen.states.length > 0);
    assert.equal(seen.states.find((state) => state.startsWith("closed")), end);
    seen.receiver.close();
  }
});

test("a server that takes the newest key back is found out, and nothing is written under the older one", async () => {
  const thread = await makeThread();
  await thread.room.rotate();
  const keys = new ThreadKeys(THREAD, thread.doctor.claim.deviceId, { client: thread.server, crypto: thread.doctor.crypto, database: thread.doctor.database });
  assert.equal((await keys.refresh()).kid, "k2");
  const { keys: told } = thread.server;
  thread.server.keys = async () => {
    const answer = await told();
    return { ...answer, keys: answer.keys.slice(0, 1) };
  };
  const found = await keys.refresh();
  assert.deepEqual([found.kid, found.failures.map(({ kid, code }) => `${kid} ${code}`)], [null, ["k2 KEY_CHAIN"]]);
});

/** A server that has given two generations to this reader, and then comes back from a backup with the first alone. */
async function restoredKeys(epoch) {
  const thread = await makeThread();
  await thread.room.rotate();
  const { claim, crypto, database } = thread.doctor;
  const make = () => new ThreadKeys(THREAD, claim.deviceId, { client: thread.server, crypto, database });
  await make().refresh();
  const { keys: told } = thread.server;
  thread.server.keys = async () => {
    const answer = await told();
    return { ...answer, keys: answer.keys.slice(0, 1) };
  };
  thread.server.epoch = epoch;
  return { thread, keys: make(), told };
}

test("a server that comes back from a backup without a key is told from one that takes a key back", async () => {
  for (const [epoch, isRestored] of [["e", false], ["f", true]]) {
    const { keys } = await restoredKeys(epoch);
    for (const _ of [1, 2]) {
      const known = await keys.refresh();
      assert.deepEqual([known.isRestored, known.kid, known.failures.map(({ code }) => code)], [isRestored, null, ["KEY_CHAIN"]]);
    }
  }
});

test("a backup that has all keys is gone on with, and only a new device takes one that has not", async () => {
  const { keys, thread, told } = await restoredKeys("f");
  const anew = await makeMember(DOCTOR);
  thread.room.members.push(anew);
  const [keyset] = thread.room.toldTo(thread.nurse).keys;
  const [{ wrapped }] = await thread.nurse.crypto.sealFor(THREAD, keyset, [anew.told]);
  const server = new Server(thread.room, anew);
  server.keys = async () => ({ keys: [{ ...keyset, wrapped }], lacking: [] });
  const found = await new ThreadKeys(THREAD, anew.claim.deviceId, { client: server, ...anew }).refresh();
  assert.deepEqual([found.kid, found.isRestored, found.failures], ["k1", false, []]);
  thread.server.keys = told;
  assert.equal((await keys.refresh()).isRestored, false);
  thread.server.keys = async () => ({ keys: (await told()).keys.slice(0, 1), lacking: [] });
  assert.equal((await keys.refresh()).isRestored, false); // in the epoch that was gone on with
});
