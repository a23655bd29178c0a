/**
 * The canonical texts that are signed or authenticated: UTF-8, parts joined by one line feed, none at the end.
 * @module
 */

import { textBytes } from "./encoding.js";

/** @typedef {import("./encoding.js").Bytes} Bytes */
/** What a device says of itself. @typedef {{deviceId: string, memberId: string, kemKey: string, signKey: string,
 *   createdAt: string, sig: string}} DeviceClaim */
/** An active device vouches for another of the same member.
 * @typedef {{approvedBy: string, createdAt: string, sig: string}} Approval */
/** @typedef {{deviceId: string, kemKey: string, wrapHash: string}} Recipient */
/** A generation of a thread's key, as its maker signed it; `prev` is the hash of the one before, or `-`.
 * @typedef {{threadId: string, kid: string, createdAt: string, createdBy: string, check: string, prev: string,
 *   recipients: Recipient[]}} KeysetClaim */
/** @typedef {{v: 1, threadId: string, dedupeId: string, clientId: string, clientSeq: number, kind: string,
 *   contentType: string, createdAt: string, enc: {alg: "A256GCM", kid: string, iv: string}, payload: string,
 *   payloadHash: string, sig: string}} Envelope */
/** An envelope before it is encrypted. @typedef {Pick<Envelope, "threadId"|"dedupeId"|"clientId"|"clientSeq"|"kind"
 *   |"contentType"|"createdAt"> & {alg: string, kid: string}} EnvelopeHead */

/** @param {(string|number)[]} parts @returns {Bytes} */
export function joinLines(...parts) {
  return textBytes(parts.join("\n"));
}

/** @param {Omit<DeviceClaim, "sig">} device */
export function deviceText({ deviceId, memberId, kemKey, signKey, createdAt }) {
  return joinLines("welno.device.v1", deviceId, memberId, kemKey, signKey, createdAt);
}

/** @param {string} deviceId @param {string} deviceHash of the device's text @param {Omit<Approval, "sig">} approval */
export function approvalText(deviceId, deviceHash, { approvedBy, createdAt }) {
  return joinLines("welno.device.v1 approval", deviceId, deviceHash, approvedBy, createdAt);
}

/** @param {string} threadId @param {string} kid @param {string} deviceId */
export function wrapInfo(threadId, kid, deviceId) {
  return joinLines("welno.thread.v1 key", threadId, kid, deviceId);
}

/** @param {KeysetClaim} keyset in whatever order its recipients come */
export function keysetText({ threadId, kid, createdAt, createdBy, check, prev, recipients }) {
  const ordered = [...recipients].sort((one, other) => (one.deviceId < other.deviceId ? -1 : 1));
  const lines = ordered.map(({ deviceId, kemKey, wrapHash }) => `${deviceId} ${kemKey} ${wrapHash}`);
  return joinLines("welno.thread.v1 keyset", threadId, kid, createdAt, createdBy, check, prev, ...lines);
}

/** The additional authenticated data. @param {EnvelopeHead} head */
export function envelopeAad({ threadId, dedupeId, clientId, clientSeq, kind, contentType, createdAt, alg, kid }) {
  const ids = [threadId, dedupeId, clientId, clientSeq];
  return joinLines("welno.thread.v1 envelope", ...ids, kind, contentType, createdAt, alg, kid);
}

/** What the sender signs: the additional authenticated data, iv and hash of the payload as further lines.
 * @param {Envelope} envelope */
export function envelopeSigned(envelope) {
  const aad = new TextDecoder().decode(envelopeAad({ ...envelope, ...envelope.enc }));
  return joinLines(aad, envelope.enc.iv, envelope.payloadHash);
}
