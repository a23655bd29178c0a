/**
 * A patient's snapshot: what of a newer one is taken over, which call is open in it, and how old it is. Pure.
 * @module
 */

import { timeZone } from "./hospital_time.js";

/** @typedef {import("../core/ordering.js").Cursor} Cursor */
/** @typedef {{queue_id: string, queue_number: number, exam_name: string, room: any, called_at: string,
 *   call_count: number}} Call */

const KEYS = [
  "journey_state",
  "phase",
  "visit_id",
  "queue_details",
  "appointments",
  "available_actions",
  "delays_left",
  "next_appointment",
  "guidance",
];
const QUEUE_KEYS = ["position", "ahead", "estimated_wait_time", "estimate"];
const WAITING_STATES = ["waiting", "delayed"];

/** Only what is there is taken: an answer without a part leaves that part as it was.
 * @param {Record<string, any>} shown @param {Record<string, any>} newer */
export function mergeSnapshot(shown, newer) {
  const present = KEYS.filter((key) => newer[key] !== undefined).map((key) => [key, newer[key]]);
  return { ...shown, ...Object.fromEntries(present) };
}

/** Whether a snapshot of this place says what is so now. @param {Cursor} place @param {Cursor} at */
export function isCurrent(place, at) {
  return place.epoch === null || at.epoch === null || place.epoch !== at.epoch || at.seq >= place.seq;
}

/** An update of an entry's stream: position and estimate while it waits. States come by the patient's own stream.
 * @param {Record<string, any>} shown @param {any} update */
export function mergeQueueUpdate(shown, update) {
  const details = (shown.queue_details ?? []).map((/** @type {any} */ entry) => {
    if (entry.queue_id !== update.queue_id) return entry;
    if (!WAITING_STATES.includes(entry.state) || !WAITING_STATES.includes(update.state)) return entry;
    const told = QUEUE_KEYS.filter((key) => update[key] !== undefined).map((key) => [key, update[key]]);
    return { ...entry, ...Object.fromEntries(told) };
  });
  return { ...shown, queue_details: details };
}

/** A repeated call changes its count alone. @param {Record<string, any>} shown @param {Call} call */
export function mergeCall(shown, call) {
  const details = (shown.queue_details ?? []).map((/** @type {any} */ entry) =>
    entry.queue_id === call.queue_id && entry.state === "called" && (call.call_count ?? 0) > (entry.call_count ?? 0)
      ? { ...entry, call_count: call.call_count, called_at: call.called_at ?? entry.called_at }
      : entry,
  );
  return { ...shown, queue_details: details };
}

/** The entry that is called just now, or null. @param {Record<string, any>} snapshot @returns {any} */
export function openCall(snapshot) {
  return (snapshot.queue_details ?? []).find((/** @type {any} */ entry) => entry.state === "called") ?? null;
}

/** Calling again is another call, be it repeated or, after nobody came, made anew.
 * @param {{queue_id: string, call_count?: number, called_at?: string|null}} call */
export const callKey = ({ queue_id, call_count = 1, called_at }) =>
  `${queue_id}:${call_count}:${Date.parse(called_at ?? "") || 0}`;

/** The entries whose own stream tells something. @param {Record<string, any>} snapshot @returns {string[]} */
export function waitingEntries(snapshot) {
  return (snapshot.queue_details ?? [])
    .filter((/** @type {any} */ entry) => WAITING_STATES.includes(entry.state))
    .map((/** @type {any} */ entry) => entry.queue_id);
}

/** The day in the hospital's clock. @param {number} milliseconds */
export function dayOf(milliseconds) {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: timeZone(), dateStyle: "short" }).format(milliseconds);
}
