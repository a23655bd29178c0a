/**
 * Generations of a thread's secret: made for exactly the devices that are to read, and opened only when all fits.
 * @module
 */

import { encodeBase64url } from "../core/base64url.js";
import { isSigned, signText } from "./devices.js";
import { decodeBytes, hashBytes, readKid } from "./encoding.js";
import { DisbelievedError } from "./errors.js";
import { openBase, sealBase } from "./hpke.js";
import { checkOf, importSecret } from "./secrets.js";
import { keysetText, wrapInfo } from "./texts.js";

const WRAPPED_BYTES = 80;
const KEY_BYTES = 32;

/** @typedef {import("./encoding.js").Bytes} Bytes */
/** @typedef {import("./texts.js").DeviceClaim} DeviceClaim */
/** @typedef {import("./devices.js").OwnDevice} OwnDevice */
/** As the server tells one: signed by its maker, and with one's own wrap beside it.
 * @typedef {Omit<import("./texts.js").KeysetClaim, "threadId"> & {sig: string, wrapped: string|null,
 *   state?: string}} ToldKeyset */

/** @typedef {import("./thread_crypto.js").ToldDevice} ToldDevice */
/** The active devices of the members, when all told keys up to `kid` were last found right.
 * @typedef {{kid: string|null, deviceIds: string[]}} Roster */

/** The secret for one device. @param {Bytes} secret @param {DeviceClaim} device @param {string} threadId @param {string} kid
 * @returns {Promise<string>} */
export async function wrapSecret(secret, device, threadId, kid) {
  const key = /** @type {Bytes} */ (decodeBytes(device.kemKey, KEY_BYTES));
  return encodeBase64url(await sealBase(key, wrapInfo(threadId, kid, device.deviceId), secret));
}

/** @param {OwnDevice} own @param {string} wrapped @param {string} threadId @param {string} kid
 * @returns {Promise<Bytes>} rejects with a DisbelievedError */
export async function unwrapSecret(own, wrapped, threadId, kid) {
  const bytes = decodeBytes(wrapped, WRAPPED_BYTES);
  if (!bytes) throw new DisbelievedError("KEY_WRAP");
  const publicKey = /** @type {Bytes} */ (decodeBytes(own.claim.kemKey));
  const pair = { privateKey: own.kemPrivate, publicKey };
  try {
    return await openBase(pair, wrapInfo(threadId, kid, own.claim.deviceId), bytes);
  } catch (error) {
    throw new DisbelievedError("KEY_WRAP", error);
  }
}

/**
 * The body that makes a generation, signed by this device.
 * @param {OwnDevice} own @param {Bytes} secret @param {{threadId: string, kid: string, prev: string, createdAt: string}} about
 * @param {DeviceClaim[]} devices for which it is, checked ones
 */
export async function makeKeyset(own, secret, { threadId, kid, prev, createdAt }, devices) {
  const wraps = await Promise.all(
    devices.map(async (device) => {
      const wrapped = await wrapSecret(secret, device, threadId, kid);
      return { deviceId: device.deviceId, kemKey: device.kemKey, wrapped };
    }),
  );
  const check = await checkOf(await importSecret(secret), threadId, kid);
  const head = { kid, createdAt, createdBy: own.claim.deviceId, check, prev };
  const text = keysetText({ threadId, ...head, recipients: await Promise.all(wraps.map(recipientOf)) });
  return { ...head, wraps, sig: await signText(own.signPrivate, text) };
}

/** By which the next one names it. @param {string} threadId @param {ToldKeyset} keyset */
export function keysetHash(threadId, keyset) {
  return hashBytes(keysetText({ ...keyset, threadId }));
}

/** That its maker signed it. @param {string} threadId @param {ToldKeyset} keyset @param {DeviceClaim} maker */
export async function checkKeyset(threadId, keyset, maker) {
  const isMade = await isSigned(maker.signKey, keyset.sig, keysetText({ ...keyset, threadId }));
  if (!isMade || maker.deviceId !== keyset.createdBy) throw new DisbelievedError("KEY_SIGNATURE");
}

/**
 * Devices that a generation should have been sealed to and was not: active before it was made and still so, and without
 * its secret by now. What is written under such a key, its own members could not read.
 * @param {ToldKeyset} keyset @param {Roster} before @param {{devices: ToldDevice[], members: {memberId: string}[],
 *   lacking: {deviceId: string, kids: string[]}[]}} told @returns {string[]} their ids
 */
export function findForgotten(keyset, before, { devices, members, lacking }) {
  if (readKid(keyset.kid) <= readKid(before.kid)) return [];
  const sealed = new Set(keyset.recipients.map(({ deviceId, kemKey }) => `${deviceId} ${kemKey}`));
  const without = new Set(lacking.filter(({ kids }) => kids.includes(keyset.kid)).map(({ deviceId }) => deviceId));
  const isIn = new Set(members.map(({ memberId }) => memberId));
  return devices
    .filter(({ deviceId, memberId, state }) => state === "active" && isIn.has(memberId) && before.deviceIds.includes(deviceId))
    .filter(({ deviceId, kemKey }) => !sealed.has(`${deviceId} ${kemKey}`) && without.has(deviceId))
    .map(({ deviceId }) => deviceId);
}

/**
 * The secret of a keyset whose maker was checked. Whoever sealed it to this device need not have signed that: the signed
 * `check` shows that it is the maker's secret.
 * @param {OwnDevice} own @param {string} threadId @param {ToldKeyset} keyset @returns {Promise<Bytes>} rejects with a
 *   DisbelievedError
 */
export async function openKeyset(own, threadId, keyset) {
  const secret = await unwrapSecret(own, /** @type {string} */ (keyset.wrapped), threadId, keyset.kid);
  const check = await checkOf(await importSecret(secret), threadId, keyset.kid);
  if (check !== keyset.check) throw new DisbelievedError("KEY_CHECK");
  return secret;
}

/** @param {{deviceId: string, kemKey: string, wrapped: string}} wrap */
async function recipientOf({ deviceId, kemKey, wrapped }) {
  const wrapHash = await hashBytes(/** @type {Bytes} */ (decodeBytes(wrapped)));
  return { deviceId, kemKey, wrapHash };
}
