/**
 * What is derived from a generation's secret: its check, and the message keys, of which each device has its own.
 * @module
 */

import { encodeBase64url } from "../core/base64url.js";
import { joinLines } from "./texts.js";

const SECRET_BYTES = 32;
const CHECK_BITS = 128;
const NO_SALT = new Uint8Array();

/** @typedef {import("./encoding.js").Bytes} Bytes */

/** @returns {Bytes} */
export function makeSecret() {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
}

/** From here on nobody gets the bytes out again. @param {Bytes} bytes @returns {Promise<CryptoKey>} */
export function importSecret(bytes) {
  return crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveBits", "deriveKey"]);
}

/** Tells two secrets apart, and nothing of either. @param {CryptoKey} secret @param {string} threadId @param {string} kid */
export async function checkOf(secret, threadId, kid) {
  const algorithm = hkdf(joinLines("welno.thread.v1 check", threadId, kid));
  return encodeBase64url(new Uint8Array(await crypto.subtle.deriveBits(algorithm, secret, CHECK_BITS)));
}

/** @param {CryptoKey} secret @param {string} threadId @param {string} kid @param {string} clientId
 * @returns {Promise<CryptoKey>} */
export function messageKey(secret, threadId, kid, clientId) {
  const algorithm = hkdf(joinLines("welno.thread.v1 message", threadId, kid, clientId));
  const aes = { name: "AES-GCM", length: 256 };
  return crypto.subtle.deriveKey(algorithm, secret, aes, false, ["encrypt", "decrypt"]);
}

/** @param {Bytes} info */
function hkdf(info) {
  return { name: "HKDF", hash: "SHA-256", salt: NO_SALT, info };
}
