/**
 * Files as compact JWE (`dir`, `A256GCM`), deflated or not.
 * @module
 */

import { decodeBase64url, encodeBase64url } from "../core/base64url.js";
import { HealthLinkError } from "./errors.js";

export const KEY_BYTES = 32;
const ALGORITHM = "AES-GCM";
const [IV_BYTES, TAG_BYTES] = [12, 16];
// A file of a few KiB may be told to become gigabytes.
const INFLATED_MAX_BYTES = 64 * 1024 * 1024;

/**
 * @param {Uint8Array<ArrayBuffer>} key @param {string} text @param {string} contentType
 * @param {{deflate?: boolean, iv?: Uint8Array<ArrayBuffer>}} [options] `iv` is given by tests alone: under one key each
 *   must be used once
 * @returns {Promise<string>}
 */
export async function encryptFile(key, text, contentType, { deflate = false, iv = freshIv() } = {}) {
  const head = { alg: "dir", enc: "A256GCM", cty: contentType, ...(deflate ? { zip: "DEF" } : {}) };
  const protectedHead = encodeBase64url(new TextEncoder().encode(JSON.stringify(head)));
  const plain = new TextEncoder().encode(text);
  const packed = deflate ? await pass(plain, new CompressionStream("deflate-raw")) : plain;
  const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm(iv, protectedHead), await importKey(key), packed));
  const [ciphertext, tag] = [sealed.subarray(0, -TAG_BYTES), sealed.subarray(-TAG_BYTES)];
  return [protectedHead, "", ...[iv, ciphertext, tag].map(encodeBase64url)].join(".");
}

/** @param {Uint8Array<ArrayBuffer>} key @param {string} jwe @returns {Promise<{contentType: string, text: string}>}
 *  rejects with a HealthLinkError */
export async function decryptFile(key, jwe) {
  const { protectedHead, head, iv, sealed } = readParts(jwe);
  try {
    const opened = await crypto.subtle.decrypt(algorithm(iv, protectedHead), await importKey(key), sealed);
    const packed = new Uint8Array(opened);
    const plain = head.zip === "DEF" ? await inflateRaw(packed) : packed;
    return { contentType: String(head.cty ?? ""), text: new TextDecoder("utf-8", { fatal: true }).decode(plain) };
  } catch (/** @type {any} */ cause) {
    throw cause instanceof HealthLinkError ? cause : new HealthLinkError("UNREADABLE", { cause });
  }
}

/** RFC 1951. @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<Uint8Array<ArrayBuffer>>} rejects with a
 *  HealthLinkError where it becomes too long */
export function inflateRaw(bytes) {
  return pass(bytes, new DecompressionStream("deflate-raw"));
}

/** @param {string} jwe */
function readParts(jwe) {
  const [protectedHead, encryptedKey, ...rest] = String(jwe).trim().split(".");
  const [iv, ciphertext, tag] = rest.map(decodeBase64url);
  const head = readHead(protectedHead);
  const isOurs = head?.alg === "dir" && head.enc === "A256GCM" && (head.zip ?? "DEF") === "DEF";
  const fits = rest.length === 3 && encryptedKey === "" && iv?.length === IV_BYTES && tag?.length === TAG_BYTES;
  if (!isOurs || !fits || !ciphertext) throw new HealthLinkError("UNREADABLE");
  const sealed = new Uint8Array(ciphertext.length + TAG_BYTES);
  sealed.set(ciphertext);
  sealed.set(tag, ciphertext.length);
  return { protectedHead, head, iv, sealed };
}

/** @param {string} protectedHead @returns {any} null for what is no head */
function readHead(protectedHead) {
  try {
    return JSON.parse(new TextDecoder().decode(decodeBase64url(protectedHead) ?? new Uint8Array()));
  } catch {
    return null;
  }
}

/** @param {Uint8Array<ArrayBuffer>} bytes @param {CompressionStream|DecompressionStream} through */
async function pass(bytes, through) {
  const reader = new Blob([bytes]).stream().pipeThrough(through).getReader();
  const parts = [];
  for (let length = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
    length += value.length;
    if (length > INFLATED_MAX_BYTES) {
      await reader.cancel();
      throw new HealthLinkError("TOO_LARGE");
    }
    parts.push(value);
  }
}

/** @param {Uint8Array<ArrayBuffer>} key */
function importKey(key) {
  return crypto.subtle.importKey("raw", key, ALGORITHM, false, ["encrypt", "decrypt"]);
}

/** @param {Uint8Array<ArrayBuffer>} iv @param {string} protectedHead */
function algorithm(iv, protectedHead) {
  return { name: ALGORITHM, iv, additionalData: new TextEncoder().encode(protectedHead), tagLength: TAG_BYTES * 8 };
}

function freshIv() {
  return crypto.getRandomValues(new Uint8Array(IV_BYTES));
}
