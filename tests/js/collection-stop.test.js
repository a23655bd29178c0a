import assert from "node:assert/strict";
import { test } from "node:test";

import { IDBFactory } from "fake-indexeddb";

import { Collection } from "../../webapp/static/sdk/collection/collection.js";
import { HealthDatabase } from "../../webapp/static/sdk/collection/database.js";
import { WelnoStorage } from "../../webapp/static/sdk/collection/storage.js";
import { MemoryStorage, StoreError } from "../../webapp/static/sdk/core/storage.js";
import { FakeSocket, settle, setUp, sockets, tearDown } from "./browser.js";
import { event, PATIENT, streaming } from "./stores.js";

const PERSON = { name: "김하늘", birthdate: "1984-05-17", gender: "F" };
const KEY = Buffer.alloc(32, 1).toString("base64");
const COMPLETED = [streaming("completed", PATIENT)];

/** Answers when a test lets it. */
function delayed() {
  let answer = (_value) => {};
  let refuse = (_error) => {};
  const promise = new Promise((resolve, reject) => ([answer, refuse] = [resolve, reject]));
  return { promise, answer: (value) => answer(value), refuse: (error) => refuse(error) };
}

/** A collection of which `pending` names what a test lets go on: the history, the records, the save, or the dialog. */
function collect(history, { pending = [], database } = {}) {
  const lasting = new MemoryStorage();
  const storage = new WelnoStorage({ lasting, tab: new MemoryStorage() });
  const waits = Object.fromEntries(pending.map((name) => [name, delayed()]));
  const [told, stored] = [[], []];
  const once = (name, value) => waits[name]?.promise ?? Promise.resolve(value);
  const perform = (action) => {
    told.push(action.do);
    return action.do === "dialog" ? once("dialog") : undefined;
  };
  const collection = new Collection({
    sessionId: "s",
    page: "/",
    view: { perform, showProgress: () => told.push("progress") },
    storage,
    client: {
      messages: async () => (await once("history"), { messages: history, epoch: "e", resync: false }),
      checkupRecords: async () => (await once("records"), { person: PERSON, items: [] }),
      prescriptions: async () => [],
      collectData: async () => {},
      socketUrl: () => "ws://x",
    },
    database: database ?? {
      saveRecords: ({ uuid }) => (stored.push(uuid), once("save")),
      forgetOthers: async () => void stored.push("others"),
    },
  });
  /** As the page's sign-out does. */
  const signOut = () => {
    collection.stop();
    storage.forgetPerson();
    told.length = 0;
  };
  const keys = () => Array.from({ length: lasting.length }, (_, index) => lasting.key(index));
  return { collection, signOut, keys, told, stored, waits };
}

test("who signs out while the state is read is followed no more, and nothing is kept", async () => {
  const waiting = [event("auth_waiting", { status: "auth_pending", data: {} })];
  const { collection, signOut, keys, told, waits } = collect(waiting, { pending: ["history"] });
  const started = collection.start();
  signOut();
  waits.history.answer();
  await started;
  assert.deepEqual([keys(), told], [[], []]);
});

for (const [what, stage, outcome] of [
  ["the records are fetched", "records", []],
  ["the records are saved", "save", ["u-1"]],
  ["the password is asked for", "dialog", ["u-1", "others"]],
])
  test(`who signs out while ${what} leaves no key, and nothing more is done`, async () => {
    const { collection, signOut, keys, told, stored, waits } = collect(COMPLETED, { pending: [stage] });
    const started = collection.start();
    await settle();
    signOut();
    waits[stage].answer({ person: PERSON, items: [] });
    await started;
    assert.deepEqual([keys(), told, stored], [[], [], outcome]);
  });

test("of a save that fails behind a sign-out nothing is said", async (t) => {
  t.mock.method(console, "warn", () => assert.fail("said"));
  const { collection, signOut, keys, told, waits } = collect(COMPLETED, { pending: ["save"] });
  const started = collection.start();
  await settle();
  signOut();
  waits.save.refuse(new StoreError("STORE_FAILED"));
  await started;
  assert.deepEqual([keys(), told], [[], []]);
});

test("records whose key comes after a sign-out are not written, whoever emptied the store", async () => {
  const [factory, key] = [new IDBFactory(), delayed()];
  const database = new HealthDatabase({ client: { browserKey: () => key.promise }, factory });
  const { collection, signOut } = collect(COMPLETED, { database });
  const started = collection.start();
  await settle();
  signOut();
  await new HealthDatabase({ client: { browserKey: () => key.promise }, factory }).forgetEverything();
  key.answer(KEY);
  await started;
  assert.deepEqual(await factory.databases(), []);
});

test("what the person says of a collection that was stopped is not remembered", async () => {
  const { collection, signOut, keys } = collect([]);
  signOut();
  await collection.approve();
  assert.deepEqual(keys(), []);
});

test("whoever leaves for the results while records still come follows no more, and leaves once", async (t) => {
  setUp();
  t.after(tearDown);
  const { collection, told } = collect([streaming("health_data_completed", PATIENT)]);
  await collection.start();
  assert.deepEqual(told, ["progress", "navigate"]);
  assert.deepEqual(sockets.map(({ readyState }) => readyState), [FakeSocket.CLOSED]);
});
