/** A token's refresh under one key until it is known how it ended, over pages that are loaded anew. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { WelnoError } from "../../webapp/static/sdk/core/errors.js";
import { MemoryStorage } from "../../webapp/static/sdk/core/storage.js";
import { TokenRefresh } from "../../webapp/static/sdk/core/token_refresh.js";

const NAME = "welno.test.refresh";

/** Pages of one browser: each has a refresh of its own over the same store. */
function pages() {
  const store = new MemoryStorage();
  const keys = [];
  const load = () => new TokenRefresh(NAME, store);
  const exchange = (outcome) => async (key) => {
    keys.push(key);
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  return { store, keys, load, exchange };
}

const refusal = (status, code = "X") => new WelnoError({ code, status });

test("a page loaded anew while the answer is on its way asks under the same key", async () => {
  const { store, keys, load, exchange } = pages();
  let isAsked = () => {};
  const asked = new Promise((resolve) => (isAsked = resolve));
  void load().run((key) => {
    keys.push(key);
    isAsked();
    return new Promise(() => {}); // the page goes before its answer comes
  });
  await asked;
  assert.equal(await load().run(exchange("pair")), "pair");
  assert.equal(new Set(keys).size, 1);
  assert.equal(store.length, 0);
});

for (const inconclusive of [refusal(0, "NETWORK_UNREACHABLE"), refusal(503), refusal(429), refusal(408)]) {
  test(`after ${inconclusive.status} it is asked under the same key`, async () => {
    const { keys, load, exchange } = pages();
    await assert.rejects(load().run(exchange(inconclusive)), { status: inconclusive.status });
    await load().run(exchange("pair"));
    assert.equal(new Set(keys).size, 1);
  });
}

for (const ended of ["pair", refusal(401, "REFRESH_REUSED"), refusal(400)]) {
  test(`after ${ended.status ?? "an answer"} the next renewal has a key of its own`, async () => {
    const { store, keys, load, exchange } = pages();
    await load().run(exchange(ended)).catch(() => null);
    assert.equal(store.length, 0);
    await load().run(exchange("pair"));
    assert.equal(new Set(keys).size, 2);
  });
}

test("where the answer of before had set its cookie, a new key goes with the new token", async () => {
  const { keys, load, exchange } = pages();
  await assert.rejects(load().run(exchange(refusal(0))));
  const mismatch = refusal(409, "IDEMPOTENCY_MISMATCH");
  const answers = [exchange(mismatch), exchange("pair")];
  assert.equal(await load().run((key) => answers.shift()(key)), "pair");
  assert.equal(keys[0], keys[1]);
  assert.notEqual(keys[1], keys[2]);
});

test("a mismatch under a key of this very renewal is told", async () => {
  const { keys, load, exchange } = pages();
  await assert.rejects(load().run(exchange(refusal(409, "IDEMPOTENCY_MISMATCH"))), { code: "IDEMPOTENCY_MISMATCH" });
  assert.equal(keys.length, 1);
});

test("a login that is over leaves no key", async () => {
  const { store, load, exchange } = pages();
  await assert.rejects(load().run(exchange(refusal(503))));
  load().forget();
  assert.equal(store.length, 0);
});
