/**
 * What a browser keeps sealed: AES-256-GCM by WebCrypto, under keys that scripts can use and not read.
 * @module
 */

import { StoreError } from "./storage.js";

const ALGORITHM = "AES-GCM";
const IV_BYTES = 12;

/** @typedef {{iv: Uint8Array, sealed: ArrayBuffer}} Sealed */

/** For this page alone: neither it nor anybody else gets the bytes out again. @param {string} base64 256 bits
 * @returns {Promise<CryptoKey>} rejects with a StoreError where the browser has no WebCrypto */
export function importKey(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return subtle().importKey("raw", bytes, ALGORITHM, false, ["encrypt", "decrypt"]);
}

/** @param {CryptoKey} key @param {string} context says whose this is; bytes moved elsewhere do not open
 * @param {any} value of JSON @returns {Promise<Sealed>} */
export async function seal(key, context, value) {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const plain = new TextEncoder().encode(JSON.stringify(value));
  return { iv, sealed: await subtle().encrypt(algorithm(iv, context), key, plain) };
}

/** @param {CryptoKey} key @param {string} context @param {any} kept what `seal` gave, or whatever stands in its place
 * @returns {Promise<any>} undefined where the key does not open it, or it was changed */
export async function unseal(key, context, { iv, sealed }) {
  const cipher = subtle();
  try {
    const plain = await cipher.decrypt(algorithm(iv, context), key, sealed);
    return JSON.parse(new TextDecoder().decode(plain));
  } catch {
    return undefined;
  }
}

function algorithm(iv, context) {
  return { name: ALGORITHM, iv, additionalData: new TextEncoder().encode(context) };
}

/** Browsers give it to pages of `https` and of this machine only. */
function subtle() {
  if (!globalThis.crypto?.subtle) throw new StoreError("STORE_FAILED");
  return globalThis.crypto.subtle;
}
