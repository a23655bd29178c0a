/** What the Worker does with keys and plaintext, and what it does not believe. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { databaseName } from "../../webapp/static/sdk/threads/database.js";
import { ThreadCrypto } from "../../webapp/static/sdk/threads/thread_crypto.js";
import { DOCTOR, makeMember, NURSE, OTHER_THREAD, Room, tell, THREAD, writeItem } from "./threads-setup.js";

const textOf = (bytes) => new TextDecoder().decode(bytes);
const because = (code) => ({ name: "DisbelievedError", code });
const failed = ({ failures }) => failures.map(({ kid, code }) => `${kid} ${code}`);

async function makeRoom() {
  const [nurse, doctor] = await Promise.all([makeMember(NURSE), makeMember(DOCTOR)]);
  const room = new Room(nurse, doctor);
  await room.rotate();
  return { room, nurse, doctor };
}

test("a device is made once, and is there again after a reload", async () => {
  const { claim, factory } = await makeMember(NURSE);
  assert.deepEqual(await new ThreadCrypto(factory).open(NURSE), claim);
});

test("two tabs that open at once have one device", async () => {
  const { factory } = await makeMember(DOCTOR);
  const [one, other] = await Promise.all([new ThreadCrypto(factory).open(NURSE), new ThreadCrypto(factory).open(NURSE)]);
  assert.deepEqual(one, other);
});

test("a second person at the same browser has a device and a database of their own", async () => {
  const nurse = await makeMember(NURSE);
  const doctor = await makeMember(DOCTOR, nurse.factory);
  assert.notEqual(nurse.claim.deviceId, doctor.claim.deviceId);
  assert.equal(await databaseName(NURSE), nurse.database.name);
  assert.match(nurse.database.name, /^threads-db-[0-9a-f]{16}$/);
  assert.notEqual(nurse.database.name, doctor.database.name);
});

test("what one writes the other opens", async () => {
  const { room, nurse, doctor } = await makeRoom();
  assert.deepEqual(await room.open(doctor), { opened: ["k1"], failures: [], hash: room.hash });
  const item = await writeItem(nurse, { text: "혈압 128/82" });
  assert.equal(textOf(await doctor.crypto.openItem(item, room.devices)), "혈압 128/82");
});

test("neither private keys nor secrets can be read out of the database", async () => {
  const { nurse } = await makeRoom();
  const rows = await nurse.database.read(["keys"], ({ keys }) => new Promise((resolve) => {
    const request = keys.getAll();
    request.onsuccess = () => resolve(request.result);
  }));
  const held = rows.flatMap((row) => Object.values(row)).filter((value) => value instanceof CryptoKey);
  assert.equal(held.length, 3);
  assert.ok(held.every(({ extractable }) => !extractable));
});

test("a wrap of another device is found out", async () => {
  const { room, nurse, doctor } = await makeRoom();
  const keys = [room.keysets[0].forDevice(nurse.claim.deviceId)];
  assert.deepEqual(failed(await room.open(doctor, { keys })), ["k1 KEY_WRAP"]);
  await assert.rejects(writeItem(doctor), because("UNKNOWN_KEY"));
});

test("a secret of the server's own making is found out by the maker's check", async () => {
  const { room, doctor } = await makeRoom();
  const liar = await makeMember("staff:liar");
  const body = await liar.crypto.makeKeyset({ threadId: THREAD, kid: "k1", prev: "-" }, [doctor.told]);
  const keys = [{ ...room.keysets[0].forDevice(doctor.claim.deviceId), wrapped: body.wraps[0].wrapped }];
  assert.deepEqual(failed(await room.open(doctor, { keys })), ["k1 KEY_CHECK"]);
});

for (const [what, change] of Object.entries({
  check: { check: "AAAAAAAAAAAAAAAAAAAAAA" },
  recipient: { recipients: [] },
  moment: { createdAt: "2026-01-01T00:00:00.000Z" },
})) {
  test(`a keyset with another ${what} than its maker signed is found out`, async () => {
    const { room, doctor } = await makeRoom();
    const keys = [{ ...room.keysets[0].forDevice(doctor.claim.deviceId), ...change }];
    assert.deepEqual(failed(await room.open(doctor, { keys })), ["k1 KEY_SIGNATURE"]);
  });
}

test("a keyset of somebody who is no owner is not believed", async () => {
  const { room, nurse, doctor } = await makeRoom();
  assert.deepEqual(failed(await room.open(doctor, { members: room.roles({ memberId: "staff:x" }) })), ["k1 KEY_MAKER"]);
  assert.deepEqual(failed(await room.open(doctor, { devices: [doctor.told] })), ["k1 UNKNOWN_DEVICE"]);
  assert.deepEqual((await room.open(nurse, { members: room.roles(doctor) })).opened, ["k1"]); // it was believed before
});

test("a keyset of the service is believed while it is a member, and vouched for by an owner's after that", async () => {
  const [nurse, service, doctor] = [await makeMember(NURSE), await makeMember("service:welno"), await makeMember(DOCTOR)];
  const room = new Room(nurse, service, doctor);
  await room.rotate(service);
  assert.deepEqual((await room.open(nurse)).opened, ["k1"]);
  const without = room.roles().filter(({ memberId }) => memberId !== service.memberId);
  assert.deepEqual(failed(await room.open(doctor, { members: without })), ["k1 KEY_MAKER"]);
  await room.open(nurse);
  await room.rotate(nurse);
  assert.deepEqual((await room.open(doctor, { members: without })).opened, ["k1", "k2"]);
});

test("an owner's keyset vouches for those of owners before", async () => {
  const { room, doctor } = await makeRoom();
  await room.open(doctor);
  await room.rotate(doctor);
  const [newcomer, members] = [await makeMember(DOCTOR), room.roles(doctor)];
  const [first] = room.toldTo(newcomer).keys;
  assert.deepEqual(failed(await room.open(newcomer, { members, keys: [first] })), ["k1 KEY_MAKER"]);
  assert.deepEqual(failed(await room.open(newcomer, { members })), []);
});

test("a generation that was left out, or follows on another one, is found out", async () => {
  const { room, nurse, doctor } = await makeRoom();
  await room.rotate();
  const [first, second] = room.keysets.map((one) => one.forDevice(doctor.claim.deviceId));
  assert.deepEqual(failed(await room.open(doctor, { keys: [second] })), ["k2 KEY_CHAIN"]);
  const body = await nurse.crypto.makeKeyset({ threadId: THREAD, kid: "k1", prev: "-" }, room.devices);
  const forged = { ...first, check: body.check };
  assert.deepEqual(failed(await room.open(doctor, { keys: [forged, second] })), ["k2 KEY_CHAIN", "k1 KEY_SIGNATURE"]);
});

test("an owner's keyset vouches for none below a broken chain", async () => {
  const { room, doctor } = await makeRoom();
  await room.open(doctor);
  for (let made = 0; made < 2; made += 1) await room.rotate();
  const tablet = await makeMember(DOCTOR);
  room.members.push(tablet);
  const forged = await doctor.crypto.makeKeyset({ threadId: THREAD, kid: "k1", prev: "-" }, room.devices);
  room.keysets[0] = await tell(forged);
  const told = room.toldTo(tablet);
  const { opened, failures } = await room.open(tablet, { keys: told.keys });
  assert.deepEqual([opened, failures.map(({ kid, code }) => `${kid} ${code}`)], [[], ["k2 KEY_CHAIN", "k1 KEY_MAKER"]]);
});

test("a wrap that does not open keeps no owner's keyset from vouching for those before it", async () => {
  const { room, nurse, doctor } = await makeRoom();
  await room.open(doctor);
  for (let made = 0; made < 2; made += 1) await room.rotate();
  for (const one of [1, 2]) await room.open(doctor, { keys: room.toldTo(doctor).keys.slice(0, one + 1) });
  await room.rotate(doctor);
  const tablet = await makeMember(DOCTOR);
  const [, , third, fourth] = room.keysets.map((one) => one.forDevice(tablet.claim.deviceId));
  const seal = async (at) => {
    const keyset = room.keysets[at].forDevice(doctor.claim.deviceId);
    const [{ wrapped }] = await doctor.crypto.sealFor(THREAD, keyset, [tablet.told]);
    return { ...keyset, wrapped };
  };
  const keys = [await seal(0), await seal(1), { ...third, wrapped: "A".repeat(107) }, fourth];
  const members = room.roles(doctor).filter(({ memberId }) => memberId !== nurse.memberId);
  const found = await room.open(tablet, { keys, members });
  assert.deepEqual([found.opened, failed(found)], [["k1", "k2"], ["k3 KEY_WRAP"]]);
});

test("a generation that was opened once cannot become another one", async () => {
  const { room, nurse, doctor } = await makeRoom();
  await room.open(doctor);
  const other = new Room(nurse, doctor);
  const body = await nurse.crypto.makeKeyset({ threadId: THREAD, kid: "k1", prev: "-" }, other.devices);
  const keys = [(await tell(body)).forDevice(doctor.claim.deviceId)];
  assert.deepEqual(failed(await other.open(doctor, { keys })), ["k1 KEY_CHANGED"]);
});

test("a device with other keys than it was first seen with is found out", async () => {
  const { room, nurse, doctor } = await makeRoom();
  await room.open(doctor);
  const liar = await makeMember(NURSE);
  const swapped = { ...liar.told, deviceId: nurse.claim.deviceId };
  const item = await writeItem(nurse);
  await assert.rejects(doctor.crypto.openItem(item, [swapped, doctor.told]), because("DEVICE_CHANGED"));
  await assert.rejects(doctor.crypto.makeKeyset({ threadId: THREAD, kid: "k2", prev: room.hash }, [swapped]), because("DEVICE_CHANGED"));
  await assert.rejects(liar.crypto.openItem(item, [swapped]), because("DEVICE_INVALID"));
});

test("an approval that nobody signed is found out, and a true one is believed", async () => {
  const { nurse, doctor } = await makeRoom();
  const [tablet, phone] = [await makeMember(NURSE), await makeMember(NURSE)];
  const approval = await nurse.crypto.approve(tablet.told);
  const sealing = (approved) => doctor.crypto.makeKeyset({ threadId: THREAD, kid: "k1", prev: "-" }, [nurse.told, approved]);
  await assert.rejects(sealing({ ...phone.told, approval }), because("DEVICE_INVALID"));
  await sealing({ ...tablet.told, approval });
});

for (const [what, change, code] of [
  ["another sender", ({ from: _, ...item }) => ({ ...item, from: DOCTOR }), "UNKNOWN_DEVICE"],
  ["another thread", (item) => ({ ...item, threadId: OTHER_THREAD }), "INVALID_ENVELOPE"],
  ["another payload", (item) => ({ ...item, envelope: { ...item.envelope, payload: "A".repeat(64) } }), "HASH_MISMATCH"],
  ["another number of its device", (item) => ({ ...item, envelope: { ...item.envelope, clientSeq: 2 } }), "BAD_SIGNATURE"],
  ["a device that nobody knows", (item) => ({ ...item, envelope: { ...item.envelope, clientId: crypto.randomUUID() } }), "UNKNOWN_DEVICE"],
]) {
  test(`an item with ${what} is not believed`, async () => {
    const { room, nurse, doctor } = await makeRoom();
    await room.open(doctor);
    await assert.rejects(doctor.crypto.openItem(change(await writeItem(nurse)), room.devices), because(code));
  });
}

test("a device that came later opens what was sealed to it anew", async () => {
  const { room, nurse } = await makeRoom();
  const tablet = await makeMember(NURSE);
  const keyset = room.keysets[0].forDevice(nurse.claim.deviceId);
  const [{ deviceId, wrapped }] = await nurse.crypto.sealFor(THREAD, keyset, [tablet.told]);
  assert.equal(deviceId, tablet.claim.deviceId);
  const keys = [{ ...keyset, wrapped }];
  assert.deepEqual((await room.open(tablet, { keys })).opened, ["k1"]);
});

test("a removed member's keys open nothing that comes after", async () => {
  const { room, nurse, doctor } = await makeRoom();
  await room.open(doctor);
  const { devices } = room;
  room.members = [nurse];
  await room.rotate();
  const item = await writeItem(nurse, { kid: "k2" });
  const { opened } = await room.open(doctor, { devices });
  assert.deepEqual(opened, ["k1"]);
  await assert.rejects(doctor.crypto.openItem(item, devices), because("UNKNOWN_KEY"));
});

test("the same message under a newer key keeps its ids", async () => {
  const { room, nurse, doctor } = await makeRoom();
  const before = await writeItem(nurse, { text: "다시" });
  await room.rotate();
  await room.open(doctor);
  const after = await nurse.crypto.reseal(before.envelope, "k2");
  assert.deepEqual([after.dedupeId, after.clientSeq, after.enc.kid], [before.envelope.dedupeId, 1, "k2"]);
  assert.equal(textOf(await doctor.crypto.openItem({ ...before, envelope: after }, room.devices)), "다시");
});
