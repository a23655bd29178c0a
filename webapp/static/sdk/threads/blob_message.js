/**
 * What an envelope tells of a larger thing: where it is, its key, and what it is.
 * @module
 */

import { CHUNK_BYTES, countParts } from "./blob_chunks.js";
import { decodeBytes, isUuid, textBytes } from "./encoding.js";
import { DisbelievedError } from "./errors.js";

export const BLOB_TYPE = "application/vnd.welno.blob+json";
/** How much a picture or a report takes. */
export const BLOB_MAX_BYTES = 20 * 1024 * 1024;
const KEY_BYTES = 32;
const NAME_MAX = 200;
const TYPE_MAX = 100;
const HASH = /^sha256:[0-9a-f]{64}$/;

/** @typedef {{blobId: string, key: string, name: string, type: string, size: number, chunkBytes: number,
 *   sealedHash: string}} BlobMessage */

/** What the server is told to complete it. @typedef {{blobId: string, parts: number, sealedHash: string}} BlobCompletion */

/** @type {Record<keyof BlobMessage, (value: any) => boolean>} */
const RULES = {
  blobId: isUuid,
  key: (value) => decodeBytes(value, KEY_BYTES) !== null,
  name: (value) => typeof value === "string" && value.length <= NAME_MAX,
  type: (value) => typeof value === "string" && value.length <= TYPE_MAX,
  size: (value) => Number.isSafeInteger(value) && value >= 0 && value <= BLOB_MAX_BYTES,
  chunkBytes: (value) => value === CHUNK_BYTES,
  sealedHash: (value) => typeof value === "string" && HASH.test(value),
};

/** @param {BlobMessage} told */
export function writeBlobMessage(told) {
  return textBytes(JSON.stringify(told));
}

/** What somebody else wrote: judged before anything is done with it. @param {Uint8Array} content
 * @returns {BlobMessage} throws a DisbelievedError */
export function readBlobMessage(content) {
  const told = parse(content);
  const fits = told && typeof told === "object" && Object.entries(RULES).every(([name, isGood]) => isGood(told[name]));
  if (!fits) throw new DisbelievedError("INVALID_BLOB");
  return told;
}

/** @param {Uint8Array} content @returns {BlobCompletion} throws a DisbelievedError */
export function completionOf(content) {
  const told = readBlobMessage(content);
  return { blobId: told.blobId, parts: countParts(told), sealedHash: told.sealedHash };
}

/** @param {string} name @param {string} type as the browser gives them */
export const describeFile = (name, type) => ({ name: name.slice(-NAME_MAX), type: type.slice(0, TYPE_MAX) });

/** @param {Uint8Array} content */
function parse(content) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
  } catch {
    return null;
  }
}
