/** Whatever tells of a failed call names the number by which staff find it. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { withReference } from "../../webapp/static/page/kit/error.js";
import { WelnoError } from "../../webapp/static/sdk/core/errors.js";

const PAGES = new URL("../../webapp/static/page/", import.meta.url);
const SHOWN = /\b(?:showToast|showError|setText|setFault|backToForm)\(/;
const EXPLAINED = /\bexplain(?:To|Error|ToStaff)?\(/;
const NUMBERED = /requestId|withReference|faultText|reference/;

/** The lines of the pages that show what a failed call means. */
function calls() {
  const names = readdirSync(PAGES, { recursive: true }).filter((name) => name.endsWith(".js") && !name.startsWith("kit/"));
  const lines = names.flatMap((name) => readFileSync(new URL(name, PAGES), "utf8").split("\n").map((line) => `${name}: ${line.trim()}`));
  return lines.filter((line) => SHOWN.test(line) && EXPLAINED.test(line));
}

test("no page tells of a failed call without its number", () => {
  assert.ok(calls().length > 5);
  assert.deepEqual(calls().filter((line) => !NUMBERED.test(line)), []);
});

test("a place that holds a text alone has the number in it", () => {
  const failed = (status) => new WelnoError({ code: "X", status, requestId: "0123456789abcdef" });
  assert.equal(withReference("안 됐어요.", failed(409)), "안 됐어요. (문의 번호 0123456789abcdef)");
  assert.equal(withReference("비밀번호가 맞지 않아요.", failed(401)), "비밀번호가 맞지 않아요.");
});
