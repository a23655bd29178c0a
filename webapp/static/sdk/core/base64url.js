/**
 * Base64url without padding, as JOSE writes bytes.
 * @module
 */

const ALPHABET = /^[A-Za-z0-9_-]*$/;
const AT_ONCE = 32_768; // arguments of one call

/** @param {Uint8Array} bytes */
export function encodeBase64url(bytes) {
  let letters = "";
  for (let at = 0; at < bytes.length; at += AT_ONCE) letters += String.fromCharCode(...bytes.subarray(at, at + AT_ONCE));
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @param {unknown} text @returns {Uint8Array<ArrayBuffer>|null} null for what is none */
export function decodeBase64url(text) {
  if (typeof text !== "string" || text.length % 4 === 1 || !ALPHABET.test(text)) return null;
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}
