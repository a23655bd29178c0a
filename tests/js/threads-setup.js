/** Members with keys and a database each, and a server's word of a thread, for tests of the threads' client. */

import { IDBFactory } from "fake-indexeddb";

import { ThreadsDatabase } from "../../webapp/static/sdk/threads/database.js";
import { decodeBytes, hashBytes } from "../../webapp/static/sdk/threads/encoding.js";
import { ThreadCrypto } from "../../webapp/static/sdk/threads/thread_crypto.js";

export const THREAD = "T7lrKBkm1wo2LIrUFz5v2g";
export const OTHER_THREAD = "nJD1JxCfgP_D-Z1ykVH_hQ";
export const NURSE = "staff:nurse.kim";
export const DOCTOR = "staff:doctor.lee";
const MOST_MILLISECONDS = 60_000;

/** One member at a browser of their own, or at the one that is given. */
export async function makeMember(memberId, factory = new IDBFactory()) {
  const crypto = new ThreadCrypto(factory);
  const claim = await crypto.open(memberId);
  const database = await ThreadsDatabase.of(memberId, factory);
  return { memberId, factory, crypto, claim, database, told: { ...claim, state: "active" } };
}

/** What the server tells of a keyset that was posted to it. */
export async function tell({ wraps, ...head }) {
  const recipients = await Promise.all(
    wraps.map(async ({ deviceId, kemKey, wrapped }) => ({ deviceId, kemKey, wrapHash: await hashBytes(decodeBytes(wrapped)) })),
  );
  const keyset = { ...head, recipients, state: "active" };
  return { keyset, forDevice: (deviceId) => ({ ...keyset, wrapped: wraps.find((one) => one.deviceId === deviceId)?.wrapped ?? null }) };
}

/** A thread of these members, whose first is its owner: its generations so far, and what each is told of them. */
export class Room {
  constructor(...members) {
    this.members = members;
    this.keysets = [];
    this.hash = "-";
  }
  get devices() {
    return this.members.map(({ told }) => told);
  }
  roles = (owner = this.members[0]) =>
    this.members.map(({ memberId }) => ({ memberId, role: memberId === owner.memberId ? "owner" : "writer" }));

  async rotate(maker = this.members[0]) {
    const kid = `k${this.keysets.length + 1}`;
    const body = await maker.crypto.makeKeyset({ threadId: THREAD, kid, prev: this.hash }, this.devices);
    this.keysets.push(await tell(body));
    const opened = await this.open(maker);
    this.hash = opened.hash;
    return opened;
  }
  toldTo({ claim }, changes = {}) {
    const keys = this.keysets.map((one) => one.forDevice(claim.deviceId));
    return { keys, devices: this.devices, members: this.roles(), ...changes };
  }
  open(member, changes) {
    return member.crypto.openKeys(THREAD, this.toldTo(member, changes));
  }
}

/** The next item that a member writes, as the server tells it. */
export async function writeItem(member, { kid = "k1", clientSeq = 1, text = "안녕하세요", seq = clientSeq, dedupeId = crypto.randomUUID() } = {}) {
  const said = { threadId: THREAD, dedupeId, clientSeq, kind: "data", contentType: "text/plain" };
  const envelope = await member.crypto.seal(kid, said, new TextEncoder().encode(text));
  const head = { seq, epoch: "e", type: "message", threadId: THREAD, receivedAt: envelope.createdAt };
  return { ...head, from: member.memberId, envelope };
}

/** Waits until it holds, for a minute at most. */
export async function until(isSo) {
  const end = performance.now() + MOST_MILLISECONDS;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${isSo}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
