/** Larger things are sent and fetched part by part, go on after a cut, and are not believed when they were changed. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { WelnoError } from "../../webapp/static/sdk/core/errors.js";
import * as blobCrypto from "../../webapp/static/sdk/threads/blob_chunks.js";
import { BlobDownload } from "../../webapp/static/sdk/threads/blob_download.js";
import { BLOB_MAX_BYTES, readBlobMessage, writeBlobMessage } from "../../webapp/static/sdk/threads/blob_message.js";
import { BlobUpload } from "../../webapp/static/sdk/threads/blob_upload.js";
import { ThreadsClient } from "../../webapp/static/sdk/threads/client.js";
import { concatBytes, hashBytes, textBytes } from "../../webapp/static/sdk/threads/encoding.js";
import { THREAD } from "./threads-setup.js";

const CONTENT = new Uint8Array(2 * 15 * 65_536 + 100).map((_, at) => at * 7);
const FILE = new File([CONTENT], "흉부.png", { type: "image/png" });
const disbelieved = (code) => ({ name: "DisbelievedError", code });
const refusal = (status, code, details = null) => new WelnoError({ status, code, details });

/** Keeps what it is sent; `calls` are what it was asked; `fail` may throw before each. */
class Store {
  parts = new Map();
  calls = [];
  fail = () => {};
  change = (bytes) => bytes;

  async putBlobPart(threadId, blobId, number, octets, signal) {
    signal.throwIfAborted();
    await this.#note("put", number);
    this.parts.set(number, new Uint8Array(await octets.arrayBuffer()));
  }
  async completeBlob(threadId, blobId, { parts, sealedHash }) {
    await this.#note("complete", parts);
    const missing = Array.from({ length: parts }, (_, at) => at + 1).filter((number) => !this.parts.has(number));
    if (missing.length > 0) throw refusal(409, "BLOB_INCOMPLETE", { missing });
    assert.equal(await hashBytes(this.whole), sealedHash);
  }
  async readBlob(threadId, blobId, { from, to }) {
    await this.#note("read", from);
    return this.change(this.whole.slice(from, to), from);
  }
  get whole() {
    return concatBytes(...[...this.parts].sort(([one], [other]) => one - other).map(([, bytes]) => bytes));
  }
  /** @param {string} what */
  made = (what) => this.calls.filter(([call]) => call === what).map(([, number]) => number);

  async #note(call, number) {
    this.calls.push([call, number]);
    await this.fail(call, number);
  }
}

const parts = (store, more = {}) => ({ client: store, crypto: blobCrypto, ...more });
const upload = (store, file = FILE, more = {}) => new BlobUpload(THREAD, file, parts(store, more));

async function stored(store = new Store()) {
  return { store, told: await upload(store).run() };
}
const contentOf = async (blob) => new Uint8Array(await blob.arrayBuffer());

test("what was sent is what is fetched", async () => {
  const shares = [];
  const store = new Store();
  const told = await upload(store, FILE, { onProgress: (share) => shares.push(share) }).run();
  const read = readBlobMessage(writeBlobMessage(told));
  const blob = await new BlobDownload(THREAD, read, parts(store)).run();
  assert.deepEqual([blob.type, read.name, read.size], ["image/png", "흉부.png", CONTENT.length]);
  assert.deepEqual(await contentOf(blob), CONTENT);
  assert.equal(shares.at(-1), 1);
  assert.deepEqual(shares, [...shares].sort());
  assert.deepEqual(store.calls.map(([call]) => call), ["put", "put", "put", "complete", "read", "read", "read"]);
});

test("an upload that was cut goes on with what is missing, and sends nothing twice", async () => {
  const store = new Store();
  store.fail = (call, number) => {
    if (number === 2) throw refusal(403, "FORBIDDEN");
  };
  const sending = upload(store);
  await assert.rejects(sending.run(), { code: "FORBIDDEN" });
  store.fail = () => {};
  await sending.run();
  assert.deepEqual(store.made("put"), [1, 2, 2, 3]);
});

test("a short cut is waited for, also of the answer to the last call", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const store = new Store();
  let failures = 3;
  store.fail = () => {
    if (failures-- <= 0) return;
    queueMicrotask(() => setImmediate(() => t.mock.timers.tick(60_000)));
    throw refusal(failures === 1 ? 503 : 0, "NETWORK_UNREACHABLE");
  };
  await upload(store, new File([CONTENT.slice(0, 10)], "a"), { random: () => 0 }).run();
  assert.deepEqual(store.made("put"), [1, 1, 1, 1]);
});

test("what the server has lost is sent again", async () => {
  const store = new Store();
  let isLost = false;
  store.fail = (call) => {
    if (call === "complete" && !isLost) isLost = store.parts.delete(2);
  };
  const told = await upload(store).run();
  assert.deepEqual(store.made("put"), [1, 2, 3, 2]);
  assert.deepEqual(await contentOf(await new BlobDownload(THREAD, told, parts(store)).run()), CONTENT);
});

test("a cancelled upload sends nothing further, and is not completed", async () => {
  const store = new Store();
  const sending = upload(store, FILE, { onProgress: () => sending.cancel() });
  await assert.rejects(sending.run(), { name: "AbortError" });
  assert.deepEqual(store.calls, [["put", 1]]);
  await assert.rejects(sending.run(), { name: "AbortError" });
});

test("an upload that is cancelled while it is completed comes to nothing", async () => {
  const store = new Store();
  const sending = upload(store);
  store.fail = (call) => {
    if (call === "complete") sending.cancel();
  };
  await assert.rejects(sending.run(), { name: "AbortError" });
  assert.deepEqual(store.made("complete"), [3]);
});

test("a download that was cut goes on behind what has come", async () => {
  const { store, told } = await stored();
  const fetching = new BlobDownload(THREAD, told, parts(store));
  store.fail = (call, from) => {
    if (from > 0) throw refusal(403, "FORBIDDEN");
  };
  await assert.rejects(fetching.run(), { code: "FORBIDDEN" });
  store.fail = () => {};
  assert.deepEqual(await contentOf(await fetching.run()), CONTENT);
  assert.deepEqual(store.made("read").filter((from) => from === 0), [0]);
});

test("a chunk that was damaged on its way is read once more", async () => {
  const { store, told } = await stored();
  let isDamaged = false;
  store.change = (bytes, from) => {
    if (from > 0 && !isDamaged) isDamaged = Boolean((bytes[70_000] ^= 1)) || true;
    return bytes;
  };
  assert.deepEqual(await contentOf(await new BlobDownload(THREAD, told, parts(store)).run()), CONTENT);
  assert.equal(store.made("read").length, 4);
});

test("a changed chunk is found, and nothing is given out", async () => {
  const { store, told } = await stored();
  store.change = (bytes, from) => (from > 0 ? bytes.fill(1, 70_000, 70_001) : bytes);
  await assert.rejects(new BlobDownload(THREAD, told, parts(store)).run(), disbelieved("BLOB_CHANGED"));
  store.change = (bytes) => bytes.slice(0, -1);
  await assert.rejects(new BlobDownload(THREAD, told, parts(store)).run(), disbelieved("BLOB_CHANGED"));
});

test("other chunks that open under the same key are not what the sender has signed", async () => {
  const { store, told } = await stored();
  const plan = { threadId: THREAD, ...told };
  const other = new Blob([CONTENT.map((byte) => byte ^ 1)]);
  for (const part of [0, 1, 2]) store.parts.set(part + 1, await blobCrypto.sealBlobPart(plan, other, part));
  await assert.rejects(new BlobDownload(THREAD, told, parts(store)).run(), disbelieved("BLOB_CHANGED"));
});

const GOOD = { blobId: crypto.randomUUID(), key: blobCrypto.makeBlobKey(), name: "a.pdf", type: "application/pdf", size: 5, chunkBytes: 65_536, sealedHash: `sha256:${"0".repeat(64)}` };
for (const [what, changes] of [
  ["an address for an id", { blobId: "../../me" }],
  ["a short key", { key: "AAAA" }],
  ["too much", { size: BLOB_MAX_BYTES + 1 }],
  ["less than nothing", { size: -1 }],
  ["half a byte", { size: 0.5 }],
  ["other chunks", { chunkBytes: 1 }],
  ["no hash", { sealedHash: "sha256:" }],
  ["a long name", { name: "a".repeat(201) }],
  ["no type", { type: undefined }],
])
  test(`a message about a blob is judged before it is used: ${what}`, () => {
    readBlobMessage(writeBlobMessage(GOOD));
    assert.throws(() => readBlobMessage(writeBlobMessage({ ...GOOD, ...changes })), disbelieved("INVALID_BLOB"));
  });

test("what is no message about a blob is none", () => {
  for (const text of ["", "null", "[]", "7", "{"]) assert.throws(() => readBlobMessage(textBytes(text)), disbelieved("INVALID_BLOB"));
});

test("parts travel as octets, ranges are asked for by the state that was told", async () => {
  const asked = [];
  const fetch = async (url, how) => {
    asked.push([how.method, url, how.headers, how.body]);
    return new Response(how.method === "GET" ? new Uint8Array([1, 2]) : "{}", { status: how.method === "GET" ? 206 : 200 });
  };
  const client = new ThreadsClient({ fetch });
  const { signal } = new AbortController();
  const octets = new Blob([new Uint8Array(3)]);
  await client.putBlobPart(THREAD, GOOD.blobId, 1, octets, signal);
  const read = await client.readBlob(THREAD, GOOD.blobId, { from: 5, to: 7, sealedHash: GOOD.sealedHash }, signal);
  assert.deepEqual(read, new Uint8Array([1, 2]));
  const [[, url, headers, body], [, , ranged]] = asked;
  assert.equal(url, `/api/threads/${THREAD}/blobs/${GOOD.blobId}/parts/1`);
  assert.deepEqual([headers["Content-Type"], body], ["application/octet-stream", octets]);
  assert.deepEqual([ranged.Range, ranged["If-Range"]], ["bytes=5-6", `"${"0".repeat(64)}"`]);
});

test("an answer that is cut in the middle is a cut of the network", async () => {
  const fetch = async () => new Response(new ReadableStream({ start: (cut) => cut.error(new TypeError("terminated")) }));
  const range = { from: 0, to: 7, sealedHash: GOOD.sealedHash };
  const reading = new ThreadsClient({ fetch }).readBlob(THREAD, GOOD.blobId, range, new AbortController().signal);
  await assert.rejects(reading, { name: "WelnoError", status: 0 });
});
