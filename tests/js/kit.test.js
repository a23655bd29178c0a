import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { explain as explainToPerson, troubleOf } from "../../webapp/static/page/collection/errors.js";
import { explain } from "../../webapp/static/page/kit/error.js";
import { caretIn, digitsOf } from "../../webapp/static/page/kit/field.js";
import { formatPhone, phoneDigitsOf } from "../../webapp/static/page/kit/phone.js";
import { stayMilliseconds } from "../../webapp/static/page/kit/toast.js";
import { WelnoError } from "../../webapp/static/sdk/core/errors.js";

const failed = (status, facts = {}) => new WelnoError({ code: `HTTP_${status}`, status, ...facts });

for (const [error, text] of [
  [failed(0), /인터넷 연결/],
  [failed(503, { message: "저장소가 꺼졌어요." }), /잠시 서비스에 문제가 있어요/],
  [failed(400, { message: "이름을 확인해 주세요." }), /^이름을 확인해 주세요\.$/],
  [failed(400, { message: "Bad Request" }), /요청을 처리하지 못했어요/],
  [failed(429, { retryAfterSeconds: 30 }), /요청이 너무 많아요\. 30초 뒤에/],
  [failed(429, { retryAfterSeconds: 1800 }), /30분 뒤에/],
  [failed(429), /잠시 뒤에/],
]) {
  test(`${error.code} "${error.message}" is explained as ${text}`, () => assert.match(explain(error), text));
}

test("a domain has its own sentences, by status and by code", () => {
  assert.match(explainToPerson(failed(403)), /권한이 없어요/);
  assert.match(explainToPerson(failed(429, { code: "PASSWORD_LOCKED" })), /여러 번 틀려서 잠겼어요/);
});

test("a fault of the page's own is no sentence for the person", () => {
  assert.throws(() => explain(new TypeError("oops")), TypeError);
});

test("an error carries the number of its request", () => {
  assert.equal(troubleOf(failed(503, { requestId: "r-1" })).reference, "r-1");
});

test("another try is offered only where it can help at once", () => {
  const offered = [0, 400, 401, 429, 503].filter((status) => troubleOf(failed(status), () => {}).next);
  assert.deepEqual(offered, [0, 503]);
});

test("a note stays seven seconds, and a long one as long as it takes to read", () => {
  assert.equal(stayMilliseconds("비밀번호를 정했어요."), 7_000);
  assert.equal(stayMilliseconds("가".repeat(100)), 12_000);
});

test("digits are what is left of a typed number", () => assert.equal(digitsOf("010-0000 0001"), "01000000001"));

for (const text of ["01012345678", "010-1234-5678", "+82 10-1234-5678", "+82 (0)10-1234-5678", "0082 10 1234 5678", "８２１０１２３４５６７８"]) {
  test(`${text} is dialled as 01012345678 and written with dashes`, () => {
    assert.equal(phoneDigitsOf(text), "01012345678");
    assert.equal(formatPhone(text), "010-1234-5678");
  });
}

test("a number gets its dashes while it is typed", () => {
  const typed = (digits) => [...digits].reduce((text, digit) => formatPhone(text + digit), "");
  assert.equal(typed("010"), "010");
  assert.equal(typed("0101"), "010-1");
  assert.equal(typed("0101234567"), "010-1234-567");
  assert.equal(typed("+82 10-1234-5678"), "010-1234-5678");
  assert.equal(typed("0111234567"), "011-123-4567");
  assert.equal(typed("01112345678"), "011-1234-5678");
});

for (const text of ["", "+", "+82 1", "82", "0", "02-123-4567", "김하늘"])
  test(`"${text}" is no mobile number yet, and stays`, () => assert.equal(formatPhone(text), text));

for (const [formatted, following, isBackward, at] of [
  ["010-1234-5678", "", false, 13],
  ["010-1234-5678", "45678", false, 7],
  ["010-1234-5678", "12345678", false, 4], // after 010 was typed before the rest
  ["010-1234-5678", "12345678", true, 3], // the dash was deleted, and came back
  ["010-1234-5678", "01012345678", true, 0],
  ["010-1", "-1", false, 4],
]) {
  test(`the caret before "${following}" of ${formatted} stands at ${at}`, () =>
    assert.equal(caretIn(formatted, following, isBackward), at));
}

test("every page in the frame takes its notice away when it listens", () => {
  const templates = new URL("../../webapp/templates/", import.meta.url);
  const texts = readdirSync(templates, { recursive: true })
    .filter((name) => name.endsWith(".html"))
    .map((name) => readFileSync(new URL(name, templates), "utf8"))
    .filter((text) => text.includes("{% extends"));
  const entries = texts.flatMap((text) => [...text.matchAll(/page_module\('(.*?)'/g)].map(([, path]) => path));
  const silent = entries.filter(
    (path) => !/^tellStarted\(\);$/m.test(readFileSync(new URL(`../../webapp/static/${path}`, import.meta.url), "utf8")),
  );
  assert.ok(entries.length > 10);
  assert.deepEqual(silent, []);
});
