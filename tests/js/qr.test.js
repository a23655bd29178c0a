/** QR codes, whose library comes when the first of them is drawn: or not, where the network is away. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { drawQr, makeQrDetails, QrError, showQr } from "../../webapp/static/page/kit/qr.js";
import { settle } from "./browser.js";
import { openDocument } from "./document.js";

let number = 0;

beforeEach(() => {
  openDocument();
  delete globalThis.libraryFails;
});

/** The address of a library of its own for each test; as long as `globalThis.libraryFails` it does not come. */
function library() {
  const text = `if (globalThis.libraryFails) throw new TypeError("no network");
export const encodeQR = (text) => { if (text === "too long") throw new Error(text); return [[true]]; };
const number = ${(number += 1)};`;
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

const plan = (traits = {}) => ({ library: library(), text: "x", label: "한 QR", ...traits });
const pictures = (element) => element.all(({ tagName }) => tagName === "SVG").map((one) => one.getAttribute("aria-label"));

async function setOpen(part, isOpen) {
  part.open = isOpen;
  part.dispatchEvent(new Event("toggle"));
  await settle();
}

test("a part draws its QR when it is opened, once", async () => {
  const part = makeQrDetails("QR 보기", plan());
  assert.deepEqual(pictures(part), []);
  await setOpen(part, true);
  const [drawn] = part.all(({ tagName }) => tagName === "SVG");
  await setOpen(part, false);
  await setOpen(part, true);
  assert.deepEqual(pictures(part), ["한 QR"]);
  assert.equal(part.all(({ tagName }) => tagName === "SVG")[0], drawn);
});

for (const [what, again] of [
  ["when it is opened again", async (part) => (await setOpen(part, false), await setOpen(part, true))],
  ["by its button", async (part) => (part.button("다시 시도").click(), await settle())],
])
  test(`a QR whose library did not come is said, and drawn ${what}`, async () => {
    globalThis.libraryFails = true;
    const part = makeQrDetails("QR 보기", plan());
    await setOpen(part, true);
    assert.match(part.textContent, /QR을 그리지 못했어요/);
    await again(part);
    assert.match(part.textContent, /QR을 그리지 못했어요/);
    globalThis.libraryFails = false;
    await again(part);
    assert.deepEqual([pictures(part), part.textContent], [["한 QR"], "QR 보기"]);
  });

test("a QR in its place is said to be missing, and offered again", async () => {
  globalThis.libraryFails = true;
  const place = document.createElement("div");
  await showQr(place, plan());
  globalThis.libraryFails = false;
  place.button("다시 시도").click();
  await settle();
  assert.deepEqual(pictures(place), ["한 QR"]);
});

test("whoever draws by themself is told by one kind of error", async () => {
  await assert.rejects(drawQr(plan({ text: "too long" })), QrError);
  globalThis.libraryFails = true;
  await assert.rejects(drawQr(plan()), QrError);
});
