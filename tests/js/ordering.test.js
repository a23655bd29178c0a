import assert from "node:assert/strict";
import { test } from "node:test";

import { isBehind, judge } from "../../webapp/static/sdk/core/ordering.js";

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
