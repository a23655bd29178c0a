import assert from "node:assert/strict";
import { test } from "node:test";

import { checkOrder, isBehind } from "../../webapp/static/sdk/core/ordering.js";

const CURSOR = { seq: 4, epoch: "e" };

for (const [seq, epoch, order] of [
  [5, "e", "next"],
  [4, "e", "duplicate"],
  [1, "e", "duplicate"],
  [6, "e", "gap"],
  [5, "f", "resync"],
  [2, "f", "resync"],
]) {
  test(`after 4 of e, ${seq} of ${epoch}: ${order}`, () => assert.equal(checkOrder(CURSOR, { seq, epoch }), order));
}

test("a cursor without a history takes the first it hears", () => {
  assert.equal(checkOrder({ seq: 0, epoch: null }, { seq: 1, epoch: "any" }), "next");
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
