/**
 * The calls on threads, one method each.
 * @module
 */

import { HttpClient } from "../core/client.js";
import { WelnoError } from "../core/errors.js";

/** @typedef {import("../core/ordering.js").Cursor} Cursor */
/** @typedef {import("./texts.js").Envelope} Envelope */
/** @typedef {{dedupeId?: string, threadId?: string, status: "accepted"|"duplicate"|"rejected", seq?: number, code?: string,
 *   message?: string, gap?: {from: number, to: number}}} PushResult */
/** @typedef {{results: PushResult[], backpressure: import("./pace.js").Backpressure}} PushAnswer */

const SOCKET_PATH = "/ws/threads";

export class ThreadsClient extends HttpClient {
  /** @param {import("../core/client.js").ClientOptions} [options] */
  constructor({ baseUrl = "/api/threads", ...options } = {}) {
    super({ baseUrl, ...options });
  }

  /** Who I am in threads, and my devices. @returns {Promise<{memberId: string, devices: any[]}>} */
  me() {
    return this.request("GET", "/me");
  }

  /** Mine, with where they end. @returns {Promise<any[]>} */
  async threads() {
    return (await this.request("GET", "")).threads;
  }

  /** @param {string} requestId the same again gives the same thread @param {{memberId: string, role: string}[]} members
   * @returns {Promise<any>} */
  create(requestId, members) {
    return this.request("POST", "", { body: { requestId, members } });
  }

  /** @param {Envelope[]} envelopes 1 to 100 @returns {Promise<PushAnswer>} */
  pushBatch(envelopes) {
    return this.request("POST", "/push-batch", { body: { envelopes } });
  }

  /** @param {string} threadId @param {{fromSeq: number, toSeq: number}} range @returns {Promise<any>} */
  range(threadId, { fromSeq, toSeq }) {
    return this.getJson(this.rangeUrl(threadId, { fromSeq: String(fromSeq), toSeq: String(toSeq) }));
  }

  /** @param {string} threadId @param {number} seq cumulative @returns {Promise<{ackedSeq: number}>} */
  ack(threadId, seq) {
    return this.request("POST", `${pathOf(threadId)}/ack`, { body: { seq } });
  }

  /** @param {string} threadId */
  status(threadId) {
    return this.request("GET", `${pathOf(threadId)}/status`);
  }

  /** Of all who are or were in. @param {string} threadId @param {string|null} [joining] also of this member, for an
   * owner who is about to add them @returns {Promise<any[]>} */
  async devices(threadId, joining = null) {
    const path = this.httpUrl(`${pathOf(threadId)}/devices`, joining === null ? undefined : { joining });
    const { devices, formerDevices } = await this.getJson(path);
    return [...devices, ...formerDevices];
  }

  /** Without the member: the server knows who asks. @param {import("./texts.js").DeviceClaim} claim
   * @param {{type?: "recovery", reset?: boolean, pushPass?: boolean}} [how] `reset`: this patient was just identified, and
   *   no other device has to approve it; `pushPass`: false where this browser shall not keep one @returns {Promise<{state: string}>} */
  register({ deviceId, kemKey, signKey, createdAt, sig }, how = {}) {
    return this.request("POST", "/devices", { body: { deviceId, kemKey, signKey, createdAt, sig, ...how } });
  }

  /** One of mine, for good. @param {string} deviceId @param {{keepalive?: boolean}} [how] `keepalive`: the page is being
   * closed @returns {Promise<{state: string}>} */
  revoke(deviceId, how) {
    return this.request("POST", `/devices/${deviceId}/revoke`, how);
  }

  /** @param {string} deviceId @param {import("./texts.js").Approval} approval */
  approve(deviceId, approval) {
    return this.request("POST", `/devices/${deviceId}/approve`, { body: approval });
  }

  /** @param {string} threadId @param {string} deviceId @returns {Promise<{keys: any[], lacking: any[]}>} */
  keys(threadId, deviceId) {
    return this.getJson(this.httpUrl(`${pathOf(threadId)}/keys`, { deviceId }));
  }

  /** @param {string} threadId @param {any} keyset */
  rotate(threadId, keyset) {
    return this.request("POST", `${pathOf(threadId)}/keys`, { body: keyset });
  }

  /** @param {string} threadId @param {string} kid @param {{deviceId: string, wrapped: string}[]} wraps */
  addWraps(threadId, kid, wraps) {
    return this.request("POST", `${pathOf(threadId)}/keys/${kid}/wraps`, { body: { wraps } });
  }

  /** What was sealed to one's own device and does not open. @param {string} threadId @param {string} kid
   * @param {string} deviceId @returns {Promise<unknown>} */
  dropWrap(threadId, kid, deviceId) {
    return this.request("DELETE", `${pathOf(threadId)}/keys/${kid}/wraps/${deviceId}`);
  }

  /** @param {string} threadId @param {string} blobId @param {number} number from 1 @param {Blob} octets at most 1 MiB
   * @param {AbortSignal} signal */
  async putBlobPart(threadId, blobId, number, octets, signal) {
    await this.transfer("PUT", this.httpUrl(`${pathOfBlob(threadId, blobId)}/parts/${number}`), { body: octets, signal });
  }

  /** @param {string} threadId @param {string} blobId @param {{parts: number, sealedHash: string}} told */
  completeBlob(threadId, blobId, told) {
    return this.request("POST", `${pathOfBlob(threadId, blobId)}/complete`, { body: told });
  }

  /** From one octet to before another. @param {string} threadId @param {string} blobId
   * @param {{from: number, to: number, sealedHash: string}} range @param {AbortSignal} signal
   * @returns {Promise<Uint8Array<ArrayBuffer>>} */
  async readBlob(threadId, blobId, { from, to, sealedHash }, signal) {
    const headers = { Range: `bytes=${from}-${to - 1}`, "If-Range": `"${sealedHash.replace("sha256:", "")}"` };
    const reply = await this.transfer("GET", this.httpUrl(pathOfBlob(threadId, blobId)), { headers, signal });
    try {
      return new Uint8Array(await reply.arrayBuffer());
    } catch (cause) {
      throw new WelnoError({ code: "NETWORK_UNREACHABLE", status: 0, cause }); // cut in the middle
    }
  }

  /** A patient's own, by the service, which must be in the thread. @param {string} threadId
   * @param {string[]} what `checkups`, `prescriptions`, `report` @param {string} [requestId] the same again is the same
   *   sending, also after its end @returns {Promise<{sendingId: string}>} */
  sendRecords(threadId, what, requestId) {
    return this.request("POST", `${pathOf(threadId)}/send-records`, { body: { what, requestId } });
  }

  /** @param {string} threadId @param {{memberId: string, role: string, history: "all"|"from_now", keyset?: any}} member */
  addMember(threadId, member) {
    return this.request("POST", `${pathOf(threadId)}/members`, { body: member });
  }

  /** @param {string} threadId @param {string} memberId @param {string} role */
  changeRole(threadId, memberId, role) {
    return this.request("POST", `${pathOf(threadId)}/members/role`, { body: { memberId, role } });
  }

  /** Somebody, with the keyset of those who stay; oneself without. @param {string} threadId @param {string} memberId
   * @param {any} [keyset] */
  removeMember(threadId, memberId, keyset) {
    return this.request("POST", `${pathOf(threadId)}/members/remove`, { body: { memberId, ...(keyset ? { keyset } : {}) } });
  }

  /** Of all threads, beside the API; which of them is told by frames. */
  get socketUrl() {
    const url = new URL(SOCKET_PATH, new URL(this.httpUrl(""), globalThis.location?.href));
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return url.href;
  }

  /** Server-sent events after a place. @param {string} threadId @param {Cursor} cursor */
  eventsUrl(threadId, cursor) {
    return this.httpUrl(`${pathOf(threadId)}/events`, { after: placeOf(cursor) });
  }

  /** @param {string} threadId @param {Record<string, string>} query */
  rangeUrl(threadId, query) {
    return this.httpUrl(`${pathOf(threadId)}/range`, query);
  }
}

/** @param {Cursor} cursor */
export function placeOf({ seq, epoch }) {
  return epoch === null ? String(seq) : `${epoch}:${seq}`;
}

/** @param {string} threadId */
const pathOf = (threadId) => `/${encodeURIComponent(threadId)}`;

/** @param {string} threadId @param {string} blobId */
const pathOfBlob = (threadId, blobId) => `${pathOf(threadId)}/blobs/${encodeURIComponent(blobId)}`;
