/**
 * What a SMART Health Card says. Its signature is not verified here: who shows it must say so.
 * @module
 */

import { decodeBase64url } from "../core/base64url.js";
import { HealthLinkError } from "./errors.js";
import { inflateRaw } from "./jwe.js";

/** @param {string} jws compact @returns {Promise<{issuer: string, bundle: any}>} rejects with a HealthLinkError */
export async function readHealthCard(jws) {
  const [head, payload] = String(jws).split(".").map(decodeBase64url);
  try {
    const { zip } = JSON.parse(decode(head));
    const { iss, vc } = JSON.parse(decode(zip === "DEF" && payload ? await inflateRaw(payload) : payload));
    return { issuer: String(iss), bundle: vc.credentialSubject.fhirBundle };
  } catch (/** @type {any} */ cause) {
    throw cause instanceof HealthLinkError ? cause : new HealthLinkError("UNREADABLE", { cause });
  }
}

/** @param {Uint8Array|null} bytes */
function decode(bytes) {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes ?? new Uint8Array());
}
