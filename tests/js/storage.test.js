import assert from "node:assert/strict";
import { test } from "node:test";

import { IDBFactory } from "fake-indexeddb";

import { KEYS, WelnoStorage } from "../../webapp/static/sdk/collection/storage.js";
import { deleteDatabase, MemoryStorage, settled, transact, transactIfThere } from "../../webapp/static/sdk/core/storage.js";
import { memoryStorage } from "./stores.js";

test("the end of a session clears its keys and keeps the patient's", () => {
  const storage = memoryStorage();
  for (const key of Object.values(KEYS)) storage.write(key, "x");
  storage.clearSession();
  const left = Object.values(KEYS).filter((key) => storage.read(key) !== null);
  assert.deepEqual(left.sort(), ["welno_hospital_id", "welno_patient_uuid", "welno_visit_told"]);
});

test("what earlier releases kept of a person in clear goes, and nothing else", () => {
  const [lasting, tab] = [new MemoryStorage(), new MemoryStorage()];
  lasting.setItem("welno_gender", "F");
  lasting.setItem(KEYS.sessionId, "s");
  tab.setItem("welno_person:s", JSON.stringify({ name: "김하늘", birthday: "1984-05-17" }));
  new WelnoStorage({ lasting, tab }).forgetUnsealed();
  assert.deepEqual([lasting.getItem("welno_gender"), lasting.getItem(KEYS.sessionId), tab.length], [null, "s", 0]);
});

test("the end of an older session leaves the one that runs in another tab", () => {
  const storage = memoryStorage();
  storage.write(KEYS.sessionId, "new");
  storage.endSession("old");
  assert.equal(storage.read(KEYS.sessionId), "new");
  storage.endSession("new");
  assert.equal(storage.read(KEYS.sessionId), null);
});

test("only the first claim of a dialog wins", () => {
  const storage = memoryStorage();
  assert.deepEqual([storage.claim("s", "dialog"), storage.claim("s", "dialog")], [true, false]);
});

test("a dialog and a save are claimed apart, each session anew", () => {
  const storage = memoryStorage();
  storage.claim("s", "dialog");
  assert.equal(storage.claim("s", "save"), true);
  assert.equal(storage.claim("t", "dialog"), true);
});

test("writing nothing forgets", () => {
  const storage = memoryStorage();
  storage.write(KEYS.authWaiting, "true");
  storage.write(KEYS.authWaiting, null);
  assert.equal(storage.read(KEYS.authWaiting), null);
});

test("what only looks makes no database, also where one is deleted at this moment", async () => {
  const plan = { factory: new IDBFactory(), name: "records", store: "rows", options: { keyPath: "id" } };
  const look = () => transactIfThere(plan, "readwrite", (store) => settled(store.getAll()));
  assert.equal(await look(), null);
  await transact(plan, "readwrite", (store) => settled(store.put({ id: 1 })));
  assert.deepEqual(await look(), [{ id: 1 }]);
  const deleted = deleteDatabase(plan);
  assert.equal(await look(), null);
  await deleted;
  assert.deepEqual(await plan.factory.databases(), []);
});
