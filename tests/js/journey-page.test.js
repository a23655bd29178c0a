/** What the journey's pages say and show: sentences for readers of 70, a desk's buttons, a hall's calls. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { Calls, roomsOfTurn } from "../../webapp/static/page/journey/hall_rooms.js";
import { letterOf } from "../../webapp/static/page/journey/staff_keys.js";
import { answerOf, elsewhereText, entryAt, journeyStateOf, stepsOf, withNames, withRest } from "../../webapp/static/page/journey/staff_line.js";
import {
  aheadText,
  birthDateOf,
  callSentence,
  explainError,
  minutesSince,
  roomText,
  staleText,
  towards,
  waitText,
} from "../../webapp/static/page/journey/words.js";
import { TagReadError } from "../../webapp/static/sdk/journey/nfc_reader.js";
import { WelnoError } from "../../webapp/static/sdk/core/errors.js";

const WEBAPP = new URL("../../webapp/", import.meta.url);
const ROOM = { room_id: "R-101", title: "채혈실", floor: 1 };
const NOW = Date.parse("2026-03-02T01:00:00Z");
const ago = (seconds) => new Date(NOW - seconds * 1000).toISOString();

/** What stands between quotes or tags, sentence by sentence. */
function sentencesOf(path) {
  const text = readFileSync(new URL(path, WEBAPP), "utf8").replace(/\/\*[^]*?\*\/|\{#[^]*?#\}|\{%[^]*?%\}/g, "");
  const quoted = [...text.matchAll(/"([^"\n]*[가-힣][^"\n]*)"|`([^`\n]*[가-힣][^`\n]*)`|>([^<>{]*[가-힣][^<>{]*)</g)];
  return quoted.flatMap(([, ...found]) => found.find(Boolean).split(/[.?!·](?:\s|$)/)).map((one) => one.trim());
}

const files = ["static/page/journey", "static/sdk/journey", "templates/journey"].flatMap((folder) =>
  readdirSync(new URL(`${folder}/`, WEBAPP))
    .filter((name) => /\.(js|html)$/.test(name))
    .map((name) => `${folder}/${name}`),
);

test("no sentence has more than 25 syllables", () => {
  const long = files.flatMap(sentencesOf).filter((one) => (one.match(/[가-힣]/g) ?? []).length > 25);
  assert.deepEqual(long, []);
});

test("sentences are found where they stand", () => {
  const all = files.flatMap(sentencesOf);
  assert.ok(all.includes("지금 갈게요") && all.includes("번호나 생년월일을 다시 확인해 주세요"));
});

for (const [place, towardsIt] of [
  ["채혈실", "채혈실로"],
  ["수납 창구", "수납 창구로"],
  ["내과 진료실 앞", "내과 진료실 앞으로"],
  ["R-101", "R-101(으)로"],
]) {
  test(`one is sent ${towardsIt}`, () => assert.equal(towards(place), towardsIt));
}

test("a call names floor and room", () => assert.equal(callSentence({ room: ROOM }), "지금 1층 채혈실로 오세요"));

for (const [room, text] of [
  [ROOM, "1층 채혈실"],
  [{ ...ROOM, floor: -1 }, "지하 1층 채혈실"],
  [{ room_id: "R-9" }, "R-9"],
  [null, ""],
]) {
  test(`a room is told as "${text}"`, () => assert.equal(roomText(room), text));
}

test("a wait is told with its band, and the last one before without minutes", () => {
  assert.equal(waitText({ estimate: { minutes: 15, low: 10, high: 25 } }), "약 15분 (10~25분)");
  assert.equal(waitText({ estimate: { minutes: 0, low: 0, high: 1 } }), "곧 불러 드려요");
  assert.equal(waitText({ estimate: null, estimated_wait_time: null }), "");
  assert.deepEqual(
    [3, 0].map((ahead) => aheadText({ state: "waiting", ahead })),
    ["앞에 3명", "다음 차례예요"],
  );
});

test("what is old says how old", () => {
  assert.equal(staleText(7), "연결이 끊겼어요 · 7분 전 정보예요");
  assert.equal(minutesSince(ago(150), NOW), 2);
});

for (const [typed, date] of [
  [["1950", "5", "5"], "1950-05-05"],
  [["1950", "2", "30"], null],
  [["1899", "1", "1"], null],
  [["2030", "1", "1"], null],
  [["", "", ""], null],
]) {
  test(`${typed.join("-")} is ${date ?? "no birth date"}`, () => {
    assert.equal(birthDateOf(...typed, new Date("2026-03-02")), date);
  });
}

test("each trouble has a sentence that leads on", () => {
  const failed = (code, status, message = "x") => new WelnoError({ code, status, message });
  assert.match(explainError(failed("PATIENT_NOT_FOUND", 404)), /번호나 생년월일을 다시 확인/);
  assert.match(explainError(failed("OFFLINE", 0, "지금은 인터넷이 끊겨 있어요.")), /인터넷이 끊겨/);
  assert.match(explainError(failed("STORE_UNAVAILABLE", 503)), /조금 뒤에/);
  assert.match(explainError(new TagReadError("denied")), /번호를 적어 주세요/);
  const delays = new WelnoError({ code: "STATE_CONFLICT", status: 409, details: { state: "waiting", delays_left: 0 } });
  assert.match(explainError(delays), /두 번까지만 .* 창구에 말씀해 주세요/);
});

const DEFINITIONS = {
  mappings: {
    queue_to_journey: { waiting: "WAITING", delayed: "WAITING", called: "CALLED", in_progress: "IN_PROGRESS" },
    journey_to_queue: { WAITING: "waiting", CALLED: "called", IN_PROGRESS: "in_progress" },
  },
  computed_actions: { cancel_appointment: ["WAITING", "CALLED"] },
  limits: { recall_after_seconds: 20, undo_call_within_seconds: 60, no_show_after_seconds: 300 },
  transitions: [
    { from: "WAITING", action: "call_patient", actor: "staff" },
    { from: "WAITING", action: "mark_no_show", actor: "staff" },
    { from: "CALLED", action: "enter_exam_room", actor: "patient" },
    { from: "CALLED", action: "start_exam", actor: "staff" },
    { from: "CALLED", action: "mark_no_show", actor: "staff" },
    { from: "CALLED", action: "sing_a_song", actor: "staff" },
    { from: "IN_PROGRESS", action: "complete_exam", actor: "staff" },
  ],
};
const stepNames = (entry) => stepsOf(entry, DEFINITIONS, NOW).map(({ act }) => act);

test("a desk's actions come from the server's table, a new one too", () => {
  assert.ok(stepNames({ state: "called", called_at: ago(30) }).includes("sing_a_song"));
  assert.ok(!stepNames({ state: "called", called_at: ago(30) }).includes("enter_exam_room"));
  assert.deepEqual(stepNames({ state: "in_progress" }), ["complete_exam"]);
  const ofLine = ["cancel_appointment", "delay", "priority", "transfer"];
  assert.deepEqual(stepNames({ state: "waiting" }), ["call_patient", "mark_no_show", ...ofLine]);
});

test("who has stepped aside is neither called nor missed before they are back", () => {
  assert.deepEqual(stepNames({ state: "delayed" }), ["delay", "priority", "transfer", "cancel_appointment"]);
});

test("who is called or inside elsewhere is neither called nor missed here, and the desk says why", () => {
  const elsewhere = (journey_state, state = "waiting") => ({ state, journey_state });
  const [called, inside] = ["CALLED", "IN_PROGRESS"].map((state) => elsewhere(state));
  assert.deepEqual(stepNames(called), ["delay", "priority", "transfer", "cancel_appointment"]);
  assert.deepEqual(stepNames(inside), ["delay", "priority", "transfer"]);
  assert.deepEqual(stepNames(elsewhere("IN_PROGRESS", "delayed")), ["delay", "priority", "transfer"]);
  assert.deepEqual([called, inside].map(elsewhereText), ["다른 검사실에서 불렀어요", "다른 검사를 받고 있어요"]);
  assert.equal(journeyStateOf(called, DEFINITIONS), "CALLED");
  assert.ok(stepNames(elsewhere("WAITING")).includes("call_patient"));
  assert.ok(stepNames({ state: "called", journey_state: "CALLED", called_at: ago(30) }).includes("start_exam"));
  assert.deepEqual([elsewhere("WAITING"), elsewhere("CALLED", "called")].map(elsewhereText), ["", ""]);
});

test("a call may be taken back for a minute, and repeated after twenty seconds", () => {
  const stepsAfter = (seconds) => stepsOf({ state: "called", called_at: ago(seconds) }, DEFINITIONS, NOW);
  const has = (seconds, act) => stepsAfter(seconds).some((step) => step.act === act);
  assert.deepEqual([has(59, "undo-call"), has(61, "undo-call")], [true, false]);
  const isRecallOff = (seconds) => stepsAfter(seconds).find(({ act }) => act === "recall").isDisabled;
  assert.deepEqual([isRecallOff(19), isRecallOff(21)], [true, false]);
});

test("no-show is what suggests itself after five minutes, and not before", () => {
  const mainAfter = (seconds) =>
    stepsOf({ state: "called", called_at: ago(seconds) }, DEFINITIONS, NOW).find(({ isMain }) => isMain).act;
  assert.deepEqual([mainAfter(299), mainAfter(300)], ["start_exam", "mark_no_show"]);
});

test("a desk's limits are the server's", () => {
  const limits = { recall_after_seconds: 5, undo_call_within_seconds: 10, no_show_after_seconds: 40 };
  const steps = stepsOf({ state: "called", called_at: ago(41) }, { ...DEFINITIONS, limits }, NOW);
  assert.equal(steps.find(({ isMain }) => isMain).act, "mark_no_show");
  assert.ok(!steps.some(({ act }) => act === "undo-call"));
  assert.equal(steps.find(({ act }) => act === "recall").isDisabled, false);
});

test("a phone that says nothing for ten seconds asks for a voice", () => {
  const called = { state: "called", called_at: ago(9) };
  assert.equal(answerOf(called, NOW).isAlert, false);
  assert.match(answerOf({ ...called, called_at: ago(10) }, NOW).text, /휴대폰 대답 없음 · 목소리로 불러 주세요/);
  assert.match(answerOf({ ...called, called_at: ago(60), call_seen_at: ago(50) }, NOW).text, /확인함/);
});

test("what a desk waits for begins anew with each repetition of a call, but for taking it back and for no-show", () => {
  const repeated = { state: "called", called_at: ago(301), last_called_at: ago(9) };
  const steps = stepsOf(repeated, DEFINITIONS, NOW);
  assert.equal(steps.find(({ act }) => act === "recall").isDisabled, true);
  assert.ok(!steps.some(({ act }) => act === "undo-call"));
  assert.equal(steps.find(({ isMain }) => isMain).act, "mark_no_show");
  assert.equal(answerOf(repeated, NOW).isAlert, false);
  const longAgo = { ...repeated, last_called_at: ago(21) };
  assert.equal(stepsOf(longAgo, DEFINITIONS, NOW).find(({ act }) => act === "recall").isDisabled, false);
  assert.equal(answerOf(longAgo, NOW).isAlert, true);
});

test("names are kept when the line changes, and asked for when somebody is new", () => {
  const known = { queues: [{ queue_id: "a", patient: { name: "시연001" } }] };
  const same = withNames({ queues: [{ queue_id: "a", state: "called" }] }, known);
  assert.deepEqual([same.board.queues[0].patient.name, same.isComplete], ["시연001", true]);
  assert.equal(withNames({ queues: [{ queue_id: "b" }] }, known).isComplete, false);
});

test("the keys are about the desk's own room", () => {
  const entry = (queue_id, room_id) => ({ queue_id, room_id, state: "called" });
  const board = { queues: [entry("a", "R-1"), entry("b", "R-2")] };
  assert.equal(entryAt(board, "R-2", "called").queue_id, "b");
  assert.equal(entryAt(board, "R-3", "called"), null);
});

for (const [what, letter, event] of [
  ["a Latin letter", "n", { key: "n", code: "KeyN" }],
  ["a letter with the lock of capitals", "n", { key: "N", code: "KeyN" }],
  ["a Korean letter", "n", { key: "ㅜ", code: "KeyN" }],
  ["what an input method swallowed", "n", { key: "Process", code: "KeyN" }],
  ["a Latin letter of another layout, as it is typed", "n", { key: "n", code: "KeyL" }],
  ["a keyboard that names no place", "n", { key: "n", code: "" }],
  ["what is being composed", "", { key: "ㅜ", code: "KeyN", isComposing: true }],
  ["a browser's own short cut", "", { key: "ㅜ", code: "KeyN", ctrlKey: true }],
  ["a double consonant", "", { key: "ㄲ", code: "KeyR", shiftKey: true }],
  ["a key that is held down", "", { key: "ㅜ", code: "KeyN", repeat: true }],
  ["no letter", "", { key: "Enter", code: "Enter" }],
]) {
  test(`of ${what} the key is "${letter}"`, () => assert.equal(letterOf(event), letter));
}

const callOf = (number, secondsAgo, call_count = 1) => ({ queue_number: number, call_count, since: ago(secondsAgo) });
const hallRoom = (...calling) => ({ exam_id: "E", calling });
const hallOf = (...calling) => ({ rooms: [hallRoom(...calling)], updated_at: ago(0) });
const numbersOf = (fresh) => fresh.map(({ call }) => call.queue_number);

/** A screen that was put on now, and showed these. */
function screenOf(...calling) {
  const calls = new Calls();
  assert.deepEqual(calls.learn(hallOf(...calling), NOW), []);
  return calls;
}

test("a call is new for ten seconds, a repeated one again, and none that stood there before", () => {
  const old = callOf(1, 60);
  const calls = screenOf(old);
  const fresh = callOf(2, -1);
  assert.deepEqual(calls.learn(hallOf(fresh, old), NOW), [{ room: hallRoom(fresh, old), call: fresh }]);
  assert.deepEqual(
    [calls.isNew(hallRoom(fresh), NOW + 9_999), calls.isNew(hallRoom(fresh), NOW + 10_000)],
    [true, false],
  );
  assert.deepEqual(calls.learn(hallOf(fresh, old), NOW + 1), []);
  assert.deepEqual(numbersOf(calls.learn(hallOf({ ...fresh, call_count: 2 }, old), NOW + 20_000)), [2]);
});

test("an old call that is told again, as a newer one is over, is not new", () => {
  const [first, second, third] = [callOf(1, 90), callOf(2, 60), callOf(3, 30)];
  const calls = screenOf(third, second);
  assert.deepEqual(calls.learn(hallOf(second, first), NOW), []);
  assert.equal(calls.isNew(hallRoom(second, first), NOW), false);
});

test("a call that was told late, behind one that was made after it, is told", () => {
  const calls = screenOf(callOf(1, 60));
  calls.learn(hallOf(callOf(3, -9), callOf(1, 60)), NOW + 10_000);
  const told = calls.learn(hallOf(callOf(3, -9), callOf(2, -8), callOf(1, 60)), NOW + 11_000);
  assert.deepEqual(numbersOf(told), [2]);
  const last = calls.learn(hallOf(callOf(3, -9), callOf(2, -8), callOf(4, -7)), NOW + 12_000);
  assert.deepEqual(numbersOf(last), [4]);
});

test("after a gap all calls that are still open are told, however long ago they were made, and each once", () => {
  const calls = screenOf(callOf(1, 60));
  const later = NOW + 3_600_000;
  const open = [callOf(5, -1_800), callOf(4, -900), callOf(1, 60)];
  assert.deepEqual(numbersOf(calls.learn(hallOf(...open), later)), [5, 4]);
  assert.deepEqual(calls.learn(hallOf(...open), later + 1), []);
});

test("a repetition that was told late is told", () => {
  const calls = screenOf(callOf(1, 60));
  const [repeated, newer] = [callOf(1, 60, 2), callOf(2, -8)];
  assert.deepEqual(numbersOf(calls.learn(hallOf(newer, callOf(1, 60)), NOW + 10_000)), [2]);
  assert.deepEqual(numbersOf(calls.learn(hallOf(newer, repeated), NOW + 11_000)), [1]);
});

test("an older picture after a newer one has nothing told twice", () => {
  const calls = screenOf(callOf(1, 60));
  const newer = hallOf(callOf(2, -1), callOf(1, 60, 2));
  assert.deepEqual(numbersOf(calls.learn(newer, NOW)), [2, 1]);
  assert.deepEqual(calls.learn(hallOf(callOf(1, 60)), NOW + 1), []);
  assert.deepEqual(calls.learn(newer, NOW + 2), []);
});

test("of more calls than are shown each is told once, also where it comes back into sight", () => {
  const made = Array.from({ length: 12 }, (_, at) => callOf(at + 1, -at));
  const calls = screenOf();
  for (let last = 1; last <= 12; last += 1) {
    const shown = made.slice(Math.max(0, last - 10), last).reverse();
    assert.deepEqual(numbersOf(calls.learn(hallOf(...shown), NOW + last * 1_000)), [last]);
  }
  assert.deepEqual(calls.learn(hallOf(...made.slice(0, 2).reverse()), NOW + 60_000), []);
});

test("what blinks is the call that is new, also where another was made after it", () => {
  const calls = screenOf(callOf(1, 60));
  calls.learn(hallOf(callOf(3, -9), callOf(1, 60)), NOW);
  const room = hallRoom(callOf(3, -9), callOf(2, -8), callOf(1, 60));
  calls.learn({ rooms: [room], updated_at: ago(-10) }, NOW + 5_000);
  const shownAt = (at) => calls.newFirst(room, at).calling.map((call) => call.queue_number);
  assert.deepEqual(
    [5_000, 10_000, 15_000].map((after) => shownAt(NOW + after)),
    [[2, 3, 1], [2, 3, 1], [3, 2, 1]],
  );
});

const nothingIsNew = () => false;

test("more rooms than fit take turns", () => {
  const rooms = Array.from({ length: 10 }, (_, index) => index);
  const turns = [0, 1, 2].map((turn) => roomsOfTurn(rooms, turn, nothingIsNew));
  assert.deepEqual([turns[0].length, turns[1], turns[2].length], [8, [8, 9], 8]);
  assert.deepEqual(roomsOfTurn([], 3, nothingIsNew), []);
});

test("a room with a new call is shown whosever turn it is", () => {
  const rooms = Array.from({ length: 20 }, (_, index) => index);
  const shown = roomsOfTurn(rooms, 0, (room) => room === 9 || room === 17);
  assert.deepEqual(shown, [0, 1, 2, 3, 4, 5, 9, 17]);
  assert.deepEqual(roomsOfTurn(rooms, 2, (room) => room === 3), [3, 16, 17, 18, 19]);
});

const lineOf = (from, to) =>
  Array.from({ length: to - from }, (_, at) => ({ queue_id: `q${from + at}`, state: "waiting" }));

test("the end of a long line stays where a stream tells its beginning", () => {
  const inside = { queue_id: "q0", state: "called" };
  const told = { waiting_count: 39, queues: [inside, ...lineOf(1, 31)] };
  const { board, isWhole } = withRest(told, { queues: lineOf(0, 40) });
  assert.deepEqual(board.queues, [inside, ...lineOf(1, 40)]);
  assert.equal(isWhole, false);
});

test("who is inside and not told by a stream stays as they were known", () => {
  const called = (id) => ({ queue_id: id, state: "called" });
  const known = { queues: [called("a"), called("b"), called("gone"), ...lineOf(0, 2)] };
  const told = { inside_count: 3, waiting_count: 1, queues: [called("new"), { queue_id: "q0", state: "called" }, ...lineOf(1, 2)] };
  const { board, isWhole } = withRest(told, known);
  assert.deepEqual(
    board.queues.map(({ queue_id }) => queue_id),
    ["new", "q0", "gone", "q1"],
  );
  assert.equal(isWhole, false);
});

test("who has left a long line is not kept in it", () => {
  const told = { waiting_count: 31, queues: lineOf(2, 32) };
  const known = { queues: [{ queue_id: "q0", state: "in_progress" }, ...lineOf(1, 33)] };
  assert.deepEqual(withRest(told, known).board.queues, lineOf(2, 33));
});

test("a line that is told whole is as it is told", () => {
  const told = { waiting_count: 2, queues: lineOf(0, 2) };
  assert.deepEqual(withRest(told, { queues: lineOf(0, 5) }), { board: told, isWhole: true });
});
