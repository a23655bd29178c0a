/** Larger things in chunks, on the vectors that browser and server share; whatever is done to one is found. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  CHUNK_BYTES,
  countChunks,
  countParts,
  hashBlob,
  makeBlobKey,
  openBlobPart,
  PART_CHUNKS,
  sealBlobPart,
  sealedRange,
  sealedSize,
} from "../../webapp/static/sdk/threads/blob_chunks.js";
import { concatBytes, decodeBytes } from "../../webapp/static/sdk/threads/encoding.js";
import { VECTORS } from "./vectors.js";

const { blobId, key, chunkBytes, sealedHash, content, sealed } = VECTORS.blob;
const CONTENT = decodeBytes(content);
const SEALED = decodeBytes(sealed);
const PLAN = { threadId: VECTORS.thread.threadId, blobId, key, size: CONTENT.length, chunkBytes };
const WHOLE = chunkBytes + 16;
const changedAt = (bytes, at) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
const refused = { name: "DisbelievedError", code: "BLOB_CHANGED" };

async function sealAll(plan, blob) {
  const parts = [];
  for (let part = 0; part < countParts(plan); part += 1) parts.push(await sealBlobPart(plan, blob, part));
  return parts;
}

test("the content of the vectors gives its encrypted bytes and their hash", async () => {
  assert.deepEqual(concatBytes(...(await sealAll(PLAN, new Blob([CONTENT])))), SEALED);
  assert.equal(await hashBlob(new Blob([SEALED])), sealedHash);
  assert.equal(sealedSize(PLAN), SEALED.length);
});

test("the encrypted bytes of the vectors give their content", async () => {
  assert.deepEqual(await openBlobPart(PLAN, SEALED, 0), CONTENT);
  assert.ok(countChunks(PLAN) > 2);
});

for (const [what, bytes] of [
  ["a bit of the first chunk", changedAt(SEALED, 0)],
  ["a bit of the last tag", changedAt(SEALED, SEALED.length - 1)],
  ["two swapped", concatBytes(SEALED.slice(WHOLE, 2 * WHOLE), SEALED.slice(0, WHOLE), SEALED.slice(2 * WHOLE))],
  ["one twice", concatBytes(SEALED.slice(0, WHOLE), SEALED.slice(0, WHOLE), SEALED.slice(2 * WHOLE))],
  ["the first left out", SEALED.slice(WHOLE)],
  ["one in the middle left out", concatBytes(SEALED.slice(0, WHOLE), SEALED.slice(2 * WHOLE))],
  ["the last cut off", SEALED.slice(0, 2 * WHOLE)],
  ["all but the first cut off", SEALED.slice(0, WHOLE)],
  ["cut within the last", SEALED.slice(0, -5)],
  ["something behind", concatBytes(SEALED, SEALED.slice(0, WHOLE))],
  ["nothing", new Uint8Array()],
])
  test(`a changed blob is refused: ${what}`, async () => {
    await assert.rejects(openBlobPart(PLAN, bytes, 0), refused);
  });

test("one that was cut is refused also where a shorter size was told", async () => {
  const shorter = { ...PLAN, size: 2 * chunkBytes };
  await assert.rejects(openBlobPart(shorter, SEALED.slice(0, 2 * WHOLE), 0), refused);
});

for (const other of [{ threadId: "A".repeat(22) }, { blobId: crypto.randomUUID() }, { key: makeBlobKey() }])
  test(`what was sealed for another ${Object.keys(other)} does not open`, async () => {
    await assert.rejects(openBlobPart({ ...PLAN, ...other }, SEALED, 0), refused);
  });

for (const size of [0, 1, CHUNK_BYTES, PART_CHUNKS * CHUNK_BYTES, PART_CHUNKS * CHUNK_BYTES + 1])
  test(`${size} bytes are cut into parts of at most 1 MiB, and open again part by part`, async () => {
    const plan = { threadId: PLAN.threadId, blobId: crypto.randomUUID(), key: makeBlobKey(), size, chunkBytes: CHUNK_BYTES };
    const bytes = new Uint8Array(size).fill(7);
    const parts = await sealAll(plan, new Blob([bytes]));
    const opened = await Promise.all(parts.map((part, at) => openBlobPart(plan, part, at)));
    assert.deepEqual(concatBytes(...opened), bytes);
    for (const [at, part] of parts.entries()) {
      const { from, to } = sealedRange(plan, at);
      assert.equal(part.length, to - from);
      assert.ok(part.length <= 1024 * 1024);
    }
    if (parts.length > 1) await assert.rejects(openBlobPart(plan, parts[0], 1), refused);
  });
