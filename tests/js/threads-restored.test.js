/** A browser that has opened keys which its server does not have any more, as after a restore: nothing is sent under them. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { IDBKeyRange } from "fake-indexeddb";

import { Inbox } from "../../webapp/static/sdk/threads/inbox.js";
import { ThreadKeys } from "../../webapp/static/sdk/threads/thread_keys.js";
import { failure } from "./browser.js";
import { makeSender, Server } from "./threads-sending.js";
import { ThreadServer } from "./threads-server.js";
import { DOCTOR, makeMember, NURSE, THREAD, until } from "./threads-setup.js";

const PATIENT = "patient:94ebd639-9549-427e-82f6-8dfbaf8ed138";
const textOf = (bytes) => new TextDecoder().decode(bytes);
const because = (code) => ({ name: "DisbelievedError", code });

globalThis.IDBKeyRange = IDBKeyRange;
beforeEach(() => {
  globalThis.addEventListener ??= () => {};
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
});

async function arrive(server, memberId) {
  const member = await makeMember(memberId);
  const client = server.clientOf(memberId);
  await client.register(member.claim);
  const keysOf = () => new ThreadKeys(THREAD, member.claim.deviceId, { client, ...member });
  return { ...member, client, keys: keysOf(), ensure: () => keysOf().ensure() };
}

/** Two generations, opened by all; then a server with the first alone, and another one's new device that makes the second. */
async function makeRestored(t, memberId, { epoch = "f", isMadeAnew = true } = {}) {
  const server = new ThreadServer({ [NURSE]: "owner", [PATIENT]: "writer", [DOCTOR]: "owner" });
  const browsers = { [NURSE]: await arrive(server, NURSE), [PATIENT]: await arrive(server, PATIENT) };
  for (const state of ["missing", "due"]) {
    server.keyState = state;
    for (const one of Object.values(browsers)) await one.ensure();
  }
  const member = browsers[memberId];
  const pushed = new Server();
  pushed.signedIn = memberId;
  const { sender } = await makeSender(t, { member, server: pushed, traits: { renewKey: async () => (await member.ensure()).kid } });
  const restore = async () => {
    server.restore(1, epoch);
    server.keyState = isMadeAnew ? "due" : "ok";
    if (!isMadeAnew) return null;
    const anew = await arrive(server, DOCTOR);
    const other = browsers[PATIENT];
    const { keys } = await other.client.keys(THREAD, other.claim.deviceId);
    await other.client.addWraps(THREAD, "k1", await other.crypto.sealFor(THREAD, keys[0], [anew.told]));
    assert.equal((await anew.ensure()).kid, "k2");
    return anew;
  };
  return { server, pushed, member, sender, restore };
}

const opensIn = async (server, browser, envelope) => {
  const from = server.devices.find(({ deviceId }) => deviceId === envelope.clientId).memberId;
  return textOf(await browser.crypto.openItem({ threadId: THREAD, from, envelope }, server.devices));
};

test("an owner's browser makes a key that all believe, where the newest is another one after a restore", async (t) => {
  const { server, pushed, member, sender, restore } = await makeRestored(t, NURSE);
  const anew = await restore();
  await member.keys.refresh();
  await sender.send(THREAD, "혈압 128/82");
  await until(() => pushed.taken.length > 0);
  const [envelope] = pushed.taken;
  assert.deepEqual([envelope.enc.kid, server.keysets.map(({ kid }) => kid)], ["k3", ["k1", "k2", "k3"]]);
  await anew.ensure();
  assert.equal(await opensIn(server, anew, envelope), "혈압 128/82");
});

test("whoever is no owner writes nothing until there is a key that is believed", async (t) => {
  const { server, pushed, member, sender, restore } = await makeRestored(t, PATIENT);
  const anew = await restore();
  const { kid, isRestored } = await member.ensure();
  assert.deepEqual([kid, isRestored], [null, true]);
  await assert.rejects(sender.send(THREAD, "x"), because("KEY_CHANGED"));
  assert.deepEqual([await sender.outbox.count(), pushed.asked], [0, 0]);
  server.keyState = "due";
  await anew.ensure();
  await sender.send(THREAD, "혈압 128/82");
  await until(() => pushed.taken.length > 0);
  assert.equal(await opensIn(server, anew, pushed.taken[0]), "혈압 128/82");
});

test("an owner's browser goes on where its keys are gone after a restore", async (t) => {
  const { server, member, restore } = await makeRestored(t, NURSE, { isMadeAnew: false });
  await restore();
  const { kid } = await member.ensure();
  assert.deepEqual([kid, server.keysets.map((one) => one.kid)], ["k3", ["k1", "k2", "k3"]]);
  const doctor = await arrive(server, DOCTOR);
  await member.ensure();
  assert.equal((await doctor.ensure()).kid, "k3");
});

for (const [what, isMadeAnew, code] of [["takes its newest key back", false, "KEY_CHAIN"], ["tells another key for its newest", true, "KEY_CHANGED"]])
  test(`a server that ${what} without a restore is given no key, and nothing to send`, async (t) => {
    const { server, member, sender, restore } = await makeRestored(t, NURSE, { epoch: "e", isMadeAnew });
    await restore();
    const count = server.keysets.length;
    assert.equal((await member.ensure()).kid, null);
    await assert.rejects(sender.send(THREAD, "x"), because(code));
    assert.equal(server.keysets.length, count);
  });

test("a keyset that its maker did not sign is no ground for another, after a restore too", async (t) => {
  const { server, member, restore } = await makeRestored(t, NURSE);
  await restore();
  server.keysets[1].sig = server.keysets[0].sig;
  const { kid, failures } = await member.ensure();
  assert.deepEqual([kid, failures, server.keysets.length], [null, [{ kid: "k2", code: "KEY_SIGNATURE" }], 2]);
});

const itemIn = (epoch, envelope) => ({ threadId: THREAD, epoch, seq: 1, type: "message", from: NURSE, envelope });

/** What was acknowledged before the restore, and an item of the server after it. */
async function makeLost(t, memberId) {
  const found = await makeRestored(t, memberId);
  const { sender, pushed, member } = found;
  await sender.send(THREAD, "하나");
  await until(() => pushed.taken.length === 1);
  await sender.send(THREAD, "둘");
  await until(async () => pushed.taken.length === 2 && (await sender.outbox.count()) === 0);
  await sender.flush();
  const [first, second] = pushed.taken.splice(0);
  const inbox = new Inbox(member.database, THREAD);
  await inbox.add(itemIn("e", first));
  const noteRestore = () => inbox.add(itemIn("f", { dedupeId: crypto.randomUUID() }));
  return { ...found, second, noteRestore };
}

test("what a restored server lost goes under a key that is believed, in its order and under its names", async (t) => {
  const { server, pushed, sender, restore, noteRestore, second } = await makeLost(t, NURSE);
  const anew = await restore();
  await noteRestore();
  await sender.flush({ isEarly: true });
  const names = ({ dedupeId, clientSeq, enc }) => [dedupeId, clientSeq, enc.kid];
  assert.deepEqual(pushed.taken.map(names), [[second.dedupeId, 2, "k3"]]);
  await anew.ensure();
  assert.equal(await opensIn(server, anew, pushed.taken[0]), "둘");
});

test("while there is no such key it waits, also for a service worker, and goes once there is one", async (t) => {
  const { server, pushed, sender, restore, noteRestore } = await makeLost(t, PATIENT);
  const anew = await restore();
  await noteRestore();
  await sender.flush({ isEarly: true });
  assert.deepEqual(await sender.outbox.queueTake({ most: 9, mostBytes: 1e6, isEarly: true }), []);
  assert.deepEqual([pushed.taken.length, await sender.outbox.count()], [0, 1]);
  server.keyState = "due";
  await anew.ensure();
  await sender.flush({ isEarly: true });
  assert.equal(await opensIn(server, anew, pushed.taken[0]), "둘");
});

test("until a restored server's keys were read nothing goes, and what was read before it lets nothing go", async (t) => {
  const { server, pushed, sender, member, restore, noteRestore } = await makeLost(t, NURSE);
  await restore();
  await noteRestore();
  const { status } = member.client;
  member.client.status = async () => Promise.reject(failure(0));
  await sender.send(THREAD, "셋");
  await sender.flush({ isEarly: true });
  assert.equal(pushed.taken.length, 0);
  member.client.status = async () => ({ ...(await status()), epoch: "e" });
  await member.keys.refresh();
  assert.deepEqual(await sender.outbox.queueTake({ most: 9, mostBytes: 1e6, isEarly: true }), []);
  member.client.status = status;
  await sender.flush({ isEarly: true });
  assert.deepEqual(pushed.taken.map(({ enc, clientSeq }) => [enc.kid, clientSeq]), [["k3", 2], ["k3", 3]]);
  assert.equal(server.keysets.length, 3);
});
