import assert from "node:assert/strict";
import { test } from "node:test";

import { Collection } from "../../webapp/static/sdk/collection/collection.js";
import { WelnoStorage } from "../../webapp/static/sdk/collection/storage.js";
import { MemoryStorage } from "../../webapp/static/sdk/core/storage.js";
import { settle } from "./browser.js";
import { event, PATIENT, streaming } from "./stores.js";

const PERSON = { name: "김하늘", birthdate: "1984-05-17", gender: "F" };

/** A collection whose calls answer when they are let; `connected` are the sockets that it asked for. */
function collect(history, { saved = Promise.resolve() } = {}) {
  const lasting = new MemoryStorage();
  const storage = new WelnoStorage({ lasting, tab: new MemoryStorage() });
  const told = [];
  let answer = () => {};
  const collection = new Collection({
    sessionId: "s",
    page: "/",
    view: { perform: (action) => void told.push(action.do), showProgress: () => told.push("progress") },
    storage,
    client: {
      messages: () => new Promise((resolve) => (answer = () => resolve({ messages: history, epoch: "e", resync: false }))),
      checkupRecords: async () => ({ person: PERSON, items: [] }),
      prescriptions: async () => [],
    },
    database: { saveRecords: () => saved, forgetOthers: async () => {} },
  });
  return { collection, storage, lasting, told, answer: () => answer() };
}

test("who signs out while the state is read is followed no more, and nothing is kept", async () => {
  const waiting = [event("auth_waiting", { status: "auth_pending", data: {} })];
  const { collection, storage, lasting, told, answer } = collect(waiting);
  const started = collection.start();
  collection.stop();
  storage.forgetPerson();
  answer();
  await started;
  assert.deepEqual([lasting.length, told], [0, []]);
});

test("who signs out while the records are saved leaves no mark of it", async () => {
  let saved = () => {};
  const saving = new Promise((resolve) => (saved = resolve));
  const { collection, storage, lasting, answer } = collect([streaming("completed", PATIENT)], { saved: saving });
  const started = collection.start();
  answer();
  await settle();
  collection.stop();
  storage.forgetPerson();
  saved();
  await settle();
  assert.deepEqual(
    storage.isDone("s", "save"),
    false,
    Array.from({ length: lasting.length }, (_, index) => lasting.key(index)).join(),
  );
  await started;
});
