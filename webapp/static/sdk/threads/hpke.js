/**
 * HPKE (RFC 9180) in base mode, single-shot: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; over Web Crypto.
 * @module
 */

import { concatBytes, textBytes } from "./encoding.js";

const VERSION = textBytes("HPKE-v1");
const KEM_SUITE = concatBytes(textBytes("KEM"), Uint8Array.of(0, 0x20));
const HPKE_SUITE = concatBytes(textBytes("HPKE"), Uint8Array.of(0, 0x20, 0, 1, 0, 2));
const X25519 = "X25519";
const ENC_BYTES = 32;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const BASE_MODE = Uint8Array.of(0);
const NOTHING = new Uint8Array();
const ZEROS = new Uint8Array(32); // an HMAC with an empty key, which Web Crypto does not import, is one with zeros

/** @typedef {import("./encoding.js").Bytes} Bytes */
/** The private key need not be extractable: its public half is told beside it.
 * @typedef {{privateKey: CryptoKey, publicKey: Bytes}} KemPair */

/** @param {Bytes} key of the recipient @param {Bytes} info @param {Bytes} plaintext @param {KemPair} [ephemeral] a given
 * one is for test vectors alone @returns {Promise<Bytes>} enc and ciphertext; rejects for a key of low order */
export async function sealBase(key, info, plaintext, ephemeral, aad = NOTHING) {
  const { privateKey, publicKey: enc } = ephemeral ?? (await generatePair());
  const shared = await exchange(privateKey, key);
  const { key: aead, nonce } = await schedule(await extractShared(shared, enc, key), info);
  const cipher = await importAead(aead, "encrypt");
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: aad }, cipher, plaintext);
  return concatBytes(enc, new Uint8Array(sealed));
}

/** @param {KemPair} pair of the recipient @param {Bytes} info @param {Bytes} sealed enc and ciphertext
 * @returns {Promise<Bytes>} rejects where it was sealed to another key, for another `info`, or was changed */
export async function openBase({ privateKey, publicKey }, info, sealed, aad = NOTHING) {
  const enc = sealed.slice(0, ENC_BYTES);
  const shared = await exchange(privateKey, enc);
  const { key: aead, nonce } = await schedule(await extractShared(shared, enc, publicKey), info);
  const cipher = await importAead(aead, "decrypt");
  const algorithm = { name: "AES-GCM", iv: nonce, additionalData: aad };
  return new Uint8Array(await crypto.subtle.decrypt(algorithm, cipher, sealed.slice(ENC_BYTES)));
}

/** Whether an exchange with it gives a shared secret other than zeros (RFC 7748, 6.1). @param {Bytes} key */
export async function isUsableKemKey(key) {
  const { privateKey } = await generatePair();
  return exchange(privateKey, key).then(
    () => true,
    () => false,
  );
}

/** Key and base nonce of a shared secret. @param {Bytes} shared @param {Bytes} info
 * @returns {Promise<{key: Bytes, nonce: Bytes}>} */
export async function schedule(shared, info) {
  const pskHash = await labeledExtract(HPKE_SUITE, NOTHING, "psk_id_hash", NOTHING);
  const infoHash = await labeledExtract(HPKE_SUITE, NOTHING, "info_hash", info);
  const context = concatBytes(BASE_MODE, pskHash, infoHash);
  const secret = await labeledExtract(HPKE_SUITE, shared, "secret", NOTHING);
  return {
    key: await labeledExpand(HPKE_SUITE, secret, "key", context, KEY_BYTES),
    nonce: await labeledExpand(HPKE_SUITE, secret, "base_nonce", context, NONCE_BYTES),
  };
}

/** DHKEM's shared secret. @param {Bytes} dh @param {Bytes} enc @param {Bytes} recipient public key */
export async function extractShared(dh, enc, recipient) {
  const prk = await labeledExtract(KEM_SUITE, NOTHING, "eae_prk", dh);
  return labeledExpand(KEM_SUITE, prk, "shared_secret", concatBytes(enc, recipient), KEY_BYTES);
}

/** @param {CryptoKey} privateKey @param {Bytes} publicKey @returns {Promise<Bytes>} rejects when it is all zeros */
export async function exchange(privateKey, publicKey) {
  const key = await crypto.subtle.importKey("raw", publicKey, X25519, true, []);
  const dh = new Uint8Array(await crypto.subtle.deriveBits({ name: X25519, public: key }, privateKey, 256));
  if (dh.every((byte) => byte === 0)) throw new DOMException("a key of low order", "OperationError");
  return dh;
}

/** @returns {Promise<KemPair>} */
async function generatePair() {
  const pair = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey(X25519, false, ["deriveBits"]));
  return { privateKey: pair.privateKey, publicKey: await exportRaw(pair.publicKey) };
}

/** @param {CryptoKey} key public @returns {Promise<Bytes>} */
export async function exportRaw(key) {
  return new Uint8Array(await crypto.subtle.exportKey("raw", key));
}

/** @param {Bytes} key @param {KeyUsage} usage */
function importAead(key, usage) {
  return crypto.subtle.importKey("raw", key, "AES-GCM", false, [usage]);
}

/** @param {Bytes} suite @param {Bytes} salt @param {string} label @param {Bytes} input */
function labeledExtract(suite, salt, label, input) {
  return hmac(salt.length ? salt : ZEROS, concatBytes(VERSION, suite, textBytes(label), input));
}

/** @param {Bytes} suite @param {Bytes} prk @param {string} label @param {Bytes} info @param {number} length at most 32:
 * one block of HKDF-Expand */
async function labeledExpand(suite, prk, label, info, length) {
  const head = Uint8Array.of(0, length);
  const labeled = concatBytes(head, VERSION, suite, textBytes(label), info, Uint8Array.of(1));
  return (await hmac(prk, labeled)).slice(0, length);
}

/** @param {Bytes} key @param {Bytes} message @returns {Promise<Bytes>} */
async function hmac(key, message) {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
}
