/** The person's own copy in the browser, by several tabs at once: what one forgets, none brings back. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { IDBFactory } from "fake-indexeddb";

import { HealthDatabase } from "../../webapp/static/sdk/collection/database.js";
import { failure } from "./browser.js";

const KEY = Buffer.alloc(32, 1).toString("base64");
const RECORDS = { uuid: "u", healthData: [{ year: 2024 }], prescriptionData: [] };

/** A tab at this browser; `browserKey` is what the server answers. */
const openTab = (factory, browserKey = async () => KEY) => new HealthDatabase({ client: { browserKey }, factory });
const names = async (factory) => (await factory.databases()).map(({ name }) => name);

test("looking, and forgetting what is not there, makes no database", async () => {
  const factory = new IDBFactory();
  const tab = openTab(factory);
  assert.equal(await tab.readRecords("u"), null);
  await tab.forgetUnsealed();
  await tab.forgetOthers("u");
  await tab.forgetEverything();
  assert.deepEqual(await names(factory), []);
});

test("what does not open goes, and makes no database anew that another tab deleted meanwhile", async () => {
  const factory = new IDBFactory();
  await openTab(factory).saveRecords(RECORDS);
  const other = openTab(factory);
  const reading = openTab(factory, async () => {
    await other.forgetEverything();
    throw failure(404);
  }).readRecords("u");
  assert.equal(await reading, null);
  assert.deepEqual(await names(factory), []);
});

test("a row that does not open any more is dropped, and what another tab wrote meanwhile stays", async () => {
  const factory = new IDBFactory();
  const other = openTab(factory);
  await other.saveRecords(RECORDS);
  const renew = async () => {
    await other.saveRecords({ ...RECORDS, healthData: [{ year: 2026 }] });
    throw failure(404);
  };
  assert.equal(await openTab(factory, renew).readRecords("u"), null);
  assert.equal((await other.readRecords("u"))?.healthData.length, 2);
  assert.equal(await openTab(factory, () => Promise.reject(failure(404))).readRecords("u"), null);
  assert.equal(await other.readRecords("u"), null);
});

test("a sign-out empties a store that another tab is making at this moment", async () => {
  const factory = new IDBFactory();
  const open = factory.open.bind(factory);
  let forgetting = Promise.resolve();
  const openThenForget = (name, version) => {
    const request = open(name, version);
    factory.open = open;
    forgetting = openTab(factory).forgetEverything();
    return request;
  };
  const saving = openTab(factory, async () => {
    factory.open = openThenForget; // behind the key comes the write
    return KEY;
  }).saveRecords(RECORDS);
  await saving;
  await forgetting;
  assert.deepEqual(await names(factory), []);
});
