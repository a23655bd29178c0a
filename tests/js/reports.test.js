/** What a page tells of itself: that it broke, how long its calls took, and nothing of anybody's. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { PageReports } from "../../webapp/static/sdk/journey/reports.js";

let sent;
let now;
let reports;
let scope;
beforeEach(() => {
  [sent, now, scope] = [[], 0, new EventTarget()];
  const fetch = async (url, { body }) => void sent.push([url, JSON.parse(body)]);
  reports = new PageReports("journey", { fetch, now: () => now }).watch(scope);
});

const raise = (kind, facts) => scope.dispatchEvent(Object.assign(new Event(kind), facts));

test("an error that nobody catches is told by its class and its place", () => {
  raise("error", { error: new TypeError("시연001"), filename: "https://h/static/page/journey/page.js", lineno: 7 });
  assert.deepEqual(sent, [
    ["/api/v1/client-errors", { kind: "error", name: "TypeError", page: "journey", script: "page.js", line: 7 }],
  ]);
});

test("a rejection is told without its text", () => {
  raise("unhandledrejection", { reason: "시연001" });
  assert.deepEqual(sent[0][1], { kind: "unhandledrejection", name: "Error", page: "journey" });
});

for (const [url, status, milliseconds, told] of [
  ["/api/v1/auth/simple-login", 200, 12.4, { call: "login", outcome: "ok", duration_ms: 12 }],
  ["/api/v1/queue/x/delay", 409, 3, { call: "queue", outcome: "refused", duration_ms: 3 }],
  ["/api/v1/patient-journey/current-state/", 503, 3, { call: "current_state", outcome: "failed", duration_ms: 3 }],
  ["/api/v1/maps/1/layers", 0, 10_001, { call: "other", outcome: "timeout", duration_ms: 10_001 }],
]) {
  test(`a call of ${url} that ended with ${status} is told as ${told.outcome}`, () => {
    reports.measure("GET", url, milliseconds, status);
    assert.deepEqual(sent, [["/api/v1/client-metrics", told]]);
  });
}

test("one page tells six things a minute at most", () => {
  for (let turn = 0; turn < 20; turn += 1) reports.measure("GET", "/x", 1, 200);
  assert.equal(sent.length, 6);
  now = 60_001;
  reports.measure("GET", "/x", 1, 200);
  assert.equal(sent.length, 7);
});
