/** What the threads' cryptography rests on, on the vectors of RFC 9180 and of Project Wycheproof. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { encodeBase64url } from "../../webapp/static/sdk/core/base64url.js";
import { checkDevice, isSigned, isUsableSignKey } from "../../webapp/static/sdk/threads/devices.js";
import { exchange, extractShared, isUsableKemKey, openBase, schedule, sealBase } from "../../webapp/static/sdk/threads/hpke.js";
import { fromHex, importPrivate, readVectors, VECTORS } from "./vectors.js";

const RFC = readVectors("hpke_x25519_sha256_aes256gcm_base");
const hexOf = (bytes) => Buffer.from(bytes).toString("hex");
const testsOf = (name) => readVectors(`${name}_test`).testGroups.flatMap((group) => group.tests.map((one) => ({ group, ...one })));

test("HPKE gives what RFC 9180 gives, and every value in between", async () => {
  const [{ aad, ct, pt }] = RFC.encryptions;
  const [enc, recipient, info] = [RFC.enc, RFC.pkRm, RFC.info].map(fromHex);
  const ephemeral = { privateKey: await importPrivate("X25519", fromHex(RFC.skEm)), publicKey: enc };
  const pair = { privateKey: await importPrivate("X25519", fromHex(RFC.skRm)), publicKey: recipient };
  const shared = await extractShared(await exchange(ephemeral.privateKey, recipient), enc, recipient);
  const { key, nonce } = await schedule(shared, info);
  assert.deepEqual([shared, key, nonce].map(hexOf), [RFC.shared_secret, RFC.key, RFC.base_nonce]);
  const sealed = await sealBase(recipient, info, fromHex(pt), ephemeral, fromHex(aad));
  assert.equal(hexOf(sealed), RFC.enc + ct);
  assert.equal(hexOf(await openBase(pair, info, sealed, fromHex(aad))), pt);
  await assert.rejects(openBase(pair, info, sealed));
});

for (const name of ["nurse", "patient", "tablet"]) {
  test(`each value on the way to the wrap for the ${name} is that of the vectors`, async () => {
    const { ephemeralPrivate, info, shared_secret, key, base_nonce, wrapped } = VECTORS.wraps[name];
    const bytesOf = (text) => new Uint8Array(Buffer.from(text, "base64url"));
    const recipient = bytesOf(VECTORS.devices[name].kemKey);
    const dh = await exchange(await importPrivate("X25519", bytesOf(ephemeralPrivate)), recipient);
    const shared = await extractShared(dh, bytesOf(wrapped).slice(0, 32), recipient);
    const made = await schedule(shared, new TextEncoder().encode(info));
    assert.deepEqual([shared, made.key, made.nonce].map(hexOf), [shared_secret, key, base_nonce]);
  });
}

test("exchanges are those of Wycheproof, and none gives zeros", async () => {
  const tests = testsOf("x25519");
  for (const { tcId, public: key, private: own, shared } of tests) {
    const isZero = /^0+$/.test(shared);
    const exchanged = exchange(await importPrivate("X25519", fromHex(own)), fromHex(key));
    if (isZero) await assert.rejects(exchanged, undefined, `${tcId}`);
    else assert.equal(hexOf(await exchanged), shared, `${tcId}`);
    assert.equal(await isUsableKemKey(fromHex(key)), !isZero, `${tcId}`);
  }
  assert.ok(tests.length > 500);
});

test("signatures are judged as Wycheproof judges them", async () => {
  for (const { tcId, group, sig, msg, result } of testsOf("ed25519")) {
    const key = encodeBase64url(fromHex(group.publicKey.pk));
    assert.equal(await isSigned(key, encodeBase64url(fromHex(sig)), fromHex(msg)), result === "valid", `${tcId}`);
  }
});

test("AES-GCM with our sizes is Wycheproof's, and changed bytes do not open", async () => {
  const tests = testsOf("aes_gcm").filter(({ group }) => group.keySize === 256 && group.ivSize === 96);
  for (const { tcId, key, iv, aad, msg, ct, tag, result } of tests) {
    const imported = await crypto.subtle.importKey("raw", fromHex(key), "AES-GCM", false, ["decrypt"]);
    const algorithm = { name: "AES-GCM", iv: fromHex(iv), additionalData: fromHex(aad) };
    const opening = crypto.subtle.decrypt(algorithm, imported, fromHex(ct + tag));
    if (result === "valid") assert.equal(hexOf(await opening), msg, `${tcId}`);
    else await assert.rejects(opening, undefined, `${tcId}`);
  }
  assert.ok(tests.length > 60);
});

test("HKDF-SHA256 is Wycheproof's", async () => {
  for (const { tcId, ikm, salt, info, size, okm, result } of testsOf("hkdf_sha256")) {
    const key = await crypto.subtle.importKey("raw", fromHex(ikm), "HKDF", false, ["deriveBits"]);
    const algorithm = { name: "HKDF", hash: "SHA-256", salt: fromHex(salt), info: fromHex(info) };
    const derived = crypto.subtle.deriveBits(algorithm, key, size * 8);
    if (result === "valid") assert.equal(hexOf(await derived), okm, `${tcId}`);
    else await assert.rejects(derived, undefined, `${tcId}`);
  }
});

for (const key of [
  "00".repeat(32),
  `01${"00".repeat(31)}`,
  `${"00".repeat(31)}80`,
  `ec${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]) {
  test(`a signing key of low order is refused: ${key.slice(0, 4)}…${key.slice(-4)}`, async () => {
    assert.equal(isUsableSignKey(fromHex(key)), false);
    const { text, fingerprint, kemPrivate, signPrivate, ...claim } = VECTORS.devices.nurse;
    const changed = { ...claim, signKey: encodeBase64url(fromHex(key)) };
    await assert.rejects(checkDevice(changed), { code: "DEVICE_INVALID" });
  });
}
