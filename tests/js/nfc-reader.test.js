/** What is read from a tag, its printed code, and what somebody types. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { NfcReader, tagOfNdef, tagOfTyped } from "../../webapp/static/sdk/journey/nfc_reader.js";
import { codeOfAddress, pairOfAddress } from "../../webapp/static/sdk/journey/tag_address.js";

const CODE = "demo-entrance-7f3a9c21e5b84d06";
const [E, C] = ["EF963FF7828658A599F3041510671E88", "94EED9EE65337086"];
const data = (text) => new TextEncoder().encode(text);
const record = (text, recordType = "url") => ({ recordType, data: data(text) });

afterEach(() => {
  delete globalThis.NDEFReader;
  delete globalThis.BarcodeDetector;
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
});

for (const [address, code] of [
  [`https://h.example/t/${CODE}`, CODE],
  [`https://h.example/t/${CODE}/`, CODE],
  [`https://h.example/t/${CODE}?e=00&c=11`, CODE],
  [`https://h.example/x/${CODE}`, null],
  ["https://h.example/t/short", null],
  [`javascript:alert(1)//t/${CODE}`, null],
  ["hello", null],
]) {
  test(`"${address}" has the code ${code}`, () => assert.equal(codeOfAddress(address), code));
}

for (const [typed, tag] of [
  ["ab12-CD34", { tag_code: "AB12-CD34", via: "typed" }],
  [" ab12cd34 ", { tag_code: "AB12-CD34", via: "typed" }],
  [CODE, { tag_code: CODE, via: "typed" }],
  ["ab12", null],
  ["ab12 cd34 ef", null],
]) {
  test(`who types "${typed}" means ${tag?.tag_code ?? "nothing"}`, () => assert.deepEqual(tagOfTyped(typed), tag));
}

test("a tag is known by the code in its address", () => {
  const read = {
    serialNumber: "04:10:00:00:00:00:01",
    message: { records: [record("안녕", "text"), record(`https://h/t/${CODE}`)] },
  };
  assert.deepEqual(tagOfNdef(read), { tag_code: CODE, via: "nfc" });
});

test("what a dynamic tag says goes along", () => {
  const address = `https://h/t/${CODE}?e=${E}&c=${C}`;
  assert.deepEqual(tagOfNdef({ message: { records: [record(address)] } }), {
    tag_code: CODE,
    e: E,
    c: C,
    via: "nfc",
  });
});

for (const [address, pair] of [
  [`https://h/t/${CODE}?e=${E}&c=${C}`, { e: E, c: C }],
  [`https://h/t/${CODE}?x=1&c=${C.toLowerCase()}&e=${E.toLowerCase()}#?e=1`, { e: E.toLowerCase(), c: C.toLowerCase() }],
  [`https://h/t/${CODE}?e=${E}`, {}],
  [`https://h/t/${CODE}?e=${E}0&c=${C}`, {}],
  [`https://h/t/${CODE}?e=${E}&c=${C.slice(1)}`, {}],
  [`https://h/t/${CODE}#?e=${E}&c=${C}`, {}],
  [`https://h/t/${CODE}?%`, {}],
  [`https://h/t/${CODE}`, {}],
]) {
  test(`"${address}" says ${JSON.stringify(pair)}`, () => assert.deepEqual(pairOfAddress(address), pair));
}

test("an empty tag is known by its own number", () => {
  assert.deepEqual(tagOfNdef({ serialNumber: "04:10:00:00:00:00:01", message: { records: [] } }), {
    tag_uid: "04:10:00:00:00:00:01",
    via: "nfc",
  });
});

test("the ways in come in the order in which a phone can", () => {
  assert.deepEqual(new NfcReader().ways, ["typed"]);
  const mediaDevices = { getUserMedia: () => {} };
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices }, configurable: true });
  assert.deepEqual(new NfcReader().ways, ["typed"]);
  assert.deepEqual(new NfcReader({ loadDetector: async () => null }).ways, ["qr", "typed"]);
  globalThis.NDEFReader = class {};
  globalThis.BarcodeDetector = class {};
  assert.deepEqual(new NfcReader().ways, ["nfc", "qr", "typed"]);
});

test("a tag at the phone's back is read by NFC", async () => {
  globalThis.NDEFReader = class {
    async scan() {
      queueMicrotask(() => this.onreading({ message: { records: [record(`https://h/t/${CODE}`)] } }));
    }
  };
  assert.deepEqual(await new NfcReader().readNfc(new AbortController().signal), { tag_code: CODE, via: "nfc" });
});

test("a phone that may not read says so", async () => {
  globalThis.NDEFReader = class {
    async scan() {
      throw new DOMException("no", "NotAllowedError");
    }
  };
  await assert.rejects(new NfcReader().readNfc(new AbortController().signal), { why: "denied" });
});

/** A camera before which somebody holds codes, one after the other. */
function holdBefore(...texts) {
  const track = { stopped: false, stop: () => (track.stopped = true) };
  const mediaDevices = { getUserMedia: async () => ({ getTracks: () => [track] }) };
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices }, configurable: true });
  class Detector {
    static getSupportedFormats = async () => ["qr_code"];
    detect = async () => [texts.shift()].filter(Boolean).map((rawValue) => ({ rawValue }));
  }
  return { track, Detector, video: { readyState: 4, play: async () => {} } };
}

test("the camera looks until it sees a code of ours, and is put out then", async () => {
  const { track, Detector, video } = holdBefore("", "https://other.example/", `https://h/t/${CODE}`);
  globalThis.BarcodeDetector = Detector;
  const tag = await new NfcReader().readQr(video, new AbortController().signal);
  assert.deepEqual([tag, track.stopped, video.srcObject], [{ tag_code: CODE, via: "qr" }, true, null]);
});

test("a browser whose own reader knows no QR takes the library", async () => {
  const { Detector, video } = holdBefore(`https://h/t/${CODE}`);
  globalThis.BarcodeDetector = class {
    static getSupportedFormats = async () => [];
  };
  const reader = new NfcReader({ loadDetector: async () => Detector });
  assert.equal((await reader.readQr(video, new AbortController().signal)).tag_code, CODE);
});

test("who closes the camera ends the look", async () => {
  const { track, Detector, video } = holdBefore();
  globalThis.BarcodeDetector = Detector;
  const closing = new AbortController();
  const look = new NfcReader().readQr(video, closing.signal);
  closing.abort();
  await assert.rejects(look, { why: "failed" });
  assert.ok(track.stopped);
});
