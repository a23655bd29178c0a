/**
 * A session as `connect` follows it: where its events are asked for, and which of them are the last.
 * @module
 */

import { WelnoClient } from "./client.js";
import { ending } from "./events.js";

const OVER = ["completed", "expired", "cancelled"];

/** The stream of one session. @param {string} sessionId @param {WelnoClient} [client]
 * @returns {import("../core/stream.js").Subject} */
export function sessionStream(sessionId, client = new WelnoClient()) {
  return {
    id: `session:${sessionId}:${client.right}`,
    client,
    socketUrl: (cursor) => client.socketUrl(sessionId, cursor),
    eventsUrl: (cursor) => client.eventsUrl(sessionId, cursor),
    messagesUrl: (cursor) => client.messagesUrl(sessionId, cursor),
    get socketProtocols() {
      return client.socketProtocols;
    },
    status: () => client.status(sessionId),
    // A status of the whole session has no type.
    ending: (event) => (event?.type ? ending(event) : OVER.includes(event?.status) ? event.status : null),
  };
}
