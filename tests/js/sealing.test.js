import assert from "node:assert/strict";
import { test } from "node:test";

import { BrowserKeys } from "../../webapp/static/sdk/collection/keys.js";
import { WelnoError } from "../../webapp/static/sdk/core/errors.js";
import { importKey, seal, unseal } from "../../webapp/static/sdk/core/sealing.js";
import { StoreError } from "../../webapp/static/sdk/core/storage.js";

const base64 = (fill) => Buffer.alloc(32, fill).toString("base64");
const RECORD = { patientName: "김하늘", healthData: [{ year: 2024 }] };

test("what was sealed opens under the same key and context", async () => {
  const key = await importKey(base64(1));
  const kept = await seal(key, "u", RECORD);
  assert.deepEqual(await unseal(key, "u", kept), RECORD);
  assert.doesNotMatch(Buffer.from(kept.sealed).toString(), /하늘|2024/);
});

test("the same is sealed into other bytes each time", async () => {
  const key = await importKey(base64(1));
  const [one, other] = await Promise.all([seal(key, "u", RECORD), seal(key, "u", RECORD)]);
  assert.notDeepEqual(one.iv, other.iv);
  assert.notDeepEqual(new Uint8Array(one.sealed), new Uint8Array(other.sealed));
});

test("another key, another person's place and changed bytes open nothing", async () => {
  const key = await importKey(base64(1));
  const kept = await seal(key, "u", RECORD);
  const changed = kept.sealed.slice(0);
  new Uint8Array(changed)[0] ^= 1;
  assert.equal(await unseal(await importKey(base64(2)), "u", kept), undefined);
  assert.equal(await unseal(key, "v", kept), undefined);
  assert.equal(await unseal(key, "u", { ...kept, sealed: changed }), undefined);
  assert.equal(await unseal(key, "u", { iv: undefined, sealed: "text" }), undefined);
});

test("no script gets the key's bytes out again", async () => {
  const key = await importKey(base64(1));
  await assert.rejects(crypto.subtle.exportKey("raw", key), /not extractable|InvalidAccess/i);
});

test("a page without WebCrypto keeps nothing, and says so", (t) => {
  const own = Object.getOwnPropertyDescriptor(globalThis, "crypto");
  t.after(() => Object.defineProperty(globalThis, "crypto", own));
  Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
  assert.throws(() => importKey(base64(1)), StoreError);
});

test("a key is asked for once, until it is forgotten", async () => {
  const asked = [];
  const keys = new BrowserKeys({ browserKey: async (uuid) => (asked.push(uuid), base64(1)) });
  assert.equal(await keys.keyOf("u"), await keys.keyOf("u"));
  await keys.keyOf("v");
  keys.forget("u");
  await Promise.all([keys.keyOf("u"), keys.keyOf("u"), keys.keyOf("v")]);
  keys.forget();
  await keys.keyOf("v");
  assert.deepEqual(asked, ["u", "v", "u", "v"]);
});

test("a key that was refused is asked for again", async () => {
  let asked = 0;
  const refusal = new WelnoError({ code: "NETWORK_UNREACHABLE", status: 0 });
  const keys = new BrowserKeys({ browserKey: async () => (asked++ ? base64(1) : Promise.reject(refusal)) });
  await assert.rejects(keys.keyOf("u"), refusal);
  assert.ok(await keys.keyOf("u"));
});
