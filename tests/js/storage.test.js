import assert from "node:assert/strict";
import { test } from "node:test";

import { IDBFactory } from "fake-indexeddb";

import { KEYS } from "../../webapp/static/sdk/collection/storage.js";
import { deleteDatabase, settled, transact, transactIfThere } from "../../webapp/static/sdk/core/storage.js";
import { memoryStorage } from "./stores.js";

test("the end of a session clears its keys and keeps the patient's", () => {
  const storage = memoryStorage();
  for (const key of Object.values(KEYS)) storage.write(key, "x");
  storage.clearSession();
  const left = Object.values(KEYS).filter((key) => storage.read(key) !== null);
  assert.deepEqual(left.sort(), ["welno_gender", "welno_hospital_id", "welno_patient_uuid", "welno_visit_told"]);
});

test("the person's details go with the session", () => {
  const storage = memoryStorage();
  storage.rememberPerson("s", { name: "김하늘", birthday: "1984-05-17" });
  assert.equal(storage.person("s").birthday, "1984-05-17");
  storage.clearSession();
  assert.equal(storage.person("s"), null);
});

test("the end of an older session leaves the one that runs in another tab", () => {
  const storage = memoryStorage();
  storage.write(KEYS.sessionId, "new");
  for (const id of ["old", "new"]) storage.rememberPerson(id, { name: "김하늘", birthday: "1984-05-17" });
  storage.endSession("old");
  assert.deepEqual([storage.read(KEYS.sessionId), storage.person("old")], ["new", null]);
  assert.equal(storage.person("new").name, "김하늘");
  storage.endSession("new");
  assert.deepEqual([storage.read(KEYS.sessionId), storage.person("new")], [null, null]);
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
