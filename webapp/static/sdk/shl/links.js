/**
 * The text of a SMART Health Link: its payload, written and read.
 * @module
 */

import { decodeBase64url, encodeBase64url } from "../core/base64url.js";
import { HealthLinkError } from "./errors.js";
import { KEY_BYTES } from "./jwe.js";

export const LABEL_MAX_CHARACTERS = 80;
const SCHEME = "shlink:/";
const URL_MAX_CHARACTERS = 128;
const VERSION = 1;

/** `flag`: letters in alphabetical order: `L` may change, `P` wants a passcode, `U` is a single file. `exp`: seconds.
 * @typedef {{url: string, key: string, exp?: number, flag?: string, label?: string, v?: number}} LinkPayload */

/** @param {LinkPayload} payload @param {string} [viewer] the address of a page that opens links
 * @returns {string} */
export function writeLink({ url, flag, key, exp, label }, viewer) {
  if (url.length > URL_MAX_CHARACTERS) throw new HealthLinkError("NOT_A_LINK");
  const told = JSON.stringify({ url, flag: flag || undefined, key, exp, label });
  const link = SCHEME + encodeBase64url(new TextEncoder().encode(told));
  return viewer ? `${viewer}#${link}` : link;
}

/** With or without a viewer's address before it; what it says beyond is ignored.
 * @param {string} text @returns {LinkPayload} throws a HealthLinkError */
export function readLink(text) {
  const trimmed = text.trim();
  const at = trimmed.indexOf(SCHEME);
  const payload = at < 0 ? null : readPayload(trimmed.slice(at + SCHEME.length));
  if (payload === null || !isLink(payload)) throw new HealthLinkError("NOT_A_LINK");
  if ((payload.v ?? VERSION) > VERSION) throw new HealthLinkError("NEWER_VERSION");
  return payload;
}

/** @param {LinkPayload} payload @param {string} letter */
export function hasFlag({ flag }, letter) {
  return (flag ?? "").includes(letter);
}

/** @param {LinkPayload} payload @returns {Uint8Array<ArrayBuffer>} */
export function keyOf({ key }) {
  return /** @type {Uint8Array<ArrayBuffer>} */ (decodeBase64url(key));
}

/** @param {string} encoded @returns {any} */
function readPayload(encoded) {
  try {
    const bytes = decodeBase64url(encoded.replace(/=+$/, ""));
    return bytes && JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}

/** @param {any} payload */
function isLink({ url, key, flag, label, exp }) {
  const isText = (/** @type {unknown} */ value) => value === undefined || typeof value === "string";
  const contradicts = isText(flag) && /(?=.*U)(?=.*P)/.test(flag ?? "");
  return isAddress(url) && decodeBase64url(key)?.length === KEY_BYTES && isText(flag) && isText(label) && !contradicts && isMoment(exp);
}

/** @param {unknown} seconds */
function isMoment(seconds) {
  return seconds === undefined || (typeof seconds === "number" && !Number.isNaN(new Date(seconds * 1000).getTime()));
}

/** To nobody in clear but this machine. @param {unknown} url @returns {url is string} */
export function isAddress(url) {
  if (typeof url !== "string" || !URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" || (protocol === "http:" && ["localhost", "127.0.0.1"].includes(hostname));
}
