/** Published test vectors, and keys made of their raw bytes. */

import { readFileSync } from "node:fs";

import { concatBytes, decodeBytes } from "../../webapp/static/sdk/threads/encoding.js";

export const readVectors = (name) => JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));
export const VECTORS = readVectors("threads-vectors");
export const fromHex = (text) => new Uint8Array(Buffer.from(text, "hex"));

const PKCS8 = { X25519: "302e020100300506032b656e04220420", Ed25519: "302e020100300506032b657004220420" };

/** @param {"X25519"|"Ed25519"} algorithm @param {Uint8Array} raw @returns {Promise<CryptoKey>} not extractable */
export function importPrivate(algorithm, raw) {
  const bytes = concatBytes(fromHex(PKCS8[algorithm]), raw);
  return crypto.subtle.importKey("pkcs8", bytes, algorithm, false, algorithm === "X25519" ? ["deriveBits"] : ["sign"]);
}

/** A device of the vectors with its private keys. */
export async function deviceOf(name) {
  const { deviceId, memberId, kemKey, signKey, createdAt, sig, kemPrivate, signPrivate } = VECTORS.devices[name];
  return {
    claim: { deviceId, memberId, kemKey, signKey, createdAt, sig },
    kemPrivate: await importPrivate("X25519", decodeBytes(kemPrivate)),
    signPrivate: await importPrivate("Ed25519", decodeBytes(signPrivate)),
  };
}
