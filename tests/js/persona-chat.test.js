/** A conversation with a persona: the answer grows as it comes, in pieces or all so far, and every end is told. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { AnswerText } from "../../webapp/static/sdk/interviews/answer.js";
import { PersonaChat } from "../../webapp/static/sdk/interviews/chat.js";
import { pass, setUp, settle, tearDown } from "./browser.js";
import { clientOf, ME, Project, REFRESH, refusal } from "./project.js";

let project;
let chat;
let grown;
beforeEach(() => {
  setUp();
  project = new Project();
  grown = [];
  chat = new PersonaChat("c-1", {
    client: clientOf(project),
    onChange: (messages) => grown.push(messages.at(-1).content),
  });
});
afterEach(() => {
  chat.stop();
  tearDown();
});

async function say(...frames) {
  for (const frame of frames) project.stream.write(`data: ${typeof frame === "string" ? frame : JSON.stringify(frame)}\n\n`);
  await settle();
}
const piece = (answer, event = "message") => ({ event, answer, conversation_id: "k-1" });

function textOf(...parts) {
  const answer = new AnswerText();
  for (const part of parts) answer.add(part);
  return answer.text;
}

for (const [name, parts, whole] of [
  ["pieces", ["저는 ", "출근길에 ", "써요."], "저는 출근길에 써요."],
  ["all so far", ["저는", "저는 출근길에", "저는 출근길에 써요."], "저는 출근길에 써요."],
  ["pieces that begin like all so far", ["네", "네, ", "써요."], "네네, 써요."],
  ["the last of all so far twice", ["저는", "저는 써요.", "저는 써요."], "저는 써요."],
  ["all so far, and at the end nothing", ["저는", "저는 써요.", ""], "저는 써요."],
  ["nothing", [], ""],
]) {
  test(`an answer in ${name} is put together`, () => assert.equal(textOf(...parts), whole));
}

test("what moderation puts in the place of the answer stands there", () => {
  const answer = new AnswerText();
  answer.add("저는 ");
  answer.replace("답할 수 없어요.");
  assert.equal(answer.text, "답할 수 없어요.");
  answer.add(" 다른 것을 물어 주세요.");
  assert.equal(answer.text, "답할 수 없어요. 다른 것을 물어 주세요.");
});

test("the answer grows while it is read", async () => {
  const asked = chat.ask("언제 쓰세요?");
  await settle();
  project.stream.write(": a comment\n\n");
  await say({ event: "agent_thought" }, piece("출근"), piece("길에요.", "agent_message"));
  assert.deepEqual([...new Set(grown)], ["", "출근", "출근길에요."]);
  assert.equal(chat.isAnswering, true);
  await say({ event: "message_end", metadata: {} });
  await asked;
  assert.deepEqual(chat.messages.map(({ role, content, state }) => [role, content, state]), [
    ["user", "언제 쓰세요?", "whole"],
    ["assistant", "출근길에요.", "whole"],
  ]);
});

test("the next question goes on with the conversation", async () => {
  const first = chat.ask("언제 쓰세요?");
  await settle();
  await say(piece("출근길에요."), "[DONE]");
  await first;
  chat.ask("왜요?").catch(() => null);
  await settle();
  const bodies = project.streams.map(({ asked }) => asked);
  assert.deepEqual(bodies[0], { messages: [{ role: "user", content: "언제 쓰세요?" }], personaId: "c-1" });
  assert.deepEqual([bodies[1].conversationId, bodies[1].messages[0].content], ["k-1", "왜요?"]);
});

test("an answer that is stopped keeps what has come, and the server is left", async () => {
  const asked = chat.ask("언제 쓰세요?");
  await settle();
  await say(piece("출근"));
  chat.stop();
  await asked;
  const { content, state } = chat.messages.at(-1);
  assert.deepEqual([content, state, project.open.length], ["출근", "stopped", 0]);
});

test("an error in the middle is told, and what has come stays", async () => {
  const asked = chat.ask("언제 쓰세요?");
  const failed = assert.rejects(asked, { code: "MISO_UNAVAILABLE", message: "잠시 뒤에 물어 주세요." });
  await settle();
  await say(piece("출근"), { event: "error", code: "MISO_UNAVAILABLE", message: "잠시 뒤에 물어 주세요." });
  await failed;
  assert.deepEqual([chat.messages.at(-1).content, chat.messages.at(-1).state], ["출근", "failed"]);
});

test("an answer that breaks off is no whole one", async () => {
  const failed = assert.rejects(chat.ask("언제 쓰세요?"), { code: "ANSWER_BROKEN_OFF" });
  await settle();
  await say(piece("출근"));
  project.stream.end();
  await failed;
});

test("45 silent seconds are the end", async () => {
  const failed = assert.rejects(chat.ask("언제 쓰세요?"), { status: 0 });
  await settle();
  project.stream.write(": \n\n");
  await settle();
  await pass(44);
  assert.equal(chat.isAnswering, true);
  await pass(1.1);
  await failed;
});

test("an error before the answer is one of the API", async () => {
  project.refuseStream = () => refusal(503, "NOT_CONFIGURED");
  await assert.rejects(chat.ask("언제 쓰세요?"), { code: "NOT_CONFIGURED", status: 503 });
  assert.equal(chat.isAnswering, false);
});

test("a question under an ended login is asked again after the renewal", async () => {
  project.refuseStream = () => (project.askedFor(REFRESH).length ? null : refusal(401, "UNAUTHORIZED"));
  project.answers[REFRESH] = { account: ME };
  const asked = chat.ask("언제 쓰세요?");
  await settle();
  await say(piece("출근길에요."), "[DONE]");
  await asked;
  assert.equal(chat.messages.at(-1).content, "출근길에요.");
});
