/**
 * Envelopes: their shape, making one, and opening one: hash, signature, then decryption.
 * @module
 */

import { encodeBase64url } from "../core/base64url.js";
import { isSigned, signText } from "./devices.js";
import { decodeBytes, hashBytes, isMoment, isThreadId, isUuid, readKid } from "./encoding.js";
import { DisbelievedError } from "./errors.js";
import { messageKey } from "./secrets.js";
import { envelopeAad, envelopeSigned } from "./texts.js";

const ALGORITHM = "A256GCM";
const IV_BYTES = 12;
const TAG_BYTES = 16;
const SIGNATURE_BYTES = 64;
const CONTENT_TYPE_MAX = 100;
const KIND = /^[a-z][a-z0-9-]{0,31}$/;
const CONTENT_TYPE = /^[a-z0-9.+-]+\/[a-z0-9.+-]+$/;
const HASH = /^sha256:[0-9a-f]{64}$/;

/** How much an envelope takes of plaintext: its payload is at most 40,960 bytes with the tag. */
export const PLAINTEXT_MAX_BYTES = 40_960 - TAG_BYTES;

/** @typedef {import("./encoding.js").Bytes} Bytes */
/** @typedef {import("./texts.js").Envelope} Envelope */

/** @param {any} enc */
const isEnc = (enc) =>
  isRecord(enc, ["alg", "kid", "iv"]) &&
  enc.alg === ALGORITHM &&
  readKid(enc.kid) > 0 &&
  decodeBytes(enc.iv, IV_BYTES) !== null;

/** @type {Record<keyof Envelope, (value: any) => boolean>} in the order in which an envelope is written */
const RULES = {
  v: (value) => value === 1,
  threadId: isThreadId,
  dedupeId: isUuid,
  clientId: isUuid,
  clientSeq: (value) => Number.isSafeInteger(value) && value >= 1,
  kind: (value) => typeof value === "string" && KIND.test(value),
  contentType: (value) => typeof value === "string" && value.length <= CONTENT_TYPE_MAX && CONTENT_TYPE.test(value),
  createdAt: isMoment,
  enc: isEnc,
  payload: (value) => (decodeBytes(value)?.length ?? 0) >= TAG_BYTES,
  payloadHash: (value) => typeof value === "string" && HASH.test(value),
  sig: (value) => decodeBytes(value, SIGNATURE_BYTES) !== null,
};

/** Whether it has exactly the fields of an envelope, each of the right shape. @param {any} value */
export function isEnvelope(value) {
  return isRecord(value, Object.keys(RULES)) && Object.entries(RULES).every(([name, fits]) => fits(value[name]));
}

/**
 * @param {{clientId: string, signPrivate: CryptoKey, secret: CryptoKey, kid: string}} sender
 * @param {Pick<Envelope, "threadId"|"dedupeId"|"clientSeq"|"kind"|"contentType"|"createdAt">} said @param {Bytes} plaintext
 * @returns {Promise<Envelope>} with an iv of its own each time
 */
export async function makeEnvelope({ clientId, signPrivate, secret, kid }, said, plaintext) {
  const { threadId, dedupeId, clientSeq, kind, contentType, createdAt } = said;
  const head = { threadId, dedupeId, clientId, clientSeq, kind, contentType, createdAt };
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const key = await messageKey(secret, threadId, kid, clientId);
  const algorithm = { name: "AES-GCM", iv, additionalData: envelopeAad({ ...head, alg: ALGORITHM, kid }) };
  const payload = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, plaintext));
  /** @type {Envelope} */
  const unsigned = {
    v: 1,
    ...head,
    enc: { alg: ALGORITHM, kid, iv: encodeBase64url(iv) },
    payload: encodeBase64url(payload),
    payloadHash: await hashBytes(payload),
    sig: "",
  };
  return { ...unsigned, sig: await signText(signPrivate, envelopeSigned(unsigned)) };
}

/** That it is whole and its device's; nothing is decrypted. @param {Envelope} envelope @param {string} signKey of its device
 * @returns {Promise<void>} rejects with a DisbelievedError */
export async function checkEnvelope(envelope, signKey) {
  if (!isEnvelope(envelope)) throw new DisbelievedError("INVALID_ENVELOPE");
  const payload = /** @type {Bytes} */ (decodeBytes(envelope.payload));
  if ((await hashBytes(payload)) !== envelope.payloadHash) throw new DisbelievedError("HASH_MISMATCH");
  if (!(await isSigned(signKey, envelope.sig, envelopeSigned(envelope)))) throw new DisbelievedError("BAD_SIGNATURE");
}

/** Of one that was checked. @param {Envelope} envelope @param {CryptoKey} secret of its generation
 * @returns {Promise<Bytes>} rejects with a DisbelievedError */
export async function decryptEnvelope(envelope, secret) {
  const { threadId, clientId, enc } = envelope;
  const key = await messageKey(secret, threadId, enc.kid, clientId);
  const additionalData = envelopeAad({ ...envelope, alg: enc.alg, kid: enc.kid });
  const iv = /** @type {Bytes} */ (decodeBytes(enc.iv));
  const payload = /** @type {Bytes} */ (decodeBytes(envelope.payload));
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, key, payload));
  } catch (error) {
    throw new DisbelievedError("UNDECIPHERABLE", error);
  }
}

/** @param {any} value @param {string[]} names exactly these */
function isRecord(value, names) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
  return Object.keys(value).length === names.length && names.every((name) => Object.hasOwn(value, name));
}
