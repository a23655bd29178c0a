/**
 * The printed code: 40 letters from which a device's keys are derived, for the day when no browser of a member is left.
 * @module
 */

import { signText } from "./devices.js";
import { concatBytes, digestBytes } from "./encoding.js";
import { deviceText, joinLines } from "./texts.js";

const RAW_BYTES = 24;
const CODE_LETTERS = 40;
const GROUP_LETTERS = 5;
const LETTER_BITS = 5;
const GROUPS = CODE_LETTERS / GROUP_LETTERS;
const BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // Crockford's: no I, L, O and U
const PKCS8 = { X25519: "302e020100300506032b656e04220420", Ed25519: "302e020100300506032b657004220420" };

/** @typedef {import("./encoding.js").Bytes} Bytes */
/** @typedef {import("./texts.js").DeviceClaim} DeviceClaim */
/** @typedef {import("./devices.js").OwnDevice} OwnDevice */
/** `RECOVERY_GROUP` names the mistyped one, from 1 on. @typedef {{code: "RECOVERY_LENGTH"|"RECOVERY_GROUP"
 *   |"RECOVERY_CHECK"|"RECOVERY_UNKNOWN", group: number|null}} RecoveryFault */
/** @typedef {Pick<DeviceClaim, "kemKey"|"signKey"> & {kemPrivate: CryptoKey, signPrivate: CryptoKey}} RecoveryKeys */

/** @returns {Bytes} */
export function makeRaw() {
  return crypto.getRandomValues(new Uint8Array(RAW_BYTES));
}

/** Eight groups of five, with the check at the end. @param {Bytes} raw */
export async function writeCode(raw) {
  const bits = [...concatBytes(raw, (await digestBytes(raw)).slice(0, 1))].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const letters = Array.from({ length: CODE_LETTERS }, (_, at) => BASE32[Number.parseInt(bits.substr(at * LETTER_BITS, LETTER_BITS), 2)]);
  return /** @type {string[]} */ (letters.join("").match(/.{5}/g)).join("-");
}

/** In upper or lower case, with whatever stands between the groups; O is 0, I and L are 1.
 * @param {string} typed @returns {{letters: string, fault: RecoveryFault|null}} */
export function readLetters(typed) {
  const text = typed.toUpperCase().replaceAll("O", "0").replaceAll(/[IL]/g, "1");
  const told = text.split(/[\s-]+/).filter(Boolean);
  const letters = told.join("");
  const groups = told.length === GROUPS ? told : (letters.match(/.{1,5}/gs) ?? []);
  const wrong = groups.findIndex((group) => ![...group].every((letter) => BASE32.includes(letter)));
  const uneven = told.length === GROUPS ? told.findIndex((group) => group.length !== GROUP_LETTERS) : -1;
  const at = wrong >= 0 ? wrong : uneven;
  if (at >= 0) return { letters, fault: { code: "RECOVERY_GROUP", group: at + 1 } };
  return { letters, fault: letters.length === CODE_LETTERS ? null : { code: "RECOVERY_LENGTH", group: null } };
}

/** @param {string} letters 40 of the alphabet @returns {Promise<Bytes|null>} null where the check fails */
export async function readRaw(letters) {
  const bits = [...letters].map((letter) => BASE32.indexOf(letter).toString(2).padStart(LETTER_BITS, "0")).join("");
  const bytes = Uint8Array.from(/** @type {string[]} */ (bits.match(/.{8}/g)), (byte) => Number.parseInt(byte, 2));
  const raw = bytes.slice(0, RAW_BYTES);
  return (await digestBytes(raw))[0] === bytes[RAW_BYTES] ? raw : null;
}

/** Nobody gets the private ones out again. @param {Bytes} raw @param {string} memberId @returns {Promise<RecoveryKeys>} */
export async function deriveKeys(raw, memberId) {
  const secret = await crypto.subtle.importKey("raw", raw, "HKDF", false, ["deriveBits"]);
  const kem = await importPair("X25519", await derive(secret, "kem", memberId), "deriveBits");
  const sign = await importPair("Ed25519", await derive(secret, "sign", memberId), "sign");
  return { kemKey: kem.publicKey, signKey: sign.publicKey, kemPrivate: kem.privateKey, signPrivate: sign.privateKey };
}

/** A new code as a device of its member. @param {string} memberId @param {string} createdAt
 * @returns {Promise<{code: string, device: OwnDevice}>} */
export async function makeRecoveryDevice(memberId, createdAt) {
  const raw = makeRaw();
  const { kemKey, signKey, kemPrivate, signPrivate } = await deriveKeys(raw, memberId);
  const unsigned = { deviceId: crypto.randomUUID(), memberId, kemKey, signKey, createdAt };
  const sig = await signText(signPrivate, deviceText(unsigned));
  return { code: await writeCode(raw), device: { claim: { ...unsigned, sig }, kemPrivate, signPrivate } };
}

/**
 * The device whose code was typed. Where one letter is wrong, or two beside each other are swapped, the public keys tell
 * which group it is in: the check alone could not.
 * @param {string} typed @param {string} memberId @param {DeviceClaim[]} devices the member's active recovery codes
 * @returns {Promise<{device: OwnDevice|null, fault: RecoveryFault|null}>}
 */
export async function findRecoveryDevice(typed, memberId, devices) {
  const { letters, fault } = readLetters(typed);
  if (fault) return { device: null, fault };
  const device = await deviceOf(letters, memberId, devices);
  if (device) return { device, fault: null };
  for (const [at, near] of nearTo(letters))
    if (await deviceOf(near, memberId, devices)) {
      return { device: null, fault: { code: "RECOVERY_GROUP", group: Math.floor(at / GROUP_LETTERS) + 1 } };
    }
  const isWhole = (await readRaw(letters)) !== null;
  return { device: null, fault: { code: isWhole ? "RECOVERY_UNKNOWN" : "RECOVERY_CHECK", group: null } };
}

/** @param {string} letters @param {string} memberId @param {DeviceClaim[]} devices @returns {Promise<OwnDevice|null>} */
async function deviceOf(letters, memberId, devices) {
  const raw = await readRaw(letters);
  if (!raw) return null;
  const { kemKey, signKey, kemPrivate, signPrivate } = await deriveKeys(raw, memberId);
  const claim = devices.find((device) => device.kemKey === kemKey && device.signKey === signKey);
  return claim ? { claim, kemPrivate, signPrivate } : null;
}

/** With where each differs first. @param {string} letters @returns {Generator<[number, string]>} */
function* nearTo(letters) {
  for (let at = 0; at < letters.length; at += 1) {
    const [before, after] = [letters.slice(0, at), letters.slice(at + 1)];
    for (const letter of BASE32) if (letter !== letters[at]) yield [at, before + letter + after];
    if (after) yield [at, before + after[0] + letters[at] + after.slice(1)];
  }
}

/** @param {CryptoKey} secret @param {"kem"|"sign"} use @param {string} memberId @returns {Promise<Bytes>} */
async function derive(secret, use, memberId) {
  const info = joinLines(`welno.recovery.v1 ${use}`, memberId);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info }, secret, 256));
}

/** @param {"X25519"|"Ed25519"} algorithm @param {Bytes} raw @param {KeyUsage} usage
 * @returns {Promise<{privateKey: CryptoKey, publicKey: string}>} */
async function importPair(algorithm, raw, usage) {
  const bytes = concatBytes(fromHex(PKCS8[algorithm]), raw);
  // Web Crypto gives the public half of a private key by a JWK alone, which is base64url as ours.
  const told = await crypto.subtle.exportKey("jwk", await crypto.subtle.importKey("pkcs8", bytes, algorithm, true, [usage]));
  const privateKey = await crypto.subtle.importKey("pkcs8", bytes, algorithm, false, [usage]);
  return { privateKey, publicKey: /** @type {string} */ (told.x) };
}

/** @param {string} text */
const fromHex = (text) => Uint8Array.from(/** @type {string[]} */ (text.match(/../g)), (byte) => Number.parseInt(byte, 16));
