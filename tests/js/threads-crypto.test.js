/** The threads' formats and cryptography, on the vectors that browser and server share. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  approveDevice,
  checkDevice,
  fingerprintOf,
  isApproved,
  isSigned,
  makeDevice,
  signText,
} from "../../webapp/static/sdk/threads/devices.js";
import { encodeBase64url } from "../../webapp/static/sdk/core/base64url.js";
import { decodeBytes, hashBytes, isMoment, textBytes } from "../../webapp/static/sdk/threads/encoding.js";
import { checkEnvelope, decryptEnvelope, isEnvelope, makeEnvelope } from "../../webapp/static/sdk/threads/envelopes.js";
import { openBase, sealBase } from "../../webapp/static/sdk/threads/hpke.js";
import { checkKeyset, keysetHash, makeKeyset, openKeyset, unwrapSecret } from "../../webapp/static/sdk/threads/keysets.js";
import { checkOf, importSecret, makeSecret, messageKey } from "../../webapp/static/sdk/threads/secrets.js";
import { approvalText, deviceText, envelopeAad, envelopeSigned, keysetText, wrapInfo } from "../../webapp/static/sdk/threads/texts.js";
import { deviceOf, fromHex, importPrivate, VECTORS } from "./vectors.js";

const { threadId: THREAD, kid: KID } = VECTORS.thread;
const SECRET = decodeBytes(VECTORS.thread.secret);
const ENVELOPE = VECTORS.envelope.json;
const NAMES = Object.keys(VECTORS.devices);
const textOf = (bytes) => new TextDecoder().decode(bytes);
const because = (code) => ({ name: "DisbelievedError", code });
const { text: _text, hash: _hash, ...signedKeyset } = VECTORS.keyset;
const KEYSET = { ...signedKeyset, wrapped: VECTORS.wraps.patient.wrapped };

for (const name of NAMES) {
  test(`the device of the ${name} signs its own text and has its fingerprint`, async () => {
    const { claim, signPrivate } = await deviceOf(name);
    const told = VECTORS.devices[name];
    assert.equal(textOf(deviceText(claim)), told.text);
    assert.equal(await signText(signPrivate, deviceText(claim)), told.sig);
    assert.equal(await fingerprintOf(claim), told.fingerprint);
    await checkDevice(claim);
  });

  test(`the wrap for the ${name} opens for that device alone`, async () => {
    const { wrapped } = VECTORS.wraps[name];
    for (const other of NAMES) {
      const opening = unwrapSecret(await deviceOf(other), wrapped, THREAD, KID);
      if (other === name) assert.deepEqual(await opening, SECRET);
      else await assert.rejects(opening, because("KEY_WRAP"));
    }
  });

  test(`sealing for the ${name} under the ephemeral key of the vectors gives their wrap`, async () => {
    const { ephemeralPrivate, wrapped, info } = VECTORS.wraps[name];
    const privateKey = await importPrivate("X25519", decodeBytes(ephemeralPrivate));
    const ephemeral = { privateKey, publicKey: decodeBytes(wrapped).slice(0, 32) };
    const recipient = decodeBytes(VECTORS.devices[name].kemKey);
    assert.equal(textOf(wrapInfo(THREAD, KID, VECTORS.devices[name].deviceId)), info);
    assert.equal(encodeBase64url(await sealBase(recipient, textBytes(info), SECRET, ephemeral)), wrapped);
  });
}

for (const [field, value] of Object.entries({ deviceId: crypto.randomUUID(), memberId: "staff:x", createdAt: "2026-11-25T08:00:00.001Z", kemKey: VECTORS.devices.nurse.kemKey })) {
  test(`a device with another ${field} is refused`, async () => {
    const { claim } = await deviceOf("patient");
    await assert.rejects(checkDevice({ ...claim, [field]: value }), because("DEVICE_INVALID"));
  });
}

test("a wrap of another thread, generation or device opens nothing", async () => {
  const own = await deviceOf("nurse");
  const { wrapped } = VECTORS.wraps.nurse;
  await assert.rejects(unwrapSecret(own, wrapped, "nJD1JxCfgP_D-Z1ykVH_hQ", KID), because("KEY_WRAP"));
  await assert.rejects(unwrapSecret(own, wrapped, THREAD, "k2"), because("KEY_WRAP"));
  await assert.rejects(unwrapSecret(own, wrapped.slice(0, -4), THREAD, KID), because("KEY_WRAP"));
});

test("an approval is signed by the approving device", async () => {
  const { text, sig, createdAt, approvedBy } = VECTORS.approval;
  const [patient, tablet, nurse] = await Promise.all(["patient", "tablet", "nurse"].map(deviceOf));
  const hash = await hashBytes(deviceText(tablet.claim));
  assert.equal(textOf(approvalText(tablet.claim.deviceId, hash, { approvedBy, createdAt })), text);
  assert.deepEqual(await approveDevice(patient, tablet.claim, createdAt), { approvedBy, createdAt, sig });
  assert.ok(await isApproved(patient.claim, tablet.claim, VECTORS.approval));
  assert.equal(await isApproved(nurse.claim, tablet.claim, VECTORS.approval), false);
  assert.equal(await isApproved(patient.claim, nurse.claim, VECTORS.approval), false);
});

test("a keyset is signed by its maker in whatever order its recipients come", async () => {
  const maker = await deviceOf("nurse");
  const turned = { ...KEYSET, recipients: KEYSET.recipients.toReversed() };
  assert.equal(textOf(keysetText({ ...turned, threadId: THREAD })), VECTORS.keyset.text);
  assert.equal(await keysetHash(THREAD, turned), VECTORS.keyset.hash);
  await checkKeyset(THREAD, turned, maker.claim);
  assert.deepEqual(await openKeyset(await deviceOf("patient"), THREAD, turned), SECRET);
  assert.equal(await checkOf(await importSecret(SECRET), THREAD, KID), KEYSET.check);
});

for (const change of [{ kid: "k2" }, { prev: VECTORS.keyset.hash }, { check: "AAAAAAAAAAAAAAAAAAAAAA" }, { recipients: [] }, { createdBy: VECTORS.devices.patient.deviceId }]) {
  test(`a keyset with another ${Object.keys(change)} is refused`, async () => {
    const maker = await deviceOf("nurse");
    await assert.rejects(checkKeyset(THREAD, { ...KEYSET, ...change }, maker.claim), because("KEY_SIGNATURE"));
  });
}

test("a secret that is not the maker's is found out by its check", async () => {
  const [maker, patient] = await Promise.all(["nurse", "patient"].map(deviceOf));
  const about = { threadId: THREAD, kid: KID, prev: "-", createdAt: KEYSET.createdAt };
  const other = await makeKeyset(maker, makeSecret(), about, [patient.claim]);
  const swapped = { ...KEYSET, wrapped: other.wraps[0].wrapped };
  await assert.rejects(openKeyset(patient, THREAD, swapped), because("KEY_CHECK"));
});

test("a keyset of one's own making opens for each of its devices", async () => {
  const devices = await Promise.all(NAMES.map(deviceOf));
  const secret = makeSecret();
  const about = { threadId: THREAD, kid: "k2", prev: VECTORS.keyset.hash, createdAt: KEYSET.createdAt };
  const { wraps, ...made } = await makeKeyset(devices[0], secret, about, devices.map(({ claim }) => claim));
  const recipients = await Promise.all(wraps.map(async ({ wrapped, ...one }) => ({ ...one, wrapHash: await hashBytes(decodeBytes(wrapped)) })));
  await checkKeyset(THREAD, { ...made, recipients, wrapped: null }, devices[0].claim);
  for (const device of devices) {
    const { wrapped } = wraps.find(({ deviceId }) => deviceId === device.claim.deviceId);
    assert.deepEqual(await openKeyset(device, THREAD, { ...made, recipients, wrapped }), secret);
  }
});

test("the message key of the vectors decrypts what it should", async () => {
  const { key, info } = VECTORS.messageKey;
  const [, threadId, kid, clientId] = info.split("\n");
  const own = await messageKey(await importSecret(SECRET), threadId, kid, clientId);
  const theirs = await crypto.subtle.importKey("raw", decodeBytes(key), "AES-GCM", false, ["encrypt"]);
  const iv = new Uint8Array(12);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, theirs, SECRET);
  assert.deepEqual(new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, own, sealed)), SECRET);
});

test("the envelope of the vectors is read, checked and opened", async () => {
  assert.equal(textOf(envelopeAad({ ...ENVELOPE, ...ENVELOPE.enc })), VECTORS.envelope.aad);
  assert.equal(textOf(envelopeSigned(ENVELOPE)), VECTORS.envelope.signed);
  await checkEnvelope(ENVELOPE, VECTORS.devices.patient.signKey);
  assert.equal(textOf(await decryptEnvelope(ENVELOPE, await importSecret(SECRET))), VECTORS.envelope.plaintext);
});

for (const { change, because: reason } of VECTORS.refused) {
  test(`an envelope with another ${Object.keys(change)} is refused by ${reason}: ${JSON.stringify(change).slice(-24)}`, async () => {
    const changed = { ...ENVELOPE, ...change };
    const code = reason === "hash" ? "HASH_MISMATCH" : "BAD_SIGNATURE";
    await assert.rejects(checkEnvelope(changed, VECTORS.devices.patient.signKey), because(code));
    await assert.rejects(decryptEnvelope(changed, await importSecret(SECRET)), because("UNDECIPHERABLE"));
  });
}

test("an envelope of one's own making has every field, is its device's, and opens", async () => {
  const own = await deviceOf("patient");
  const secret = await importSecret(SECRET);
  const { threadId, dedupeId, kind, contentType, createdAt } = ENVELOPE;
  const sender = { clientId: own.claim.deviceId, signPrivate: own.signPrivate, secret, kid: KID };
  const said = { threadId, dedupeId, clientSeq: 7, kind, contentType, createdAt };
  const made = await makeEnvelope(sender, said, textBytes("가"));
  assert.deepEqual(Object.keys(made), Object.keys(ENVELOPE));
  await checkEnvelope(made, own.claim.signKey);
  assert.equal(textOf(await decryptEnvelope(made, secret)), "가");
  await assert.rejects(checkEnvelope(made, VECTORS.devices.nurse.signKey), because("BAD_SIGNATURE"));
});

test("no iv comes twice in ten thousand envelopes", async () => {
  const own = await deviceOf("patient");
  const sender = { clientId: own.claim.deviceId, signPrivate: own.signPrivate, secret: await importSecret(SECRET), kid: KID };
  const ivs = new Set();
  for (let batch = 0; batch < 100; batch += 1) {
    const made = await Promise.all(Array.from({ length: 100 }, () => makeEnvelope(sender, ENVELOPE, textBytes("x"))));
    for (const { enc } of made) ivs.add(enc.iv);
  }
  assert.equal(ivs.size, 10_000);
});

for (const [what, change] of Object.entries({
  "an unknown field": { seq: 1 },
  "another version": { v: 2 },
  "a fraction as a number": { clientSeq: 1.5 },
  "a number as text": { clientSeq: "1" },
  "a dedupeId in upper case": { dedupeId: ENVELOPE.dedupeId.toUpperCase() },
  "a 30 February": { createdAt: "2026-02-30T08:00:00.000Z" },
  "parameters of its type": { contentType: "text/plain; charset=utf-8" },
  "another algorithm": { enc: { ...ENVELOPE.enc, alg: "A128GCM" } },
  "an iv with a fault": { enc: { ...ENVELOPE.enc, iv: "RTF-OODgO33uv1T=" } },
  "a payload without a tag": { payload: "AAAA" },
})) {
  test(`an envelope with ${what} is none`, () => {
    assert.ok(isEnvelope(ENVELOPE));
    assert.equal(isEnvelope({ ...ENVELOPE, ...change }), false);
  });
}

test("another spelling of the same bytes is refused", () => {
  assert.deepEqual(decodeBytes("AA"), Uint8Array.of(0));
  for (const text of ["AB", "AA==", "A", "A+", "A/", "AA\n", "ＡＡ", null, 7]) assert.equal(decodeBytes(text), null);
  assert.equal(decodeBytes("AA", 2), null);
});

test("a moment has one spelling", () => {
  assert.ok(isMoment("2026-11-25T08:00:00.000Z"));
  for (const text of ["2026-11-25T08:00:00Z", "2026-11-25T24:00:00.000Z", "2026-11-25t08:00:00.000z", 7])
    assert.equal(isMoment(text), false);
});

test("a device's private keys cannot be read, and its signature is its own", async () => {
  const own = await makeDevice("staff:nurse.kim", "2026-11-25T08:00:00.000Z");
  await checkDevice(own.claim);
  for (const key of [own.kemPrivate, own.signPrivate]) await assert.rejects(crypto.subtle.exportKey("pkcs8", key));
});

test("what is sealed for one is opened with the same words alone", async () => {
  const { claim, kemPrivate } = await deviceOf("nurse");
  const pair = { privateKey: kemPrivate, publicKey: decodeBytes(claim.kemKey) };
  const sealed = await sealBase(pair.publicKey, textBytes("info"), SECRET);
  assert.deepEqual(await openBase(pair, textBytes("info"), sealed), SECRET);
  await assert.rejects(openBase(pair, textBytes("other"), sealed));
  sealed[40] ^= 1;
  await assert.rejects(openBase(pair, textBytes("info"), sealed));
});

test("a signature is judged false where there is no key or no signature", async () => {
  const { sig, signKey, text } = VECTORS.devices.nurse;
  assert.ok(await isSigned(signKey, sig, textBytes(text)));
  for (const [key, signature] of [["AA", sig], [signKey, "AA"], [encodeBase64url(fromHex("02".repeat(32))), sig]])
    assert.equal(await isSigned(key, signature, textBytes(text)), false);
});
