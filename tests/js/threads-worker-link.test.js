/** The page's end of the Worker with the keys: whoever calls is answered, also where there is no Worker to answer. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { WorkerLink } from "../../webapp/static/sdk/threads/worker_link.js";
import { settle } from "./browser.js";

let worker;

beforeEach(() => {
  globalThis.Worker = class {
    calls = [];
    constructor() {
      worker = this;
    }
    postMessage(call) {
      this.calls.push(call);
    }
    terminate() {
      this.isTerminated = true;
    }
  };
});

test("a call is answered with its result", async () => {
  const opened = new WorkerLink().open("staff:1");
  const [{ id, method, args }] = worker.calls;
  worker.onmessage({ data: { id, result: [method, ...args] } });
  assert.deepEqual(await opened, ["open", "staff:1"]);
});

test("a worker that does not start fails what was called before and after", async () => {
  const link = new WorkerLink();
  const before = assert.rejects(link.open("staff:1"), /did not start/);
  worker.onerror();
  await before;
  await assert.rejects(link.open("staff:1"), /did not start/);
  assert.equal(worker.calls.length, 1);
});

test("what is called before and after the end fails", async () => {
  const link = new WorkerLink();
  const before = assert.rejects(link.open("staff:1"), /was closed/);
  link.close();
  await before;
  await assert.rejects(link.open("staff:1"), /was closed/);
  assert.deepEqual([worker.calls.length, worker.isTerminated], [1, true]);
});

test("what is called before and after a page is left is neither answered nor failed", async () => {
  const link = new WorkerLink();
  const ends = [];
  const call = () => link.makeRecovery().then(() => ends.push("answered"), () => ends.push("failed"));
  void call();
  link.leave();
  link.close();
  void call();
  await settle();
  assert.deepEqual([ends, worker.calls.length, worker.isTerminated], [[], 1, true]);
});

test("no script of another origin becomes a worker", () => {
  globalThis.trustedTypes = { createPolicy: (_, rules) => rules };
  for (const url of ["https://other.example/a.js", "//other.example/a.js", "/\\other.example/a.js", "data:text/javascript,1"])
    assert.throws(() => new WorkerLink(url), TypeError);
  new WorkerLink("/threads/crypto_worker.js");
});
