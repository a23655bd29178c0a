/**
 * What `connect` can follow: where each stream is asked for, and which of its events is the last.
 * @module
 */

import { ending } from "./ordering.js";
import { WelnoClient } from "./session.js";

const OVER = ["completed", "expired", "cancelled"];

/** The stream of one session. @param {string} sessionId @param {WelnoClient} [client]
 * @returns {import("./stream.js").Subject} */
export function sessionStream(sessionId, client = new WelnoClient()) {
  return {
    id: `session:${sessionId}:${client.right}`,
    socketUrl: (cursor) => client.socketUrl(sessionId, cursor),
    get socketProtocols() {
      return client.socketProtocols;
    },
    events: (cursor, signal) => client.events(sessionId, cursor, signal),
    messages: (cursor) => client.messages(sessionId, cursor),
    status: () => client.status(sessionId),
    // A status of the whole session has no type.
    ending: (event) => (event?.type ? ending(event) : OVER.includes(event?.status) ? event.status : null),
  };
}
