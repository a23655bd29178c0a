/**
 * The steps that a person sees, their states and times, from the events: pure.
 * @module
 */

import { eventName } from "./events.js";

/** @typedef {"waiting"|"active"|"done"|"failed"|"skipped"} StepState */
/** @typedef {{name: string, label: string, state: StepState, at: string|null, count: number|null, note: string}} Step */
/** @typedef {Step[]} Progress */

const LABELS = {
  request: "인증 요청 보내기",
  approval: "휴대폰에서 승인하기",
  health: "건강검진 기록 가져오기",
  prescriptions: "진료·투약 기록 가져오기",
  report: "질병 예측 리포트 만들기",
  saved: "안전하게 저장하기",
};

/** @param {{withReport: boolean}} options @returns {Progress} */
export function initialProgress({ withReport }) {
  const names = Object.keys(LABELS).filter((name) => withReport || name !== "report");
  return names.map((name, index) => ({
    name,
    label: LABELS[name],
    state: index === 0 ? "active" : "waiting",
    at: null,
    count: null,
    note: "",
  }));
}

/** event name -> [step, its new state]; the steps before it are over, the one after a finished one begins */
const MOVES = {
  auth_key_received: ["request", "done"],
  auth_waiting: ["approval", "active"],
  auth_pending: ["approval", "active"],
  auth_timeout: ["approval", "active"],
  auth_completed: ["approval", "done"],
  fetching_health_data: ["health", "active"],
  health_data_completed: ["health", "done"],
  health_data_failed: ["health", "failed"],
  fetching_prescription_data: ["prescriptions", "active"],
  prescription_completed: ["prescriptions", "done"],
  prescription_data_failed: ["prescriptions", "failed"],
  mediarc_generating: ["report", "active"],
  mediarc_completed_password_ready: ["report", "done"],
  mediarc_failed: ["report", "failed"],
  completed: ["saved", "done"],
};

const STOPS = new Set(["error", "info_required", "expired", "cancelled"]);
/** What ends a request on the phone without an approval, by the event's code or name. */
const UNDONE = {
  declined: "거절하셨어요",
  AUTH_SUPERSEDED: "다른 곳에서 다시 요청했어요",
  APPROVAL_EXPIRED: "승인할 수 있는 시간이 지났어요",
};
const NOTES = {
  auth_timeout: "아직 승인을 기다리고 있어요",
  auth_pending: "아직 승인을 기다리고 있어요",
  mediarc_failed: "만들지 못했어요",
};

/** @param {Progress} progress @param {any} event @returns {Progress} */
export function advance(progress, event) {
  const moved = move(progress, event);
  const reason = reasonToSkip(event);
  return reason === null ? moved : moved.map((step) => (step.name === "report" ? withReason(step, reason) : step));
}

/** Of the report: "" takes an earlier reason back, null says nothing of it. @returns {string|null} */
function reasonToSkip(event) {
  const name = eventName(event);
  if (name === "health_data_failed") return "건강검진 기록을 가져오지 못해서 건너뛰어요";
  if (name !== "health_data_completed") return null;
  const hasNone = event.data?.redirect_to_report === false || event.data?.count === 0;
  return hasNone ? "건강검진 기록이 없어서 건너뛰어요" : "";
}

function withReason(step, reason) {
  if (reason) return { ...step, state: "skipped", note: reason };
  return step.state === "skipped" ? { ...step, state: "waiting", note: "" } : step;
}

function move(progress, event) {
  const name = eventName(event);
  if (STOPS.has(name)) return progress.map((step) => stopped(step, event));
  const undone = UNDONE[event.data?.code] ?? UNDONE[name];
  if (undone) return progress.map((step) => (step.name === "approval" ? notApproved(step, event, undone) : step));
  const [aim, state] = MOVES[name] ?? [];
  const target = progress.findIndex((step) => step.name === aim);
  if (target < 0) return progress;
  const following = progress.findIndex((step, index) => index > target && step.state !== "skipped");
  return progress.map((step, index) => {
    if (index < target) return passed(step);
    if (index === target) return reached(step, state, event, NOTES[name] ?? "");
    return state !== "active" && index === following && step.state === "waiting"
      ? { ...step, state: "active", note: "" }
      : step;
  });
}

function passed(step) {
  return step.state === "waiting" || step.state === "active" ? { ...step, state: "done", note: "" } : step;
}

function reached(step, state, event, note) {
  if (state === "active" && (step.state === "done" || step.state === "failed")) return step;
  const count = event.data?.count ?? step.count;
  return { ...step, state, count, note, at: state === step.state ? step.at : event.timestamp };
}

/** Nothing failed: it may be asked for again. */
function notApproved(step, event, note) {
  return { ...step, state: "waiting", at: event.timestamp, note };
}

function stopped(step, event) {
  return step.state === "active" ? { ...step, state: "failed", at: event.timestamp } : step;
}

/** The same from a status answer, where the events are gone. @param {Progress} progress @param {any} status */
export function progressFromStatus(progress, status) {
  const done = status.progress ?? {};
  const events = [
    done.auth_completed && { type: "auth_completed" },
    done.health_data_fetched && { type: "health_data_completed", data: { count: status.counts?.health_data } },
    done.prescription_data_fetched && {
      type: "prescription_completed",
      data: { count: status.counts?.prescription_data },
    },
    { type: status.status, data: { code: status.error_code } },
  ];
  const timestamp = status.updated_at ?? null;
  return events.filter(Boolean).reduce((known, event) => advance(known, { timestamp, ...event }), progress);
}

/** Before, how long it takes is the person's own, and no share of anything. @param {Progress} progress */
export function isApproved(progress) {
  return progress.some(({ name, state }) => name === "approval" && state === "done");
}

/** 0 to 100. A step under way counts half, so that the bar moves when something happens. @param {Progress} progress */
export function percentOf(progress) {
  const points = progress.reduce((sum, { state }) => sum + (state === "waiting" ? 0 : state === "active" ? 0.5 : 1), 0);
  return Math.round((points / progress.length) * 100);
}
