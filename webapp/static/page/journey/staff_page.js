/**
 * A desk: signing in, its room, its line as everybody changes it, and the keys.
 * @module
 */

import { connect } from "../../sdk/core/stream.js";
import { PageReports } from "../../sdk/journey/reports.js";
import { examStream } from "../../sdk/journey/subjects.js";
import { showConnection } from "../kit/connection.js";
import { find, make, setText, show, tellStarted, whileBusy } from "../kit/dom.js";
import { Field } from "../kit/field.js";
import { List } from "../kit/list.js";
import { DeskApi } from "./staff_api.js";
import { PatientFinder } from "./staff_find.js";
import { KEYS, letterOf } from "./staff_keys.js";
import {
  ANSWER_SECONDS,
  entryAt,
  journeyStateOf,
  makeRow,
  secondsSince,
  secondsSinceCall,
  stepsOf,
  tagAlertText,
  withNames,
  withRest,
} from "./staff_line.js";
import { Panel } from "./staff_panel.js";
import { faultText, floorText, roomText, troubleOf } from "./words.js";

const DRAW_MILLISECONDS = 1_000;
// What no event tells: alerts of tags.
const READ_AGAIN_MILLISECONDS = 60_000;
// Of a long line, whose end no event tells: at most this often.
const READ_REST_MILLISECONDS = 2_000;
const LOST = "연결이 끊겼어요. 보이는 줄은 지난 것일 수 있어요.";

const reports = new PageReports("staff").watch();
const api = new DeskApi(() => askToSignIn("로그인이 끝났어요. 다시 로그인해 주세요."), reports.measure);
const line = new List("line", { frame: find("line-table") });
const otherExams = () => choices.exams.filter((/** @type {any} */ one) => one.exam_id !== api.shift?.exam_id);
const panel = new Panel(performWithWords, otherExams);
const finder = new PatientFinder(api, { definitions: () => definitions, examId: () => api.shift?.exam_id ?? "" });
const fields = { login: new Field("login"), password: new Field("password"), room: new Field("room") };
let choices = /** @type {{exams: any[], rooms: any[]}} */ ({ exams: [], rooms: [] });
let definitions = /** @type {any} */ (null);
let stream = /** @type {import("../../sdk/core/stream.js").Stream|null} */ (null);
let board = /** @type {any} */ (null);
// How often the stream, or the first look, has told of the line.
let timesTold = 0;
let clockAhead = 0;
let errors = /** @type {Record<string, string>} */ ({});
let undoable = /** @type {{queue: any, until: number, isSeen: boolean}|null} */ (null);
let drawn = "";
let restTimer = /** @type {ReturnType<typeof setTimeout>|undefined} */ (undefined);

/** The server's time, by the board's. */
const now = () => Date.now() + clockAhead;

function showPart(/** @type {"sign-in"|"shift"|"desk"} */ name) {
  for (const part of ["sign-in", "shift", "desk"]) show(find(part), part === name);
  show(find("sign-out"), name !== "sign-in");
  show(find("end-shift"), name === "desk");
}

function askToSignIn(reason = "") {
  leaveLine();
  finder.forget();
  panel.close();
  showPart("sign-in");
  fields.password.value = "";
  fields.login.setFault("");
  fields.password.setFault(reason);
  setText(find("who"), "");
  fields.login.focus();
}

/** Who has a shift goes on in it. */
async function begin() {
  try {
    choices = await api.choices();
  } catch (/** @type {any} */ error) {
    if (error.status === 401) return;
    askForShift();
    return fields.room.setFault(faultText(error));
  }
  if (api.shift) openDesk();
  else askForShift();
}

function askForShift() {
  showPart("shift");
  find("exam").replaceChildren(...choices.exams.map(makeChoice));
  find("room").replaceChildren(...choices.rooms.map(makeChoice));
  chooseUsualRoom();
  fields.room.setFault("");
  find("shift-title").focus();
}

/** @param {any} one */
function makeChoice({ exam_id, room_id, title, floor }) {
  // An exam has its usual room; a room is no exam.
  const value = exam_id ?? room_id;
  return make("option", { value }, exam_id ? title : `${floorText(floor)} ${title}`);
}

function chooseUsualRoom() {
  const exam = choices.exams.find((/** @type {any} */ { exam_id }) => exam_id === find("exam").value);
  if (exam?.room_id) find("room").value = exam.room_id;
}

async function openDesk() {
  const shift = /** @type {import("./staff_api.js").Shift} */ (api.shift);
  showPart("desk");
  line.showLoading();
  try {
    definitions = await api.client.definitions();
    takeBoard(await api.board(shift.exam_id));
  } catch (/** @type {any} */ error) {
    if (error.status === 401) return;
    return line.showError({ ...troubleOf(error), next: { act: openDesk } });
  }
  stream = connect(examStream(api.client, definitions.sockets, shift.exam_id), {
    onEvent: (event) => event.data && takeBoard(event.data),
    onStatus: (told) => told && takeBoard(told),
    onState: (state) => showConnection(state, null, { lost: LOST }),
  });
  find("line-title").focus();
}

function leaveLine() {
  stream?.close();
  stream = null;
  clearTimeout(restTimer);
  restTimer = undefined;
  board = null;
  errors = {};
  undoable = null;
  drawn = "";
  showConnection("closed");
}

/** @param {any} told with names, or without where it came by the stream */
function takeBoard(told) {
  timesTold += 1;
  clockAhead = told.updated_at ? Date.parse(told.updated_at) - Date.now() : 0;
  const { board: whole, isWhole } = withRest(told, board);
  const { board: named, isComplete } = withNames(whole, board);
  board = named;
  draw();
  if (!isComplete) readAgain();
  else if (!isWhole) restTimer ??= setTimeout(readAgain, READ_REST_MILLISECONDS);
}

/** Names, tags, and what of a long line no event tells; of what else it says, only what no event has overtaken: that
 * came while it was asked for, as clocks of several hosts say nothing of it. */
async function readAgain() {
  clearTimeout(restTimer);
  restTimer = undefined;
  const shift = api.shift;
  const toldBefore = timesTold;
  const told = shift && (await api.board(shift.exam_id).catch(() => null));
  if (!told || !board) return;
  const newest = timesTold === toldBefore ? told : withRest(board, told).board;
  board = withNames({ ...newest, tag_alerts: told.tag_alerts }, told).board;
  draw();
}

function draw() {
  if (!board || !api.shift) return;
  drawUndo();
  const rows = board.queues.map((/** @type {any} */ entry) => ({ entry, steps: stepsOf(entry, definitions, now()) }));
  const turns = [ANSWER_SECONDS, ...Object.values(definitions.limits)];
  const seconds = rows.flatMap((/** @type {any} */ { entry }) => [
    secondsSince(entry.called_at, now()),
    secondsSinceCall(entry, now()),
  ]);
  const minute = Math.floor(now() / 60_000);
  const seen = JSON.stringify([
    board.queues,
    board.shifts,
    errors,
    minute,
    board.tag_alerts,
    seconds.map((/** @type {number} */ passed) => turns.map((turn) => passed >= turn)),
  ]);
  if (seen === drawn) return;
  drawn = seen;
  drawHead();
  line.showRows(rows.map((/** @type {any} */ { entry, steps }) => makeEntryRow(entry, steps)));
}

/** @param {any} entry @param {import("./staff_line.js").Step[]} steps */
function makeEntryRow(entry, steps) {
  const onStep = (/** @type {any} */ step, /** @type {HTMLButtonElement} */ button) =>
    step.needsPanel ? panel.open(entry, step.act) : whileBusy(button, () => take(entry, step.act));
  return makeRow(entry, steps, { now: now(), error: errors[entry.queue_id] ?? "", onStep });
}

function drawHead() {
  const shift = /** @type {import("./staff_api.js").Shift} */ (api.shift);
  const own = board.shifts.find((/** @type {any} */ one) => one.room?.room_id === shift.room_id);
  setText(find("line-title"), `${board.exam_name ?? shift.exam_id} · ${roomText(own?.room) || shift.room_id}`);
  setText(find("who"), own?.staff?.name ?? "");
  const rooms = board.shifts.map((/** @type {any} */ one) => one.room?.title).filter(Boolean);
  const { median_error: error, calls } = board.errors ?? {};
  const told = calls ? ` · 예상과 차이 ${Math.round(error)}분` : "";
  setText(find("tag-alert"), tagAlertText(board));
  setText(find("line-facts"), `대기 ${board.waiting_count}명 · 열린 방 ${rooms.join(", ") || "없음"}${told}`);
}

/** @param {any} entry @param {string} act */
async function take(entry, act) {
  delete errors[entry.queue_id];
  try {
    await doStep(entry, act);
  } catch (/** @type {any} */ error) {
    if (error.status === undefined) throw error;
    errors[entry.queue_id] = faultText(error);
  }
  draw();
}

/** @param {any} entry @param {string} act */
async function doStep(entry, act) {
  if (act === "call_patient")
    offerUndo((await api.call({ queue_id: entry.queue_id })).queue ?? entry, entry.patient?.name);
  else if (act === "recall") await api.recall(entry.queue_id);
  else if (act === "undo-call") await api.client.changeEntry(entry.queue_id, "undo-call");
  else if (act === "delay") await api.client.delay(entry.queue_id, entry.state !== "delayed");
  else await api.perform(entry, act, journeyStateOf(entry, definitions));
}

/** @param {any} entry @param {string} act @param {any} values */
async function performWithWords(entry, act, values) {
  if (act === "priority") await api.client.changeEntry(entry.queue_id, "priority", values);
  else if (act === "transfer") await api.transfer(entry.queue_id, values);
  else await api.perform(entry, act, journeyStateOf(entry, definitions), values);
}

async function callNext() {
  const shift = api.shift;
  if (!shift || find("desk").hidden) return;
  setText(find("next-error"), "");
  find("next").disabled = true;
  try {
    const { queue, patient } = await api.call({ exam_id: shift.exam_id });
    offerUndo(queue, patient?.name);
  } catch (/** @type {any} */ error) {
    if (error.status === undefined) throw error;
    setText(find("next-error"), faultText(error));
  } finally {
    find("next").disabled = false;
  }
}

/** @param {any} queue @param {string} [name] */
function offerUndo(queue, name = "") {
  undoable = { queue: { ...queue, name }, until: Date.now() + definitions.limits.undo_call_within_seconds * 1000, isSeen: false };
  drawUndo();
}

function drawUndo() {
  const left = undoable ? Math.ceil((undoable.until - Date.now()) / 1000) : 0;
  const entry = board?.queues.find((/** @type {any} */ one) => one.queue_id === undoable?.queue.queue_id);
  // The answer may come before the line tells of the call.
  if (undoable && entry?.state === "called") undoable.isSeen = true;
  if (left <= 0 || (undoable?.isSeen && entry?.state !== "called")) undoable = null;
  show(find("undo"), undoable !== null);
  if (undoable) find("undo-text").textContent = `${undoable.queue.queue_number}번 ${undoable.queue.name}님을 불렀어요.`;
}

async function undo() {
  if (!undoable) return;
  try {
    await api.client.changeEntry(undoable.queue.queue_id, "undo-call");
    undoable = null;
  } catch (/** @type {any} */ error) {
    if (error.status === undefined) throw error;
    setText(find("next-error"), faultText(error));
  }
  drawUndo();
}

/** @param {KeyboardEvent} event */
function takeKey(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  const letter = target.closest("input, select, textarea, dialog") ? "" : letterOf(event);
  if (letter === "n") return find("next").disabled || callNext();
  const [state, act] = KEYS[letter] ?? [];
  const entry = state && board && api.shift ? entryAt(board, api.shift.room_id, state) : null;
  if (!entry) return;
  document.getElementById(`${act}-${entry.queue_id}`)?.click();
}

find("sign-in-form").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  whileBusy(find("sign-in-button"), async () => {
    const [login, password] = [fields.login.value.trim(), fields.password.value];
    fields.login.setFault(login ? "" : "로그인 이름을 적어 주세요.");
    fields.password.setFault(password ? "" : "비밀번호를 적어 주세요.");
    if (!login || !password) return;
    try {
      await api.signIn(login, password);
      fields.password.value = "";
      begin();
    } catch (/** @type {any} */ error) {
      fields.password.setFault(faultText(error));
      fields.password.select();
    }
  });
});
find("shift-form").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  whileBusy(find("shift-button"), async () => {
    const [exam_id, room_id] = [find("exam").value, find("room").value];
    fields.room.setFault(exam_id && room_id ? "" : "검사와 방을 골라 주세요.");
    if (!exam_id || !room_id) return;
    try {
      await api.beginShift({ exam_id, room_id });
      openDesk();
    } catch (/** @type {any} */ error) {
      fields.room.setFault(faultText(error));
    }
  });
});
find("exam").addEventListener("change", chooseUsualRoom);
// The second of a double click calls nobody, however fast the first was answered.
find("next").addEventListener("click", ({ detail }) => detail < 2 && callNext());
find("undo-button").addEventListener("click", () => whileBusy(find("undo-button"), undo));
find("end-shift").addEventListener("click", () =>
  whileBusy(find("end-shift"), async () => {
    await api.endShift().catch(() => null);
    leaveLine();
    askForShift();
  }),
);
find("sign-out").addEventListener("click", async () => {
  await api.signOut().catch(() => null);
  askToSignIn();
});
addEventListener("keydown", takeKey);
setInterval(draw, DRAW_MILLISECONDS);
setInterval(() => board && readAgain(), READ_AGAIN_MILLISECONDS);
tellStarted();
if (!api.isSignedIn) askToSignIn();
else begin();
