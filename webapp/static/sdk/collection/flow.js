/**
 * What the page does when something happens: pure decisions. A front end only carries the actions out.
 * @module
 */

import { eventName } from "./events.js";
import { KEYS } from "./storage.js";

export const TREND_PATH = "/results-trend";
export const REPORT_PATH = "/disease-report";

/**
 * @typedef {{do: "toast", level: "info"|"success"|"warning"|"error", text: string}
 *   | {do: "spinner", on: boolean}
 *   | {do: "remember", key: string, value: string|null}
 *   | {do: "navigate", to: string, afterDialog: boolean}
 *   | {do: "refresh"}
 *   | {do: "dialog"}
 *   | {do: "correct", text: string}
 *   | {do: "retry", text: string}
 *   | {do: "declined", text: string}
 *   | {do: "requestOver", reason: "superseded"|"overdue", text: string}
 *   | {do: "save"}
 *   | {do: "restart", reason: "gone"|"expired"|"cancelled"|"failed", text: string}} Action
 * `refresh`: stored records changed. `dialog`: a password may be offered, once per session. `correct`: the person's details are wrong. `retry`: no approval yet, offer to wait
 * or to ask again. `declined`: the person's own choice, no error; offer to ask again or another app.
 * `requestOver`: what lies on the phone counts no more; offer to ask again. `restart`: this session is over.
 */
/**
 * @typedef {object} FlowState
 * @property {string} sessionId
 * @property {string} page the path of the page that asks
 * @property {string} redirectPath where the person wants to go
 * @property {string|null} patientUuid
 * @property {string|null} hospitalId
 * @property {MissingReport|null} missingReport why there will be none for who came for one
 * @property {number|null} recordCount of both kinds, once all are there
 * @property {string|null} approveBy until when the request can be approved (ISO 8601, by the server's clock)
 * @property {string|null} warning what the person should know while the request lies on their phone
 * @property {string} status the last known one
 */

/** No checkups, checkups that could not be had, values that a report needs, a consent that was withdrawn or whose time is over, or
 * a failure. @typedef {"none"|"unread"|"incomplete"|"withdrawn"|"expired"|"failed"} MissingReport */

/** @param {Partial<FlowState> & {sessionId: string, page: string}} known @returns {FlowState} */
export function initialFlow(known) {
  return {
    redirectPath: TREND_PATH,
    patientUuid: null,
    hospitalId: null,
    missingReport: null,
    recordCount: null,
    approveBy: null,
    warning: null,
    status: "initiated",
    ...known,
  };
}

/** @param {FlowState} state */
export function wantsReport(state) {
  return state.redirectPath.includes("disease-report");
}

/**
 * @param {FlowState} state @param {{type: string, status?: string, message: string, data?: any}} event
 * @returns {{state: FlowState, actions: Action[]}}
 */
export function decide(state, event) {
  const name = eventName(event);
  const next = learn(state, name, event);
  const actions = [...remember(state, next), ...(REACTIONS[name]?.(next, event) ?? [])];
  return { state: next, actions };
}

/** Nothing more will come. @param {FlowState} state */
export function isOver(state) {
  return ["completed", "expired", "cancelled"].includes(state.status);
}

/** Whether a running session may have identified its person by now: before, it opens nobody's records, and whoever asks
 * for them is told that there are none. @param {FlowState} state */
export function mayOpenRecords(state) {
  return !BEFORE_IDENTIFICATION.has(state.status);
}

/**
 * What a page that (re)appears in the middle must do, from the state that the history led to.
 * @param {FlowState} state @returns {Action[]}
 */
export function resume(state) {
  switch (state.status) {
    case "completed":
      return finish(state);
    case "info_required":
      return [{ do: "correct", text: "" }];
    case "declined":
      return [{ do: "spinner", on: false }, { do: "declined", text: "" }];
    case "superseded":
    case "overdue":
      return [{ do: "spinner", on: false }, { do: "requestOver", reason: state.status, text: "" }];
    case "expired":
    case "cancelled":
      return [restart(state.status, "")];
    case "error":
      return [restart("failed", "")];
    default:
      return canMoveOn(state) ? [moveOn(state)] : [{ do: "spinner", on: isWorking(state) }];
  }
}

/**
 * The state as the server has it, where the events are gone.
 * @param {FlowState} state @param {any} status answer of `GET .../status` or a `resync` frame @returns {FlowState}
 */
export function fromStatus(state, status) {
  const fetched = status.progress?.health_data_fetched && status.status.startsWith("fetching");
  return {
    ...state,
    status: fetched ? "health_data_completed" : (OVER_CODES[status.error_code] ?? status.status),
    approveBy: status.approve_by ?? null,
    patientUuid: status.patient_uuid ?? state.patientUuid,
    hospitalId: status.hospital_id ?? state.hospitalId,
    recordCount: status.status === "completed" ? countOf(status.counts) : state.recordCount,
    missingReport: wantsReport(state) && status.counts?.health_data === 0 ? "none" : state.missingReport,
  };
}

function learn(state, name, event) {
  const data = event.data ?? {};
  const status = statusAfter(state, name, event);
  return {
    ...state,
    ...request(state, name, event, status),
    status,
    patientUuid: data.patient_uuid ?? state.patientUuid,
    hospitalId: data.hospital_id ?? state.hospitalId,
    redirectPath: data.redirect_to_report === true ? REPORT_PATH : state.redirectPath,
    missingReport: wantsReport(state) ? missingReport(state, name, data) : null,
    recordCount: name === "completed" ? countOf(data.counts) : state.recordCount,
  };
}

/** @param {{health_data: number|null, prescription_data: number|null}|undefined} counts @returns {number|null} */
function countOf(counts) {
  return counts ? (counts.health_data ?? 0) + (counts.prescription_data ?? 0) : null;
}

/** @returns {MissingReport|null} */
function missingReport(state, name, data) {
  if (name === "mediarc_failed") return MISSING_BY_CODE[data.code] ?? "failed";
  if (name === "health_data_failed") return "unread";
  if (name === "health_data_completed") return data.redirect_to_report === false ? "none" : null;
  return name === "mediarc_generating" || name === "mediarc_completed_password_ready" ? null : state.missingReport;
}

/** @type {Record<string, MissingReport>} */
const MISSING_BY_CODE = {
  REPORT_INPUTS_MISSING: "incomplete",
  CONSENT_MISSING: "withdrawn",
  CONSENT_EXPIRED: "expired",
};

/** What is known of the request on the phone. */
function request(state, name, event, status) {
  if (ENDS_REQUEST.has(status)) return { approveBy: null, warning: null };
  return {
    approveBy: event.data?.approve_by ?? state.approveBy,
    warning: name === "push_requested_elsewhere" ? event.message : state.warning,
  };
}

/** Events that leave the status as it was. */
const STATUS_UNCHANGED = new Set([
  "session_extended",
  "collection_error",
  "health_data_failed",
  "push_requested_elsewhere",
]);
/** Why a request on the phone counts no more, by the code of the event or status that says so. */
const OVER_CODES = { AUTH_SUPERSEDED: "superseded", APPROVAL_EXPIRED: "overdue" };
const ENDS_REQUEST = new Set(["superseded", "overdue", "declined", "auth_completed", "auth_key_received"]);

function statusAfter(state, name, event) {
  if (OVER_CODES[event.data?.code]) return OVER_CODES[event.data.code];
  if (name === "error") return event.status ?? "error";
  return STATUS_UNCHANGED.has(name) ? state.status : name;
}

function remember(before, after) {
  const changes = [];
  if (after.patientUuid !== before.patientUuid) changes.push([KEYS.patientUuid, after.patientUuid]);
  if (after.hospitalId !== before.hospitalId) changes.push([KEYS.hospitalId, after.hospitalId]);
  if (after.status !== before.status) {
    changes.push([KEYS.collectingStatus, after.status]);
    changes.push([KEYS.authWaiting, WAITING.has(after.status) ? "true" : null]);
  }
  return changes.map(([key, value]) => ({ do: "remember", key, value }));
}

const WAITING = new Set(["auth_key_received", "auth_waiting", "auth_pending", "auth_timeout"]);
const BEFORE_IDENTIFICATION = new Set([
  ...WAITING,
  "initiated",
  "auth_requesting",
  "timeout",
  "auth_completed",
  "fetching_health_data",
  "health_data_completed",
  "fetching_prescription_data",
]);
const PAST_APPROVAL = new Set([
  "auth_completed",
  "fetching_health_data",
  "health_data_completed",
  "fetching_prescription_data",
  "prescription_completed",
  "prescription_data_failed",
  "identifying",
  "saving",
  "mediarc_generating",
  "mediarc_failed",
]);

function isWorking(state) {
  return PAST_APPROVAL.has(state.status);
}

/** @returns {Action} */
const toast = (level, text) => ({ do: "toast", level, text });
/** @returns {Action} */
const spinner = (on) => ({ do: "spinner", on });

const REACTIONS = {
  auth_completed: (_, event) => [toast("success", event.message), spinner(true)],
  health_data_completed: (state, event) =>
    wantsReport(state) || state.page !== "/" ? [toast("success", event.message)] : [moveOn(state)],
  prescription_completed: (_, event) => [toast("success", event.message), { do: "refresh" }],
  mediarc_generating: (_, event) => [toast("info", event.message), spinner(true)],
  mediarc_completed_password_ready: (_, event) => [
    toast("success", event.message),
    spinner(false),
    { do: "refresh" },
    { do: "dialog" },
  ],
  completed: (state) => finish(state),
  auth_timeout: (state, event) => (state.status === "overdue" ? requestOver(state, event) : [{ do: "retry", text: event.message }]),
  auth_superseded: requestOver,
  auth_pending: (_, event) => [{ do: "retry", text: event.message }],
  declined: (_, event) => [spinner(false), { do: "declined", text: event.message }],
  info_required: (_, event) => [spinner(false), { do: "correct", text: event.message }],
  health_data_failed: (_, event) => [toast("warning", event.message)],
  prescription_data_failed: (_, event) => [toast("warning", event.message)],
  mediarc_failed: (_, event) => [toast("warning", event.message), spinner(false)],
  collection_error: (_, event) => [toast("error", event.message)],
  error: (state, event) => [spinner(false), restart(endReason(state.status), event.message)],
  expired: (_, event) => [spinner(false), restart("expired", event.message)],
  cancelled: (_, event) => [spinner(false), restart("cancelled", event.message)],
};

/** @returns {Action[]} */
function requestOver(state, event) {
  return [spinner(false), { do: "requestOver", reason: state.status, text: event.message }];
}

function endReason(status) {
  return status === "expired" || status === "cancelled" ? status : "failed";
}

/** @returns {Action} */
function restart(reason, text) {
  return { do: "restart", reason, text };
}

/** On the trend path the results page takes over as soon as there is something to show. */
function canMoveOn(state) {
  const arrived = [
    "health_data_completed",
    "fetching_prescription_data",
    "prescription_completed",
    "prescription_data_failed",
    "identifying",
    "saving",
  ];
  return !wantsReport(state) && state.page === "/" && state.patientUuid !== null && arrived.includes(state.status);
}

/** @returns {Action} */
function moveOn(state) {
  return { do: "navigate", to: resultsAddress(state), afterDialog: false };
}

/** @type {Action} */
const dialog = { do: "dialog" };

/** @returns {Action[]} */
function finish(state) {
  const showsResults = state.page !== "/"; // whoever already looks at results is not taken elsewhere
  return [
    spinner(false),
    { do: "save" },
    ...(state.recordCount === 0 ? [] : [dialog]), // there is nothing to lock
    showsResults ? { do: "refresh" } : { do: "navigate", to: resultsAddress(state), afterDialog: true },
  ];
}

/** Who came for a report that was not made is shown what was collected. */
function landing(state) {
  return wantsReport(state) && !state.missingReport ? REPORT_PATH : TREND_PATH;
}

/** @param {FlowState} state */
export function resultsAddress(state) {
  const query = new URLSearchParams({
    uuid: state.patientUuid ?? "",
    hospital: state.hospitalId ?? "",
    sessionId: state.sessionId,
    ...(state.missingReport ? { report: state.missingReport } : {}),
  });
  return `${landing(state)}?${query}`;
}
