/**
 * The journey's streams as `connect` follows them: a patient's own, an entry's, a line's and a hall's.
 * @module
 */

import { reconnectSeconds } from "../core/closing.js";
import { JourneyClient, placeQuery } from "./client.js";

const FIRST_SECONDS = 3;
// Where each event is the whole state nothing is missed: a socket begins with the state, and goes on from there.
const FROM_NOW_ON = Object.freeze({ seq: 0, epoch: null });

/** @typedef {import("../core/ordering.js").Cursor} Cursor */
/** @typedef {import("../core/stream.js").Subject} Subject */
/** The addresses of the sockets, as the definitions give them.
 * @typedef {{patient_journey: string, queue: string, exam: string, hall: string}} Sockets */

/** What a patient's phone follows: each change of their journey, and each call. @param {JourneyClient} client signed in
 * @param {Sockets} sockets @returns {Subject} */
export function patientStream(client, sockets) {
  return subjectOf(client, {
    id: `patient:${client.claims?.sub}`,
    path: "/patient-journey",
    placeOf: keepPlace,
    socketUrl: (cursor) => client.socketAddress(sockets.patient_journey, "", cursor),
    stateIn: (frame) => (frame.type === "initial_state" ? frame.payload : undefined),
    status: () => client.currentState(),
  });
}

/** One entry of a line: its place and its estimate. @param {JourneyClient} client @param {Sockets} sockets
 * @param {string} queueId @returns {Subject} */
export function queueStream(client, sockets, queueId) {
  const path = `/queue/${encodeURIComponent(queueId)}`;
  return subjectOf(client, {
    id: `queue:${queueId}`,
    path,
    socketUrl: () => client.socketAddress(sockets.queue, queueId),
    stateIn: (frame) => (frame.type === "queue.update" ? frame.data : undefined),
    status: async () => (await client.request("GET", path)).queue,
  });
}

/** A line as its desk sees it; names are not in it. @param {JourneyClient} client @param {Sockets} sockets
 * @param {string} examId @returns {Subject} */
export function examStream(client, sockets, examId) {
  return boardOf(client, `exam:${examId}`, `/board/${encodeURIComponent(examId)}`, {
    socketUrl: () => client.socketAddress(sockets.exam, examId),
    greetingType: "board",
  });
}

/** A hall's screen; the client's token is the display's key. @param {JourneyClient} client @param {Sockets} sockets
 * @param {string} displayId @returns {Subject} */
export function hallStream(client, sockets, displayId) {
  return boardOf(client, `hall:${displayId}`, `/hall/${encodeURIComponent(displayId)}`, {
    socketUrl: () => client.socketAddress(sockets.hall, displayId),
    greetingType: "hall",
  });
}

/** @param {JourneyClient} client @param {string} id @param {string} path
 * @param {{socketUrl: () => string, greetingType: string}} how */
function boardOf(client, id, path, { socketUrl, greetingType }) {
  return subjectOf(client, {
    id,
    path,
    socketUrl,
    stateIn: (frame) => (frame.type === greetingType ? (frame.data ?? null) : undefined),
    status: () => client.request("GET", path),
  });
}

/**
 * @param {JourneyClient} client
 * @param {{id: string, path: string, socketUrl: (cursor: Cursor) => string, stateIn: (frame: any) => any,
 *   status: () => Promise<any>, placeOf?: (frame: any, cursor: Cursor) => Cursor}} traits `path` below the API; `stateIn`
 *   a greeting's state, undefined in another frame; `placeOf` where the reader stands after it
 * @returns {Subject}
 */
function subjectOf(client, { id, path, socketUrl, stateIn, status, placeOf = () => FROM_NOW_ON }) {
  return {
    // Tabs of two people who share a browser share nothing.
    id: `${id}:${client.claims?.sub ?? "key"}`,
    client,
    isFromNowOn: true,
    socketUrl,
    eventsUrl: (cursor) => withPlace(client.httpUrl(`${path}/events`), cursor),
    messagesUrl: (cursor) => withPlace(client.httpUrl(`${path}/messages`), cursor),
    get socketProtocols() {
      return client.socketProtocols;
    },
    greeting: (frame, cursor) => {
      const state = stateIn(frame);
      return state === undefined ? null : { at: placeOf(frame, cursor), status: state };
    },
    status,
    reconnectSeconds: (attempt) => reconnectSeconds(attempt, Math.random, FIRST_SECONDS),
    onUnauthorized: () => client.refreshLogin(),
  };
}

/** Who has a place keeps it: a greeting tells the state of now, and the events before it are still to come.
 * @param {any} frame @param {Cursor} cursor @returns {Cursor} */
function keepPlace({ epoch, last_seq: seq }, cursor) {
  return !epoch || seq === undefined || epoch === cursor.epoch ? cursor : { seq, epoch };
}

/** @param {string} url @param {Cursor} cursor */
function withPlace(url, cursor) {
  const query = String(new URLSearchParams(placeQuery(cursor)));
  return query ? `${url}?${query}` : url;
}
