import assert from "node:assert/strict";
import { test } from "node:test";

import { decide, fromStatus, initialFlow, mayOpenRecords, resume } from "../../webapp/static/sdk/collection/flow.js";
import { KEYS } from "../../webapp/static/sdk/collection/storage.js";
import { event, PATIENT, streaming } from "./stores.js";

const trend = (page = "/") => initialFlow({ sessionId: "s", page, redirectPath: "/results-trend" });
const report = (page = "/") => initialFlow({ sessionId: "s", page, redirectPath: "/disease-report" });
const deeds = ({ actions }) => actions.filter((action) => action.do !== "remember").map((action) => action.do);
const after = (state, ...events) => events.reduce((known, next) => decide(known, next).state, state);
const RESULTS = "/results-trend?uuid=u-1&hospital=PEERNINE&sessionId=s";

test("checkups move the trend path on at once", () => {
  const { actions } = decide(trend(), streaming("health_data_completed", PATIENT));
  assert.deepEqual(actions.at(-1), { do: "navigate", to: RESULTS, afterDialog: false });
});

test("checkups leave the report path where it is, with a toast", () => {
  assert.deepEqual(deeds(decide(report(), streaming("health_data_completed", PATIENT))), ["toast"]);
});

test("the results page takes no second turn when checkups arrive", () => {
  assert.deepEqual(deeds(decide(trend("/results-trend"), streaming("health_data_completed", PATIENT))), ["toast"]);
});

test("records are asked for no earlier than the session can have identified its person", () => {
  const steps = [
    event("auth_key_received"),
    event("auth_waiting"),
    event("auth_timeout"),
    event("auth_pending"),
    event("auth_completed"),
    streaming("fetching_health_data"),
    streaming("health_data_completed", PATIENT),
    streaming("fetching_prescription_data"),
    streaming("prescription_completed", PATIENT),
    streaming("mediarc_generating"),
    streaming("completed", PATIENT),
  ];
  const open = steps.map((_, last) => mayOpenRecords(after(trend(), ...steps.slice(0, last + 1))));
  assert.deepEqual(open, steps.map((_, at) => at >= 8));
  assert.equal(mayOpenRecords(trend()), false);
  const asTold = (status, progress = {}) => mayOpenRecords(fromStatus(trend(), { status, progress }));
  for (const status of ["initiated", "auth_requesting", "auth_pending", "timeout", "fetching_health_data"])
    assert.equal(asTold(status), false, status);
  assert.equal(asTold("fetching_prescription_data", { health_data_fetched: true }), false);
  for (const status of ["identifying", "saving", "mediarc_generating", "completed"]) assert.equal(asTold(status), true, status);
});

test("prescriptions are told by a toast", () => {
  assert.deepEqual(deeds(decide(report(), streaming("prescription_completed", PATIENT))), ["toast", "refresh"]);
});

test("a report under way keeps the spinner turning", () => {
  const { actions } = decide(report(), streaming("mediarc_generating"));
  assert.deepEqual(actions.at(-1), { do: "spinner", on: true });
});

test("a finished report stops the spinner and opens the dialog", () => {
  const result = decide(report(), streaming("mediarc_completed_password_ready", PATIENT));
  assert.deepEqual(deeds(result), ["toast", "spinner", "refresh", "dialog"]);
  assert.equal(result.actions.find((action) => action.do === "spinner").on, false);
});

test("the end saves, opens the dialog, and goes to the report", () => {
  const result = decide(report(), streaming("completed", PATIENT));
  assert.deepEqual(deeds(result), ["spinner", "save", "dialog", "navigate"]);
  assert.match(result.actions.at(-1).to, /^\/disease-report\?/);
});

for (const [counts, isAsked] of [
  [{ health_data: 0, prescription_data: 0 }, false],
  [{ health_data: 0, prescription_data: 1 }, true],
  [undefined, true],
])
  test(`with ${JSON.stringify(counts)} at the end a password is asked for: ${isAsked}`, () => {
    const live = decide(trend(), streaming("completed", { ...PATIENT, counts }));
    const reread = resume(fromStatus(trend(), { status: "completed", counts, ...PATIENT }));
    for (const actions of [live.actions, reread]) assert.equal(actions.some((action) => action.do === "dialog"), isAsked);
  });

test("the end of the trend path stays on the results page", () => {
  assert.deepEqual(deeds(decide(trend("/results-trend"), streaming("completed", PATIENT))), [
    "spinner",
    "save",
    "dialog",
    "refresh",
  ]);
});

test("without a report its buyer is shown what was collected", () => {
  const state = after(report(), event("mediarc_failed"));
  assert.equal(decide(state, streaming("completed", PATIENT)).actions.at(-1).to, `${RESULTS}&report=failed`);
});

for (const [code, reason] of [
  ["REPORT_INPUTS_MISSING", "incomplete"],
  ["CONSENT_MISSING", "withdrawn"],
  ["CONSENT_EXPIRED", "expired"],
  ["REPORT_FAILED", "failed"],
])
  test(`a report that was not made by ${code} leads to the trend, with the reason`, () => {
    const state = after(report(), streaming("mediarc_generating"), event("mediarc_failed", { data: { code } }));
    assert.equal(decide(state, streaming("completed", PATIENT)).actions.at(-1).to, `${RESULTS}&report=${reason}`);
  });

const NEVER_EXAMINED = streaming("health_data_completed", { ...PATIENT, count: 0, redirect_to_report: false });

test("who was never examined waits for what there is, and is led to the trend with the reason", () => {
  const first = decide(report(), NEVER_EXAMINED);
  assert.deepEqual(deeds(first), ["toast"]);
  const state = after(first.state, streaming("prescription_completed", PATIENT));
  assert.equal(decide(state, streaming("completed", PATIENT)).actions.at(-1).to, `${RESULTS}&report=none`);
  assert.equal(resume(after(state, streaming("completed", PATIENT))).at(-1).to, `${RESULTS}&report=none`);
});

test("who came for no report misses none", () => {
  assert.equal(after(trend("/results-trend"), NEVER_EXAMINED).missingReport, null);
});

test("checkups that could not be had are the reason for no report, until they are here after all", () => {
  const unread = after(report(), event("health_data_failed"));
  assert.equal(decide(unread, streaming("completed", PATIENT)).actions.at(-1).to, `${RESULTS}&report=unread`);
  assert.equal(after(unread, streaming("health_data_completed", { redirect_to_report: true })).missingReport, null);
});

test("a status alone tells that there is no checkup to make a report of", () => {
  const status = { status: "completed", counts: { health_data: 0, prescription_data: 3 }, ...PATIENT };
  assert.equal(resume(fromStatus(report(), status)).at(-1).to, `${RESULTS}&report=none`);
});

test("the event's own word on the report beats what the page remembers", () => {
  const { state } = decide(trend(), streaming("health_data_completed", { ...PATIENT, redirect_to_report: true }));
  assert.equal(state.redirectPath, "/disease-report");
});

test("the patient is remembered as soon as an event brings them", () => {
  const { actions } = decide(report(), streaming("health_data_completed", PATIENT));
  const kept = actions.filter((action) => action.do === "remember").map(({ key, value }) => [key, value]);
  assert.deepEqual(kept.slice(0, 2), [
    [KEYS.patientUuid, "u-1"],
    [KEYS.hospitalId, "PEERNINE"],
  ]);
});

test("waiting for the phone is remembered and forgotten", () => {
  const waiting = decide(trend(), event("auth_waiting"));
  const value = ({ actions }) => actions.find((action) => action.key === KEYS.authWaiting).value;
  assert.equal(value(waiting), "true");
  assert.equal(value(decide(waiting.state, event("auth_completed"))), null);
});

for (const name of ["auth_timeout", "auth_pending"]) {
  test(`${name} offers to try again and ends nothing`, () =>
    assert.deepEqual(deeds(decide(trend(), event(name))), ["retry"]));
}

test("wrong details lead back to the form", () => {
  assert.deepEqual(deeds(decide(trend(), event("info_required"))), ["spinner", "correct"]);
});

test("a decline is the person's own choice, no error and no correction", () => {
  const result = decide(trend(), event("declined", { status: "declined" }));
  assert.deepEqual(deeds(result), ["spinner", "declined"]);
  assert.equal(result.state.status, "declined");
});

test("a push that was asked for again is waited for as the first one", () => {
  const state = after(trend(), event("auth_waiting"), event("declined"), event("auth_key_received"));
  assert.deepEqual(resume(state), [{ do: "spinner", on: false }]);
});

for (const type of ["expired", "cancelled"]) {
  test(`${type} starts anew`, () => {
    const { state, actions } = decide(trend(), event(type, { status: type }));
    assert.deepEqual([state.status, actions.at(-1).reason], [type, type]);
  });
}

for (const [status, reason] of [
  ["expired", "expired"],
  ["cancelled", "cancelled"],
  ["error", "failed"],
  [undefined, "failed"],
]) {
  test(`an error with status ${status} starts anew as ${reason}`, () => {
    assert.equal(decide(trend(), event("error", { status })).actions.at(-1).reason, reason);
  });
}

test("a prolonged session stands where it stood", () => {
  const state = after(trend(), event("auth_completed"), event("session_extended"));
  assert.equal(state.status, "auth_completed");
});

test("an unknown event does nothing", () => assert.deepEqual(deeds(decide(trend(), event("brand_new"))), []));

test("a reload after the checkups moves on as the event would have", () => {
  const state = after(trend(), streaming("health_data_completed", PATIENT), streaming("fetching_prescription_data"));
  assert.deepEqual(resume(state), [{ do: "navigate", to: RESULTS, afterDialog: false }]);
});

test("a reload after the end does what the end does", () => {
  const state = after(report(), streaming("completed", PATIENT));
  assert.deepEqual(
    resume(state).map((action) => action.do),
    ["spinner", "save", "dialog", "navigate"],
  );
});

test("a reload while the phone is asked shows no spinner", () => {
  assert.deepEqual(resume(after(trend(), event("auth_waiting"))), [{ do: "spinner", on: false }]);
});

for (const [status, first] of [
  ["info_required", "correct"],
  ["declined", "spinner"],
  ["expired", "restart"],
  ["error", "restart"],
]) {
  test(`a reload in state ${status} begins with ${first}`, () => {
    assert.equal(resume({ ...trend(), status })[0].do, first);
  });
}

test("a status stands in for a lost history", () => {
  const status = { status: "fetching_prescription_data", progress: { health_data_fetched: true }, ...PATIENT };
  assert.equal(resume(fromStatus(trend(), status))[0].to, RESULTS);
});

const BY = "2026-01-01T00:10:00.000Z";
const asked = [event("auth_key_received"), event("auth_waiting", { data: { approve_by: BY } })];

test("until when the phone may approve is known, and moved by nothing", () => {
  const waiting = after(trend(), ...asked, event("auth_timeout", { data: { retry_available: true } }), event("auth_pending"));
  assert.equal(waiting.approveBy, BY);
  assert.equal(fromStatus(trend(), { status: "auth_pending", approve_by: BY }).approveBy, BY);
});

for (const next of ["auth_completed", "declined", "auth_key_received"])
  test(`${next} ends the countdown and the warning`, () => {
    const state = after(trend(), ...asked, event("push_requested_elsewhere"), event(next));
    assert.deepEqual([state.approveBy, state.warning], [null, null]);
  });

test("who asks for the same phone elsewhere is warned of, and the wait goes on", () => {
  const before = after(trend(), ...asked);
  const result = decide(before, event("push_requested_elsewhere"));
  assert.deepEqual(result.actions, []);
  assert.deepEqual(result.state, { ...before, warning: "about push_requested_elsewhere" });
});

const OVER = [
  ["superseded", event("auth_superseded", { status: "timeout", data: { code: "AUTH_SUPERSEDED" } })],
  ["overdue", event("auth_timeout", { status: "timeout", data: { code: "APPROVAL_EXPIRED" } })],
];
for (const [reason, ended] of OVER) {
  test(`a request that is ${reason} may be sent again, also after a reload`, () => {
    const { state, actions } = decide(after(trend(), ...asked), ended);
    assert.deepEqual(deeds({ actions }), ["spinner", "requestOver"]);
    assert.deepEqual([actions.at(-1).reason, state.status, state.approveBy], [reason, reason, null]);
    assert.deepEqual(resume(state).at(-1), { do: "requestOver", reason, text: "" });
    const told = fromStatus(trend(), { status: "timeout", error_code: ended.data.code });
    assert.equal(told.status, reason);
  });

  test(`a request that was ${reason} is followed by the next`, () => {
    assert.equal(after(trend(), ...asked, ended, ...asked).status, "auth_waiting");
  });
}
