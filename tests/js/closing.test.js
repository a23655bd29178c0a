import assert from "node:assert/strict";
import { test } from "node:test";

import { judgeClose, judgeStatus, reconnectSeconds } from "../../webapp/static/sdk/core/closing.js";

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
  [4410, "over"],
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

for (const [status, end] of [
  [401, "unauthenticated"],
  [403, "forbidden"],
  [404, "gone"],
  [410, "expired"],
  [204, "over"],
  [408, null],
  [429, null],
  [503, null],
  [0, null],
]) {
  test(`an answer ${status} ends the stream: ${end}`, () => assert.equal(judgeStatus(status), end));
}
