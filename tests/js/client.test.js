import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { WelnoClient } from "../../webapp/static/sdk/collection/client.js";
import { connect } from "../../webapp/static/sdk/core/stream.js";
import { KEYS } from "../../webapp/static/sdk/collection/storage.js";
import { memoryStorage } from "./stores.js";

/** A real HTTP server; each test says what it answers. */
let answer;
let asked = [];
let authorization;
const server = createServer((request, reply) => {
  asked.push(`${request.method} ${request.url}`);
  authorization = request.headers.authorization;
  const { status = 200, body = {}, headers = {} } = answer(request);
  reply.writeHead(status, { "Content-Type": "application/json", ...headers });
  reply.end(typeof body === "string" ? body : JSON.stringify(body));
});
before(
  () =>
    new Promise((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    }),
);
after(() => {
  server.closeAllConnections();
  server.close();
});

function client(respond, storage = memoryStorage()) {
  answer = respond;
  asked = [];
  return new WelnoClient({
    baseUrl: `http://127.0.0.1:${server.address().port}/api/v1`,
    storage,
    timeoutMilliseconds: 2000,
  });
}

const refusal = (status, code, details) => () => ({
  status,
  body: { success: false, error: { code, message: "아니요", details }, request_id: "r-1" },
});

test("an error carries its code, details and request id", async () => {
  const error = await client(refusal(400, "VALIDATION_FAILED", { phone_no: ["x"] }))
    .startSession({})
    .catch((caught) => caught);
  assert.deepEqual(
    [error.code, error.status, error.requestId, error.retryable],
    ["VALIDATION_FAILED", 400, "r-1", false],
  );
  assert.deepEqual(error.details, { phone_no: ["x"] });
});

test("whether there are treatments is asked for by one of them", async () => {
  assert.equal(await client(() => ({ body: { items: [{}], next: "x" } })).hasPrescriptions("u"), true);
  assert.equal(await client(() => ({ body: { items: [] } })).hasPrescriptions("u"), false);
  assert.deepEqual(asked, ["GET /api/v1/patients/u/prescriptions?limit=1"]);
});

test("consents are read, listed and withdrawn", async () => {
  const asking = client(() => ({ body: { success: true, items: [{ kind: "service" }], next: 7 } }));
  assert.deepEqual(await asking.consentTexts(), [{ kind: "service" }]);
  assert.equal((await asking.consents("u")).next, 7);
  await asking.consents("u", 7);
  await asking.withdrawConsent("u", "sensitive");
  assert.deepEqual(asked, [
    "GET /api/v1/consents/texts",
    "GET /api/v1/patients/u/consents",
    "GET /api/v1/patients/u/consents?after=7",
    "POST /api/v1/patients/u/consents/sensitive/withdraw",
  ]);
});

test("an unknown session clears its keys", async () => {
  const storage = memoryStorage();
  storage.write(KEYS.sessionId, "s");
  await assert.rejects(client(refusal(404, "SESSION_NOT_FOUND"), storage).status("s"));
  assert.equal(storage.read(KEYS.sessionId), null);
});

test("an older session that is unknown leaves the one that runs in another tab", async () => {
  const storage = memoryStorage();
  storage.write(KEYS.sessionId, "new");
  const asking = client(refusal(404, "SESSION_NOT_FOUND"), storage);
  for (const call of ["status", "simpleAuth", "collectData", "cancel"]) await assert.rejects(asking[call]("old"));
  await assert.rejects(asking.messages("old", { seq: 0, epoch: null }));
  assert.equal(storage.read(KEYS.sessionId), "new");
  await assert.rejects(asking.simpleAuth("new"));
  assert.equal(storage.read(KEYS.sessionId), null);
});

test("an unknown patient clears nothing", async () => {
  const storage = memoryStorage();
  storage.write(KEYS.sessionId, "s");
  await assert.rejects(client(refusal(404, "PATIENT_NOT_FOUND"), storage).checkups("u"));
  assert.equal(storage.read(KEYS.sessionId), "s");
});

for (const [name, end] of [
  ["next", {}],
  ["next_after", { next_after: null }],
]) {
  test(`all pages of the records are fetched in order by ${name}`, async () => {
    const pages = { null: { items: [1, 2], [name]: "b c" }, "b c": { items: [3], ...end } };
    const items = await client((request) => ({
      body: pages[new URL(request.url, "http://x").searchParams.get("after")],
    })).checkups("u");
    assert.deepEqual(items, [1, 2, 3]);
  });
}

test("the browser's key is asked for by patient", async () => {
  const asking = client(() => ({ body: { success: true, patient_uuid: "u", key: "AAAA" } }));
  assert.equal(await asking.browserKey("u"), "AAAA");
  assert.deepEqual(asked, ["GET /api/v1/patients/u/browser-key"]);
});

test("a report that does not exist is null", async () => {
  assert.equal(await client(() => ({ body: { success: true, report: null } })).report("u"), null);
});

test("an ended session answers 204 and that is fine", async () => {
  assert.deepEqual(await client(() => ({ status: 204, body: "" })).cancel("s"), {});
  assert.deepEqual(asked, ["DELETE /api/v1/tilko/session/s"]);
});

test("server-sent events that are over end the stream, which asks no more", async () => {
  const asking = client(() => ({ status: 204, body: "" }));
  const eventsUrl = (cursor) => asking.eventsUrl("s", cursor);
  const ended = await new Promise((resolve) => {
    const onState = (state, reason) => state !== "connecting" && resolve([state, reason]);
    connect({ id: "s", eventsUrl, client: asking }, { share: false, onEvent() {}, onState });
  });
  assert.deepEqual([ended, asked.length], [["closed", "over"], 1]);
});

test("a server that asks to wait says how long", async () => {
  const error = await client(() => ({ status: 429, body: "{}", headers: { "Retry-After": "30" } }))
    .simpleAuth("s")
    .catch((caught) => caught);
  assert.deepEqual([error.retryAfterSeconds, error.retryable], [30, true]);
});

test("a proxy's page in place of JSON is an error, not an answer", async () => {
  const error = await client(() => ({ body: "<html>" }))
    .status("s")
    .catch((caught) => caught);
  assert.equal(error.retryable, true);
});

test("no answer at all is told as such", async () => {
  const lonely = new WelnoClient({ baseUrl: "http://127.0.0.1:9/api/v1", storage: memoryStorage() });
  const error = await lonely.status("s").catch((caught) => caught);
  assert.deepEqual([error.code, error.status, error.retryable], ["NETWORK_UNREACHABLE", 0, true]);
});

test("a front end of another site shows its token", async () => {
  const foreign = client(() => ({ body: {} }));
  foreign.useToken("t-1");
  await foreign.status("s");
  assert.equal(authorization, "Bearer t-1");
  assert.deepEqual(foreign.socketProtocols, ["welno.v1", "welno.token.t-1"]);
});

test("messages are asked for after a number of a history", async () => {
  await client(() => ({ body: { messages: [] } })).messages("s", { seq: 7, epoch: "e" });
  assert.deepEqual(asked, ["GET /api/v1/tilko/session/s/messages?after_seq=7&epoch=e"]);
});

test("the server's clock is believed, not the device's", async () => {
  const asking = client(() => ({ body: { items: [] }, headers: { Date: "Sun, 01 Jan 2034 00:00:00 GMT" } }));
  await asking.checkups("u");
  assert.ok(Math.abs(asking.now() - Date.parse("2034-01-01T00:00:00Z")) < 5_000);
});
