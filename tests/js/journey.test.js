/** A patient's phone: its state comes from the server alone, no action is done twice, and no call is missed. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { MemoryStorage } from "../../webapp/static/sdk/core/storage.js";
import { events, pass, setUp, settle, sockets, tearDown } from "./browser.js";
import {
  called,
  entry,
  greet,
  Hospital,
  openFollowing,
  openPhone,
  patientSocket,
  PERSON,
  QUEUE_ID,
  queueSocket,
  snapshot,
  tokenOf,
  update,
} from "./hospital.js";

const PERFORM = "POST /patient-journey/perform-action/";
const CURRENT = "GET /patient-journey/current-state/";
const REFRESH = "POST /auth/token/refresh/";

let hospital;
let phone;
beforeEach(() => {
  setUp();
  globalThis.location = { href: "http://h/journey" };
  hospital = new Hospital();
});
afterEach(() => {
  phone?.journey.close();
  phone = null;
  delete globalThis.location;
  tearDown();
});

const waiting = (seq, traits) => snapshot("WAITING", seq, { queue_details: [entry("waiting", traits)] });
const calledState = (seq, traits) => snapshot("CALLED", seq, { queue_details: [entry("called", traits)] });

test("without a login somebody has to sign in", async () => {
  phone = openPhone(hospital);
  assert.equal(await phone.journey.start(), false);
  assert.equal(phone.journey.journeyState, null);
});

test("a browser's login is taken up by its cookie, and the token is kept in memory alone", async () => {
  hospital.answers[REFRESH] = { access_token: tokenOf("u-1") };
  phone = openPhone(hospital);
  assert.equal(await phone.journey.start(), true);
  assert.equal(phone.journey.journeyState, "REGISTERED");
  const kept = JSON.stringify(
    [phone.tab, phone.lasting].map((store) => keysOf(store).map((key) => store.getItem(key))),
  );
  assert.ok(!kept.includes(tokenOf("u-1")));
});

function keysOf(store) {
  return Array.from({ length: store.length }, (_, index) => store.key(index));
}

test("who signs in presents the scan and the phone it came from", async () => {
  phone = openPhone(hospital);
  hospital.answers["POST /nfc/scan/"] = {
    tag: { title: "정문" },
    journey: null,
    scan_token: "scan-1",
    transition: false,
  };
  await phone.journey.scan({ tag_code: "demo-entrance", via: "url" });
  const user = await phone.journey.signIn(PERSON);
  const [{ body }] = hospital.askedFor("POST /auth/simple-login");
  assert.deepEqual([user.user_id, body.scan_token, body.phone_last4], ["u-1", "scan-1", "0001"]);
  assert.equal(body.device_id, hospital.askedFor("POST /nfc/scan/")[0].body.device_id);
  assert.match(body.device_id, /^[A-Za-z0-9-]{8,64}$/);
});

test("the socket has its address from the definitions, and the token in no address", async () => {
  phone = await openFollowing(hospital);
  assert.equal(patientSocket().url, "ws://h/ws/patient-journey/?after_seq=e%3A3");
});

test("an action goes by the open socket, with the state it expects and a key", async () => {
  phone = await openFollowing(hospital);
  const done = phone.journey.performAction("confirm_arrival", { exam_id: "EX-BLOOD" });
  const frame = patientSocket().sent.at(-1);
  assert.deepEqual(
    [frame.command, frame.action_type, frame.payload, frame.expected_state],
    ["perform_action", "confirm_arrival", { exam_id: "EX-BLOOD" }, "REGISTERED"],
  );
  assert.match(frame.idempotency_key, /^[A-Za-z0-9_-]{1,64}$/);
  assert.equal(phone.journey.loading, true);
  patientSocket().receive({ type: "action_result", success: true, payload: waiting(4), request_id: frame.request_id });
  await done;
  assert.deepEqual([phone.journey.journeyState, phone.journey.loading], ["WAITING", false]);
  assert.deepEqual(hospital.askedFor(PERFORM), []);
});

test("without an open socket an action goes by HTTP", async () => {
  phone = await openFollowing(hospital);
  patientSocket().closeWith(1006);
  hospital.answers[PERFORM] = waiting(4);
  await phone.journey.performAction("confirm_arrival");
  const [{ body }] = hospital.askedFor(PERFORM);
  assert.deepEqual([body.expected_state, phone.journey.journeyState], ["REGISTERED", "WAITING"]);
});

test("an action whose socket is lost goes by HTTP under the same key", async () => {
  phone = await openFollowing(hospital);
  hospital.answers[PERFORM] = waiting(4);
  const done = phone.journey.performAction("confirm_arrival");
  const frame = patientSocket().sent.at(-1);
  patientSocket().closeWith(1006);
  await done;
  assert.equal(hospital.askedFor(PERFORM)[0].body.idempotency_key, frame.idempotency_key);
});

test("an action that a socket does not answer in ten seconds goes by HTTP", async () => {
  phone = await openFollowing(hospital);
  hospital.answers[PERFORM] = waiting(4);
  const done = phone.journey.performAction("confirm_arrival");
  await pass(10);
  await done;
  assert.equal(phone.journey.journeyState, "WAITING");
});

test("a double press is one action", async () => {
  phone = await openFollowing(hospital, snapshot("COMPLETED", 3));
  patientSocket().closeWith(1006);
  hospital.answers[PERFORM] = snapshot("PAYMENT", 4);
  await Promise.all([phone.journey.performAction("make_payment"), phone.journey.performAction("make_payment")]);
  assert.equal(hospital.askedFor(PERFORM).length, 1);
});

test("an action that the server could not take is sent three times, with one key", async () => {
  phone = await openFollowing(hospital);
  patientSocket().closeWith(1006);
  hospital.answers[PERFORM] = hospital.fail(503, "STORE_UNAVAILABLE");
  const done = assert.rejects(phone.journey.performAction("confirm_arrival"), { status: 503 });
  await settle();
  assert.equal(hospital.askedFor(PERFORM).length, 1);
  await pass(1);
  assert.equal(hospital.askedFor(PERFORM).length, 2);
  await pass(2);
  await done;
  const keys = hospital.askedFor(PERFORM).map(({ body }) => body.idempotency_key);
  assert.deepEqual([keys.length, new Set(keys).size], [3, 1]);
});

test("a refused action leaves what is shown, and is not repeated", async () => {
  phone = await openFollowing(hospital, waiting(3));
  const done = phone.journey.performAction("make_payment");
  const { request_id } = patientSocket().sent.at(-1);
  patientSocket().receive({
    type: "action_result",
    success: false,
    code: "INVALID_ACTION",
    error: "안 돼요.",
    request_id,
  });
  await assert.rejects(done, { code: "INVALID_ACTION", message: "안 돼요." });
  assert.deepEqual([phone.journey.journeyState, phone.journey.queueDetails[0].queue_number], ["WAITING", 17]);
  assert.deepEqual(hospital.askedFor(PERFORM), []);
});

test("an expired token is renewed once, for all who ask at the same time", async () => {
  phone = await openFollowing(hospital);
  let turn = 1;
  hospital.answers[CURRENT] = () => (turn === 1 ? hospital.fail(401, "TOKEN_EXPIRED") : waiting(5));
  hospital.answers[REFRESH] = () => {
    turn = 2;
    return { access_token: tokenOf("u-1", turn) };
  };
  await Promise.all([phone.journey.refresh(), phone.journey.refresh()]);
  assert.equal(hospital.askedFor(REFRESH).length, 1);
  assert.equal(hospital.askedFor(CURRENT).at(-1).token, `Bearer ${tokenOf("u-1", 2)}`);
  assert.equal(phone.journey.journeyState, "WAITING");
});

test("a login that cannot be renewed is over, and nothing of the person stays", async () => {
  phone = await openFollowing(hospital, waiting(3));
  hospital.answers[CURRENT] = hospital.fail(401, "TOKEN_EXPIRED");
  hospital.answers[REFRESH] = hospital.fail(401, "REFRESH_REUSED");
  await assert.rejects(phone.journey.refresh(), { status: 401 });
  assert.deepEqual([phone.journey.isSignedIn, phone.journey.journeyState, phone.seen.signedOut], [false, null, 1]);
  assert.equal(phone.memory.snapshot, null);
});

test("a server that is away during the renewal ends no login", async () => {
  phone = await openFollowing(hospital, waiting(3));
  hospital.answers[CURRENT] = hospital.fail(401, "TOKEN_EXPIRED");
  hospital.answers[REFRESH] = hospital.fail(503, "STORE_UNAVAILABLE");
  const done = assert.rejects(phone.journey.refresh(), { status: 503 });
  await letItTryAgain();
  await done;
  assert.equal(phone.journey.journeyState, "WAITING");
});

test("a socket that is refused gets the renewed token", async () => {
  phone = await openFollowing(hospital);
  hospital.answers[REFRESH] = { access_token: tokenOf("u-1", 2) };
  patientSocket().closeWith(4401);
  await settle();
  await pass(1);
  assert.equal(hospital.askedFor(REFRESH).length, 1);
  assert.equal(phone.journey.client.token, tokenOf("u-1", 2));
  assert.equal(sockets.length, 2);
});

test("who signs out elsewhere is signed out here", async () => {
  phone = await openFollowing(hospital);
  patientSocket().closeWith(4401);
  await settle();
  assert.deepEqual([phone.seen.signedOut, phone.journey.isSignedIn], [1, false]);
});

test("each event changes the state, and what is older than what is shown does not", async () => {
  phone = await openFollowing(hospital);
  patientSocket().receive(update(4, waiting(4)), update(5, calledState(5)));
  patientSocket().receive({ type: "action_result", success: true, payload: waiting(4), request_id: "old" });
  hospital.answers[CURRENT] = waiting(4);
  await phone.journey.refresh();
  assert.deepEqual(phone.seen.states.filter(Boolean), ["REGISTERED", "WAITING", "CALLED"]);
});

test("an answer without a part leaves that part as it was", async () => {
  phone = await openFollowing(hospital, waiting(3));
  patientSocket().receive(update(4, { journey_state: "WAITING" }));
  assert.equal(phone.journey.queueDetails[0].queue_number, 17);
});

test("a call is told once, and a repeated one anew", async () => {
  phone = await openFollowing(hospital, waiting(3));
  patientSocket().receive(update(4, calledState(4)), called(5));
  assert.deepEqual(phone.seen.calls, ["17×1"]);
  patientSocket().receive(called(6, 2));
  assert.deepEqual(phone.seen.calls, ["17×1", "17×2"]);
});

test("who did not come and is called anew hears it again", async () => {
  phone = await openFollowing(hospital, waiting(3));
  const at = (called_at) => ({ called_at });
  patientSocket().receive(
    update(4, calledState(4, at("2026-03-02T01:00:00Z"))),
    called(5, 1, at("2026-03-02T01:00:00Z")),
  );
  await phone.journey.confirmCall(phone.journey.unseenCall);
  patientSocket().receive(update(6, waiting(6)));
  patientSocket().receive(
    update(7, calledState(7, at("2026-03-02T01:09:00Z"))),
    called(8, 1, at("2026-03-02T01:09:00Z")),
  );
  assert.deepEqual(phone.seen.calls, ["17×1", "17×1"]);
});

test("a call that came while nobody was connected is told on return, once", async () => {
  phone = await openFollowing(hospital, waiting(3));
  patientSocket().closeWith(1006);
  await pass(4);
  greet(patientSocket(), calledState(5));
  patientSocket().receive(update(4, calledState(4)), called(5));
  assert.deepEqual(phone.seen.calls, ["17×1"]);
});

test("a call that was withdrawn meanwhile is not cried out", async () => {
  phone = await openFollowing(hospital, waiting(3));
  patientSocket().closeWith(1006);
  await pass(4);
  greet(patientSocket(), waiting(6));
  patientSocket().receive(update(4, calledState(4)), called(5), update(6, waiting(6)));
  assert.deepEqual(phone.seen.calls, []);
  assert.equal(phone.journey.journeyState, "WAITING");
});

test("who confirms a call tells the desk, and hears it no more", async () => {
  phone = await openFollowing(hospital, calledState(3));
  hospital.answers["GET /notifications"] = {
    notifications: [
      { id: "n-2", kind: "call_repeated", queue_id: QUEUE_ID, read_at: null },
      { id: "n-1", kind: "moved", queue_id: QUEUE_ID, read_at: null },
    ],
  };
  hospital.answers["POST /notifications/n-2/read"] = { success: true };
  await phone.journey.confirmCall(phone.journey.unseenCall);
  assert.equal(phone.journey.unseenCall, null);
  assert.equal(hospital.askedFor("POST /notifications/n-2/read").length, 1);
});

test("a confirmation that could not be told is told when the connection is back", async () => {
  phone = await openFollowing(hospital, calledState(3));
  hospital.answers["GET /notifications"] = hospital.fail(403, "FORBIDDEN");
  await phone.journey.confirmCall(phone.journey.unseenCall);
  hospital.answers["GET /notifications"] = {
    notifications: [{ id: "n-1", kind: "patient_called", queue_id: QUEUE_ID, read_at: null }],
  };
  hospital.answers["POST /notifications/n-1/read"] = { success: true };
  patientSocket().closeWith(1006);
  await pass(4);
  greet(patientSocket(), calledState(3));
  await settle();
  assert.equal(hospital.askedFor("POST /notifications/n-1/read").length, 1);
});

test("a call that is repeated before its confirmation could be told is not confirmed by it", async () => {
  phone = await openFollowing(hospital, calledState(3));
  hospital.answers["GET /notifications"] = hospital.fail(403, "FORBIDDEN");
  await phone.journey.confirmCall(phone.journey.unseenCall);
  const notice = (id, kind, created_at) => ({ id, kind, queue_id: QUEUE_ID, read_at: null, created_at });
  hospital.answers["GET /notifications"] = {
    notifications: [
      notice("n-3", "call_repeated", "2026-03-02T01:00:30Z"),
      notice("n-2", "patient_called", "2026-03-02T01:00:00Z"),
      notice("n-1", "patient_called", "2026-03-02T00:30:00Z"),
    ],
  };
  for (const id of ["n-1", "n-2"]) hospital.answers[`POST /notifications/${id}/read`] = { success: true };
  patientSocket().closeWith(1006);
  await pass(4);
  greet(patientSocket(), calledState(4, { call_count: 2 }));
  await settle();
  const read = ["n-1", "n-2", "n-3"].map((id) => hospital.askedFor(`POST /notifications/${id}/read`).length);
  assert.deepEqual(read, [1, 1, 0]);
  assert.equal(phone.journey.unseenCall?.call_count, 2);
});

test("a call that another phone has confirmed is not cried out here", async () => {
  hospital.answers["GET /notifications"] = {
    notifications: [{ id: "n-1", kind: "patient_called", queue_id: QUEUE_ID, read_at: "2026-03-02T00:59:00Z" }],
  };
  phone = await openFollowing(hospital, calledState(3));
  assert.deepEqual(phone.seen.calls, []);
});

test("who waits follows their place in line, and no longer once called", async () => {
  phone = await openFollowing(hospital);
  patientSocket().receive(update(4, waiting(4)));
  await settle();
  assert.equal(queueSocket().url, `ws://h/ws/queue/${QUEUE_ID}/`);
  const told = (traits) => ({ type: "queue.update", data: { queue_id: QUEUE_ID, state: "waiting", ...traits } });
  queueSocket().readyState = 1;
  queueSocket().receive(told({ position: 4, ahead: 3 }), { ...told({ position: 2, ahead: 1 }), seq: 12, epoch: "e" });
  assert.deepEqual([phone.seen.updates, phone.journey.queueDetails[0].ahead], [[4, 2], 1]);
  const socket = queueSocket();
  patientSocket().receive(update(5, calledState(5)));
  assert.equal(socket.readyState, 3);
});

test("a line that was left for days is followed again from its state of now", async () => {
  phone = await openFollowing(hospital, waiting(3));
  const told = (position) => ({ type: "queue.update", data: { queue_id: QUEUE_ID, state: "waiting", position } });
  queueSocket().readyState = 1;
  queueSocket().receive(told(4), { ...told(3), seq: 12, epoch: "e" });
  queueSocket().closeWith(1006);
  await pass(4);
  assert.equal(queueSocket().url, `ws://h/ws/queue/${QUEUE_ID}/`);
  queueSocket().readyState = 1;
  queueSocket().receive(told(2), { ...told(1), seq: 912, epoch: "f" });
  assert.deepEqual(phone.seen.updates, [4, 3, 2, 1]);
});

test("a late word of the line does not undo a call", async () => {
  phone = await openFollowing(hospital, waiting(3));
  queueSocket().readyState = 1;
  const late = { queue_id: QUEUE_ID, state: "called", position: 0, ahead: 0 };
  queueSocket().receive({ type: "queue.update", data: late });
  assert.deepEqual([phone.journey.journeyState, phone.journey.queueDetails[0].position], ["WAITING", 4]);
});

test("away from the network an action is refused with a sentence, and never sent", async () => {
  phone = await openFollowing(hospital, waiting(3));
  Object.defineProperty(globalThis, "navigator", { value: { onLine: false }, configurable: true });
  await assert.rejects(phone.journey.performAction("make_payment"), { code: "OFFLINE", message: /인터넷이 끊겨/ });
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
  await pass(60);
  assert.deepEqual(hospital.askedFor(PERFORM), []);
});

/** Each call is tried three times. */
async function letItTryAgain() {
  await settle();
  await pass(1);
  await pass(2);
}

const networkIsAway = () => {
  throw new TypeError("no network");
};

test("a page that is opened without a network shows what it saw, and how old that is", async () => {
  let now = Date.parse("2026-03-02T01:00:00Z");
  phone = await openFollowing(hospital, waiting(3), { now: () => now });
  const { tab } = phone;
  phone.journey.close();
  now += 7 * 60_000;
  hospital.answers[REFRESH] = networkIsAway;
  phone = openPhone(hospital, { now: () => now, tab });
  const started = phone.journey.start();
  await letItTryAgain();
  assert.equal(await started, true);
  assert.deepEqual(
    [phone.journey.journeyState, phone.journey.staleMinutes, phone.journey.isConnected],
    ["WAITING", 7, false],
  );
});

/** Opened without a network, with what it saw before. */
async function openAway(traits = {}) {
  phone = await openFollowing(hospital, waiting(3), traits);
  const { tab } = phone;
  phone.journey.close();
  hospital.answers[REFRESH] = networkIsAway;
  phone = openPhone(hospital, { tab, ...traits });
  const started = phone.journey.start();
  await letItTryAgain();
  await started;
}

test("a page without a network listens and waits once, however often it fails", async () => {
  let listening = 0;
  globalThis.addEventListener = (name, ...how) => {
    if (name === "online") listening += 1;
    events.addEventListener(name, ...how);
  };
  globalThis.removeEventListener = (name, ...how) => {
    if (name === "online") listening -= 1;
    events.removeEventListener(name, ...how);
  };
  await openAway();
  const before = listening;
  for (let turn = 0; turn < 3; turn += 1) {
    events.dispatchEvent(new Event("online"));
    await letItTryAgain();
  }
  assert.ok(listening <= before);
  phone.journey.close();
  assert.ok(listening <= 0);
});

test("a page that is left tries no more", async () => {
  await openAway();
  const before = hospital.asked.length;
  phone.journey.close();
  events.dispatchEvent(new Event("online"));
  await pass(10);
  assert.equal(hospital.asked.length, before);
});

test("yesterday's state is not shown", async () => {
  let now = Date.parse("2026-03-02T14:59:00Z"); // 23:59 in the hospital
  phone = await openFollowing(hospital, waiting(3), { now: () => now });
  const { tab } = phone;
  phone.journey.close();
  now += 2 * 60_000;
  hospital.answers[REFRESH] = networkIsAway;
  phone = openPhone(hospital, { now: () => now, tab });
  const started = assert.rejects(phone.journey.start(), { status: 0 });
  await letItTryAgain();
  await started;
  assert.equal(phone.journey.journeyState, null);
});

test("a tab without anything to show says that the server is away", async () => {
  hospital.answers[REFRESH] = networkIsAway;
  phone = openPhone(hospital, { tab: new MemoryStorage() });
  const started = assert.rejects(phone.journey.start(), { status: 0 });
  await letItTryAgain();
  await started;
});

test("signing out ends the login on the server, and leaves nothing here", async () => {
  phone = await openFollowing(hospital, waiting(3));
  hospital.answers["POST /auth/logout"] = [204, null];
  const socket = patientSocket();
  await phone.journey.signOut();
  assert.deepEqual([phone.journey.isSignedIn, phone.memory.snapshot, socket.readyState], [false, null, 3]);
});

test("a browser's subscription goes to the server as the browser gives it", async () => {
  const PUSH = "/notifications/push";
  hospital.answers[`GET ${PUSH}`] = { public_key: "k", is_subscribed: false };
  for (const method of ["PUT", "DELETE"]) hospital.answers[`${method} ${PUSH}`] = { public_key: "k" };
  phone = await openFollowing(hospital);
  const { client } = phone.journey;
  assert.equal((await client.webPush()).public_key, "k");
  const subscription = { endpoint: "https://push.example/1", keys: { p256dh: "p", auth: "a" } };
  await client.subscribeToPush({ ...subscription, expirationTime: null });
  await client.unsubscribeFromPush();
  assert.deepEqual(
    hospital.askedFor(`PUT ${PUSH}`).map(({ body }) => body),
    [subscription],
  );
  assert.equal(hospital.askedFor(`DELETE ${PUSH}`).length, 1);
});
