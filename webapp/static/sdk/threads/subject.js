/**
 * A thread as `connect` follows it: server-sent events, and polls of ranges where those fail.
 * @module
 */

import { placeOf } from "./client.js";

/** @typedef {import("../core/ordering.js").Cursor} Cursor */

/** @param {string} threadId @param {import("./client.js").ThreadsClient} client @param {string} memberId
 * @returns {import("../core/stream.js").Subject} */
export function threadStream(threadId, client, memberId) {
  return {
    // Tabs of two people who share a browser share nothing.
    id: `thread:${threadId}:${memberId}`,
    client: {
      openEvents: (url, signal) => client.openEvents(url, signal),
      getJson: async (url) => asMessages(await client.getJson(url), askedPlace(url)),
    },
    eventsUrl: (cursor) => client.eventsUrl(threadId, cursor),
    messagesUrl: (cursor) => client.rangeUrl(threadId, { after: placeOf(cursor) }),
    // What is still held follows from `firstSeq` on: it is no state to show, but a place to go on from.
    greeting: (frame) => (frame.type === "resync" ? { at: { seq: frame.firstSeq - 1, epoch: frame.epoch } } : null),
    status: async () => null,
  };
}

/** A range in the words of a poll. Where it does not follow on the place that was asked for, the stream begins anew right
 * before its first item. @param {any} range @param {Cursor} asked */
export function asMessages({ items, lastSeq, epoch, missing }, asked) {
  const first = items[0]?.seq ?? lastSeq + 1;
  const isElsewhere = asked.epoch !== null && asked.epoch !== epoch;
  const resync = isElsewhere || missing !== undefined || (items.length > 0 && first > asked.seq + 1);
  return { messages: items, last_seq: resync ? first - 1 : lastSeq, epoch, resync };
}

/** @param {string} url @returns {Cursor} */
function askedPlace(url) {
  const after = new URL(url, "http://localhost").searchParams.get("after") ?? "0";
  const [epoch, seq] = after.includes(":") ? after.split(":") : [null, after];
  return { epoch, seq: Number(seq) };
}
