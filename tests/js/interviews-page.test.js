/** What the members' pages read of an analysis, and what stands behind the `#` of a project's page. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  faultOfTags,
  namePassage,
  numbersOf,
  passageOf,
  pick,
  tagsOf,
  textOfPassage,
} from "../../webapp/static/page/interviews/passages.js";
import {
  factsOf,
  partsOf,
  pointsOf,
  quotesOf,
  textsOf,
  utterancesOf,
} from "../../webapp/static/page/interviews/reading.js";
import { interviewHash, personaHash, placeOf, searchHash, tagHash } from "../../webapp/static/page/interviews/routes.js";
import {
  explainTo,
  formatDay,
  formatDayOf,
  formatMonth,
  formatSize,
  formatSpan,
  nameStatus,
} from "../../webapp/static/page/interviews/words.js";

const SCRIPT = utterancesOf([
  { id: [1], speaker: "진행자", category: "질문", cleaned_sentence: "언제 쓰세요?" },
  { id: [2, 3], speaker: "[이름1]", category: "행동", cleaned_sentence: "출근길에 써요. 지하철에서요." },
]);

for (const [name, value, texts] of [
  ["texts", ["짧다", " 길다 "], ["짧다", "길다"]],
  ["objects", [{ description: "짧다" }, { question: "왜?" }, { other: 1 }], ["짧다", "왜?"]],
  ["one text", "짧다", ["짧다"]],
  ["nothing", null, []],
  ["numbers and holes", [3, null, ""], ["3"]],
]) {
  test(`${name} in the place of texts are read as far as they say something`, () => assert.deepEqual(textsOf(value), texts));
}

test("an utterance is known by each of its numbers", () => {
  assert.deepEqual(SCRIPT[1].numbers, [2, 3]);
  assert.deepEqual(utterancesOf("no script"), []);
  assert.deepEqual(utterancesOf([{ cleaned_sentence: "번호가 없다" }, null])[0].number, 1);
});

for (const [name, evidence, quotes] of [
  ["words of the script", ["출근길에 써요."], [{ text: "출근길에 써요.", line: 2 }]],
  ["words behind their number", ["2: 출근길에 써요."], [{ text: "2: 출근길에 써요.", line: 2 }]],
  ["words that nobody said", ["아무 말"], [{ text: "아무 말", line: null }]],
  ["a quote that was looked up", [{ quote: "출근길", utterance_ids: [3], verified: true }], [{ text: "출근길", line: 3 }]],
  ["a quote that was not found", [{ quote: "없음", utterance_ids: [], verified: false }], [{ text: "없음", line: null }]],
  ["no evidence", undefined, []],
]) {
  test(`evidence of ${name} leads where it stands`, () => assert.deepEqual(quotesOf(evidence, SCRIPT), quotes));
}

test("a point without words is none", () => {
  assert.deepEqual(pointsOf([{ description: "막힌다", evidence: [] }, { evidence: ["출근길"] }], SCRIPT), [
    { text: "막힌다", quotes: [] },
  ]);
});

test("facts are named where we know their names", () => {
  const facts = factsOf({ topic: "은행", topics: ["송금", "이체"], mood: "밝음", nothing: null });
  assert.deepEqual(facts, [["주제", "은행"], ["주제", "송금, 이체"], ["mood", "밝음"]]);
  assert.deepEqual(factsOf(["은행"]), []);
});

test("a part of the script begins at its first number", () => {
  const sections = [{ sector_name: "도입", start_line: 1 }, { sector_name: "", start_line: 2 }, { start_line: "3" }];
  assert.deepEqual([...partsOf(sections)], [[1, "도입"]]);
});

for (const [hash, place] of [
  ["", { view: "interviews", interview: null, line: null }],
  [interviewHash("i-1"), { view: "interviews", interview: "i-1", line: null }],
  [interviewHash("i-1", 4), { view: "interviews", interview: "i-1", line: 4 }],
  [searchHash("쿠폰 & 할인"), { view: "search", words: "쿠폰 & 할인" }],
  ["#chat", { view: "chat", persona: null }],
  [personaHash("c-1"), { view: "chat", persona: "c-1" }],
  ["#highlights", { view: "highlights", tag: null }],
  [tagHash("느린 화면"), { view: "highlights", tag: "느린 화면" }],
  ["#themes", { view: "themes", interview: null }],
  ["#settings", { view: "settings", interview: null }],
  ["#interview=i-1&line=x", { view: "interviews", interview: "i-1", line: null }],
]) {
  test(`the address ${hash || "without a #"} names its view`, () => {
    const found = placeOf(hash);
    assert.deepEqual(Object.fromEntries(Object.keys(place).map((key) => [key, found[key]])), place);
  });
}

test("a field's fault is told in its own words", () => {
  const error = { status: 400, code: "VALIDATION_FAILED", message: "확인해 주세요.", details: { file: ["빈 파일이에요."] } };
  assert.equal(explainTo(error), "빈 파일이에요.");
});

test("a wrong password and too many of them are told apart", () => {
  const told = { message: "", details: null, retryAfterSeconds: 600 };
  assert.match(explainTo({ ...told, status: 401, code: "LOGIN_FAILED" }), /맞지 않아요/);
  assert.match(explainTo({ ...told, status: 429, code: "RATE_LIMITED" }), /10분 뒤에/);
});

test("statuses, days and sizes are written for people", () => {
  assert.deepEqual(
    [nameStatus("analyzing"), nameStatus("other"), formatDay("2026-11-03"), formatSize(900), formatSize(5_452_595)],
    ["분석 중", "other", "2026년 11월 3일", "900B", "5.2MB"],
  );
});

for (const [name, before, index, after] of [
  ["begins with one", null, 2, { first: 2, last: 2 }],
  ["grows down to one after it", { first: 2, last: 2 }, 4, { first: 2, last: 4 }],
  ["grows up to one before it", { first: 2, last: 4 }, 0, { first: 0, last: 4 }],
  ["ends at one within it", { first: 0, last: 4 }, 1, { first: 0, last: 1 }],
  ["goes with its only one", { first: 2, last: 2 }, 2, null],
]) {
  test(`a passage ${name}`, () => assert.deepEqual(pick(before, index), after));
}

test("a highlight is found by any of its utterances' numbers, and told by the outermost", () => {
  const passage = passageOf(SCRIPT, { first_utterance_id: 1, last_utterance_id: 2 });
  assert.deepEqual(numbersOf(SCRIPT, passage), [1, 3]);
  assert.equal(namePassage(SCRIPT, passage), "1–3번 발화");
  assert.equal(namePassage(SCRIPT, { first: 0, last: 0 }), "1번 발화");
  assert.equal(textOfPassage(SCRIPT, passage), "진행자: 언제 쓰세요?\n[이름1]: 출근길에 써요. 지하철에서요.");
});

test("a highlight whose utterances are gone has no passage", () => {
  assert.equal(passageOf(SCRIPT, { first_utterance_id: 1, last_utterance_id: 9 }), null);
});

test("tags are read once each, and bounded as the server bounds them", () => {
  assert.deepEqual(tagsOf(" 결제,, 느린  화면 ,결제"), ["결제", "느린 화면"]);
  assert.equal(faultOfTags(["가".repeat(40)]), "");
  assert.match(faultOfTags(["가".repeat(41)]), /40자/);
  assert.match(faultOfTags(Array.from({ length: 11 }, (_, index) => `${index}`)), /10개/);
});

test("spans and months are told in words, days as Korea's", () => {
  assert.deepEqual([0, 59.6, 3_725].map(formatSpan), ["0초", "1분", "1시간 2분 5초"]);
  assert.equal(formatMonth("2026-03"), "2026년 3월");
  assert.equal(formatDayOf("2026-11-25T16:00:00+00:00"), "2026년 11월 26일");
});
