/**
 * The rows of a line: who waits, what their phone said, and what a desk may do with each. Pure but for the elements.
 * @module
 */

import { make } from "../kit/dom.js";
import { clockText, minutesSince, nameQueueState, PRIORITY_REASONS, waitText } from "./words.js";

export const ANSWER_SECONDS = 10;
const ACTIONS = /** @type {Record<string, string>} */ ({
  call_patient: "호출",
  start_exam: "시작",
  complete_exam: "완료",
  mark_no_show: "부재",
  cancel_appointment: "예약 취소",
});
const NEEDS_PANEL = ["cancel_appointment", "priority", "transfer"];
const WAITS = ["waiting", "delayed"];
const ELSEWHERE = /** @type {Record<string, string>} */ ({
  CALLED: "다른 검사실에서 불렀어요",
  IN_PROGRESS: "다른 검사를 받고 있어요",
});

/** `act`: an action of the definitions, or a step with the entry. @typedef {{act: string, label: string, key?: string,
 *   isMain?: boolean, isDisabled?: boolean, needsPanel: boolean}} Step */

/** What can be done with an entry: the actions are the server's, by its own table; the steps of a line are its states'.
 * @param {any} entry @param {any} definitions @param {number} now @returns {Step[]} */
export function stepsOf(entry, definitions, now) {
  const { queue_to_journey, journey_to_queue } = definitions.mappings;
  const state = journeyStateOf(entry, definitions);
  // Who has stepped aside is WAITING too, but no action of that state is about their entry before they are back; nor is
  // one about this entry of who is called or inside elsewhere.
  const isOfState = state === queue_to_journey[entry.state] && journey_to_queue[state] === entry.state;
  const actions = definitions.transitions
    .filter((/** @type {any} */ one) => isOfState && one.actor === "staff" && one.from === state)
    .map((/** @type {any} */ one) => one.action);
  const computed = Object.entries(definitions.computed_actions).filter(([, states]) => states.includes(state));
  const named = [...actions, ...computed.map(([action]) => action)].map((act) => ({ act, label: ACTIONS[act] ?? act }));
  const ofLine = lineSteps(entry, definitions.limits, now);
  // The way back first, where others have their call: no cancellation there.
  const steps = (isOfState ? [...named, ...ofLine] : [...ofLine, ...named]).map((step) => ({
    needsPanel: NEEDS_PANEL.includes(step.act),
    ...step,
  }));
  return markMain(steps, entry, definitions.limits, now);
}

/** Where the person of an entry is: what an action about it has to expect. @param {any} entry @param {any} definitions
 * @returns {string} */
export const journeyStateOf = (entry, definitions) =>
  entry.journey_state ?? definitions.mappings.queue_to_journey[entry.state];

/** Why somebody who waits here cannot be called; "" for others. @param {any} entry */
export function elsewhereText({ state, journey_state }) {
  return WAITS.includes(state) ? (ELSEWHERE[journey_state] ?? "") : "";
}

/** @param {any} entry @param {any} limits the server's @param {number} now @returns {any[]} */
function lineSteps(entry, limits, now) {
  const called = entry.state === "called";
  const waits = WAITS.includes(entry.state);
  const seconds = secondsSince(entry.called_at, now);
  return [
    ...(called
      ? [{ act: "recall", label: "다시 호출", isDisabled: secondsSinceCall(entry, now) < limits.recall_after_seconds }]
      : []),
    ...(called && seconds < limits.undo_call_within_seconds ? [{ act: "undo-call", label: "호출 취소" }] : []),
    ...(waits ? [{ act: "delay", label: entry.state === "delayed" ? "돌아옴" : "미루기" }] : []),
    ...(waits ? [{ act: "priority", label: "우선" }] : []),
    ...(waits || called ? [{ act: "transfer", label: "옮기기" }] : []),
  ];
}

/** The likeliest next step: no-show only after nobody came. @param {Step[]} steps @param {any} entry
 * @param {any} limits @param {number} now */
function markMain(steps, entry, limits, now) {
  const isLate = entry.state === "called" && secondsSince(entry.called_at, now) >= limits.no_show_after_seconds;
  const main = isLate
    ? "mark_no_show"
    : { called: "start_exam", in_progress: "complete_exam" }[/** @type {string} */ (entry.state)];
  return steps.map((step) => ({ ...step, isMain: step.act === main }));
}

/** What the phone said to a call; "" for others. @param {any} entry @param {number} now */
export function answerOf(entry, now) {
  if (entry.state !== "called") return { text: "", isAlert: false };
  if (entry.call_seen_at) return { text: `✓ 확인함 ${clockText(entry.call_seen_at)}`, isAlert: false };
  if (secondsSinceCall(entry, now) < ANSWER_SECONDS) return { text: "휴대폰 대답을 기다려요", isAlert: false };
  return { text: "! 휴대폰 대답 없음 · 목소리로 불러 주세요", isAlert: true };
}

/** @param {any} entry @param {Step[]} steps
 * @param {{now: number, error: string, onStep: (step: Step, button: HTMLButtonElement) => void}} how */
export function makeRow(entry, steps, { now, error, onStep }) {
  const answer = answerOf(entry, now);
  const elsewhere = elsewhereText(entry);
  const buttons = steps.map((step) => makeStep(entry, step, onStep));
  const waited = entry.joined_at ? minutesSince(entry.joined_at, now) : entry.waited_minutes;
  return make(
    "tr",
    { class: entry.state, id: `row-${entry.queue_id}` },
    make("th", { scope: "row" }, `${entry.queue_number}`),
    make("td", {}, entry.patient?.name ?? "…"),
    make(
      "td",
      {},
      make("span", { class: "desk-state" }, nameQueueState(entry.state)),
      elsewhere ? make("span", { class: "hint" }, ` ${elsewhere}`) : null,
      answer.text ? make("span", { class: answer.isAlert ? "desk-alert" : "hint" }, answer.text) : null,
      entry.call_count > 1 ? make("span", { class: "hint" }, ` ${entry.call_count}번째 호출`) : null,
      entry.no_show_count > 0 ? make("span", { class: "hint" }, ` 부재 ${entry.no_show_count}번`) : null,
    ),
    make("td", {}, `${waited}분`),
    make("td", {}, WAITS.includes(entry.state) ? waitText(entry).replace("곧 불러 드려요", "다음") : "–"),
    make("td", {}, entry.priority > 0 ? `${entry.priority} · ${nameReason(entry.priority_reason)}` : "–"),
    make(
      "td",
      { class: "wide" },
      make("div", { class: "desk-do" }, ...buttons, error ? make("p", { class: "error", role: "alert" }, error) : null),
    ),
  );
}

/** @param {any} entry @param {Step} step @param {(step: Step, button: HTMLButtonElement) => void} onStep */
function makeStep(entry, step, onStep) {
  const button = make(
    "button",
    {
      type: "button",
      id: `${step.act}-${entry.queue_id}`,
      class: step.isMain ? "primary" : "",
      disabled: step.isDisabled ?? false,
    },
    step.label,
  );
  button.setAttribute("aria-label", `${entry.queue_number}번 ${step.label}`);
  button.addEventListener("click", ({ detail }) => {
    // The second of a double click: the row may have gone, and the next one's button be where it was.
    if (detail < 2) onStep(step, /** @type {HTMLButtonElement} */ (button));
  });
  return button;
}

/** @param {string|null} reason */
const nameReason = (reason) => /** @type {any} */ (PRIORITY_REASONS)[reason ?? ""] ?? reason ?? "";

/** @param {string|null} moment @param {number} now */
export function secondsSince(moment, now) {
  return moment ? (now - Date.parse(moment)) / 1000 : Infinity;
}

/** Since the call was made or repeated last. @param {any} entry @param {number} now */
export const secondsSinceCall = (entry, now) => secondsSince(entry.last_called_at ?? entry.called_at, now);

/** Names and tags stand on the board that was asked for, and on no event. @param {any} board @param {any} known */
export function withNames(board, known) {
  const names = new Map((known?.queues ?? []).map((/** @type {any} */ entry) => [entry.queue_id, entry.patient]));
  const queues = board.queues.map((/** @type {any} */ entry) => ({
    ...entry,
    patient: entry.patient ?? names.get(entry.queue_id),
  }));
  const tagAlerts = board.tag_alerts ?? known?.tag_alerts ?? [];
  return { board: { ...board, queues, tag_alerts: tagAlerts }, isComplete: queues.every((/** @type {any} */ entry) => entry.patient) };
}

/** A stream does not tell all of a long line. What it leaves out stays as it was known, until the whole board was asked
 * for again. @param {any} board @param {any} known */
export function withRest(board, known) {
  const told = new Set(board.queues.map((/** @type {any} */ entry) => entry.queue_id));
  const rest = (known?.queues ?? []).filter((/** @type {any} */ entry) => !told.has(entry.queue_id));
  const inside = board.queues.filter(isInside);
  const outside = board.queues.filter(isOutside);
  const missingInside = lastOf(rest.filter(isInside), (board.inside_count ?? 0) - inside.length);
  const missingOutside = lastOf(rest.filter(isOutside), board.waiting_count - outside.length);
  if (!missingInside && !missingOutside) return { board, isWhole: true };
  const queues = [...inside, ...(missingInside ?? []), ...outside, ...(missingOutside ?? [])];
  return { board: { ...board, queues }, isWhole: false };
}

/** Null where none is missing. @param {any[]} entries @param {number} missing */
const lastOf = (entries, missing) => (missing > 0 ? entries.slice(-missing) : null);

const isOutside = (/** @type {any} */ entry) => WAITS.includes(entry.state);
const isInside = (/** @type {any} */ entry) => !isOutside(entry);

/** Whom the keys are about: who is inside this room, or called into it. @param {any} board @param {string} roomId
 * @param {string} state */
export function entryAt(board, roomId, state) {
  const there = board.queues.filter((/** @type {any} */ entry) => entry.state === state);
  return there.find((/** @type {any} */ entry) => entry.room_id === roomId) ?? (there.length === 1 ? there[0] : null);
}

/** What is to be done about tags whose code strangers have; "" where there are none. @param {any} board */
export function tagAlertText(board) {
  const titles = board.tag_alerts.map((/** @type {any} */ { title }) => title).join(", ");
  return titles && `! ${titles} 태그를 밖에서 많이 찍어요. 관리자에게 코드를 바꿔 달라고 해 주세요.`;
}
