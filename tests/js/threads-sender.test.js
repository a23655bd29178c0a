/** The outbox and what empties it: an IndexedDB as browsers have it, and a server whose answers a test gives. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { IDBObjectStore } from "fake-indexeddb";

import { ThreadsDatabase } from "../../webapp/static/sdk/threads/database.js";
import { DisbelievedError } from "../../webapp/static/sdk/threads/errors.js";
import { Outbox } from "../../webapp/static/sdk/threads/outbox.js";
import { Pace } from "../../webapp/static/sdk/threads/pace.js";
import { kidName } from "../../webapp/static/sdk/threads/thread_keys.js";
import { failure, settle } from "./browser.js";
import { makeSender, Server } from "./threads-sending.js";
import { DOCTOR, makeMember, NURSE, OTHER_THREAD, THREAD, until } from "./threads-setup.js";

const TAKE = { most: 100, mostBytes: 1e6 };
const numbers = (rows) => rows.map(({ clientSeq }) => clientSeq);

/** Without the globals that a test of streams may have left. */
beforeEach(() => {
  globalThis.addEventListener ??= () => {};
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
});

/** Envelopes by their numbers, without the cost of encrypting them. */
const plain = (threadId = THREAD) => async (clientSeq) => ({ threadId, dedupeId: crypto.randomUUID(), clientSeq, enc: { kid: "k1" } });

async function makeOutbox(now = { is: 0 }) {
  const { database } = await makeMember(NURSE);
  return { outbox: new Outbox(database, () => now.is), database, now };
}

async function fill(outbox, count, threadId = THREAD) {
  const rows = [];
  for (let left = count; left > 0; left -= 1) rows.push(await outbox.queueAdd(threadId, plain(threadId)));
  return rows;
}

test("numbers of a device in a thread are 1, 2, 3, each thread's own", async () => {
  const { outbox } = await makeOutbox();
  await Promise.all([fill(outbox, 5), fill(outbox, 3, OTHER_THREAD)]);
  assert.deepEqual(numbers(await outbox.rows()), [1, 2, 3, 4, 5, 1, 2, 3]);
});

test("twenty that are added at once by two tabs have twenty numbers without a hole", async () => {
  const { outbox, database } = await makeOutbox();
  const other = new Outbox(database);
  await Promise.all(Array.from({ length: 20 }, (_, at) => (at % 2 ? outbox : other).queueAdd(THREAD, plain())));
  assert.deepEqual(numbers(await outbox.rows()), Array.from({ length: 20 }, (_, at) => at + 1));
});

test("an envelope that could not be made takes no number", async () => {
  const { outbox } = await makeOutbox();
  await assert.rejects(outbox.queueAdd(THREAD, () => Promise.reject(new Error("no key"))), /no key/);
  assert.deepEqual(numbers(await fill(outbox, 1)), [1]);
});

test("numbers go on after all was acknowledged, and after a restart", async () => {
  const { outbox, database } = await makeOutbox();
  const rows = await fill(outbox, 2);
  await outbox.queueDelete(rows.map(({ dedupeId }) => dedupeId));
  await database.close();
  assert.deepEqual(numbers(await fill(outbox, 1)), [3]);
});

test("what one tab sends no other takes, until its lease is over", async () => {
  const { outbox, now } = await makeOutbox();
  await fill(outbox, 3);
  assert.deepEqual(numbers(await outbox.queueTake({ ...TAKE, most: 2 })), [1, 2]);
  assert.deepEqual(await outbox.queueTake(TAKE), [], "3 would be numbered before 1 and 2");
  now.is = 30_001;
  assert.deepEqual(numbers(await outbox.queueTake(TAKE)), [1, 2, 3]);
});

test("another thread does not wait for a thread that does", async () => {
  const { outbox } = await makeOutbox();
  await fill(outbox, 2);
  await outbox.queueTake({ ...TAKE, most: 1 });
  await fill(outbox, 1, OTHER_THREAD);
  assert.deepEqual((await outbox.queueTake(TAKE)).map(({ threadId }) => threadId), [OTHER_THREAD]);
});

test("what was put off waits, unless the network is back", async () => {
  const { outbox } = await makeOutbox();
  const rows = await fill(outbox, 2);
  await outbox.queueTake(TAKE);
  await outbox.release(rows.map(({ dedupeId }) => dedupeId), 5_000);
  assert.deepEqual(await outbox.queueTake(TAKE), []);
  assert.deepEqual(numbers(await outbox.queueTake({ ...TAKE, isEarly: true })), [1, 2]);
});

test("what is gone meanwhile is not put back", async () => {
  const { outbox } = await makeOutbox();
  const [row] = await fill(outbox, 1);
  await outbox.queueTake(TAKE);
  await outbox.queueDelete([row.dedupeId]);
  await outbox.release([row.dedupeId]);
  assert.equal(await outbox.count(), 0);
});

test("a batch is bounded by bytes, and one that is larger alone still goes", async () => {
  const { outbox } = await makeOutbox();
  const [{ bytes }] = await fill(outbox, 3);
  assert.deepEqual(numbers(await outbox.queueTake({ most: 9, mostBytes: 2 * bytes + 10 })), [1, 2]);
  await outbox.queueDelete((await outbox.rows()).slice(0, 2).map(({ dedupeId }) => dedupeId));
  assert.deepEqual(numbers(await outbox.queueTake({ most: 9, mostBytes: 1 })), [3]);
});

test("what is sent is on the disk when the promise is kept, and leaves it by ACK", async (t) => {
  const server = new Server();
  server.answers = [failure(0)];
  const { sender, told } = await makeSender(t, { server });
  const id = await sender.send(THREAD, "혈압 128/82");
  assert.deepEqual(numbers(await sender.outbox.rows()), [1]);
  await sender.flush();
  assert.deepEqual([told.queued, told.acked, told.failed], [[id], [], [0]]);
  await sender.flush({ isEarly: true });
  assert.deepEqual([told.acked, await sender.outbox.count()], [[id], 0]);
});

test("the outbox holds nothing that anybody can read", async (t) => {
  const server = new Server();
  server.answers = [failure(0)];
  const { sender } = await makeSender(t, { server });
  await sender.send(THREAD, "혈압 128/82");
  assert.doesNotMatch(JSON.stringify(await sender.outbox.rows()), /혈압/);
});

test("five hundred that were written offline arrive once and in order, in another tab", async (t) => {
  const server = new Server();
  server.answers = Array.from({ length: 40 }, () => failure(0));
  const first = await makeSender(t, { server });
  await Promise.all(Array.from({ length: 500 }, (_, at) => first.sender.send(THREAD, `${at}`)));
  await settle();
  first.sender.close();
  server.answers = [];
  const second = await makeSender(t, { server, member: first.member });
  await second.sender.flush({ isEarly: true });
  assert.deepEqual(numbers(server.taken), Array.from({ length: 500 }, (_, at) => at + 1));
  assert.equal(new Set(server.taken.map(({ dedupeId }) => dedupeId)).size, 500);
  assert.equal(await second.sender.outbox.count(), 0);
});

test("an answer that was lost is asked for again, and is a duplicate", async (t) => {
  const { sender, server, told } = await makeSender(t);
  const take = server.pushBatch;
  server.pushBatch = async (envelopes) => {
    await take(envelopes);
    server.pushBatch = take;
    throw failure(0);
  };
  const id = await sender.send(THREAD, "x");
  await sender.flush();
  await sender.flush({ isEarly: true });
  assert.deepEqual([told.acked, server.taken.length], [[id], 1]);
});

test("one that is refused for good is kept as dead, and blocks no other", async (t) => {
  const server = new Server();
  server.answers = [failure(0), { refuse: ["UNKNOWN_DEVICE"] }];
  const { sender, told } = await makeSender(t, { server });
  const ids = [await sender.send(THREAD, "1"), await sender.send(THREAD, "2")];
  await sender.flush({ isEarly: true });
  await until(() => told.acked.length === 1);
  assert.deepEqual([told.rejected, told.acked], [["UNKNOWN_DEVICE"], [ids[1]]]);
  const [dead] = await sender.outbox.rows();
  assert.deepEqual([dead.state, dead.code], ["dead", "UNKNOWN_DEVICE"]);
  await sender.retry(ids[0]);
  assert.deepEqual([told.acked, await sender.outbox.count()], [[ids[1], ids[0]], 0]);
});

for (const [who, signedIn] of [
  ["the next person at this computer", DOCTOR],
  ["nobody whom the server would name", failure(401)],
]) {
  for (const code of ["THREAD_NOT_FOUND", "FORBIDDEN", "UNKNOWN_DEVICE"]) {
    test(`what ${who} is refused with ${code} waits for its member, and is sent once they are back`, async (t) => {
      const { sender, server, told } = await makeSender(t);
      Object.assign(server, { signedIn, answers: [{ refuse: [code, code] }] });
      await Promise.all(["하나", "둘"].map((text) => sender.send(THREAD, text)));
      await until(() => told.failed.length > 0);
      assert.deepEqual([told.failed, told.rejected], [[401], []]);
      assert.deepEqual((await sender.outbox.rows()).map(({ state }) => state), ["queued", "queued"]);
      server.signedIn = NURSE;
      await sender.flush({ isEarly: true });
      assert.deepEqual([server.taken.length, await sender.outbox.count()], [2, 0]);
    });
  }
}

test("what of a push was acknowledged is gone, also where the rest was asked for by somebody else", async (t) => {
  const { sender, server, told } = await makeSender(t);
  await fill(sender.outbox, 2);
  Object.assign(server, { signedIn: DOCTOR, answers: [{ refuse: [undefined, "UNKNOWN_DEVICE"] }] });
  await sender.flush();
  assert.deepEqual([told.acked.length, told.rejected, numbers(await sender.outbox.rows())], [1, [], [2]]);
});

test("a dead one leaves by the person's word", async (t) => {
  const server = new Server();
  server.answers = [{ refuse: ["FORBIDDEN"] }];
  const { sender } = await makeSender(t, { server });
  const id = await sender.send(THREAD, "1");
  await sender.flush();
  await sender.discard(id);
  assert.equal(await sender.outbox.count(), 0);
});

test("under a retired key the same message goes under the new one", async (t) => {
  const server = new Server();
  server.answers = [failure(0), { refuse: ["KEY_RETIRED"] }];
  const { sender, room, told } = await makeSender(t, { server, traits: { renewKey: async () => (await room.rotate(), "k2") } });
  const id = await sender.send(THREAD, "x");
  await sender.flush({ isEarly: true });
  await until(() => told.acked.length === 1);
  assert.deepEqual(told.acked, [id]);
  assert.deepEqual(server.taken.map(({ dedupeId, clientSeq, enc }) => [dedupeId, clientSeq, enc.kid]), [[id, 1, "k2"]]);
});

test("a key that has retired is asked for once, however many wait under it", async (t) => {
  const server = new Server();
  server.answers = [failure(0), { refuse: ["KEY_RETIRED", "KEY_RETIRED", "KEY_RETIRED"] }];
  let asked = 0;
  const renewKey = async () => {
    asked += 1;
    await room.rotate();
    await member.database.write(["meta"], async ({ meta }) => void meta.put("k2", kidName(THREAD)));
    return "k2";
  };
  const { sender, room, told, member } = await makeSender(t, { server, traits: { renewKey } });
  const ids = [];
  for (const text of ["1", "2", "3"]) ids.push(await sender.send(THREAD, text));
  await sender.flush();
  await sender.flush({ isEarly: true });
  await until(() => told.acked.length === 3);
  assert.deepEqual([told.acked, asked], [ids, 1]);
});

test("while a newer key cannot be asked for it waits, and goes under it later", async (t) => {
  const server = new Server();
  server.answers = [{ refuse: ["KEY_RETIRED"] }, { refuse: ["KEY_RETIRED"] }];
  let tries = 0;
  const renewKey = async () => {
    tries += 1;
    if (tries === 1) throw failure(503);
    await room.rotate();
    return "k2";
  };
  const { sender, room, told } = await makeSender(t, { server, traits: { renewKey } });
  await sender.send(THREAD, "x");
  await sender.flush();
  assert.deepEqual([told.failed, told.rejected, await sender.outbox.count(), tries], [[503], [], 1, 1]);
  await sender.retry((await sender.outbox.rows())[0].dedupeId);
  await sender.flush({ isEarly: true });
  await until(() => told.acked.length === 1);
  assert.deepEqual(server.taken.map(({ enc }) => enc.kid), ["k2"]);
});

test("what breaks under a sender that was closed meanwhile is nobody's, and the message waits", async (t) => {
  const server = new Server();
  server.answers = [{ refuse: ["KEY_RETIRED"] }];
  let breakOff;
  const renewKey = () => new Promise((_, reject) => (breakOff = reject));
  const { sender, told } = await makeSender(t, { server, traits: { renewKey } });
  await sender.send(THREAD, "x");
  await until(() => breakOff);
  const flushed = sender.flush();
  sender.close();
  breakOff(new Error("the worker was closed"));
  await flushed;
  assert.deepEqual([told.failed, told.rejected, await sender.outbox.count()], [[], [], 1]);
});

test("what is refused for good stays dead while another waits for its key", async (t) => {
  const server = new Server();
  server.answers = [failure(0), { refuse: ["UNKNOWN_DEVICE", "KEY_RETIRED"] }];
  const renewKey = async () => {
    throw failure(503);
  };
  const { sender, told } = await makeSender(t, { server, traits: { renewKey } });
  await sender.send(THREAD, "1");
  await sender.flush();
  await sender.send(THREAD, "2");
  await sender.flush({ isEarly: true });
  const states = (await sender.outbox.rows()).map(({ state, code }) => [state, code]);
  assert.deepEqual([states, told.rejected], [[["dead", "UNKNOWN_DEVICE"], ["queued", null]], ["UNKNOWN_DEVICE"]]);
});

test("what a server tells of keys and is not believed buries one envelope, and stops no other", async (t) => {
  const server = new Server();
  server.answers = [failure(0), { refuse: ["KEY_RETIRED"] }];
  const renewKey = async () => {
    throw new DisbelievedError("DEVICE_INVALID");
  };
  const { sender, told } = await makeSender(t, { server, traits: { renewKey } });
  await sender.send(THREAD, "1");
  await sender.flush();
  const second = await sender.send(THREAD, "2");
  await sender.flush({ isEarly: true });
  assert.deepEqual([told.rejected, told.acked], [["KEY_RETIRED"], [second]]);
});

test("one envelope that is too large for the way is dead, and told once", async (t) => {
  const server = new Server();
  server.answers = Array(20).fill(failure(413));
  const { sender, told } = await makeSender(t, { server });
  await sender.send(THREAD, "x");
  await sender.flush();
  assert.deepEqual([told.rejected, server.answers.length], [["TOO_LARGE"], 19]);
});

test("without a newer key it is dead", async (t) => {
  const server = new Server();
  server.answers = [{ refuse: ["KEY_RETIRED"] }];
  const { sender, told } = await makeSender(t, { server, traits: { renewKey: async () => "k1" } });
  await sender.send(THREAD, "x");
  await sender.flush();
  assert.deepEqual(told.rejected, ["KEY_RETIRED"]);
});

test("a thread without a key that this device can open takes nothing", async (t) => {
  const { sender } = await makeSender(t);
  await assert.rejects(sender.send(OTHER_THREAD, "x"), { code: "UNKNOWN_KEY" });
  assert.equal(await sender.outbox.count(), 0);
});

test("a server without room keeps the queue", async (t) => {
  const server = new Server();
  server.answers = [Object.assign(failure(429), { retryAfterSeconds: 4 })];
  const { sender, told } = await makeSender(t, { server });
  await sender.send(THREAD, "x");
  await sender.flush();
  assert.deepEqual([told.failed, server.taken.length, await sender.outbox.count()], [[429], 0, 1]);
});

test("while the server asks to wait nothing is sent, whatever is written or wakes the page", async (t) => {
  const server = new Server();
  server.answers = [{ pressure: { level: "slow", retryAfterMs: 4_000, maxBatch: 50 } }];
  const { sender, told } = await makeSender(t, { server });
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  await sender.send(THREAD, "1");
  await sender.flush();
  await sender.send(THREAD, "2");
  await sender.flush({ isEarly: true });
  assert.deepEqual([server.asked, told.acked.length], [1, 1]);
  t.mock.timers.tick(4_001);
  await until(() => told.acked.length === 2);
  assert.equal(server.asked, 2);
});

test("a server that says stop hears nothing until then, and its answer goes to nobody as a refusal", async (t) => {
  const server = new Server();
  const details = { backpressure: { level: "stop", retryAfterMs: 2_000, maxBatch: 100 } };
  server.answers = [Object.assign(failure(503), { details })];
  const { sender, told } = await makeSender(t, { server });
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  await sender.send(THREAD, "1");
  await sender.flush();
  t.mock.timers.tick(1_500);
  await sender.flush({ isEarly: true });
  assert.deepEqual([server.asked, told.failed, told.rejected], [1, [503], []]);
  t.mock.timers.tick(501);
  await until(() => told.acked.length === 1);
  assert.equal(server.asked, 2);
});

test("a full disk is told, and takes no number", async (t) => {
  const { sender } = await makeSender(t);
  const full = t.mock.method(IDBObjectStore.prototype, "add", () => {
    throw new DOMException("no room", "QuotaExceededError");
  });
  await assert.rejects(sender.send(THREAD, "1"), { name: "StoreError" });
  full.mock.restore();
  assert.deepEqual(numbers(await fill(sender.outbox, 1)), [1]);
});

test("a store that fails while it is emptied is told, and nothing is lost", async (t) => {
  const { sender, told } = await makeSender(t);
  const row = await sender.outbox.queueAdd(THREAD, plain());
  const broken = t.mock.method(IDBObjectStore.prototype, "put", () => {
    throw new DOMException("no room", "QuotaExceededError");
  });
  await sender.flush();
  broken.mock.restore();
  assert.deepEqual(told.failed, ["STORE_FAILED"]);
  await sender.flush();
  assert.deepEqual(told.acked, [row.dedupeId]);
});

test("a write that takes too long is undone before it is said to have failed", async (t) => {
  const { outbox, database } = await makeOutbox();
  const [row] = await fill(outbox, 1);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let transaction;
  const writing = database.write(["outbox"], async ({ outbox: store }) => {
    ({ transaction } = store);
    store.put({ ...row, dedupeId: "late" });
    // A disk that does not answer: one request after the other keeps the transaction open.
    for (;;) await new Promise((resolve) => (store.count().onsuccess = resolve));
  });
  await until(() => transaction);
  t.mock.timers.tick(15_000);
  await assert.rejects(writing, { name: "StoreError", code: "STORE_SILENT" });
  assert.throws(() => transaction.abort(), { name: "InvalidStateError" });
  t.mock.timers.reset();
  assert.deepEqual((await outbox.rows()).map(({ dedupeId }) => dedupeId), [row.dedupeId]);
});

test("a write that is being committed when its time is over is waited for", async (t) => {
  const { outbox, database } = await makeOutbox();
  const [row] = await fill(outbox, 1);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  await database.write(["outbox"], async ({ outbox: store }) => {
    store.put({ ...row, dedupeId: "late" });
    store.transaction.commit();
    t.mock.timers.tick(15_000);
  });
  t.mock.timers.reset();
  assert.equal((await outbox.rows()).length, 2);
});

test("a connection that the browser dropped is opened once more", async () => {
  const { outbox, database } = await makeOutbox();
  await fill(outbox, 1);
  const raw = await database.read(["outbox"], async ({ outbox: store }) => store.transaction.db);
  raw.close(); // as Safari does to a hidden tab
  assert.equal(await outbox.count(), 1);
});

test("a tab that erases the database is not kept from it by another", async () => {
  const { database, factory } = await makeMember(NURSE);
  const outbox = new Outbox(database);
  await fill(outbox, 1);
  await new ThreadsDatabase(database.name, factory).erase();
  assert.equal(await new Outbox(new ThreadsDatabase(database.name, factory)).count(), 0);
});

test("the pace is the server's", () => {
  const pace = new Pace(() => 0);
  assert.deepEqual([pace.size, pace.note({ level: "none", retryAfterMs: 0, maxBatch: 100 }), pace.size], [100, 0, 100]);
  assert.deepEqual([pace.note({ level: "slow", retryAfterMs: 1000, maxBatch: 50 }), pace.size], [1000, 50]);
  assert.equal(pace.fail({ status: 429, retryAfterSeconds: 3 }), 3000);
  const sizes = [pace.size];
  for (let push = 0; push < 3; push += 1) {
    pace.note({ level: "none", retryAfterMs: 0, maxBatch: 100 });
    sizes.push(pace.size);
  }
  assert.deepEqual(sizes, [1, 2, 3, 4]);
});

test("what is written while a message waits does not put it off", async (t) => {
  const server = new Server();
  server.answers = [failure(0)];
  const { sender, told } = await makeSender(t, { server });
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.now() });
  const ids = [await sender.send(THREAD, "1")];
  await sender.flush();
  for (const text of ["2", "3"]) ids.push(await sender.send(THREAD, text));
  await sender.flush();
  assert.deepEqual([server.asked, told.acked], [1, []]);
  t.mock.timers.tick(1_000);
  t.mock.timers.reset();
  await until(() => told.acked.length === 3);
  assert.deepEqual(told.acked, ids);
});

test("a server that says stop is waited for as long as it says, and asked for one envelope then", () => {
  const stop = (retryAfterMs) => ({ backpressure: { level: "stop", retryAfterMs, maxBatch: 100 } });
  for (const [told, wait] of [[{}, 1000], [{ details: stop(2000) }, 2000], [{ details: stop(2400), retryAfterSeconds: 3 }, 3000], [{ details: stop(9000), retryAfterSeconds: 3 }, 9000]]) {
    const pace = new Pace(() => 0);
    assert.deepEqual([pace.fail({ status: 503, ...told }), pace.size], [wait, 1]);
  }
});

test("failures wait twice as long each time, up to half a minute, and a success ends that", () => {
  const pace = new Pace(() => 1);
  const waits = Array.from({ length: 7 }, () => pace.fail({ status: 0 }));
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  pace.note({ level: "none", retryAfterMs: 0, maxBatch: 100 });
  assert.equal(pace.fail({ status: 0 }), 1000);
  assert.deepEqual([pace.fail({ status: 413 }), pace.size], [0, 50]);
});
