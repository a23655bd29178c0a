/** Each call of the interviews' client as the API is asked: method, address, body; and what of the answer is given on. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { clientOf, Project } from "./project.js";

const DRAFT = { firstUtteranceId: 1, lastUtteranceId: 3, tags: ["결제"], note: "" };

for (const [name, ask, request, body, answer, given] of [
  [
    "names speakers",
    (client) => client.nameSpeakers("i-1", { 화자2: "참여자 A" }),
    "PUT /interviews/i-1/speakers",
    { speakers: { 화자2: "참여자 A" } },
    { speakers: [], revision: 2 },
    { speakers: [], revision: 2 },
  ],
  ["lists highlights", (client) => client.highlights("i-1"), "GET /interviews/i-1/highlights", undefined, { highlights: [1] }, [1]],
  [
    "keeps a highlight",
    (client) => client.addHighlight("i-1", DRAFT),
    "POST /interviews/i-1/highlights",
    DRAFT,
    { highlight: { id: "h" } },
    { id: "h" },
  ],
  [
    "changes a highlight",
    (client) => client.changeHighlight("i-1", "h-1", DRAFT),
    "PUT /interviews/i-1/highlights/h-1",
    DRAFT,
    { highlight: { id: "h-1" } },
    { id: "h-1" },
  ],
  ["removes a highlight", (client) => client.removeHighlight("i-1", "h-1"), "DELETE /interviews/i-1/highlights/h-1", undefined, [204, null], {}],
]) {
  test(`the client ${name}`, async () => {
    const project = new Project();
    project.answers[request] = answer;
    assert.deepEqual(await ask(clientOf(project)), given);
    assert.deepEqual(project.asked.map((one) => [one.name, one.body]), [[request, body]]);
  });
}
