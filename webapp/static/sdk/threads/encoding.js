/**
 * How bytes, moments and ids are written in the threads' formats: each value has exactly one spelling.
 * @module
 */

import { decodeBase64url, encodeBase64url } from "../core/base64url.js";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const KID = /^k([1-9][0-9]{0,8})$/;
const THREAD_ID_BYTES = 16;
const SHA256 = "SHA-256";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/** @param {string} text @returns {Bytes} UTF-8 */
export function textBytes(text) {
  return new TextEncoder().encode(text);
}

/**
 * @param {unknown} text base64url @param {number} [length]
 * @returns {Bytes|null} null for what `encodeBase64url` does not write: other letters, padding, unused bits that are not
 *   0, another length. Otherwise two texts would stand for the same bytes, and a signed text could be told in two ways.
 */
export function decodeBytes(text, length) {
  const bytes = decodeBase64url(text);
  if (bytes === null || (length !== undefined && bytes.length !== length)) return null;
  return encodeBase64url(bytes) === text ? bytes : null;
}

/** @param {Uint8Array} bytes */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Uint8Array[]} parts @returns {Bytes} */
export function concatBytes(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {Bytes} bytes @returns {Promise<Bytes>} */
export async function digestBytes(bytes) {
  return new Uint8Array(await crypto.subtle.digest(SHA256, bytes));
}

/** `sha256:` and hex. @param {Bytes} bytes */
export async function hashBytes(bytes) {
  return `sha256:${toHex(await digestBytes(bytes))}`;
}

/** @param {unknown} text */
export function isMoment(text) {
  if (typeof text !== "string" || !MOMENT.test(text)) return false;
  const at = new Date(text);
  return !Number.isNaN(at.getTime()) && at.toISOString() === text; // no 30 February
}

/** In lower case. @param {unknown} text */
export function isUuid(text) {
  return typeof text === "string" && UUID.test(text);
}

/** @param {unknown} text */
export function isThreadId(text) {
  return decodeBytes(text, THREAD_ID_BYTES) !== null;
}

/** @param {number} generation */
export function writeKid(generation) {
  return `k${generation}`;
}

/** @param {unknown} text @returns {number} the generation; 0 for what names none */
export function readKid(text) {
  const found = typeof text === "string" ? text.match(KID) : null;
  return found ? Number(found[1]) : 0;
}
