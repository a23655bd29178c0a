/** What a project's page shows while the answer to a newer question is under way. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ChatView } from "../../webapp/static/page/interviews/chat_view.js";
import { client } from "../../webapp/static/page/interviews/entry.js";
import { HighlightsView } from "../../webapp/static/page/interviews/highlights_view.js";
import { SearchView } from "../../webapp/static/page/interviews/search_view.js";
import { WelnoError } from "../../webapp/static/sdk/core/errors.js";
import { settle } from "./browser.js";
import { openDocument } from "./document.js";

let find, asked;

/** Questions are answered by hand: each by its `answer`, or `fail`. */
const hold = () => new Promise((answer, fail) => asked.push({ answer, fail }));

beforeEach(() => {
  find = openDocument();
  asked = [];
  client.search = (_, words, after) => Object.assign(hold(), Object.assign(asked.at(-1), { words, after }));
  client.personas = client.projectHighlights = hold;
});

const utterance = (text) => ({ interview_id: "i-1", title: "인터뷰", utterance_id: 1, speaker: "가", text, marks: [], before: null, after: null });
const rows = () => find("search-rows").all(({ className }) => className === "hit").map((row) => row.textContent);
const refusal = () => new WelnoError({ code: "REFUSED", status: 500 });

async function answer(at, told) {
  asked.at(at).answer(told);
  await settle();
}

/** One that has found something, and more of it. */
async function search(words) {
  const view = new SearchView("p-1");
  void view.open(words);
  await answer(-1, { results: [utterance(words)], next: "next" });
  return view;
}

for (const [what, words] of [["the same words", "쿠폰"], ["other words", "할인"]])
  test(`what was found stays until ${what} are answered`, async () => {
    const view = await search("쿠폰");
    view.forget();
    void view.open(words);
    await settle();
    assert.deepEqual([rows(), find("search-count").textContent], [["가 쿠폰"], "발화 1개 넘게 찾았어요."]);
    await answer(-1, { results: [utterance("새로"), utterance("둘")], next: null });
    assert.deepEqual([rows(), find("search-count").textContent], [["가 새로", "가 둘"], "발화 2개를 찾았어요."]);
  });

test("what is found no more goes, and with it its count", async () => {
  const view = await search("쿠폰");
  void view.open("할인");
  await answer(-1, { results: [], next: null });
  assert.deepEqual([rows(), find("search-count").hidden, find("search-empty").hidden], [[], true, false]);
});

test("without words there is nothing to look for, and nothing is shown", async () => {
  const view = await search("쿠폰");
  void view.open("");
  await settle();
  assert.deepEqual([rows(), find("search-count").hidden, find("search-empty").hidden, asked.length], [[], true, true, 1]);
});

test("where other words are not answered, what was found before them goes", async () => {
  const view = await search("쿠폰");
  void view.open("할인");
  asked.at(-1).fail(refusal());
  await settle();
  assert.deepEqual([rows(), find("search-count").hidden, find("search-failed").hidden], [[], true, false]);
});

test("where the same words are not answered again, what was found stays", async () => {
  const view = await search("쿠폰");
  view.forget();
  void view.open("쿠폰");
  asked.at(-1).fail(refusal());
  await settle();
  assert.deepEqual([rows(), find("search-failed").hidden], [["가 쿠폰"], false]);
});

test("more of what was found before is not asked for while other words are", async () => {
  const view = await search("쿠폰");
  void view.open("할인");
  find("search-more").onclick();
  await settle();
  assert.deepEqual(asked.map(({ words, after }) => [words, after]), [["쿠폰", null], ["할인", null]]);
});

test("more is added to what was found", async () => {
  await search("쿠폰");
  find("search-more").onclick();
  await answer(-1, { results: [utterance("더")], next: null });
  assert.deepEqual([rows(), asked.at(-1).after], [["가 쿠폰", "가 더"], "next"]);
});

test("more that is asked for twice is added once", async () => {
  await search("쿠폰");
  const { onclick } = find("search-more");
  onclick();
  onclick();
  for (const { answer: give } of asked.slice(1)) give({ results: [utterance("더")], next: null });
  await settle();
  assert.deepEqual([rows(), asked.length], [["가 쿠폰", "가 더"], 2]);
});

const highlight = (title) => ({ id: title, interview_id: "i-1", title, utterances: [], utterance_count: 0, first_utterance_id: 1, last_utterance_id: 1, tags: [], note: "", account: {}, created_at: "2026-11-26T01:00:00Z" });
const collected = () => find("collected-rows").all(({ tagName }) => tagName === "A").map((link) => link.textContent);

for (const [what, end, left] of [
  ["those with it are there", (question) => question.answer([highlight("새로")]), ["새로 · 1번 발화"]],
  ["they cannot be had", (question) => question.fail(refusal()), []],
])
  test(`highlights stay beside the choice of a tag until ${what}`, async () => {
    const view = new HighlightsView("p-1");
    void view.open(null);
    await answer(0, [highlight("모두")]);
    void view.open("결제");
    await answer(1, [highlight("모두")]);
    assert.deepEqual(collected(), ["모두 · 1번 발화"]);
    end(asked[2]);
    await settle();
    assert.deepEqual(collected(), left);
  });

const persona = (id) => ({ id, title: id, description: "", interviews: 1 });
const personas = () => find("personas").all(({ tagName }) => tagName === "STRONG").map((title) => title.textContent);

test("personas that changed while they were asked for are asked for again", async () => {
  const view = new ChatView("p-1");
  void view.open(null);
  view.forget();
  await answer(-1, [persona("before")]);
  assert.deepEqual([personas(), asked.length], [[], 2]);
  await answer(-1, [persona("after")]);
  assert.deepEqual(personas(), ["after"]);
  await view.open(null);
  assert.equal(asked.length, 2);
});

test("of two questions for personas the newer one's answer is shown, whichever comes first", async () => {
  const view = new ChatView("p-1");
  void view.open(null);
  view.forget();
  void view.open(null);
  await answer(1, [persona("after")]);
  await answer(0, [persona("before")]);
  assert.deepEqual([personas(), asked.length], [["after"], 2]);
});

test("an older question for personas that fails says nothing beside the newer one's answer", async () => {
  const view = new ChatView("p-1");
  void view.open(null);
  void view.open(null);
  await answer(1, [persona("after")]);
  asked[0].fail(refusal());
  await settle();
  assert.deepEqual([personas(), find("personas-failed").hidden], [["after"], true]);
});
