/**
 * A thread as `connect` follows it: the threads' socket, server-sent events where none opens, and polls of ranges where
 * those fail.
 * @module
 */

import { placeOf } from "./client.js";

/** @typedef {import("../core/ordering.js").Cursor} Cursor */

const GONE = 4404;
const TRY_AGAIN_LATER = 1013;
// By the code of an error that answers a subscription; others pass.
/** @type {Record<string, number>} */
const CLOSE_CODES = { THREAD_NOT_FOUND: GONE, UNAUTHORIZED: 4401, FORBIDDEN: 4403, RATE_LIMITED: 4429 };

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
    isFromNowOn: true, // who may not see what was before begins in the middle
    socketUrl: () => client.socketUrl,
    get socketProtocols() {
      return client.socketProtocols;
    },
    openSocket: (url, protocols) => client.openSocket(url, protocols),
    subscription: { frame: (cursor) => ({ type: "subscribe", threadId, after: placeOf(cursor) }), closeCode },
    eventsUrl: (cursor) => client.eventsUrl(threadId, cursor),
    messagesUrl: (cursor) => client.rangeUrl(threadId, { after: placeOf(cursor) }),
    // What is still held follows from `firstSeq` on: it is no state to show, but a place to go on from.
    greeting: (frame, cursor) => {
      if (frame.type === "resync") return { at: { seq: frame.firstSeq - 1, epoch: frame.epoch } };
      return frame.type === "subscribed" ? { at: cursor } : null;
    },
    status: async () => null,
    // A socket refuses a login that the next request over HTTP renews.
    onUnauthorized: () => client.me().then(() => true, (error) => isPassing(error)),
  };
}

/** @param {any} frame @returns {number|null} */
function closeCode({ type, code, reason }) {
  if (type === "error") return CLOSE_CODES[code] ?? TRY_AGAIN_LATER;
  if (type === "unsubscribed") return reason === "unavailable" ? TRY_AGAIN_LATER : GONE;
  return null;
}

/** @param {any} error */
function isPassing(error) {
  if (error.status === undefined) throw error;
  return error.status !== 401;
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
