/** What the server has acknowledged, until it is seen that it has it. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { IDBKeyRange } from "fake-indexeddb";

import { Inbox } from "../../webapp/static/sdk/threads/inbox.js";
import { Outbox } from "../../webapp/static/sdk/threads/outbox.js";
import { ThreadReceiver } from "../../webapp/static/sdk/threads/receiver.js";
import { ThreadKeys } from "../../webapp/static/sdk/threads/thread_keys.js";
import { failure } from "./browser.js";
import { makeSender } from "./threads-sending.js";
import { makeMember, NURSE, OTHER_THREAD, THREAD, until } from "./threads-setup.js";

globalThis.IDBKeyRange = IDBKeyRange;
beforeEach(() => {
  globalThis.addEventListener ??= () => {};
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
});

const itemOf = ({ threadId, envelope }, seq, epoch = "e") => ({ threadId, epoch, seq, type: "message", from: NURSE, envelope });

async function makeAcked(t) {
  const { sender, member } = await makeSender(t);
  await sender.send(THREAD, "혈압 128/82");
  const [row] = await sender.outbox.rows();
  await sender.flush();
  await until(async () => (await sender.outbox.count()) === 0);
  return { row, outbox: sender.outbox, inbox: new Inbox(member.database, THREAD) };
}

test("what was acknowledged stays until it has come as an item", async (t) => {
  const { row, outbox, inbox } = await makeAcked(t);
  assert.deepEqual((await outbox.acked(THREAD)).map(({ dedupeId }) => dedupeId), [row.dedupeId]);
  assert.deepEqual(await outbox.acked(OTHER_THREAD), []);
  await inbox.add(itemOf(row, 1));
  assert.deepEqual([await outbox.acked(THREAD), await outbox.rows()], [[], []]);
});

test("what came as an item before its ACK waits for nothing", async (t) => {
  const { database } = await makeMember(NURSE);
  const outbox = new Outbox(database);
  const make = async (clientSeq) => ({ threadId: THREAD, dedupeId: crypto.randomUUID(), clientSeq, enc: { kid: "k1" }, sig: "its" });
  const row = await outbox.queueAdd(THREAD, make);
  await new Inbox(database, THREAD).add(itemOf(row, 1));
  await outbox.acknowledge([{ dedupeId: row.dedupeId, seq: 1 }]);
  assert.deepEqual([await outbox.acked(THREAD), await outbox.rows()], [[], []]);
});

for (const [what, change] of [
  ["another message", () => ({ dedupeId: crypto.randomUUID() })],
  ["something else under its name", () => ({ sig: "of somebody else" })],
]) {
  test(`a message in whose place stands ${what} is back with its person, and goes when it comes after all`, async (t) => {
    const { row, outbox, inbox } = await makeAcked(t);
    await inbox.add(itemOf({ ...row, envelope: { ...row.envelope, ...change() } }, 1));
    const [{ state, code, envelope }] = await outbox.rows();
    assert.deepEqual([state, code, envelope, await outbox.acked(THREAD)], ["dead", "NOT_KEPT", row.envelope, []]);
    await inbox.add(itemOf(row, 2));
    assert.deepEqual(await outbox.rows(), []);
  });
}

test("what a restored server may have lost is sent once more", async (t) => {
  const { row, outbox, inbox } = await makeAcked(t);
  const other = { threadId: THREAD, envelope: { ...row.envelope, dedupeId: crypto.randomUUID() } };
  await inbox.add(itemOf(other, 5));
  assert.equal((await outbox.acked(THREAD)).length, 1);
  await inbox.add(itemOf({ ...other, envelope: { ...other.envelope, dedupeId: crypto.randomUUID() } }, 1, "e2"));
  const [{ dedupeId, state }] = await outbox.rows();
  assert.deepEqual([dedupeId, state, await outbox.acked(THREAD)], [row.dedupeId, "queued", []]);
});

for (const reason of ["trimmed", "missing"])
  test(`numbers that are ${reason} after a restore settle nothing that was acknowledged before it`, async (t) => {
    const { row, outbox, inbox } = await makeAcked(t);
    const other = { threadId: THREAD, envelope: { ...row.envelope, dedupeId: crypto.randomUUID() } };
    await inbox.add(itemOf(other, 5));
    await inbox.noteGap("e2", { from: 1, to: 9, reason });
    const kept = (await outbox.rows()).map(({ dedupeId, state, code }) => [dedupeId, state, code]);
    assert.deepEqual([kept, await outbox.acked(THREAD)], [[[row.dedupeId, "queued", null]], []]);
  });

/** A server that was restored to before all that it had acknowledged, and whose first numbers are trimmed by now. */
function makeRestored(row, isTrimmed) {
  const other = (seq) => itemOf({ ...row, envelope: { ...row.envelope, dedupeId: crypto.randomUUID(), clientSeq: seq } }, seq, "e2");
  const items = [{ ...other(isTrimmed ? 9 : 1), receivedAt: "x" }];
  return {
    openSocket: () => null, openEvents: () => Promise.reject(failure(503)), eventsUrl: () => "/e",
    rangeUrl: (_, { after }) => `/r?${new URLSearchParams({ after })}`,
    getJson: async () => ({ items, lastSeq: items[0].seq, epoch: "e2" }),
    range: async () => ({ items: [], epoch: "e2", missing: { fromSeq: 1, toSeq: 8 } }),
    status: async () => ({ epoch: "e2", role: "writer", members: [{ memberId: NURSE, role: "owner", visibleFrom: 1 }] }),
    ack: async (_, seq) => ({ ackedSeq: seq }),
  };
}

for (const [what, isTrimmed] of [["its next item", false], ["that it trimmed", true]])
  test(`what a restored server may have lost goes as soon as ${what} tells of it`, async (t) => {
    const { sender, server, member, room } = await makeSender(t);
    await sender.send(THREAD, "혈압 128/82");
    const [row] = await sender.outbox.rows();
    await sender.flush();
    const inbox = new Inbox(member.database, THREAD);
    await inbox.add(itemOf({ ...row, envelope: { ...row.envelope, dedupeId: crypto.randomUUID() } }, 5));
    server.taken = [];
    const client = { ...makeRestored(row, isTrimmed), devices: async () => room.devices, keys: async () => ({ keys: room.toldTo(member).keys, lacking: [] }) };
    const keys = new ThreadKeys(THREAD, member.claim.deviceId, { ...member, client });
    const receiver = new ThreadReceiver(THREAD, {
      client, crypto: member.crypto, database: member.database, memberId: NURSE, keys, share: false,
      onItem: () => {},
      onRequeued: () => void sender.flush({ isEarly: true }),
    });
    t.after(() => receiver.close());
    await receiver.start();
    await until(() => server.taken.length > 0);
    assert.deepEqual(server.taken.map(({ dedupeId }) => dedupeId), [row.dedupeId]);
  });

for (const [reason, left] of [["trimmed", []], ["missing", [["dead", "NOT_KEPT"]]]]) {
  test(`a message among those that are ${reason} waits no longer`, async (t) => {
    const { outbox, inbox } = await makeAcked(t);
    await inbox.noteGap("e", { from: 1, to: 3, reason });
    assert.deepEqual([await outbox.acked(THREAD), (await outbox.rows()).map(({ state, code }) => [state, code])], [[], left]);
  });
}

test("who sees a thread from a later item on waits for nothing of before", async (t) => {
  const { row, outbox, inbox } = await makeAcked(t);
  const other = { threadId: THREAD, envelope: { ...row.envelope, dedupeId: crypto.randomUUID() } };
  await inbox.add(itemOf(other, 9), { isFirstVisible: true });
  assert.deepEqual([await outbox.acked(THREAD), await outbox.rows()], [[], []]);
});
