import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ending,
  eventName,
  isBehind,
  judge,
  judgeClose,
  judgeStatus,
  reconnectSeconds,
} from "../../webapp/static/sdk/ordering.js";
import { event, streaming } from "./stores.js";

const CURSOR = { seq: 4, epoch: "e" };

for (const [seq, epoch, verdict] of [
  [5, "e", "deliver"],
  [4, "e", "drop"],
  [1, "e", "drop"],
  [6, "e", "gap"],
  [5, "f", "resync"],
  [2, "f", "resync"],
]) {
  test(`after 4 of e, ${seq} of ${epoch}: ${verdict}`, () => assert.equal(judge(CURSOR, { seq, epoch }), verdict));
}

test("a cursor without a history takes the first it hears", () => {
  assert.equal(judge({ seq: 0, epoch: null }, { seq: 1, epoch: "any" }), "deliver");
});

test("delays begin at five seconds and grow to a minute", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 9].map((attempt) => reconnectSeconds(attempt, () => 0)),
    [5, 10, 20, 40, 60, 60],
  );
});

test("delays are spread by up to a quarter", () => {
  assert.equal(
    reconnectSeconds(0, () => 1),
    6.25,
  );
});

for (const [code, end] of [
  [4401, "unauthenticated"],
  [4403, "forbidden"],
  [4404, "gone"],
  [4408, "expired"],
]) {
  test(`close code ${code} is the end: ${end}`, () =>
    assert.deepEqual(judgeClose(code), { end, pause: null, delay: null }));
}

for (const [code, pause] of [
  [1006, null],
  [1012, null],
  [3008, null],
  [1013, 10],
  [4429, 30],
]) {
  test(`close code ${code} comes back, pause ${pause}`, () =>
    assert.deepEqual(judgeClose(code), { end: null, pause, delay: null }));
}

test("a server that stops names the delay itself", () => {
  assert.deepEqual(judgeClose(1001, '{"retry_after_ms":1500}'), { end: null, pause: null, delay: 1.5 });
});

test("a streaming event is named by its status", () => {
  assert.equal(eventName(streaming("completed")), "completed");
  assert.equal(eventName(event("auth_waiting", { status: "auth_pending" })), "auth_waiting");
});

test("nothing comes after completed, expired or cancelled", () => {
  assert.equal(ending(streaming("completed")), "completed");
  assert.equal(ending(event("error", { status: "expired" })), "expired");
  assert.equal(ending(event("error", { status: "cancelled" })), "cancelled");
});

test("an error alone does not end the stream", () => assert.equal(ending(event("error", { status: "error" })), null));

for (const [cursor, other, behind] of [
  [{ seq: 4, epoch: "e" }, { seq: 4, epoch: "e" }, false],
  [{ seq: 4, epoch: "e" }, { seq: 5, epoch: "e" }, true],
  [{ seq: 5, epoch: "e" }, { seq: 4, epoch: "e" }, false],
  [{ seq: 5, epoch: "e" }, { seq: 5, epoch: "f" }, true],
  [{ seq: 5, epoch: "e" }, { seq: 0, epoch: "" }, true],
  [{ seq: 5, epoch: "e" }, { seq: 0, epoch: null }, false],
  [{ seq: 0, epoch: null }, { seq: 0, epoch: "e" }, false],
]) {
  test(`${JSON.stringify(cursor)} behind ${JSON.stringify(other)}: ${behind}`, () =>
    assert.equal(isBehind(cursor, other), behind));
}

for (const [status, end] of [
  [401, "unauthenticated"],
  [403, "forbidden"],
  [404, "gone"],
  [410, "expired"],
  [408, null],
  [429, null],
  [503, null],
  [0, null],
]) {
  test(`an answer ${status} ends the stream: ${end}`, () => assert.equal(judgeStatus(status), end));
}
