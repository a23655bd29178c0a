/**
 * Who may read a thread, as this client judges it: by its members and their devices. Who the server says to lack a key is
 * sealed nothing for that alone.
 * @module
 */

import { readKid } from "./encoding.js";

/** @typedef {import("./thread_crypto.js").ToldDevice} ToldDevice */
/** @typedef {{memberId: string, role: string, visibleFrom?: number}} StatusMember */
/** @typedef {{status: any, devices: ToldDevice[], keys: import("./keysets.js").ToldKeyset[]}} Told */

/** @param {{status: any}} told @returns {string[]} */
export const membersOf = ({ status }) => status.members.map((/** @type {StatusMember} */ { memberId }) => memberId);

/** @param {ToldDevice[]} devices @param {string[]} members */
export const readersOf = (devices, members) =>
  devices.filter(({ memberId, state }) => state === "active" && members.includes(memberId));

/** @param {string|null} kid @param {ToldDevice[]} devices @param {{memberId: string}[]} members */
export function rosterOf(kid, devices, members) {
  const readers = readersOf(devices, members.map(({ memberId }) => memberId));
  return { kid, deviceIds: readers.map(({ deviceId }) => deviceId) };
}

/** Whoever came without the history came with a generation of their own, told right behind their coming. Where these items
 * cannot be had, what the makers have signed says it: those that followed on the last one that had no device of theirs.
 * @param {string} memberId a present one @param {Told} told
 * @param {(fromSeq: number, toSeq: number) => Promise<any[]>} readItems of the thread
 * @returns {Promise<number>} the first generation that they may read */
export async function findFirstReadable(memberId, { status, devices, keys }, readItems) {
  const member = status.members.find((/** @type {StatusMember} */ one) => one.memberId === memberId);
  const from = member.visibleFrom ?? 1;
  if (from === 1) return 1;
  const [came, key] = await readItems(from, from + 1);
  const isTheirs = came?.seq === from && came.event === "member_added" && came.data.memberId === memberId;
  const first = isTheirs && key?.seq === from + 1 && key.event === "key" ? readKid(key.data.kid) : 0;
  return first || findFirstSealed(new Set(devices.filter((one) => one.memberId === memberId).map(({ deviceId }) => deviceId)), keys);
}

/** At least the newest: whoever is a member may read what is written from now on. @param {Set<string>} own their devices
 * @param {import("./keysets.js").ToldKeyset[]} keys */
function findFirstSealed(own, keys) {
  const generations = keys.map(({ kid }) => readKid(kid));
  const without = keys.filter(({ recipients }) => !recipients.some(({ deviceId }) => own.has(deviceId)));
  return Math.min(Math.max(0, ...without.map(({ kid }) => readKid(kid))) + 1, Math.max(...generations));
}
