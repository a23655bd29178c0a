import assert from "node:assert/strict";
import { test } from "node:test";

import { advance, initialProgress, isApproved, percentOf, progressFromStatus } from "../../webapp/static/sdk/collection/progress.js";
import { event, PATIENT, streaming } from "./stores.js";

const run = (events, withReport = true) => events.reduce(advance, initialProgress({ withReport }));
const states = (progress) => Object.fromEntries(progress.map((step) => [step.name, step.state]));
const PATH = [
  event("auth_key_received"),
  event("auth_waiting"),
  event("auth_completed"),
  streaming("fetching_health_data"),
  streaming("health_data_completed", { count: 10, ...PATIENT }),
  streaming("fetching_prescription_data"),
  streaming("prescription_completed", { count: 24, ...PATIENT }),
  streaming("mediarc_generating"),
  streaming("mediarc_completed_password_ready", PATIENT),
  streaming("completed", PATIENT),
];

test("who wants no report sees no step for it", () => {
  assert.ok(!initialProgress({ withReport: false }).some((step) => step.name === "report"));
});

test("the whole path ends at a hundred", () => assert.equal(percentOf(run(PATH)), 100));

test("the bar never goes back", () => {
  const percents = PATH.map((_, count) => percentOf(run(PATH.slice(0, count + 1))));
  assert.deepEqual(
    percents,
    [...percents].sort((a, b) => a - b),
  );
});

test("there is no share of the whole before the approval", () => {
  assert.deepEqual(PATH.map((_, count) => isApproved(run(PATH.slice(0, count + 1)))).slice(0, 4), [false, false, true, true]);
  assert.equal(isApproved(run([event("auth_waiting"), event("declined")])), false);
});

test("a step shows its count and its time", () => {
  const step = run(PATH.slice(0, 5)).find(({ name }) => name === "health");
  assert.deepEqual([step.state, step.count, step.at], ["done", 10, PATH[4].timestamp]);
});

test("checkups that came with the approval need no fetching event", () => {
  const progress = run([event("auth_completed"), streaming("health_data_completed", { count: 2 })]);
  assert.equal(states(progress).health, "done");
});

test("failed prescriptions do not stop what follows", () => {
  const { prescriptions, saved } = states(
    run([event("auth_completed"), event("prescription_data_failed"), streaming("completed")]),
  );
  assert.deepEqual([prescriptions, saved], ["failed", "done"]);
});

const NO_CHECKUP = streaming("health_data_completed", { count: 0, redirect_to_report: false });

test("without a checkup the report is skipped, says why, and is never told as made", () => {
  const events = [event("auth_completed"), NO_CHECKUP, streaming("prescription_completed", { count: 3 })];
  const collected = run(events);
  assert.deepEqual([states(collected).report, states(collected).saved], ["skipped", "active"]);
  const step = run([...events, streaming("completed")]).find(({ name }) => name === "report");
  assert.deepEqual([step.state, step.note], ["skipped", "건강검진 기록이 없어서 건너뛰어요"]);
});

test("checkups that could not be had skip the report, until they are here after all", () => {
  const unread = run([event("auth_completed"), event("health_data_failed")]);
  assert.equal(states(unread).report, "skipped");
  assert.match(unread.find(({ name }) => name === "report").note, /가져오지 못해서/);
  const had = advance(unread, streaming("health_data_completed", { count: 2, redirect_to_report: true }));
  assert.equal(states(had).report, "waiting");
});

test("a status alone skips the report of who was never examined", () => {
  const status = { status: "completed", progress: { health_data_fetched: true }, counts: { health_data: 0 } };
  assert.equal(states(progressFromStatus(initialProgress({ withReport: true }), status)).report, "skipped");
});

test("a late fetching event does not reopen a finished step", () => {
  assert.equal(
    states(run([streaming("health_data_completed", { count: 1 }), streaming("fetching_health_data")])).health,
    "done",
  );
});

test("an approval that takes long says so", () => {
  assert.match(
    run([event("auth_waiting"), event("auth_timeout")]).find(({ name }) => name === "approval").note,
    /기다리고/,
  );
});

test("a decline fails nothing, and the next push goes on", () => {
  const declined = run([event("auth_key_received"), event("auth_waiting"), event("declined")]);
  assert.deepEqual([states(declined).request, states(declined).approval], ["done", "waiting"]);
  const again = [event("auth_key_received"), event("auth_waiting")].reduce(advance, declined);
  const approval = again.find(({ name }) => name === "approval");
  assert.deepEqual([approval.state, approval.note], ["active", ""]);
});

for (const [name, code] of [
  ["auth_superseded", "AUTH_SUPERSEDED"],
  ["auth_timeout", "APPROVAL_EXPIRED"],
])
  test(`${code} fails nothing, and says why`, () => {
    const over = run([event("auth_key_received"), event("auth_waiting"), event(name, { data: { code } })]);
    assert.equal(states(over).approval, "waiting");
    assert.match(over.find((step) => step.name === "approval").note, /다시 요청|시간이 지났/);
  });

test("wrong details stop the step under way", () => {
  assert.equal(states(run([event("auth_waiting"), event("info_required")])).approval, "failed");
});

test("a status alone draws the steps", () => {
  const status = {
    status: "fetching_prescription_data",
    progress: { auth_completed: true, health_data_fetched: true },
    counts: { health_data: 3 },
  };
  const progress = progressFromStatus(initialProgress({ withReport: false }), status);
  assert.deepEqual(states(progress), {
    request: "done",
    approval: "done",
    health: "done",
    prescriptions: "active",
    saved: "waiting",
  });
});
