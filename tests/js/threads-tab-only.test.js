/** A browser that keeps no keys: how that is found out, and the stores of the one tab. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { IDBFactory, IDBKeyRange, IDBObjectStore } from "fake-indexeddb";

import { StoreError } from "../../webapp/static/sdk/core/storage.js";
import { ThreadsDatabase } from "../../webapp/static/sdk/threads/database.js";
import { FirstDeviceError } from "../../webapp/static/sdk/threads/errors.js";
import { Inbox } from "../../webapp/static/sdk/threads/inbox.js";
import { KeyStore } from "../../webapp/static/sdk/threads/key_store.js";
import { compareKeys } from "../../webapp/static/sdk/threads/memory_store.js";
import { Outbox } from "../../webapp/static/sdk/threads/outbox.js";
import { OwnDevices } from "../../webapp/static/sdk/threads/own_devices.js";
import { openThreads } from "../../webapp/static/sdk/threads/session.js";
import { keepsKeys } from "../../webapp/static/sdk/threads/store_trial.js";
import { TabDatabase } from "../../webapp/static/sdk/threads/tab_database.js";
import { ThreadCrypto } from "../../webapp/static/sdk/threads/thread_crypto.js";
import { endLogin } from "../../webapp/static/page/threads/sign_out.js";
import { TabOnly } from "../../webapp/static/page/threads/tab_only.js";
import { signOutQuestion, troubleOf } from "../../webapp/static/page/threads/words.js";
import { failure, settle } from "./browser.js";
import { openDocument } from "./document.js";
import { ThreadServer } from "./threads-server.js";
import { DOCTOR, makeMember, NURSE, OTHER_THREAD, THREAD } from "./threads-setup.js";

const PATIENT = "patient:0b5c6f0e-6a52-4c8f-9a1b-2f8f5f3f6f11";
const FRIEND = "patient:1c6d7f1f-7b63-4d9f-8b2c-3f9f6f4f7f22";

beforeEach(() => {
  globalThis.addEventListener ??= () => {};
  globalThis.IDBKeyRange = IDBKeyRange;
  delete globalThis.indexedDB;
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
});

const throwing = (name) => () => {
  throw new DOMException("broken", name);
};

/** Until the test is over. */
function breakStores(t, method, how) {
  const whole = IDBObjectStore.prototype[method];
  t.mock.method(IDBObjectStore.prototype, method, function (...given) {
    return how.call(this, whole, ...given);
  });
}

const holdsKey = (value) => value?.kemPrivate instanceof CryptoKey;

const namesIn = (database) =>
  database.read(["keys"], ({ keys }) => new Promise((resolve) => (keys.getAllKeys().onsuccess = ({ target }) => resolve(target.result))));

test("a browser that gives its keys back is found to keep them, and nothing of the trial stays", async () => {
  const factory = new IDBFactory();
  assert.equal(await keepsKeys(NURSE, { factory }), true);
  assert.deepEqual(await namesIn(await ThreadsDatabase.of(NURSE, factory)), []);
});

const FAULTS = {
  "is missing": () => undefined,
  "may not be opened": () => ({ open: throwing("SecurityError") }),
  "opens with an error": () => ({
    open: () => {
      const request = { error: new DOMException("broken", "UnknownError") };
      queueMicrotask(() => request.onerror());
      return request;
    },
  }),
};
for (const [what, make] of Object.entries(FAULTS))
  test(`a store that ${what} keeps no keys`, async () => {
    globalThis.indexedDB = make();
    assert.equal(await keepsKeys(NURSE, { milliseconds: 50 }), false);
  });

test("of a store that does not answer in time it is not known whether it keeps keys", async () => {
  globalThis.indexedDB = { open: () => ({}) };
  await assert.rejects(keepsKeys(NURSE, { milliseconds: 50 }), { name: "StoreError", code: "STORE_SILENT" });
});

const KEY_FAULTS = {
  "that does not take a key": [
    "put",
    function (whole, value, ...more) {
      if (holdsKey(value)) throw new DOMException("a key cannot be cloned", "DataCloneError");
      return whole.call(this, value, ...more);
    },
  ],
  "that is full": ["put", throwing("QuotaExceededError")],
  "that gives nothing back": [
    "get",
    function (whole, name) {
      return whole.call(this, `${name} is elsewhere`);
    },
  ],
  "that gives another key back": [
    "put",
    function (whole, value, ...more) {
      const { signPrivate, ...others } = value;
      return whole.call(this, { ...others, signPrivate: value.kemPrivate }, ...more);
    },
  ],
};
for (const [what, [method, how]] of Object.entries(KEY_FAULTS))
  test(`a store ${what} keeps no keys`, async (t) => {
    breakStores(t, method, how);
    assert.equal(await keepsKeys(NURSE, { factory: new IDBFactory() }), false);
  });

test("where the member's device is here a store that is full by now still keeps it", async (t) => {
  const { factory } = await makeMember(NURSE);
  breakStores(t, "put", throwing("QuotaExceededError"));
  assert.equal(await keepsKeys(NURSE, { factory }), true);
  assert.equal(await keepsKeys(DOCTOR, { factory }), false);
});

test("keys are in the order of IndexedDB", () => {
  const ordered = [-1, 0, 7, 12, "", "10", "9", [], [1], [1, "a"], [1, "a", []], [1, "b"], [2], ["a"], ["a", 1], ["a", 2], [[]]];
  const factory = new IDBFactory();
  for (const one of ordered)
    for (const other of ordered) assert.equal(Math.sign(compareKeys(one, other)), factory.cmp(one, other), `${JSON.stringify([one, other])}`);
});

const DATABASES = {
  "of the tab": () => TabDatabase.of(NURSE),
  "of the browser": () => ThreadsDatabase.of(NURSE, new IDBFactory()),
};
const plain = (threadId, dedupeId) => async (clientSeq) => ({ threadId, dedupeId, clientSeq, enc: { kid: "k1" }, sig: "s" });
const briefly = (rows) => rows.map(({ threadId, clientSeq, state, code, tries }) => [threadId === THREAD, clientSeq, state, code, tries]);

/** What an outbox tells after each of its steps. */
async function useOutbox(database) {
  const now = { is: 0 };
  const outbox = new Outbox(database, () => now.is);
  const told = [];
  const note = async () => told.push(briefly(await outbox.rows()), await outbox.count());
  const adds = Array.from({ length: 6 }, (_, at) => outbox.queueAdd(at % 2 ? OTHER_THREAD : THREAD, plain(at % 2 ? OTHER_THREAD : THREAD, `d${at}`)));
  await Promise.all(adds);
  await note();
  for (const take of [{ most: 2, mostBytes: 1e6 }, { most: 9, mostBytes: 1e6 }]) told.push(briefly(await outbox.queueTake(take)));
  await outbox.release(["d0"], 1_000);
  await outbox.bury("d2", "FORBIDDEN");
  await note();
  now.is = 40_000;
  told.push(briefly(await outbox.queueTake({ most: 9, mostBytes: 300 })));
  await outbox.acknowledge([{ dedupeId: "d4", seq: 10 }, { dedupeId: "d1", seq: 9 }]);
  told.push(briefly(await outbox.acked(THREAD)), briefly(await outbox.acked(OTHER_THREAD)));
  await outbox.revive("d2");
  await outbox.queueDelete(["d3"]);
  await outbox.requeueAcked(THREAD, () => true);
  await note();
  return told;
}

/** The same of an inbox, and of both together. */
async function useInbox(database) {
  const outbox = new Outbox(database);
  const inbox = new Inbox(database, THREAD);
  const told = [];
  const row = await outbox.queueAdd(THREAD, plain(THREAD, "d0"));
  await outbox.acknowledge([{ dedupeId: "d0", seq: 2 }]);
  const item = (seq, dedupeId, epoch = "e") => ({
    threadId: THREAD, epoch, seq, type: "message", from: NURSE, envelope: { ...row.envelope, dedupeId, clientId: "c", clientSeq: seq },
  });
  for (const one of [item(1, "a"), item(2, "d0"), item(3, "a"), item(12, "b")]) {
    const { isReplayed, state } = await inbox.add(one);
    told.push([isReplayed, state, (await outbox.acked(THREAD)).length]);
  }
  const place = await inbox.place();
  const rows = await inbox.newest(3, place);
  told.push(place, rows.map(({ seq }) => seq), (await inbox.newest(99, place)).map(({ seq }) => seq));
  await inbox.mark(rows[0], "delivered", { isSigned: true });
  await inbox.noteGap("e", { from: 4, to: 11, reason: "missing" });
  told.push((await inbox.unread(place)).map(({ seq }) => seq), await inbox.gaps(place), await inbox.progress());
  await inbox.add(item(1, "x", "f"));
  told.push(await inbox.place(), await inbox.newest(9, { seq: 9, epoch: "f" }));
  return told;
}

for (const [what, use] of Object.entries({ outbox: useOutbox, inbox: useInbox }))
  test(`the ${what} of a tab is as that of a browser`, async () => {
    const [inTab, inBrowser] = await Promise.all(Object.values(DATABASES).map(async (make) => use(await make())));
    assert.deepEqual(inTab, inBrowser);
    assert.ok(inTab.length > 5);
  });

test("the outbox and the inbox need nothing of IndexedDB's", async () => {
  delete globalThis.IDBKeyRange;
  for (const use of [useOutbox, useInbox]) assert.ok((await use(await TabDatabase.of(NURSE))).length > 5);
});

for (const [what, make] of Object.entries(DATABASES))
  test(`a transaction that fails has written nothing in the database ${what}`, async () => {
    const database = await make();
    const outbox = new Outbox(database);
    await outbox.queueAdd(THREAD, plain(THREAD, "d0"));
    const before = [await outbox.rows(), await outbox.count()];
    const failing = database.write(["outbox", "meta"], async (stores) => {
      stores.outbox.delete("d0");
      stores.outbox.put({ dedupeId: "d1", threadId: THREAD, clientSeq: 2 });
      stores.meta.put("x", "name");
      throw new Error("no");
    });
    await assert.rejects(failing, /no/);
    assert.deepEqual([await outbox.rows(), await outbox.count()], before);
    const twice = database.write(["outbox"], async ({ outbox: rows }) => void rows.add({ dedupeId: "d0", threadId: THREAD, clientSeq: 9 }));
    await assert.rejects(twice, (error) => error instanceof StoreError);
    assert.deepEqual(await outbox.rows(), before[0]);
  });

test("what is kept in a tab is changed by no one who gave it or got it", async () => {
  const database = await TabDatabase.of(NURSE);
  const given = { list: [{ is: 1 }] };
  const get = () => database.read(["meta"], ({ meta }) => new Promise((resolve) => {
    const request = meta.get("x");
    request.onsuccess = () => resolve(request.result);
  }));
  await database.write(["meta"], async ({ meta }) => void meta.put(given, "x"));
  given.list[0].is = 2;
  const got = await get();
  got.list[0].is = 3;
  assert.deepEqual(await get(), { list: [{ is: 1 }] });
});

test("two tabs of a member share neither what they keep nor locks and channels", async () => {
  const [one, other] = [await TabDatabase.of(NURSE), await TabDatabase.of(NURSE)];
  await new Outbox(one).queueAdd(THREAD, plain(THREAD, "d0"));
  assert.deepEqual([one.countNow("outbox"), other.countNow("outbox")], [1, 0]);
  assert.deepEqual([one.name === other.name, one.scope === other.scope], [true, false]);
  await one.close();
  assert.equal(one.countNow("outbox"), 1);
  await one.erase();
  assert.equal(one.countNow("outbox"), 0);
});

/** Somebody at a browser without a store. */
async function arrive(server, memberId, traits = {}) {
  const client = server.clientOf(memberId);
  const registered = [];
  const register = (claim, how) => (registered.push(how), client.register(claim, how));
  const session = await openThreads({ client: { ...client, register }, crypto: new ThreadCrypto(undefined), allowTabOnly: true, ...traits });
  return { ...session, session, client: { ...client, register }, registered };
}

test("without a store the device is the tab's, keeps no push pass, and can write and read", async () => {
  const server = new ThreadServer({ [PATIENT]: "owner", [FRIEND]: "writer" });
  const cryptos = [new ThreadCrypto(undefined), new ThreadCrypto(undefined)];
  const patient = await arrive(server, PATIENT, { crypto: cryptos[0] });
  const friend = await arrive(server, FRIEND, { crypto: cryptos[1] });
  assert.deepEqual([patient.isTabOnly, patient.database.isTabOnly, patient.registered], [true, true, [{ pushPass: false }]]);
  assert.equal((await patient.keysOf(THREAD).ensure()).kid, "k1");
  assert.equal((await friend.keysOf(THREAD).ensure()).kid, "k1");
  const said = { threadId: THREAD, dedupeId: crypto.randomUUID(), clientSeq: 1, kind: "data", contentType: "text/plain" };
  const envelope = await cryptos[0].seal("k1", said, new TextEncoder().encode("혈압 128/82"));
  const opened = await cryptos[1].openItem({ threadId: THREAD, from: PATIENT, envelope }, server.devices);
  assert.equal(new TextDecoder().decode(opened), "혈압 128/82");
  const devices = new OwnDevices({ session: patient.session, client: patient.client, crypto: cryptos[0] });
  await devices.reset();
  assert.deepEqual(patient.registered.at(-1), { reset: true, pushPass: false });
});

test("a tab is not the first device of a member of staff, whose next one nobody could approve", async () => {
  const server = new ThreadServer({ [NURSE]: "owner" });
  await assert.rejects(arrive(server, NURSE), { name: "FirstDeviceError" });
  assert.deepEqual(server.devices, []);
  assert.match(troubleOf(new FirstDeviceError()).text, /일반 창에서 대화방을 한 번 열어 주세요/);
  const { told } = await makeMember(NURSE);
  server.devices.push(told);
  const tab = await arrive(server, NURSE);
  assert.deepEqual([tab.isTabOnly, tab.state], [true, "pending"]);
});

test("a tab is no device of a member of staff whose devices the server could not tell", async () => {
  const server = new ThreadServer({ [NURSE]: "owner", [PATIENT]: "writer" });
  const arriveOffline = (memberId) => {
    const client = { ...server.clientOf(memberId), me: () => Promise.reject(failure(0)), register: () => Promise.reject(failure(0)) };
    return openThreads({ client, crypto: new ThreadCrypto(undefined), allowTabOnly: true }, memberId);
  };
  await assert.rejects(arriveOffline(NURSE), { status: 0 });
  assert.equal((await arriveOffline(PATIENT)).isTabOnly, true);
});

test("a store that is silent makes no device of the tab", async () => {
  const server = new ThreadServer({ [PATIENT]: "owner" });
  globalThis.indexedDB = { open: () => ({}) };
  await assert.rejects(arrive(server, PATIENT), { name: "StoreError", code: "STORE_SILENT" });
  assert.deepEqual(server.devices, []);
});

test("a front end that has not asked for it is told that there is no store", async () => {
  const server = new ThreadServer({ [NURSE]: "owner" });
  await assert.rejects(arrive(server, NURSE, { allowTabOnly: false }), { code: "STORE_FAILED" });
  assert.deepEqual(server.devices, []);
});

test("with a store the device is the browser's, and its Worker's word counts as the page's", async () => {
  globalThis.indexedDB = new IDBFactory();
  const server = new ThreadServer({ [NURSE]: "owner" });
  const own = new ThreadCrypto(globalThis.indexedDB);
  const first = await arrive(server, NURSE, { crypto: own });
  assert.deepEqual([first.isTabOnly, first.registered], [false, [{}]]);
  assert.equal((await new KeyStore(await ThreadsDatabase.of(NURSE)).ownDevice()).claim.deviceId, first.device.deviceId);
  const again = await arrive(server, NURSE, { crypto: new ThreadCrypto(globalThis.indexedDB) });
  assert.deepEqual([again.isTabOnly, again.device.deviceId], [false, first.device.deviceId]);
  const workerless = await arrive(server, NURSE, { crypto: new ThreadCrypto(/** @type {any} */ ({ open: throwing("SecurityError") })) });
  assert.equal(workerless.isTabOnly, true);
});

/** The page of a tab that keeps nothing. */
async function openTab(traits = {}) {
  const find = openDocument();
  const events = new EventTarget();
  globalThis.addEventListener = events.addEventListener.bind(events);
  const database = await TabDatabase.of(NURSE);
  const revoked = [];
  const client = { revoke: async (...given) => void revoked.push(given), ...traits.client };
  const tab = new TabOnly({ database, deviceId: "d", client, countFiles: () => 0, ...traits });
  tab.start();
  const asks = () => !events.dispatchEvent(new Event("beforeunload", { cancelable: true }));
  return { find, tab, database, revoked, events, asks };
}

test("that all goes with the tab is said at the top", async () => {
  const { find } = await openTab();
  assert.equal(find("tab-only").hidden, false);
  for (const said of [/이 탭에서만/, /보내지 않은 메시지는 사라지고/, /처음 보는 기기/]) assert.match(find("tab-only").textContent, said);
});

test("who closes the tab is asked while something waits, and not after the sign-out", async () => {
  const { tab, database, asks } = await openTab();
  assert.equal(asks(), false);
  const outbox = new Outbox(database);
  await outbox.queueAdd(THREAD, plain(THREAD, "d0"));
  assert.equal(asks(), true);
  await outbox.queueDelete(["d0"]);
  assert.equal(asks(), false);
  await outbox.queueAdd(THREAD, plain(THREAD, "d1"));
  await tab.retire();
  assert.equal(asks(), false);
});

test("who closes the tab is asked while a file is being sent", async () => {
  const { asks } = await openTab({ countFiles: () => 1 });
  assert.equal(asks(), true);
});

test("the tab's device ends with it", async () => {
  const { events, revoked } = await openTab();
  events.dispatchEvent(new Event("pagehide"));
  await settle();
  assert.deepEqual(revoked, [["d", { keepalive: true }]]);
});

test("a device that could not be ended keeps nobody, and who stays is still asked", async () => {
  const { tab, database, asks } = await openTab({ client: { revoke: () => Promise.reject(failure(0)) } });
  await new Outbox(database).queueAdd(THREAD, plain(THREAD, "d0"));
  await tab.retire();
  assert.equal(asks(), true);
});

test("who signs out is told that what waits is lost", () => {
  assert.match(signOutQuestion(2, 0, { isTabOnly: true }).text, /메시지 2개.*사라지고 보내지 않아요/);
  assert.match(signOutQuestion(2, 0, { isTabOnly: false }).text, /이 컴퓨터에 암호로 남아/);
});

/** What the page is told of a sign-out whose parts answer so. */
async function endWith({ revoke = async () => {}, signOut = async () => {}, isTabOnly = true }) {
  const { tab } = await openTab({ client: { revoke } });
  const told = [];
  const note = (what) => (error) => void told.push(error ? [what, error.status] : [what]);
  const acts = { onOver: async () => note("over")(), onFailed: note("failed"), onDeviceGone: note("device gone") };
  await endLogin({ tabOnly: isTabOnly ? tab : null, signOut, ...acts });
  return told;
}

test("a tab whose device ended, though its login did not, does not go on", async () => {
  const signOut = () => Promise.reject(failure(503));
  assert.deepEqual(await endWith({ signOut }), [["device gone", 503]]);
  assert.deepEqual(await endWith({ signOut, revoke: () => Promise.reject(failure(0)) }), [["failed", 503]]);
  assert.deepEqual(await endWith({ signOut, isTabOnly: false }), [["failed", 503]]);
  assert.deepEqual(await endWith({}), [["over"]]);
});
