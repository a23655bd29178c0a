/**
 * How larger things are encrypted: in chunks under a key of their own, each of which says its place and whether it is the
 * last, so that none can be changed, swapped, left out or cut off unseen. What travels is cut into parts of whole chunks.
 * @module
 */

import { encodeBase64url } from "../core/base64url.js";
import { concatBytes, decodeBytes, hashBytes } from "./encoding.js";
import { DisbelievedError } from "./errors.js";
import { joinLines } from "./texts.js";

export const CHUNK_BYTES = 65_536;
/** The server takes 1 MiB at once: of encrypted chunks so many fit. */
export const PART_CHUNKS = 15;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const KEY_BYTES = 32;

/** @typedef {import("./encoding.js").Bytes} Bytes */
/** What its chunks are made of; `key` is base64url, and for this content alone: nonces are counted.
 * @typedef {{threadId: string, blobId: string, key: string, size: number, chunkBytes: number}} BlobPlan */

/** @returns {string} */
export function makeBlobKey() {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));
}

/** Nothing is one empty chunk. @param {Pick<BlobPlan, "size"|"chunkBytes">} plan */
export const countChunks = ({ size, chunkBytes }) => Math.max(1, Math.ceil(size / chunkBytes));

/** @param {Pick<BlobPlan, "size"|"chunkBytes">} plan */
export const countParts = (plan) => Math.ceil(countChunks(plan) / PART_CHUNKS);

/** @param {BlobPlan} plan */
export const sealedSize = (plan) => plan.size + TAG_BYTES * countChunks(plan);

/** Where a part's encrypted bytes lie. @param {BlobPlan} plan @param {number} part from 0 */
export function sealedRange(plan, part) {
  const whole = PART_CHUNKS * (plan.chunkBytes + TAG_BYTES);
  return { from: part * whole, to: Math.min((part + 1) * whole, sealedSize(plan)) };
}

/** The same part of the same content gives the same bytes. @param {BlobPlan} plan @param {Blob} content
 * @param {number} part from 0 @returns {Promise<Bytes>} */
export async function sealBlobPart(plan, content, part) {
  const key = await importKey(plan);
  const from = part * PART_CHUNKS * plan.chunkBytes;
  const piece = new Uint8Array(await content.slice(from, from + PART_CHUNKS * plan.chunkBytes).arrayBuffer());
  const sealing = cut(piece, plan.chunkBytes).map((bytes, at) =>
    crypto.subtle.encrypt(algorithm(plan, part * PART_CHUNKS + at), key, bytes),
  );
  return concatBytes(...(await Promise.all(sealing)).map((chunk) => new Uint8Array(chunk)));
}

/** @param {BlobPlan} plan @param {Bytes} sealed a part's @param {number} part from 0
 * @returns {Promise<Bytes>} rejects with a DisbelievedError */
export async function openBlobPart(plan, sealed, part) {
  const { from, to } = sealedRange(plan, part);
  if (sealed.length !== to - from) throw new DisbelievedError("BLOB_CHANGED");
  const key = await importKey(plan);
  const chunks = cut(sealed, plan.chunkBytes + TAG_BYTES);
  try {
    const opening = chunks.map((bytes, at) => crypto.subtle.decrypt(algorithm(plan, part * PART_CHUNKS + at), key, bytes));
    return concatBytes(...(await Promise.all(opening)).map((chunk) => new Uint8Array(chunk)));
  } catch (error) {
    throw new DisbelievedError("BLOB_CHANGED", error);
  }
}

/** Of all that was encrypted, as its sender signs it. @param {Blob} sealed */
export async function hashBlob(sealed) {
  return hashBytes(new Uint8Array(await sealed.arrayBuffer()));
}

/** @param {BlobPlan} plan */
function importKey({ key }) {
  const bytes = decodeBytes(key, KEY_BYTES);
  if (bytes === null) throw new DisbelievedError("INVALID_BLOB");
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** The nonce counts the chunk in its first 11 bytes; the last one is 1 for the last chunk.
 * @param {BlobPlan} plan @param {number} chunk from 0 */
function algorithm(plan, chunk) {
  const iv = new Uint8Array(NONCE_BYTES);
  const view = new DataView(iv.buffer);
  view.setUint32(NONCE_BYTES - 5, chunk);
  view.setUint8(NONCE_BYTES - 1, Number(chunk === countChunks(plan) - 1));
  return { name: "AES-GCM", iv, additionalData: joinLines("welno.blob.v1", plan.threadId, plan.blobId, plan.chunkBytes) };
}

/** @param {Bytes} bytes @param {number} length @returns {Bytes[]} one empty piece of nothing */
function cut(bytes, length) {
  const count = Math.max(1, Math.ceil(bytes.length / length));
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * length, (at + 1) * length));
}
