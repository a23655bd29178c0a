/**
 * Opening a SMART Health Link, ours or anybody's: the manifest or the file itself, decrypted here.
 * @module
 */

import { HealthLinkError } from "./errors.js";
import { decryptFile } from "./jwe.js";
import { hasFlag, isAddress, keyOf, readLink } from "./links.js";

const TIMEOUT_MILLISECONDS = 30_000;
const EMBEDDED_MAX = 1024 * 1024;
const FILE_MAX_CHARACTERS = 32 * 1024 * 1024;
const [UNAUTHORIZED, GONE, TOO_MANY] = [401, [404, 410], 429];

/** `content` is the JSON, null where it is none. @typedef {{contentType: string, text: string, content: any,
 *   lastUpdated: string|null}} OpenedFile */
/** @typedef {{recipient: string, passcode?: string, fetch?: typeof globalThis.fetch}} OpenOptions `recipient`: who opens
 *   it, for whoever shared it to read */

/** @param {string} link @param {OpenOptions} options
 * @returns {Promise<{payload: import("./links.js").LinkPayload, files: OpenedFile[]}>} rejects with a HealthLinkError */
export async function openLink(link, { recipient, passcode, fetch = globalThis.fetch.bind(globalThis) }) {
  const payload = readLink(link);
  const ask = asker(fetch);
  const told = hasFlag(payload, "U")
    ? [{ embedded: await readText(await ask(directUrl(payload.url, recipient))) }]
    : await readManifest(ask, payload, { recipient, passcode });
  const files = [];
  // One after the other: each may be megabytes.
  for (const file of told) files.push(await openFile(ask, keyOf(payload), file));
  return { payload, files };
}

/** @param {Ask} ask @param {import("./links.js").LinkPayload} payload @param {{recipient: string, passcode?: string}} who */
async function readManifest(ask, payload, { recipient, passcode }) {
  const asked = { recipient, embeddedLengthMax: EMBEDDED_MAX, ...(hasFlag(payload, "P") && passcode ? { passcode } : {}) };
  const headers = { "Content-Type": "application/json" };
  const answer = await ask(payload.url, { method: "POST", headers, body: JSON.stringify(asked) });
  const told = parse(await readText(answer));
  if (!Array.isArray(told?.files)) throw new HealthLinkError("UNREADABLE");
  return told.files;
}

/** @param {Ask} ask @param {Uint8Array<ArrayBuffer>} key @param {any} file @returns {Promise<OpenedFile>} */
async function openFile(ask, key, file) {
  const jwe = file?.embedded ?? (await readText(await ask(locationOf(file))));
  if (typeof jwe !== "string") throw new HealthLinkError("UNREADABLE");
  if (jwe.length > FILE_MAX_CHARACTERS) throw new HealthLinkError("TOO_LARGE");
  const opened = await decryptFile(key, jwe);
  return {
    contentType: opened.contentType || textOf(file.contentType) || "",
    text: opened.text,
    content: parse(opened.text),
    lastUpdated: textOf(file.lastUpdated),
  };
}

/** @param {any} file @returns {string} throws a HealthLinkError */
function locationOf(file) {
  if (!isAddress(file?.location)) throw new HealthLinkError("UNREADABLE");
  return file.location;
}

/** @typedef {(url: string, init?: RequestInit) => Promise<Response>} Ask */

/** Without cookies, without a cache, without telling from where. @param {typeof globalThis.fetch} fetch @returns {Ask} */
function asker(fetch) {
  return async function ask(url, init = {}) {
    let answer;
    try {
      answer = await fetch(url, {
        credentials: "omit",
        cache: "no-store",
        referrerPolicy: "no-referrer",
        signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
        ...init,
      });
    } catch (cause) {
      throw new HealthLinkError("UNREACHABLE", { cause });
    }
    if (!answer.ok) throw await refusal(answer);
    return answer;
  };
}

/** @param {Response} answer */
async function refusal(answer) {
  if (GONE.includes(answer.status)) return new HealthLinkError("INACTIVE");
  if (answer.status === UNAUTHORIZED) {
    const left = parse(await readText(answer))?.remainingAttempts;
    return new HealthLinkError("PASSCODE", { remainingAttempts: Number.isInteger(left) ? left : null });
  }
  const wait = Number(answer.headers.get("Retry-After"));
  if (answer.status === TOO_MANY) return new HealthLinkError("TOO_OFTEN", { retryAfterSeconds: wait > 0 ? wait : null });
  return new HealthLinkError("UNREACHABLE");
}

/** @param {Response} answer */
async function readText(answer) {
  try {
    return await answer.text();
  } catch (cause) {
    throw new HealthLinkError("UNREACHABLE", { cause });
  }
}

/** @param {string} address @param {string} recipient */
function directUrl(address, recipient) {
  const url = new URL(address);
  url.searchParams.set("recipient", recipient);
  return url.href;
}

/** @param {unknown} value */
function textOf(value) {
  return typeof value === "string" ? value : null;
}

/** @param {string} text @returns {any} null for what is no JSON */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
