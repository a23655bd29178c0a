import assert from "node:assert/strict";
import { test } from "node:test";

import { SignOut } from "../../webapp/static/sdk/collection/sign_out.js";
import { KEYS, WelnoStorage } from "../../webapp/static/sdk/collection/storage.js";
import { WelnoError } from "../../webapp/static/sdk/core/errors.js";
import { MemoryStorage, StoreError } from "../../webapp/static/sdk/core/storage.js";
import { settle } from "./browser.js";

/** A tab: stores of its own for the tab, one for all tabs, and what it was asked to do. */
function openTab(t, lasting, { refusal, storeFails = false } = {}) {
  const done = [];
  const tab = new MemoryStorage();
  const storage = new WelnoStorage({ lasting, tab });
  const client = {
    useToken: (token) => done.push(`token ${token}`),
    signOut: async () => {
      done.push("asked the server");
      if (refusal !== undefined) throw new WelnoError({ code: "X", status: refusal });
    },
  };
  const database = {
    forgetEverything: async () => {
      done.push("emptied the store");
      if (storeFails) throw new StoreError("STORE_SILENT");
    },
  };
  const onElsewhere = () => done.push(`left with ${tab.length + lasting.length} keys`);
  const stop = () => done.push(`stopped with ${tab.length > 0 ? "all" : "nothing"} kept`);
  const leaving = new SignOut({ client, storage, database, stop, onElsewhere });
  t.after(() => leaving.close());
  return { leaving, storage, tab, done };
}

function remember({ storage, tab }) {
  for (const key of [...Object.values(KEYS), "welno_gender"]) storage.write(key, "x");
  storage.markDone("s", "dialog");
  tab.setItem("welno_person:s", "of an earlier release");
}

test("nothing of the person stays in any tab", async (t) => {
  const lasting = new MemoryStorage();
  const [one, other] = [openTab(t, lasting), openTab(t, lasting)];
  for (const tab of [one, other]) remember(tab);
  await one.leaving.run();
  await settle();
  assert.deepEqual([lasting.length, one.tab.length, other.tab.length], [0, 0, 0]);
  assert.deepEqual(one.done, ["asked the server", "stopped with all kept", "token null", "emptied the store"]);
  assert.deepEqual(other.done, ["stopped with all kept", "token null", "emptied the store", "left with 0 keys"]);
});

test("what others keep in the same stores stays", async (t) => {
  const lasting = new MemoryStorage();
  const { leaving, tab } = openTab(t, lasting);
  lasting.setItem("theme", "dark");
  tab.setItem("welno_threads_outbox", "[]");
  await leaving.forget();
  assert.deepEqual([lasting.getItem("theme"), tab.getItem("welno_threads_outbox")], ["dark", "[]"]);
});

for (const status of [0, 503])
  test(`an answer of ${status} empties this browser and is told`, async (t) => {
    const lasting = new MemoryStorage();
    const tab = openTab(t, lasting, { refusal: status });
    remember(tab);
    await assert.rejects(tab.leaving.run(), { status });
    assert.deepEqual([lasting.length, tab.tab.length], [0, 0]);
  });

test("who was signed out already is signed out", async (t) => {
  for (const status of [401, 404]) await openTab(t, new MemoryStorage(), { refusal: status }).leaving.run();
});

test("a store that does not answer keeps nobody signed in", async (t) => {
  const tab = openTab(t, new MemoryStorage(), { storeFails: true });
  await tab.leaving.run();
  assert.ok(tab.done.includes("asked the server"));
});
