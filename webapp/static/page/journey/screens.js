/**
 * What each state shows: its title, its content and its buttons. Which actions there are, the server says.
 * @module
 */

import { make } from "../kit/dom.js";
import { aheadText, clockText, nameBecause, roomText, stopWaitText, waitText } from "./words.js";

/** What there is to tell. @typedef {{state: string, entries: any[], actions: string[], appointments: any[],
 *   next: any, guidance: any, stops: any[], mayStepAside: boolean}} Told */
/** `act`: a patient's action, or `delay` for the way out of the line and back. `name`: for screen readers, where the
 * label alone does not say what it is about.
 * @typedef {{label: string, act: string, name?: string, payload?: any, isMain?: boolean, question?: any}} Button */
/** @typedef {(button: Button) => HTMLElement} MakeButton of one that stands in the content */
/** @typedef {{title: string, body: Node[], buttons: Button[], announce: string, floor: any, asksSound: boolean}} Screen */

const ACTIVE = ["called", "in_progress", "waiting", "delayed"];

/** @param {Told} told @param {MakeButton} makeButton @returns {Screen} */
export function screenOf(told, makeButton) {
  const make = SCREENS[told.state] ?? showUnknown;
  const screen = { announce: "", floor: null, asksSound: false, ...make(told, makeButton) };
  const offered = screen.buttons.filter(({ act }) => act === "delay" || told.actions.includes(act));
  return { ...screen, buttons: offered };
}

/** The entry that the screen is about: the most advanced one. @param {any[]} entries */
export function leadingEntry(entries) {
  const rank = (/** @type {any} */ { state }) => ACTIVE.indexOf(state);
  return entries.filter((entry) => rank(entry) >= 0).sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

/** @type {Record<string, (told: Told, makeButton: MakeButton) => any>} */
const SCREENS = {
  ARRIVED: () => ({
    title: "도착하셨어요",
    body: [line("접수하면 오늘 검사를 알려 드려요.")],
    buttons: [{ label: "접수하기", act: "register", isMain: true }],
  }),
  REGISTERED: showRegistered,
  WAITING: showWaiting,
  CALLED: showCalled,
  IN_PROGRESS: showInProgress,
  COMPLETED: showCompleted,
  PAYMENT: () => ({
    title: "수납해 주세요",
    body: [line("수납 창구에 번호를 말씀해 주세요."), line("다 하면 아래 단추를 눌러 주세요.")],
    buttons: [{ label: "수납 완료", act: "make_payment", isMain: true }],
  }),
  FINISHED: () => ({
    title: "다 끝났어요",
    body: [line("오늘 수고하셨어요. 조심히 가세요.")],
    buttons: [{ label: "집으로", act: "leave_hospital", isMain: true }],
  }),
};

/** A state that this page does not know yet: what can be done is offered all the same. @param {Told} told */
function showUnknown({ guidance }) {
  return { title: "진료 중이에요", body: [...showGuidance(guidance)], buttons: [] };
}

/** @param {Told} told */
function showRegistered({ stops, appointments }) {
  const known = stops.length > 0 ? stops : appointments.filter(({ status }) => status === "scheduled");
  const buttons = [{ label: "첫 검사 대기하기", act: "confirm_arrival", payload: examOf(known[0]), isMain: true }];
  if (known.length === 0)
    return {
      title: "접수했어요",
      body: [line("오늘 예약된 검사가 없어요."), line("창구에 말씀해 주세요.")],
      buttons: [],
    };
  return {
    title: "접수했어요",
    body: [line("오늘 받을 검사예요."), showStops(known)],
    buttons,
    floor: floorOf(known[0].room),
  };
}

/** Who is away somewhere is offered the way back first: a second press on the same place must leave no other line.
 * @param {Told} told @param {MakeButton} makeButton */
function showWaiting({ entries, mayStepAside }, makeButton) {
  const entry = leadingEntry(entries);
  if (!entry) return { title: "기다려 주세요", body: [], buttons: [] };
  const others = otherLines(entries);
  const main = [entry, ...others].find(({ state }) => state === "delayed") ?? entry;
  const isOffered = (/** @type {any} */ { state }) => mayStepAside || state === "delayed";
  const atThumb = [...new Set([main, entry])].filter(isOffered).map((one) => delayButton(one, others.length > 0));
  const makeRowButton = (/** @type {any} */ other) =>
    other !== main && isOffered(other) ? makeButton(delayButton(other)) : null;
  return {
    title: `${entry.exam_name} 차례를 기다려요`,
    body: [showTicket(entry), ...(others.length ? [showOthers(others, makeRowButton)] : [])],
    buttons: atThumb.map((button, at) => ({ ...button, isMain: at === 0 })),
    announce: `내 번호 ${entry.queue_number}번. ${aheadText(entry)}`,
    floor: floorOf(entry.room),
    asksSound: true,
  };
}

/** The way out of a line, or back into it. @param {any} entry
 * @param {boolean} [isNamed] whether it is seen which line, too @returns {Button} */
function delayButton({ queue_id, exam_name, state }, isNamed = false) {
  const isAway = state === "delayed";
  const label = isAway ? "돌아왔어요" : "잠깐 자리 비우기";
  const name = isAway ? `${exam_name}에 ${label}` : `${exam_name} ${label}`;
  return { label: isNamed ? name : label, name, act: "delay", payload: { queue_id, delayed: !isAway } };
}

/** @param {Told} told @param {MakeButton} makeButton */
function showCalled({ entries, guidance }, makeButton) {
  const entry = leadingEntry(entries);
  return {
    title: "지금 들어오세요",
    body: entry ? [showTicket(entry), ...showGuidance(guidance), ...showOtherLines(entries, makeButton)] : [],
    buttons: [{ label: "검사실에 들어왔어요", act: "enter_exam_room", payload: idOf(entry), isMain: true }],
    floor: floorOf(entry?.room),
  };
}

/** @param {Told} told @param {MakeButton} makeButton */
function showInProgress({ entries, next }, makeButton) {
  const entry = leadingEntry(entries);
  const others = showOtherLines(entries, makeButton);
  const last = others.length ? [] : [line("끝나면 수납만 하면 돼요.")];
  const after = next ? [line("다음 검사", "hint"), showStops([next])] : last;
  return {
    title: "검사 중이에요",
    body: [...(entry ? [line(`${entry.exam_name} · ${roomText(entry.room)}`)] : []), ...others, ...after],
    buttons: [
      {
        label: "검사가 끝났어요",
        act: "complete_exam",
        payload: idOf(entry),
        question: {
          title: "검사가 끝났나요?",
          text: "직원이 끝났다고 했을 때만 눌러 주세요.",
          yes: "끝났어요",
          look: "primary",
        },
      },
    ],
  };
}

/** @param {Told} told */
function showCompleted({ next, stops, guidance }) {
  const first = stops[0] ?? next;
  const pay = { label: "수납하기", act: "make_payment", isMain: !first };
  if (!first) return { title: "검사가 끝났어요", body: [line("이제 수납만 하면 돼요.")], buttons: [pay] };
  return {
    title: "검사가 끝났어요",
    body: [line("다음 검사로 가 주세요."), showStops([first]), ...showGuidance(guidance)],
    buttons: [{ label: "다음 검사로", act: "confirm_arrival", payload: examOf(first), isMain: true }, pay],
    floor: floorOf(first.room ?? guidance?.to),
  };
}

/** @param {any} entry */
function showTicket(entry) {
  return make(
    "div",
    { class: "card ticket" },
    make("p", { class: "label" }, "내 번호"),
    make("b", { class: "number" }, String(entry.queue_number)),
    make("p", { class: "ahead" }, entry.state === "called" ? "지금 부르고 있어요" : aheadText(entry)),
    entry.state === "waiting" ? make("p", { class: "wait" }, waitText(entry)) : null,
    roomText(entry.room) ? make("p", { class: "place" }, roomText(entry.room)) : null,
  );
}

/** Where they wait beside the one that the screen is about. @param {any[]} entries */
function otherLines(entries) {
  const leading = leadingEntry(entries);
  return entries.filter((entry) => entry !== leading && ACTIVE.includes(entry.state));
}

/** Of who is called or inside: who has stepped aside may come back all the same. @param {any[]} entries
 * @param {MakeButton} makeButton */
function showOtherLines(entries, makeButton) {
  const others = otherLines(entries);
  const makeRowButton = (/** @type {any} */ other) =>
    other.state === "delayed" ? makeButton(delayButton(other)) : null;
  return others.length ? [showOthers(others, makeRowButton)] : [];
}

/** @param {any[]} entries @param {(entry: any) => HTMLElement|null} makeRowButton */
function showOthers(entries, makeRowButton) {
  const rows = entries.map((entry) =>
    make(
      "li",
      {},
      make("strong", {}, entry.exam_name),
      make("span", {}, `${entry.queue_number}번 · ${aheadText(entry)}`),
      makeRowButton(entry),
    ),
  );
  return make("div", {}, line("함께 기다리는 검사"), make("ul", { class: "stops others" }, ...rows));
}

/** @param {any[]} stops of an itinerary, or appointments */
function showStops(stops) {
  return make("ol", { class: "stops" }, ...stops.map(showStop));
}

/** @param {any} stop */
function showStop(stop) {
  const waits = stopWaitText(stop.wait_minutes);
  const at = stop.scheduled_at ? `예약 ${clockText(stop.scheduled_at)}` : "";
  const lines = [roomText(stop.room), waits || at, nameBecause(stop.because)].filter(Boolean);
  return make("li", {}, make("strong", {}, stop.exam_name), ...lines.map((text) => make("span", {}, text)));
}

/** @param {any} guidance */
function showGuidance(guidance) {
  const steps = (guidance?.steps ?? []).map((/** @type {any} */ step) => (typeof step === "string" ? step : step.text));
  return steps.filter(Boolean).map((/** @type {string} */ text) => make("p", { class: "place" }, text));
}

/** @param {string} text */
function line(text, className = "") {
  return make("p", className ? { class: className } : {}, text);
}

/** @param {any} stop */
const examOf = (stop) => (stop ? { exam_id: stop.exam_id } : undefined);
/** @param {any} entry */
const idOf = (entry) => (entry ? { queue_id: entry.queue_id } : undefined);
/** @param {any} room */
const floorOf = (room) => room?.floor ?? null;
