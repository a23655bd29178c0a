/** Uploads that outlive their page: kept encrypted, gone on with by the next page, told exactly once, and given up for good. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { IDBObjectStore } from "fake-indexeddb";

import { WelnoError } from "../../webapp/static/sdk/core/errors.js";
import { settled } from "../../webapp/static/sdk/core/storage.js";
import * as blobCrypto from "../../webapp/static/sdk/threads/blob_chunks.js";
import { BlobDownload } from "../../webapp/static/sdk/threads/blob_download.js";
import { BLOB_TYPE, writeBlobMessage } from "../../webapp/static/sdk/threads/blob_message.js";
import { BlobUpload } from "../../webapp/static/sdk/threads/blob_upload.js";
import { ThreadsDatabase } from "../../webapp/static/sdk/threads/database.js";
import { concatBytes, hashBytes } from "../../webapp/static/sdk/threads/encoding.js";
import { KeptUploads } from "../../webapp/static/sdk/threads/kept_uploads.js";
import { ThreadCrypto } from "../../webapp/static/sdk/threads/thread_crypto.js";
import { kidName } from "../../webapp/static/sdk/threads/thread_keys.js";
import { settle } from "./browser.js";
import { Locks } from "./locks.js";
import { makeSender } from "./threads-sending.js";
import { makeMember, NURSE, Room, THREAD, until } from "./threads-setup.js";

const PART_BYTES = 15 * 65_536;
const CONTENT = new Uint8Array(2 * PART_BYTES + 100).map((_, at) => at * 7);
const FILE = new File([CONTENT], "흉부.png", { type: "image/png" });
const GONE = { name: "AbortError" };
const refusal = (status, code, details = null) => new WelnoError({ status, code, details });

beforeEach(() => {
  globalThis.addEventListener ??= () => {};
  Object.defineProperty(globalThis, "navigator", { value: { locks: new Locks() }, configurable: true });
});

/** A server of one blob; `puts` has all that it was ever sent, `fail` may throw before each call. */
class BlobServer {
  parts = new Map();
  puts = [];
  completed = 0;
  fail = () => {};

  async putBlobPart(threadId, blobId, number, octets, signal) {
    signal.throwIfAborted();
    await this.fail("put", number);
    const bytes = new Uint8Array(await octets.arrayBuffer());
    this.puts.push({ blobId, number, bytes });
    this.parts.set(number, bytes);
  }
  async completeBlob(threadId, blobId, { parts, sealedHash }) {
    await this.fail("complete", parts);
    if (this.parts.size === 0) throw refusal(404, "BLOB_NOT_FOUND");
    const missing = Array.from({ length: parts }, (_, at) => at + 1).filter((number) => !this.parts.has(number));
    if (missing.length > 0) throw refusal(409, "BLOB_INCOMPLETE", { missing });
    if ((await hashBytes(this.whole)) !== sealedHash) throw refusal(400, "HASH_MISMATCH");
    this.completed += 1;
  }
  async readBlob(threadId, blobId, { from, to }) {
    return this.whole.slice(from, to);
  }
  get whole() {
    return concatBytes(...[...this.parts].sort(([one], [other]) => one - other).map(([, bytes]) => bytes));
  }
  get numbers() {
    return this.puts.map(({ number }) => number);
  }
  /** From then on, as where the page is gone. */
  cutAt(number) {
    this.fail = (call, at) => {
      if (call === "put" && at === number) throw refusal(403, "FORBIDDEN");
    };
  }
}

/** A page of the member at their browser. */
async function openPage(member) {
  const keys = new ThreadCrypto(member.factory);
  await keys.open(member.memberId);
  const uploads = new KeptUploads(new ThreadsDatabase(member.database.name, member.factory));
  const worker = { ...blobCrypto, sealUpload: (...args) => keys.sealUpload(...args), openUpload: (...args) => keys.openUpload(...args) };
  const begin = (server, content = FILE, more = {}) => new BlobUpload(THREAD, content, { client: server, crypto: worker, uploads, ...more });
  const resume = async (server, more = {}) => begin(server, (await uploads.list())[0], more);
  return { uploads, worker, begin, resume };
}

/** One that was cut after its first part, with its page. */
async function leaveHalfSent() {
  const member = await makeMember(NURSE);
  const server = new BlobServer();
  server.cutAt(2);
  const { begin } = await openPage(member);
  await assert.rejects(begin(server).run(), { code: "FORBIDDEN" });
  server.fail = () => {};
  return { member, server };
}

async function fetchContent(server, told) {
  const blob = await new BlobDownload(THREAD, told, { client: server, crypto: blobCrypto }).run();
  return new Uint8Array(await blob.arrayBuffer());
}

/** All that lies in the member's `meta`. */
const metaOf = ({ database }) => database.read(["meta"], async ({ meta }) => [await settled(meta.getAllKeys()), await settled(meta.getAll())]);
/** Whatever a value holds. @returns {Buffer[]} */
function bytesIn(value) {
  if (ArrayBuffer.isView(value)) return [Buffer.from(value)];
  if (value instanceof ArrayBuffer) return [Buffer.from(new Uint8Array(value))];
  return value && typeof value === "object" ? Object.values(value).flatMap(bytesIn) : [Buffer.from(`${value}`)];
}
const keptNames = async (member) => (await metaOf(member))[0].filter((name) => name.startsWith("keptUploadPart"));

test("an upload whose page is gone is gone on with from the parts that the server has", async () => {
  const { member, server } = await leaveHalfSent();
  const shares = [];
  const states = [];
  const page = await openPage(member);
  const told = await (await page.resume(server, { onProgress: (share) => shares.push(share), onState: (state) => states.push(state) })).run();
  assert.deepEqual(server.numbers, [1, 2, 3]);
  assert.deepEqual([told.name, told.type, told.size], ["흉부.png", "image/png", CONTENT.length]);
  assert.deepEqual(await fetchContent(server, told), CONTENT);
  assert.equal(Math.round(100 * shares[0]), 50);
  assert.equal(shares.at(-1), 1);
  assert.equal(states.at(-1), "sending");
});

test("one that the server has all of is completed, and no part is sent again", async () => {
  const member = await makeMember(NURSE);
  const server = new BlobServer();
  server.fail = (call) => {
    if (call === "complete") throw refusal(403, "FORBIDDEN");
  };
  await assert.rejects((await openPage(member)).begin(server).run(), { code: "FORBIDDEN" });
  server.fail = () => {};
  await (await (await openPage(member)).resume(server)).run();
  assert.deepEqual([server.numbers, server.completed], [[1, 2, 3], 1]);
});

test("one that the server has given up meanwhile begins anew, with the very same bytes", async () => {
  const { member, server } = await leaveHalfSent();
  const [before] = server.puts;
  server.parts.clear();
  const told = await (await (await openPage(member)).resume(server)).run();
  assert.deepEqual(server.numbers, [1, 1, 2, 3]);
  // Another content under the same key and nonce would give both away.
  assert.deepEqual(server.puts[1], before);
  assert.deepEqual(await fetchContent(server, told), CONTENT);
});

test("one of which the server took half a part for a whole one is sent again, and not for ever", async () => {
  const { member, server } = await leaveHalfSent();
  for (const number of [2, 3]) server.parts.set(number, new Uint8Array(10));
  const told = await (await (await openPage(member)).resume(server)).run();
  assert.deepEqual([server.numbers, await fetchContent(server, told)], [[1, 1, 2, 3], CONTENT]);
  server.completeBlob = async () => {
    throw refusal(400, "HASH_MISMATCH");
  };
  await assert.rejects((await (await openPage(member)).resume(server)).run(), { code: "HASH_MISMATCH" });
  assert.deepEqual(server.numbers, [1, 1, 2, 3, 1, 2, 3, 1, 2, 3]);
});

test("a file that could not be encrypted to its end is encrypted under another key", async () => {
  const member = await makeMember(NURSE);
  const { begin, uploads, worker } = await openPage(member);
  const keys = [];
  let isChanged = true;
  const sealBlobPart = (plan, content, part) => {
    keys.push(plan.key);
    if (part === 1 && isChanged) throw new DOMException("changed", "NotReadableError");
    return worker.sealBlobPart(plan, content, part);
  };
  const server = new BlobServer();
  const upload = begin(server, FILE, { crypto: { ...worker, sealBlobPart } });
  await assert.rejects(upload.run(), { name: "NotReadableError" });
  assert.deepEqual([server.puts, await uploads.list()], [[], []]);
  isChanged = false;
  await upload.run();
  assert.equal(new Set(keys).size, 2);
  assert.equal(new Set(keys.slice(2)).size, 1);
});

test("nothing of it lies in clear, and its key opens nowhere else", async () => {
  const { member } = await leaveHalfSent();
  const page = await openPage(member);
  const [kept] = await page.uploads.list();
  const { key } = await page.worker.openUpload(kept);
  const plain = [key, "흉부.png", "image/png"].map((text) => Buffer.from(text));
  const [names, values] = await metaOf(member);
  assert.equal((await keptNames(member)).length, 3);
  const all = [...names.map((name) => Buffer.from(`${name}`)), ...values.flatMap(bytesIn)];
  for (const secret of [...plain, Buffer.from(CONTENT.slice(1000, 1100))]) assert.ok(!all.some((bytes) => bytes.includes(secret)));
  const disbelieved = { name: "DisbelievedError", code: "INVALID_BLOB" };
  await assert.rejects(page.worker.openUpload({ ...kept, blobId: crypto.randomUUID() }), disbelieved);
  await assert.rejects((await openPage(await makeMember(NURSE))).worker.openUpload(kept), disbelieved);
});

test("its envelope waits behind those that were written before, and nothing is kept from then on", async (t) => {
  const { member, server } = await leaveHalfSent();
  const { sender } = await senderOf(t, member);
  await sender.send(THREAD, "혈압");
  const upload = await (await openPage(member)).resume(server);
  const told = await upload.run();
  await sender.send(THREAD, writeBlobMessage(told), { contentType: BLOB_TYPE, uploadId: upload.uploadId });
  await sender.send(THREAD, "맥박");
  const rows = (await sender.outbox.rows()).map(({ clientSeq, blob }) => [clientSeq, blob?.blobId ?? null]);
  assert.deepEqual(rows, [[1, null], [2, told.blobId], [3, null]]);
  assert.deepEqual([await new KeptUploads(member.database).list(), await keptNames(member)], [[], []]);
});

/** A sender of a member of before, whose server takes nothing just now. */
async function senderOf(t, member) {
  await new Room(member).rotate();
  await member.database.write(["meta"], async ({ meta }) => void meta.put("k1", kidName(THREAD)));
  const server = { pushBatch: () => Promise.reject(refusal(503, "UNAVAILABLE")) };
  return makeSender(t, { member, server });
}

for (const [what, locks] of [["that take turns", new Locks()], ["without locks", undefined]])
  test(`two tabs ${what} send it once`, async (t) => {
    const { member, server } = await leaveHalfSent();
    Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
    const { sender } = await senderOf(t, member);
    const tabs = await Promise.all([openPage(member), openPage(member)]);
    const send = async (tab) => {
      const upload = await tab.resume(server);
      return sender.send(THREAD, writeBlobMessage(await upload.run()), { contentType: BLOB_TYPE, uploadId: upload.uploadId });
    };
    const outcomes = await Promise.allSettled(tabs.map(send));
    assert.equal(outcomes.filter(({ value }) => value).length, 1);
    assert.equal((await sender.outbox.rows()).length, 1);
    assert.ok(server.completed >= 1);
    if (locks) assert.deepEqual(server.numbers, [1, 2, 3]);
  });

test("a tab waits for the one that sends, and finds that it was sent", async () => {
  const { member, server } = await leaveHalfSent();
  let goOn;
  server.fail = (call, number) => (call === "put" && number === 2 ? new Promise((resolve) => (goOn = resolve)) : undefined);
  const [first, second] = [await openPage(member), await openPage(member)];
  const sending = (await first.resume(server)).run();
  await until(() => goOn);
  const states = [];
  const waiting = (await second.resume(server, { onState: (state) => states.push(state) })).run();
  await settle();
  assert.deepEqual(states, ["waiting"]);
  const isSent = sending.then(({ blobId }) => first.uploads.remove(blobId));
  goOn();
  await isSent;
  await assert.rejects(waiting, GONE);
  assert.deepEqual(server.numbers, [1, 2, 3]);
});

test("after a minute another tab has its turn, and what it has sent is not sent again", async (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const { member, server } = await leaveHalfSent();
  const [first, second] = [await openPage(member), await openPage(member)];
  let goOn;
  server.fail = async (call, number) => {
    if (call !== "put" || number !== 2) return;
    await new Promise((resolve) => (goOn = resolve));
    t.mock.timers.tick(61_000);
  };
  const ofFirst = (await first.resume(server)).run();
  await until(() => goOn);
  const ofSecond = (await second.resume(server)).run();
  await settle();
  goOn();
  const told = await ofSecond;
  assert.deepEqual([server.numbers, await fetchContent(server, told)], [[1, 2, 3], CONTENT]);
  assert.deepEqual(await ofFirst, told);
});

test("a tab that is frozen while it sends loses its turn", async (t) => {
  const { member, server } = await leaveHalfSent();
  const upload = await (await openPage(member)).resume(server);
  navigator.locks.request("of the frozen tab", () => new Promise(() => {})).catch(() => {});
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const sending = upload.run();
  for (const milliseconds of [119_000, 2_000]) {
    await settle();
    assert.deepEqual(server.numbers, [1]);
    t.mock.timers.tick(milliseconds);
  }
  t.mock.timers.reset();
  await sending;
  assert.deepEqual(server.numbers, [1, 2, 3]);
});

test("what is given up in one tab goes no further in the other", async () => {
  const { member, server } = await leaveHalfSent();
  const [first, second] = [await openPage(member), await openPage(member)];
  const upload = await first.resume(server);
  server.fail = (call, number) => (number === 2 && call === "put" ? second.uploads.remove(upload.blobId) : undefined);
  await assert.rejects(upload.run(), GONE);
  assert.deepEqual([server.numbers, server.completed, await keptNames(member)], [[1, 2], 0, []]);
});

test("one that is given up while it is prepared is not kept", async () => {
  const member = await makeMember(NURSE);
  const { begin, uploads, worker } = await openPage(member);
  const server = new BlobServer();
  const hashBlob = async (sealed) => {
    await uploads.clear();
    return worker.hashBlob(sealed);
  };
  await assert.rejects(begin(server, FILE, { crypto: { ...worker, hashBlob } }).run(), GONE);
  assert.deepEqual([server.puts, await keptNames(member)], [[], []]);
});

test("one that is cancelled while it is prepared leaves nothing", async () => {
  const member = await makeMember(NURSE);
  const { begin, uploads, worker } = await openPage(member);
  const sealBlobPart = (...args) => (upload.cancel(), worker.sealBlobPart(...args));
  const upload = begin(new BlobServer(), FILE, { crypto: { ...worker, sealBlobPart } });
  await assert.rejects(upload.prepare(), GONE);
  assert.deepEqual(await uploads.list(), []);
});

for (const [what, refuses] of [
  ["is full", (name) => name.startsWith("keptUploadPart")],
  ["takes nothing", () => true],
])
  test(`where this browser's store ${what}, it is sent from memory and nothing of it stays`, async (t) => {
    const member = await makeMember(NURSE);
    const { begin, uploads } = await openPage(member);
    const { put } = IDBObjectStore.prototype;
    t.mock.method(IDBObjectStore.prototype, "put", function (value, name) {
      if (typeof name === "string" && name.startsWith("kept") && refuses(name) && value.length !== 0) throw new DOMException("full", "QuotaExceededError");
      return put.call(this, value, name);
    });
    const server = new BlobServer();
    const upload = begin(server);
    assert.equal((await upload.prepare()).isKept, false);
    const told = await upload.run();
    assert.deepEqual(await fetchContent(server, told), CONTENT);
    assert.deepEqual([upload.uploadId, await uploads.list(), await keptNames(member)], [null, [], []]);
  });

test("one whose page was closed before all was kept is told of, and not sent", async () => {
  const member = await makeMember(NURSE);
  const { begin, worker } = await openPage(member);
  const hashBlob = () => new Promise(() => {}); // the page is gone by then
  void begin(new BlobServer(), FILE, { crypto: { ...worker, hashBlob } }).prepare();
  const page = await openPage(member);
  await until(async () => (await page.uploads.list()).length > 0);
  Object.defineProperty(globalThis, "navigator", { value: { locks: new Locks() }, configurable: true }); // it has lost its lock
  const server = new BlobServer();
  await assert.rejects((await page.resume(server)).run(), { name: "NotReadableError" });
  assert.deepEqual(server.puts, []);
});

test("one that another tab is still preparing is waited for", async () => {
  const member = await makeMember(NURSE);
  const [first, second] = [await openPage(member), await openPage(member)];
  let goOn;
  const isLetOn = new Promise((resolve) => (goOn = resolve));
  const hashBlob = async (sealed) => (await isLetOn, first.worker.hashBlob(sealed));
  const preparing = first.begin(new BlobServer(), FILE, { crypto: { ...first.worker, hashBlob } }).prepare();
  await until(async () => (await second.uploads.list()).length > 0);
  const server = new BlobServer();
  const waiting = (await second.resume(server)).run();
  goOn();
  await preparing;
  assert.deepEqual(await fetchContent(server, await waiting), CONTENT);
});

test("a server that keeps nothing of what it is sent is not asked for ever", async () => {
  const { member, server } = await leaveHalfSent();
  const { putBlobPart } = server;
  server.putBlobPart = async (...args) => {
    await putBlobPart.apply(server, args);
    server.parts.delete(3);
  };
  await assert.rejects((await (await openPage(member)).resume(server)).run(), { code: "BLOB_INCOMPLETE" });
  assert.deepEqual(server.numbers, [1, 2, 3, 3]);
});

test("those that wait are told in the order in which they were begun", async () => {
  const member = await makeMember(NURSE);
  const { begin, uploads } = await openPage(member);
  const begun = [];
  for (const name of ["1", "2", "3"]) {
    const upload = begin(new BlobServer(), new File([name], name));
    await upload.prepare();
    begun.push(upload.blobId);
  }
  await uploads.remove(begun[1]);
  assert.deepEqual((await uploads.list()).map(({ blobId }) => blobId), [begun[0], begun[2]]);
  await uploads.clear();
  assert.deepEqual([await uploads.list(), await keptNames(member)], [[], []]);
});
