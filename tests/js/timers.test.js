/** Named timers: replaced, left alone where they are due sooner, and ended with their owner. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Timers } from "../../webapp/static/sdk/core/timers.js";

let ran, timers;
const note = (what) => () => ran.push(what);

beforeEach((t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  [ran, timers] = [[], new Timers()];
});

test("the same name is replaced, another runs beside it", (t) => {
  timers.set("a", 100, note("first"));
  timers.set("a", 200, note("second"));
  timers.set("b", 100, note("other"));
  t.mock.timers.tick(200);
  assert.deepEqual(ran, ["other", "second"]);
});

test("one that is due sooner is left alone, one that is due later is replaced", (t) => {
  timers.setIfSooner("a", 1_000, note("soon"));
  timers.setIfSooner("a", 30_000, note("late"));
  timers.setIfSooner("b", 30_000, note("late"));
  timers.setIfSooner("b", 1_000, note("soon"));
  t.mock.timers.tick(60_000);
  assert.deepEqual(ran, ["soon", "soon"]);
});

test("one that has run, or was cleared, stands in nobody's way", (t) => {
  timers.setIfSooner("a", 10, note("first"));
  t.mock.timers.tick(10);
  timers.setIfSooner("a", 30_000, note("second"));
  timers.setIfSooner("b", 10, note("cleared"));
  timers.clear("b");
  timers.setIfSooner("b", 30_000, note("third"));
  t.mock.timers.tick(30_000);
  assert.deepEqual(ran, ["first", "second", "third"]);
});

test("one may set its own name again", (t) => {
  const again = () => ran.push("run") < 3 && timers.setIfSooner("a", 10, again);
  timers.setIfSooner("a", 10, again);
  for (let turn = 0; turn < 5; turn += 1) t.mock.timers.tick(10);
  assert.equal(ran.length, 3);
});

test("after the end none runs, nor can be set", (t) => {
  timers.set("a", 10, note("a"));
  timers.close();
  timers.set("b", 10, note("b"));
  timers.setIfSooner("c", 10, note("c"));
  t.mock.timers.tick(10);
  assert.deepEqual(ran, []);
});
