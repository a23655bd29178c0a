import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Collection } from "../../webapp/static/sdk/collection/collection.js";
import { HealthDatabase } from "../../webapp/static/sdk/collection/database.js";
import { KEYS, WelnoStorage } from "../../webapp/static/sdk/collection/storage.js";
import { WelnoError } from "../../webapp/static/sdk/core/errors.js";
import { MemoryStorage, SafeStorage, StoreError, within } from "../../webapp/static/sdk/core/storage.js";
import { settle } from "./browser.js";
import { memoryStorage, PATIENT, streaming } from "./stores.js";

const QUOTA = new DOMException("full", "QuotaExceededError");

/** Holds what it was given before it was full. */
class FullStorage extends MemoryStorage {
  isFull = false;
  setItem(key, value) {
    if (this.isFull) throw QUOTA;
    super.setItem(key, value);
  }
}

/** IndexedDB as a browser that never answers, or answers when a test says so. */
class SilentDatabases {
  requests = [];
  open() {
    const request = {};
    this.requests.push(request);
    return request;
  }
}

function withTimers(t) {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
}

test("what a full store does not take is kept for this page", () => {
  const store = new FullStorage();
  store.setItem("old", "1");
  store.isFull = true;
  const safe = new SafeStorage(() => store);
  assert.equal(safe.isLasting, true);
  safe.setItem("new", "2");
  safe.setItem("old", "3");
  assert.deepEqual([safe.getItem("new"), safe.getItem("old"), safe.keys().sort()], ["2", "3", ["new", "old"]]);
  assert.deepEqual([safe.isLasting, store.getItem("old")], [false, null]);
});

test("a store that has room again takes what is written from then on", () => {
  const store = new FullStorage();
  const safe = new SafeStorage(() => store);
  store.isFull = true;
  safe.setItem("a", "1");
  store.isFull = false;
  safe.setItem("a", "2");
  assert.deepEqual([safe.getItem("a"), store.getItem("a")], ["2", "2"]);
});

test("what a store takes and does not give back is kept for this page", () => {
  const store = new MemoryStorage();
  store.getItem = () => {
    throw new DOMException("broken", "SecurityError");
  };
  const safe = new SafeStorage(() => store);
  safe.setItem("a", "1");
  assert.deepEqual([safe.getItem("a"), safe.isLasting], ["1", false]);
});

test("a store that may not even be named is memory", () => {
  const safe = new SafeStorage(() => {
    throw new DOMException("blocked", "SecurityError");
  });
  safe.setItem("a", "1");
  assert.deepEqual([safe.getItem("a"), safe.isLasting], ["1", false]);
  safe.removeItem("a");
  assert.deepEqual([safe.getItem("a"), safe.keys()], [null, []]);
});

test("a session can be started though the browser's store is full", () => {
  const lasting = new FullStorage();
  lasting.isFull = true;
  const storage = new WelnoStorage({ lasting, tab: new MemoryStorage() });
  storage.write(KEYS.sessionId, "s");
  assert.deepEqual([storage.read(KEYS.sessionId), storage.isLasting], ["s", false]);
  assert.equal(storage.claim("s", "dialog"), true);
  storage.clearSession();
  assert.equal(storage.read(KEYS.sessionId), null);
});

test("a promise that never settles ends with a sentence for the person", async (t) => {
  withTimers(t);
  const waiting = within(new Promise(() => {}), 500);
  mock.timers.tick(500);
  await assert.rejects(waiting, (error) => error instanceof StoreError && /[가-힣]/.test(error.message));
});

test("records that the browser cannot open are no reason to wait", async (t) => {
  withTimers(t);
  const database = new HealthDatabase({ factory: new SilentDatabases() });
  const reading = database.readRecords("u");
  await settle();
  mock.timers.tick(3_000);
  await assert.rejects(reading, { code: "STORE_SILENT" });
});

test("a database that opens too late is closed, and nothing is written", async (t) => {
  withTimers(t);
  const factory = new SilentDatabases();
  const saving = new HealthDatabase({ factory }).saveRecords({ uuid: "u", healthData: [], prescriptionData: [] });
  mock.timers.tick(3_000);
  await assert.rejects(saving, { code: "STORE_SILENT" });
  const [request] = factory.requests;
  let isClosed = false;
  request.result = {
    objectStoreNames: { contains: () => true },
    transaction: () => assert.fail("written after it was said to have failed"),
    close: () => (isClosed = true),
  };
  request.onsuccess();
  await settle();
  assert.ok(isClosed);
});

test("a browser without IndexedDB fails at once", async () => {
  const factory = {
    open: () => {
      throw new DOMException("forbidden", "SecurityError");
    },
  };
  await assert.rejects(new HealthDatabase({ factory }).readRecords("u"), { code: "STORE_FAILED" });
});

/** A session that is completed, as a page follows it; `fails`: what the records are answered with. */
async function finish({ page, storage, database, fails = null }) {
  const performed = [];
  const collection = new Collection({
    sessionId: "s",
    page,
    view: { perform: (action) => void performed.push(action.do) },
    storage,
    client: {
      messages: async () => ({ messages: [streaming("completed", PATIENT)], last_seq: 1, epoch: "e", resync: false }),
      checkupRecords: async () => {
        if (fails) throw fails;
        return { person: { name: "김하늘", birthdate: "1984-05-17", gender: "F" }, items: [] };
      },
      prescriptions: async () => [],
    },
    database,
  });
  const started = collection.start();
  await settle();
  if (database) mock.timers.tick(3_000);
  await started;
  return performed;
}

test("the way goes on to the results though the records cannot be kept here", async (t) => {
  withTimers(t);
  t.mock.method(console, "warn", () => {});
  const database = new HealthDatabase({ factory: new SilentDatabases() });
  const performed = await finish({ page: "/", storage: memoryStorage(), database });
  assert.deepEqual(performed, ["spinner", "toast", "dialog", "navigate"]);
});

test("records that cannot be kept here are told with the results, and are then done with", async (t) => {
  withTimers(t);
  t.mock.method(console, "warn", () => {});
  const [storage, database] = [memoryStorage(), new HealthDatabase({ factory: new SilentDatabases() })];
  await finish({ page: "/", storage, database });
  assert.equal(storage.isDone("s", "save"), false); // the page that would have told it has gone
  const performed = await finish({ page: "/results-trend", storage, database });
  assert.deepEqual([performed, storage.isDone("s", "save")], [["spinner", "toast", "refresh"], true]);
  assert.deepEqual(await finish({ page: "/results-trend", storage, database }), ["spinner", "refresh"]);
});

for (const status of [0, 403, 503])
  test(`records that are answered with ${status} are fetched once more by the next page`, async (t) => {
    t.mock.method(console, "warn", () => {});
    const storage = memoryStorage();
    await finish({ page: "/results-trend", storage, fails: new WelnoError({ code: "X", status }) });
    assert.equal(storage.isDone("s", "save"), false);
  });
