/** One tab after the other, and what becomes of a tab that never ends. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { underLock } from "../../webapp/static/sdk/core/locks.js";
import { settle } from "./browser.js";
import { Locks } from "./locks.js";

const PATIENT = { patienceMilliseconds: 60_000 };

beforeEach(() => Object.defineProperty(globalThis, "navigator", { value: { locks: new Locks() }, configurable: true }));

/** Work that ends when a test says so. */
function makeWork() {
  const work = { began: 0 };
  work.act = () => {
    work.began += 1;
    return new Promise((resolve, reject) => Object.assign(work, { resolve, reject }));
  };
  return work;
}

test("a second tab waits for the first, and each gets its own outcome", async () => {
  const [first, second] = [makeWork(), makeWork()];
  const outcomes = [underLock("x", first.act, PATIENT), underLock("x", second.act, PATIENT)];
  await settle();
  assert.deepEqual([first.began, second.began], [1, 0]);
  first.resolve(1);
  await settle();
  second.reject(new TypeError("ours"));
  assert.equal(await outcomes[0], 1);
  await assert.rejects(outcomes[1], TypeError);
});

test("a lock that a frozen tab holds is taken from it, and what it had begun still counts for it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const [frozen, waiting] = [makeWork(), makeWork()];
  const outcomes = [underLock("x", frozen.act, PATIENT), underLock("x", waiting.act, PATIENT)];
  await settle();
  t.mock.timers.tick(59_999);
  await settle();
  assert.equal(waiting.began, 0);
  t.mock.timers.tick(1);
  await settle();
  assert.equal(waiting.began, 1);
  waiting.resolve("sent");
  assert.equal(await outcomes[1], "sent");
  frozen.resolve("sent too");
  assert.equal(await outcomes[0], "sent too");
  assert.equal(frozen.began, 1);
});

test("without patience nothing is taken from anybody", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const [first, second] = [makeWork(), makeWork()];
  void underLock("x", first.act);
  void underLock("x", second.act);
  await settle();
  t.mock.timers.tick(3_600_000);
  await settle();
  assert.deepEqual([first.began, second.began], [1, 0]);
});

test("where locks are forbidden the work is done without one, once", async () => {
  navigator.locks.request = async () => {
    throw new DOMException("forbidden", "SecurityError");
  };
  for (const how of [{}, PATIENT]) {
    const work = makeWork();
    const outcome = underLock("x", work.act, how);
    await settle();
    work.resolve(1);
    assert.deepEqual([await outcome, work.began], [1, 1]);
  }
});
