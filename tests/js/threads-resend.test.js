/** Numbers of a device that lack: who asks, who answers, and who is shown nothing of it. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { IDBKeyRange } from "fake-indexeddb";

import { settled, StoreError } from "../../webapp/static/sdk/core/storage.js";
import { Inbox } from "../../webapp/static/sdk/threads/inbox.js";
import { ThreadReceiver } from "../../webapp/static/sdk/threads/receiver.js";
import { isResendRequest, readResendRequest, RESEND_TYPE, ResendAsking, writeResendRequest } from "../../webapp/static/sdk/threads/resend.js";
import { failure } from "./browser.js";
import { makeSender } from "./threads-sending.js";
import { makeMember, NURSE, OTHER_THREAD, THREAD, until } from "./threads-setup.js";

const bytes = (text) => new TextEncoder().encode(text);
const CLIENT = "0b5c6f0e-6a52-4c8f-9a1b-2f8f5f3f6f11";
const GAP = { clientId: CLIENT, from: 2, to: 3 };

globalThis.IDBKeyRange = IDBKeyRange;
beforeEach(() => {
  globalThis.addEventListener ??= () => {};
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
});

test("a resend request reads as it was written, and what is none is none", () => {
  assert.deepEqual(readResendRequest(writeResendRequest(GAP)), GAP);
  for (const text of ["", "7", "{}", "null", '{"clientId":"x","from":1,"to":1}', `{"clientId":"${CLIENT}","from":0,"to":1}`, `{"clientId":"${CLIENT}","from":3,"to":2}`])
    assert.equal(readResendRequest(bytes(text)), null);
  assert.equal(isResendRequest({ kind: "data", contentType: RESEND_TYPE }), false);
});

test("a device that is asked sends what waits, also what was refused before, and no other thread's", async (t) => {
  const { sender, server, member } = await makeSender(t);
  server.answers = [{ refuse: ["UNKNOWN_KEY"] }, failure(0)];
  await sender.send(THREAD, "하나");
  await until(async () => (await sender.outbox.rows()).some(({ state }) => state === "dead"));
  const wanted = { clientId: member.claim.deviceId, from: 1, to: 1 };
  await sender.answerResend(THREAD, { ...wanted, clientId: CLIENT });
  await sender.answerResend(OTHER_THREAD, wanted);
  await sender.answerResend(THREAD, { ...wanted, from: 2, to: 9 });
  assert.equal((await sender.outbox.rows())[0].state, "dead");
  server.answers = [];
  await sender.answerResend(THREAD, wanted);
  assert.deepEqual(server.taken.map(({ clientSeq }) => clientSeq), [1]);
});

test("a resend request is told to its device once, and shown to nobody", async (t) => {
  const { sender, server, member, room } = await makeSender(t);
  await sender.requestResend(THREAD, GAP);
  await sender.send(THREAD, "하나");
  await until(() => server.taken.length === 2);
  const items = server.taken.map((envelope, at) => ({ seq: at + 1, epoch: "e", type: "message", threadId: THREAD, receivedAt: "x", from: NURSE, envelope: { threadId: THREAD, ...envelope } }));
  const keys = { devices: async () => room.devices, refresh: async () => null };
  const client = { openSocket: () => null, openEvents: () => Promise.reject(failure(503)), eventsUrl: () => "/e", rangeUrl: () => "/r", getJson: async () => ({ items, lastSeq: 2, epoch: "e" }), ack: async (_, seq) => ({ ackedSeq: seq }) };
  const seen = [];
  const receive = async () => {
    const receiver = new ThreadReceiver(THREAD, {
      client, crypto: member.crypto, database: member.database, memberId: NURSE, keys, share: false,
      onItem: ({ seq }) => seen.push(seq),
      onResend: (wanted) => seen.push(wanted),
    });
    t.after(() => receiver.close());
    await receiver.start();
    return receiver;
  };
  const first = await receive();
  await until(() => seen.includes(2));
  first.close();
  await receive();
  assert.deepEqual(seen, [GAP, 2, 2]);
});

function makeAsking(inbox, lacks = async () => true) {
  const due = [];
  const asked = [];
  const parts = { lacks, isAsked: (gap) => inbox.isAsked(gap), noteAsked: (gap) => inbox.noteAsked(gap) };
  const ask = async (gap) => asked.push(gap) > 0;
  const later = (_, milliseconds, act) => due.push({ milliseconds, act });
  return { asking: new ResendAsking({ ...parts, ask, later, random: () => 0.5 }), due, asked };
}

const openInbox = async () => new Inbox((await makeMember(NURSE)).database, THREAD);
const rest = () => new Promise((resolve) => setTimeout(resolve, 50));

test("what lacks for long is asked for once, also by a page that is opened anew", async () => {
  const inbox = await openInbox();
  const first = makeAsking(inbox);
  first.asking.note(GAP);
  assert.equal(first.due[0].milliseconds, 45_000);
  first.due[0].act();
  await until(async () => inbox.isAsked(GAP));
  const again = makeAsking(inbox);
  again.asking.note(GAP);
  again.due[0].act();
  await rest();
  assert.deepEqual([first.asked, again.asked], [[GAP], []]);
});

test("more than was asked for is asked for", async () => {
  const inbox = await openInbox();
  const { asking, due, asked } = makeAsking(inbox);
  await asking.noteAsked(GAP);
  const longer = { ...GAP, to: 7 };
  asking.note(longer);
  due[0].act();
  await until(() => asked.length > 0);
  assert.deepEqual(asked, [longer]);
});

test("what was asked for before a restore is asked for once more, and nothing of before it is kept", async () => {
  const { database } = await makeMember(NURSE);
  const inbox = new Inbox(database, THREAD);
  const keyItem = (epoch) => ({ threadId: THREAD, epoch, seq: 1, type: "system", event: "key", data: { kid: "k1" }, by: NURSE });
  await inbox.add(keyItem("e"));
  await inbox.noteAsked(GAP);
  assert.equal(await inbox.isAsked(GAP), true);
  await inbox.add(keyItem("e2"));
  assert.equal(await inbox.isAsked(GAP), false);
  await inbox.noteAsked({ ...GAP, from: 5, to: 6 });
  const kept = await database.read(["meta"], ({ meta }) => settled(meta.get(`asked:${THREAD}`)));
  assert.deepEqual(kept, { epoch: "e2", asked: { [`${CLIENT} 5`]: 6 } });
});

test("a note of a version before, which says no epoch, keeps nothing from being asked for", async () => {
  const { database } = await makeMember(NURSE);
  await database.write(["meta"], async ({ meta }) => void meta.put({ [`${CLIENT} 2`]: 3 }, `asked:${THREAD}`));
  assert.equal(await new Inbox(database, THREAD).isAsked(GAP), false);
});

test("what has come meanwhile, or somebody else has asked for, is not asked for", async () => {
  const inbox = await openInbox();
  const come = makeAsking(inbox, async () => false);
  come.asking.note(GAP);
  come.due[0].act();
  await rest();
  const others = makeAsking(inbox);
  others.asking.note(GAP);
  await others.asking.noteAsked(GAP);
  others.due[0].act();
  await rest();
  assert.deepEqual([come.asked, others.asked], [[], []]);
});

test("a store that says nothing costs one request, and no error", async () => {
  const silent = () => Promise.reject(new StoreError("silent"));
  const due = [];
  const parts = { lacks: silent, isAsked: silent, noteAsked: silent, ask: async () => true };
  const asking = new ResendAsking({ ...parts, later: (_, __, act) => due.push(act) });
  asking.note(GAP);
  due[0]();
  await asking.noteAsked(GAP);
  await rest();
});

test("a device that is asked sends what was acknowledged and never came once more", async (t) => {
  const { sender, server, member } = await makeSender(t);
  await sender.send(THREAD, "하나");
  await sender.flush();
  await until(async () => (await sender.outbox.acked(THREAD)).length === 1);
  server.taken.length = 0; // as a server that was restored
  await sender.answerResend(THREAD, { clientId: member.claim.deviceId, from: 1, to: 1 });
  await until(() => server.taken.length === 1);
});
