/** The printed code: the vectors that browser and server share, and what is said of a mistyped one. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { checkDevice } from "../../webapp/static/sdk/threads/devices.js";
import { decodeBytes } from "../../webapp/static/sdk/threads/encoding.js";
import {
  deriveKeys,
  findRecoveryDevice,
  makeRecoveryDevice,
  readLetters,
  readRaw,
  writeCode,
} from "../../webapp/static/sdk/threads/recovery.js";
import { importPrivate, VECTORS } from "./vectors.js";

const { raw, code, memberId, kemKey, signKey, signPrivate } = VECTORS.recovery;
const CLAIM = { deviceId: "86594f6e-afc4-4a8e-a92e-21c43d8e6eb5", memberId, kemKey, signKey, createdAt: "2026-11-25T08:00:00.000Z", sig: "" };
const faultOf = async (typed, devices = [CLAIM]) => (await findRecoveryDevice(typed, memberId, devices)).fault;
const replace = (at, letter) => code.slice(0, at) + letter + code.slice(at + 1);

test("the code of the vectors is written, read and derived", async () => {
  const bytes = decodeBytes(raw);
  assert.equal(await writeCode(bytes), code);
  assert.deepEqual(await readRaw(code.replaceAll("-", "")), bytes);
  const keys = await deriveKeys(bytes, memberId);
  assert.deepEqual([keys.kemKey, keys.signKey], [kemKey, signKey]);
  assert.deepEqual([keys.kemPrivate.extractable, keys.signPrivate.extractable], [false, false]);
  const text = new TextEncoder().encode("x");
  const own = await crypto.subtle.sign("Ed25519", keys.signPrivate, text);
  assert.deepEqual(own, await crypto.subtle.sign("Ed25519", await importPrivate("Ed25519", decodeBytes(signPrivate)), text));
});

test("another member's keys of the same code are others", async () => {
  assert.notEqual((await deriveKeys(decodeBytes(raw), "staff:nurse.kim")).kemKey, kemKey);
});

for (const typed of [code.toLowerCase(), code.replaceAll("-", ""), code.replaceAll("-", "  "), `\n${code}\n`]) {
  test(`${JSON.stringify(typed)} is the same code`, async () => {
    const { device, fault } = await findRecoveryDevice(typed, memberId, [CLAIM]);
    assert.deepEqual([device?.claim.deviceId, fault], [CLAIM.deviceId, null]);
  });
}

test("a group with a letter that codes do not have, or of another length, is named", async () => {
  assert.deepEqual(await faultOf(replace(0, "U")), { code: "RECOVERY_GROUP", group: 1 });
  assert.deepEqual(await faultOf(replace(14, "*")), { code: "RECOVERY_GROUP", group: 3 });
  assert.deepEqual(await faultOf(code.slice(0, -1)), { code: "RECOVERY_GROUP", group: 8 });
  assert.deepEqual(await faultOf(replace(20, "")), { code: "RECOVERY_GROUP", group: 4 });
  assert.deepEqual(await faultOf(code.replaceAll("-", "").slice(1)), { code: "RECOVERY_LENGTH", group: null });
  assert.equal(readLetters("oil-U").letters, "011U");
  assert.deepEqual(readLetters("").fault, { code: "RECOVERY_LENGTH", group: null });
});

test("one wrong letter, or two that are swapped, is found by the public keys", async () => {
  for (const [at, group] of [[0, 1], [15, 3], [46, 8]]) {
    const other = code[at] === "7" ? "8" : "7";
    assert.deepEqual(await faultOf(replace(at, other)), { code: "RECOVERY_GROUP", group });
  }
  const swapped = code.slice(0, 6) + code[7] + code[6] + code.slice(8);
  assert.notEqual(swapped, code);
  assert.deepEqual(await faultOf(swapped), { code: "RECOVERY_GROUP", group: 2 });
});

test("more than that fails its check, and a whole code that is not registered is unknown", async () => {
  const wrong = `77777-77777${code.slice(11)}`;
  assert.equal(await readRaw(wrong.replaceAll("-", "")), null);
  assert.deepEqual(await faultOf(wrong), { code: "RECOVERY_CHECK", group: null });
  assert.deepEqual(await faultOf(code, []), { code: "RECOVERY_UNKNOWN", group: null });
});

test("a new code is a device that signs itself, and opens by its letters", async () => {
  const { code: made, device } = await makeRecoveryDevice(memberId, "2026-11-25T08:00:00.000Z");
  assert.match(made, /^([0-9A-HJKMNP-TV-Z]{5}-){7}[0-9A-HJKMNP-TV-Z]{5}$/);
  await checkDevice(device.claim);
  const found = await findRecoveryDevice(made, memberId, [CLAIM, device.claim]);
  assert.equal(found.device?.claim, device.claim);
});
