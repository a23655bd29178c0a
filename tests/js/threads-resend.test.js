/** Numbers of a device that lack: who asks, who answers, and who is shown nothing of it. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { IDBKeyRange } from "fake-indexeddb";

import { ThreadReceiver } from "../../webapp/static/sdk/threads/receiver.js";
import { isResendRequest, readResendRequest, RESEND_TYPE, ResendAsking, writeResendRequest } from "../../webapp/static/sdk/threads/resend.js";
import { failure } from "./browser.js";
import { makeSender } from "./threads-sending.js";
import { NURSE, OTHER_THREAD, THREAD, until } from "./threads-setup.js";

const bytes = (text) => new TextEncoder().encode(text);
const CLIENT = "0b5c6f0e-6a52-4c8f-9a1b-2f8f5f3f6f11";
const GAP = { clientId: CLIENT, from: 2, to: 3 };

globalThis.IDBKeyRange = IDBKeyRange;
beforeEach(() => {
  globalThis.addEventListener ??= () => {};
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
});

test("a wish reads as it was written, and what is none is none", () => {
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

test("a wish is told to its device once, and shown to nobody", async (t) => {
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

function makeAsking(lacks) {
  const due = [];
  const asked = [];
  const asking = new ResendAsking({ lacks, ask: async (gap) => asked.push(gap), later: (_, milliseconds, act) => due.push({ milliseconds, act }), random: () => 0.5 });
  return { asking, due, asked };
}

test("what lacks for long is asked for once", async () => {
  const { asking, due, asked } = makeAsking(async () => true);
  asking.note(GAP);
  assert.equal(due[0].milliseconds, 45_000);
  asking.note({ ...GAP, to: 7 });
  for (const { act } of due) await act();
  await until(() => asked.length > 0);
  assert.deepEqual(asked, [GAP]);
});

test("what has come meanwhile, or somebody else has asked for, is not asked for", async () => {
  const come = makeAsking(async () => false);
  come.asking.note(GAP);
  await come.due[0].act();
  const others = makeAsking(async () => true);
  others.asking.note(GAP);
  others.asking.noteAsked(GAP);
  await others.due[0].act();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([come.asked, others.asked], [[], []]);
});
