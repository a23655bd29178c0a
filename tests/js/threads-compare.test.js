/** What is read of another device's fingerprint, by a camera or typed, before the person is asked. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { askForFingerprint, readFingerprint } from "../../webapp/static/page/threads/compare.js";
import { DevicesView } from "../../webapp/static/page/threads/devices_view.js";
import { settle } from "./browser.js";
import { answerDialog, openDocument } from "./document.js";
import { NURSE, until } from "./threads-setup.js";

const SHOWN = "ABCD EFGH IJKL MNOP QRST UVWX";
let find = (id) => document.getElementById(id);

beforeEach((t) => {
  find = openDocument();
  delete globalThis.BarcodeDetector;
  t.mock.timers.enable({ apis: ["setTimeout"] }); // notes go by themselves
  seeBy({});
});

/** @param {object} mediaDevices */
function seeBy(mediaDevices) {
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices }, configurable: true });
}

/** A camera before which somebody holds this, from now on. */
function hold(text) {
  const track = { stopped: false, stop: () => (track.stopped = true) };
  seeBy({ getUserMedia: async () => ({ getTracks: () => [track] }) });
  Object.assign(find("compare-camera"), { readyState: 4, play: async () => {} });
  globalThis.BarcodeDetector = class {
    static getSupportedFormats = async () => ["qr_code"];
    detect = async () => [{ rawValue: text }];
  };
  return track;
}

function type(text) {
  find("typed-fingerprint").value = text;
  find("compare-form").dispatchEvent(new Event("submit"));
}

for (const [text, read] of [
  [SHOWN, SHOWN],
  ["abcd-efgh-ijkl-mnop-qrst-uvwx", SHOWN],
  [" abcdefghijklmnopqrstuvwx ", SHOWN],
  ["ABCD EFGH IJKL MNOP QRST", null],
  ["ABCD EFGH IJKL MNOP QRST UVW1", null],
  ["https://hospital.example/t/some-other-code", null],
  ["", null],
])
  test(`"${text}" is ${read ? "a" : "no"} fingerprint`, () => assert.equal(readFingerprint(text), read));

test("what the camera sees is taken, and it is put out", async () => {
  const track = hold(SHOWN);
  assert.equal(await askForFingerprint(), SHOWN);
  assert.deepEqual([track.stopped, find("compare-camera").srcObject, find("compare").open], [true, null, false]);
});

test("whoever closes it has read nothing, and the camera is put out", async (t) => {
  const track = hold("something else");
  const asked = askForFingerprint();
  await settle();
  find("compare-close").click();
  assert.equal(await asked, null);
  t.mock.timers.tick(1_000);
  await until(() => track.stopped);
  assert.equal(find("compare-failed").textContent, "");
});

for (const [what, mediaDevices, words] of [
  ["without a camera", undefined, /쓸 수 있는 카메라가 없어요/],
  ["with a camera that is refused", { getUserMedia: async () => Promise.reject(new DOMException("no", "NotAllowedError")) }, /카메라가 막혀 있어요/],
  ["with a camera that breaks", { getUserMedia: async () => Promise.reject(new DOMException("no", "AbortError")) }, /카메라로 읽지 못했어요/],
])
  test(`${what} the fingerprint is typed`, async () => {
    globalThis.BarcodeDetector = class {
      static getSupportedFormats = async () => ["qr_code"];
    };
    seeBy(mediaDevices);
    const asked = askForFingerprint();
    await settle();
    assert.match(find("compare-failed").textContent, words);
    assert.equal(find("compare-seen").hidden, true);
    type("ABCD");
    assert.match(find("typed-fingerprint-error").textContent, /네 글자씩 여섯 묶음/);
    type(SHOWN.toLowerCase());
    assert.equal(await asked, SHOWN);
  });

/** The row of a device that waits, with what was approved. */
async function showWaiting() {
  const device = { deviceId: "new", memberId: NURSE, createdAt: "2026-11-26T08:00:00.000Z", state: "pending" };
  const session = { device: { deviceId: "this" }, memberId: NURSE, state: "active" };
  const approved = [];
  const devices = { approve: async ({ deviceId }) => void approved.push(deviceId) };
  const crypto = { fingerprints: async () => ({ new: SHOWN, this: "x" }) };
  const view = new DevicesView(/** @type {any} */ ({ session, devices, crypto, onChanged: async () => {} }));
  await view.show([/** @type {any} */ (device)]);
  find("own-devices-rows").button(`QR로 견주기 (${SHOWN})`).click();
  await settle();
  return approved;
}

test("a device is approved when its fingerprint was read and the person says so", async () => {
  const approved = await showWaiting();
  type(SHOWN);
  await settle();
  assert.deepEqual([approved, find("confirm-about").textContent], [[], SHOWN]);
  answerDialog(find, "yes");
  await settle();
  assert.deepEqual(approved, ["new"]);
});

test("a device whose fingerprint was read stays where the person does not say so", async () => {
  const approved = await showWaiting();
  type(SHOWN);
  await settle();
  answerDialog(find, "");
  await settle();
  assert.deepEqual(approved, []);
});

test("another fingerprint asks nothing, and approves nothing", async () => {
  const approved = await showWaiting();
  type("AAAA EFGH IJKL MNOP QRST UVWX");
  await settle();
  assert.match(find("own-devices-failed").textContent, /지문이 달라서 승인하지 않았어요/);
  assert.deepEqual([approved, find("confirm").open], [[], false]);
});
