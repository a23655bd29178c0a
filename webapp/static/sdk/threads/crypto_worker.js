/**
 * The module Worker in which keys and plaintext stay: answers each call on `ThreadCrypto` with its result.
 * @module
 */

import { hashBlob, openBlobPart, sealBlobPart } from "./blob_chunks.js";
import { ThreadCrypto } from "./thread_crypto.js";

const METHODS = new Set([
  "keepsKeys",
  "open",
  "fingerprints",
  "approve",
  "makeKeyset",
  "openKeys",
  "makeRecovery",
  "recover",
  "sealRecovered",
  "sealFor",
  "seal",
  "reseal",
  "openItem",
  "sealUpload",
  "openUpload",
]);
const held = /** @type {any} */ (new ThreadCrypto());
const OF_BLOBS = /** @type {any} */ ({ sealBlobPart, openBlobPart, hashBlob });

/** @param {MessageEvent<{id: number, method: string, args: any[]}>} message */
async function answer({ data: { id, method, args } }) {
  const owner = Object.hasOwn(OF_BLOBS, method) ? OF_BLOBS : held;
  if (owner === held && !METHODS.has(method)) return;
  try {
    self.postMessage({ id, result: await owner[method](...args) });
  } catch (/** @type {any} */ error) {
    self.postMessage({ id, error: { name: error.name, code: error.code, message: error.message } });
  }
}

self.addEventListener("message", answer);
