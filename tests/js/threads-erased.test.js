/** "Register anew" in one tab: what the other tabs of the browser do with the device that is no more. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { IDBFactory } from "fake-indexeddb";

import { settled } from "../../webapp/static/sdk/core/storage.js";
import { ThreadsDatabase } from "../../webapp/static/sdk/threads/database.js";
import { ErasedError } from "../../webapp/static/sdk/threads/errors.js";
import { Outbox } from "../../webapp/static/sdk/threads/outbox.js";
import { OwnDevices } from "../../webapp/static/sdk/threads/own_devices.js";
import { openThreads } from "../../webapp/static/sdk/threads/session.js";
import { ThreadCrypto } from "../../webapp/static/sdk/threads/thread_crypto.js";
import { WorkerLink } from "../../webapp/static/sdk/threads/worker_link.js";
import { failure } from "./browser.js";
import { makeMember, NURSE, THREAD } from "./threads-setup.js";

const ERASED = { name: "StoreError", code: "STORE_ERASED" };

beforeEach(() => Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true }));

/** A tab of the nurse at a browser, whose page and Worker have opened the database. */
async function openTab(factory) {
  const tab = await makeMember(NURSE, factory);
  const told = { erased: 0 };
  tab.database.whenErased(() => (told.erased += 1));
  await tab.database.open();
  return { ...tab, told, outbox: new Outbox(tab.database) };
}

const makeEnvelope = (clientId) => async (clientSeq) => ({ threadId: THREAD, dedupeId: crypto.randomUUID(), clientId, clientSeq, enc: { kid: "k1" } });
const add = ({ outbox, claim }) => outbox.queueAdd(THREAD, makeEnvelope(claim.deviceId));

for (const [what, drop, atOnce] of [["at once", async () => {}, 1], ["by its next call, where its connection was dropped", (tab) => tab.database.close(), 0]])
  test(`a tab finds out, ${what}, that another one has made a new device, and does nothing with either`, async () => {
    const factory = new IDBFactory();
    const [one, other] = [await openTab(factory), await openTab(factory)];
    await add(other);
    await drop(other);
    await one.database.erase();
    assert.equal(other.told.erased, atOnce);
    const anew = await openTab(factory);
    assert.notEqual(anew.claim.deviceId, one.claim.deviceId);
    for (const tab of [one, other]) {
      await assert.rejects(add(tab), ERASED);
      await assert.rejects(tab.outbox.rows(), ERASED);
      await assert.rejects(tab.crypto.sealFor(THREAD, { kid: "k1", recipients: [] }, []), ERASED);
    }
    assert.deepEqual([one.told.erased, other.told.erased, anew.told.erased], [0, 1, 0]);
    assert.deepEqual([(await add(anew)).clientSeq, (await anew.outbox.rows()).length], [1, 1]);
  });

test("nothing that is written while it is erased is in the next one", async () => {
  const tab = await openTab(new IDBFactory());
  const erasing = tab.database.erase();
  await assert.rejects(tab.database.write(["meta"], async ({ meta }) => void meta.put("k1", "kid:x")), ERASED);
  await erasing;
  const { database } = await openTab(tab.factory);
  assert.equal(await database.read(["meta"], ({ meta }) => settled(meta.get("kid:x"))), undefined);
});

test("a database that an older version has made, and none is erased, goes on", async () => {
  const tab = await openTab(new IDBFactory());
  await tab.database.write(["meta"], async ({ meta }) => void meta.delete("databaseId"));
  const later = await openTab(tab.factory);
  await later.database.close();
  assert.deepEqual([(await add(later)).clientSeq, later.told.erased], [1, 0]);
  await tab.database.erase();
  await openTab(tab.factory);
  await assert.rejects(add(later), ERASED);
});

test("the Worker's word that the database was erased is the same on the page", async () => {
  const { Worker } = globalThis;
  globalThis.Worker = /** @type {any} */ (class {
    postMessage({ id }) {
      const error = new ErasedError();
      queueMicrotask(() => this.onmessage({ data: { id, error: { name: error.name, code: error.code, message: error.message } } }));
    }
  });
  await assert.rejects(new WorkerLink().fingerprints([]), (error) => error instanceof ErasedError && error.message.includes("새 기기"));
  globalThis.Worker = Worker;
});

test("a browser that cannot be erased goes on", async (t) => {
  const tab = await openTab(new IDBFactory());
  const refused = t.mock.method(tab.factory, "deleteDatabase", () => {
    throw new DOMException("no", "UnknownError");
  });
  await assert.rejects(tab.database.erase(), { name: "StoreError", code: "STORE_FAILED" });
  refused.mock.restore();
  assert.equal((await add(tab)).clientSeq, 1);
});

test("between the page's database and the Worker's device there is no room for another one", async (t) => {
  const { indexedDB } = globalThis;
  t.after(() => (globalThis.indexedDB = indexedDB));
  globalThis.indexedDB = new IDBFactory();
  const worker = new ThreadCrypto(globalThis.indexedDB);
  const open = async (...asked) => {
    const claim = await worker.open(...asked);
    await (await ThreadsDatabase.of(NURSE, globalThis.indexedDB)).erase();
    return claim;
  };
  const client = { me: async () => ({ memberId: NURSE, devices: [] }), register: async () => ({ state: "active" }) };
  const { database } = await openThreads({ client, crypto: { open } });
  await assert.rejects(database.read(["meta"], async () => null), ErasedError);
  let told = 0;
  database.whenErased(() => (told += 1));
  assert.equal(told, 1);
});

for (const [what, revoke, isTold] of [["", async () => ({}), true], [", if it can be asked", async () => Promise.reject(failure(0)), false]])
  test(`the device that goes is revoked at the server${what}`, async () => {
    const tab = await openTab(new IDBFactory());
    const revoked = [];
    const client = { revoke: async (id) => (await revoke(), revoked.push(id)) };
    const own = new OwnDevices({ session: { device: tab.claim, database: tab.database }, client, crypto: tab.crypto });
    await own.eraseThis();
    assert.deepEqual(revoked, isTold ? [tab.claim.deviceId] : []);
    await assert.rejects(tab.outbox.rows(), ERASED);
  });
