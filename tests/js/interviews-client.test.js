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
  ["lists all highlights", (client) => client.projectHighlights("p-1"), "GET /projects/p-1/highlights", undefined, { highlights: [1] }, [1]],
  [
    "lists the highlights with a tag",
    (client) => client.projectHighlights("p-1", "a b"),
    "GET /projects/p-1/highlights?tag=a+b",
    undefined,
    { highlights: [1] },
    [1],
  ],
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
  ["lists members", (client) => client.members("p-1"), "GET /projects/p-1/members", undefined, { members: [1] }, [1]],
  [
    "gives a member a role",
    (client) => client.putMember("p-1", "jun@demo.test", "editor"),
    "POST /projects/p-1/members",
    { email: "jun@demo.test", role: "editor" },
    { members: [1] },
    [1],
  ],
  ["takes a member out", (client) => client.removeMember("p-1", "a-1"), "DELETE /projects/p-1/members?accountId=a-1", undefined, [204, null], {}],
  ["asks what this month cost", (client) => client.costs("p-1"), "GET /projects/p-1/costs", undefined, { total: {} }, { total: {} }],
  ["asks what a month cost", (client) => client.costs("p-1", "2026-10"), "GET /projects/p-1/costs?month=2026-10", undefined, {}, {}],
  ["asks who read originals", (client) => client.originalReads("p-1"), "GET /projects/p-1/original-reads", undefined, { reads: [] }, { reads: [] }],
  ["asks for more readers", (client) => client.originalReads("p-1", 7), "GET /projects/p-1/original-reads?before=7", undefined, {}, {}],
  ["lists themes", (client) => client.themes("p-1"), "GET /projects/p-1/themes", undefined, { insights: [1] }, [1]],
  ["has themes found", (client) => client.startThemes("p-1"), "POST /projects/p-1/themes", undefined, [202, { insight: 1 }], 1],
  [
    "lists generated personas",
    (client) => client.generatedPersonas("p-1"),
    "GET /projects/p-1/generated-personas",
    undefined,
    { insights: [1] },
    [1],
  ],
  [
    "has a persona made",
    (client) => client.startPersona("p-1", ["i-1", "i-2"]),
    "POST /projects/p-1/personas",
    { interviewIds: ["i-1", "i-2"] },
    [202, { insight: 1 }],
    1,
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

test("a project's analyses are downloaded in a format", () => {
  assert.equal(clientOf(new Project()).projectExportUrl("p-1", "csv"), "http://h/api/projects/p-1/export?format=csv");
});
