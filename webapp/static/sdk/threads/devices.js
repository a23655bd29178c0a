/**
 * Devices of members: their keys, their own signature, their fingerprint, and the approval by another one.
 * @module
 */

import { encodeBase64url } from "../core/base64url.js";
import { decodeBytes, digestBytes, hashBytes, isMoment, isUuid, toHex } from "./encoding.js";
import { DisbelievedError } from "./errors.js";
import { exportRaw, isUsableKemKey } from "./hpke.js";
import { approvalText, deviceText } from "./texts.js";

const SIGN = "Ed25519";
const KEM = "X25519";
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const FINGERPRINT_BYTES = 15;
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const FIELD = 2n ** 255n - 19n;
// The eighth root of unity's ordinate: with 0, 1 and -1 those of all points of Ed25519 whose order divides 8.
const ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
const LOW_ORDER = new Set([0n, 1n, FIELD - 1n, ORDER_8, FIELD - ORDER_8]);

/** @typedef {import("./encoding.js").Bytes} Bytes */
/** @typedef {import("./texts.js").DeviceClaim} DeviceClaim */
/** The private keys are not extractable. @typedef {{claim: DeviceClaim, kemPrivate: CryptoKey, signPrivate: CryptoKey}} OwnDevice */

/** A new one; its private keys never leave Web Crypto. @param {string} memberId @param {string} createdAt
 * @returns {Promise<OwnDevice>} */
export async function makeDevice(memberId, createdAt) {
  const kem = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey(KEM, false, ["deriveBits"]));
  const sign = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey(SIGN, false, ["sign", "verify"]));
  const unsigned = {
    deviceId: crypto.randomUUID(),
    memberId,
    kemKey: encodeBase64url(await exportRaw(kem.publicKey)),
    signKey: encodeBase64url(await exportRaw(sign.publicKey)),
    createdAt,
  };
  const sig = await signText(sign.privateKey, deviceText(unsigned));
  return { claim: { ...unsigned, sig }, kemPrivate: kem.privateKey, signPrivate: sign.privateKey };
}

/** @param {CryptoKey} key @param {Bytes} text @returns {Promise<string>} */
export async function signText(key, text) {
  return encodeBase64url(new Uint8Array(await crypto.subtle.sign(SIGN, key, text)));
}

/** @param {string} signKey @param {string} sig @param {Bytes} text @returns {Promise<boolean>} false also for what is no
 * key or no signature */
export async function isSigned(signKey, sig, text) {
  const key = decodeBytes(signKey, KEY_BYTES);
  const signature = decodeBytes(sig, SIGNATURE_BYTES);
  if (!key || !signature) return false;
  try {
    const verifier = await crypto.subtle.importKey("raw", key, SIGN, true, ["verify"]);
    return await crypto.subtle.verify(SIGN, verifier, signature, text);
  } catch {
    return false; // bytes that are no point of the curve
  }
}

/** A key of low order would verify a signature under more texts than one. @param {Bytes} key */
export function isUsableSignKey(key) {
  const number = BigInt(`0x${toHex(key.slice().reverse())}`);
  return key.length === KEY_BYTES && !LOW_ORDER.has((number % 2n ** 255n) % FIELD);
}

/** That its keys can be used and its signature is its own. @param {DeviceClaim} device
 * @returns {Promise<void>} rejects with a DisbelievedError */
export async function checkDevice(device) {
  const kemKey = decodeBytes(device.kemKey, KEY_BYTES);
  const signKey = decodeBytes(device.signKey, KEY_BYTES);
  const isUsable =
    isUuid(device.deviceId) &&
    isMoment(device.createdAt) &&
    signKey !== null &&
    isUsableSignKey(signKey) &&
    kemKey !== null &&
    (await isUsableKemKey(kemKey));
  if (!isUsable || !(await isSigned(device.signKey, device.sig, deviceText(device))))
    throw new DisbelievedError("DEVICE_INVALID");
}

/** What two people compare: six groups of four letters. @param {DeviceClaim} device */
export async function fingerprintOf(device) {
  const digest = await digestBytes(deviceText(device));
  const bits = Array.from(digest.slice(0, FINGERPRINT_BYTES), (byte) => byte.toString(2).padStart(8, "0")).join("");
  const letters = /** @type {string[]} */ (bits.match(/.{5}/g)).map((five) => BASE32[Number.parseInt(five, 2)]);
  return /** @type {string[]} */ (letters.join("").match(/.{4}/g)).join(" ");
}

/** @param {OwnDevice} approver @param {DeviceClaim} device @param {string} createdAt
 * @returns {Promise<import("./texts.js").Approval>} */
export async function approveDevice(approver, device, createdAt) {
  const unsigned = { approvedBy: approver.claim.deviceId, createdAt };
  const text = approvalText(device.deviceId, await hashBytes(deviceText(device)), unsigned);
  return { ...unsigned, sig: await signText(approver.signPrivate, text) };
}

/** @param {DeviceClaim} approver @param {DeviceClaim} device @param {import("./texts.js").Approval} approval */
export async function isApproved(approver, device, approval) {
  const text = approvalText(device.deviceId, await hashBytes(deviceText(device)), approval);
  const isOwn = approver.deviceId === approval.approvedBy && approver.memberId === device.memberId;
  return isOwn && (await isSigned(approver.signKey, approval.sig, text));
}
