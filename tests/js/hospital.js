/** The hospital's API as far as a phone asks it: answers that a test sets, and what was asked. */

import { JourneyClient } from "../../webapp/static/sdk/journey/client.js";
import { JourneyMemory } from "../../webapp/static/sdk/journey/memory.js";
import { PatientJourney } from "../../webapp/static/sdk/journey/patient_journey.js";
import { MemoryStorage } from "../../webapp/static/sdk/core/storage.js";
import { settle, sockets } from "./browser.js";

const SOCKETS = {
  patient_journey: "/ws/patient-journey/",
  queue: "/ws/queue/{queue_id}/",
  exam: "/ws/exam/{exam_id}/",
  hall: "/ws/hall/{display_id}/",
};
export const QUEUE_ID = "3f2b6f0e-0000-4000-8000-000000000001";

export const tokenOf = (sub, turn = 1) =>
  `h.${Buffer.from(JSON.stringify({ sub, turn })).toString("base64url")}.s${turn}`;

export function snapshot(state, seq, traits = {}) {
  return {
    journey_state: state,
    phase: "WAITING",
    queue_details: [],
    appointments: [],
    available_actions: [],
    delays_left: 2,
    next_appointment: null,
    guidance: null,
    last_seq: seq,
    epoch: "e",
    ...traits,
  };
}

export const entry = (state, traits = {}) => ({
  queue_id: QUEUE_ID,
  exam_id: "EX-BLOOD",
  exam_name: "채혈",
  room: { room_id: "R-101", title: "채혈실", floor: 1 },
  state,
  queue_number: 17,
  position: 4,
  ahead: 3,
  call_count: state === "called" ? 1 : 0,
  called_at: state === "called" ? "2026-03-02T00:59:00Z" : null,
  ...traits,
});

const failed = (status, code, traits) => [status, { success: false, error: { code, message: code, ...traits } }];

/** `answers` by "METHOD path": a value (200), `[status, value]`, or a function of the body that gives one of them. */
export class Hospital {
  asked = [];
  answers = {
    "POST /auth/token/refresh/": failed(401, "UNAUTHORIZED"),
    "GET /state-definitions/": { success: true, sockets: SOCKETS },
    "GET /notifications": { success: true, notifications: [] },
    "GET /patient-journey/current-state/": snapshot("REGISTERED", 3),
    "POST /auth/simple-login": {
      access_token: tokenOf("u-1"),
      user: { user_id: "u-1", name: "시연001" },
      journey: snapshot("REGISTERED", 3),
    },
  };

  fetch = async (url, { method, headers, body }) => {
    const path = url.replace("http://h/api/v1", "");
    const sent = body && JSON.parse(body);
    this.asked.push({ path: `${method} ${path}`, body: sent, token: headers.Authorization });
    const known = this.answers[`${method} ${path}`];
    const answer = typeof known === "function" ? await known(sent) : known;
    // Events come by sockets here.
    if (/\/(events|messages)\b/.test(path)) return reply(...failed(503, "STORE_UNAVAILABLE"));
    if (answer === undefined) return reply(...failed(404, "NOT_FOUND"));
    return Array.isArray(answer) ? reply(...answer) : reply(200, answer);
  };

  askedFor(path) {
    return this.asked.filter((one) => one.path === path);
  }

  fail(status, code, traits) {
    return failed(status, code, traits);
  }
}

function reply(status, answer) {
  return new Response(status === 204 ? null : JSON.stringify(answer), { status });
}

/** A phone before the hospital. */
export function openPhone(
  hospital,
  { now = () => Date.parse("2026-03-02T01:00:00Z"), tab = new MemoryStorage() } = {},
) {
  const lasting = new MemoryStorage();
  const memory = new JourneyMemory({ tab, lasting, now });
  const journey = new PatientJourney({
    now,
    memory,
    clientOptions: { baseUrl: "http://h/api/v1", fetch: hospital.fetch },
  });
  const seen = { calls: [], withdrawn: [], updates: [], states: [], signedOut: 0 };
  journey.onCalled((call) => seen.calls.push(`${call.queue_number}×${call.call_count}`));
  journey.onCallWithdrawn((call) => seen.withdrawn.push(call.queue_id));
  journey.onQueueUpdate((update) => seen.updates.push(update.position));
  journey.onChange(() => seen.states.at(-1) !== journey.journeyState && seen.states.push(journey.journeyState));
  journey.onSignedOut(() => (seen.signedOut += 1));
  return { journey, memory, tab, lasting, seen };
}

export const PERSON = { phone_last4: "0001", birth_date: "1940-02-01" };

/** Signed in, its socket open and greeted. */
export async function openFollowing(hospital, first = snapshot("REGISTERED", 3), options = {}) {
  hospital.answers["POST /auth/simple-login"] = { ...hospital.answers["POST /auth/simple-login"], journey: first };
  const phone = openPhone(hospital, options);
  await phone.journey.signIn(PERSON);
  await settle();
  greet(patientSocket(), first);
  await settle();
  return phone;
}

export const patientSocket = () => sockets.filter(({ url }) => url.includes("/ws/patient-journey/")).at(-1);
export const queueSocket = () => sockets.filter(({ url }) => url.includes("/ws/queue/")).at(-1);

export function greet(socket, payload) {
  socket.readyState = 1;
  socket.receive({ type: "initial_state", payload, last_seq: payload.last_seq, epoch: payload.epoch });
}

export const update = (seq, payload) => ({
  type: "state_update",
  seq,
  epoch: "e",
  payload: { ...payload, last_seq: seq },
});
export const called = (seq, call_count = 1, traits = {}) => ({
  type: "patient_called",
  seq,
  epoch: "e",
  data: {
    queue_id: QUEUE_ID,
    queue_number: 17,
    exam_name: "채혈",
    room: {},
    called_at: "2026-03-02T00:59:00Z",
    call_count,
    ...traits,
  },
});

export { JourneyClient };
