/** A member's devices: approved, revoked, recovered by the code; and the keys of those who come and go. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { makeDevice, signText } from "../../webapp/static/sdk/threads/devices.js";
import { KeyRotation } from "../../webapp/static/sdk/threads/key_rotation.js";
import { OwnDevices } from "../../webapp/static/sdk/threads/own_devices.js";
import { deviceText } from "../../webapp/static/sdk/threads/texts.js";
import { ThreadKeys } from "../../webapp/static/sdk/threads/thread_keys.js";
import { failure } from "./browser.js";
import { ThreadServer } from "./threads-server.js";
import { DOCTOR, makeMember, NURSE, THREAD, writeItem } from "./threads-setup.js";

const PATIENT = "patient:94ebd639-9549-427e-82f6-8dfbaf8ed138";
const textOf = (bytes) => new TextDecoder().decode(bytes);

beforeEach(() => Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true }));

/** A browser of a member, registered, with all that its page has. */
async function arrive(server, memberId) {
  const member = await makeMember(memberId);
  const client = server.clientOf(memberId);
  const keysOf = (threadId) => new ThreadKeys(threadId, member.claim.deviceId, { client, ...member });
  const register = async () => (session.state = (await client.register(member.claim)).state);
  const session = { memberId, device: member.claim, database: member.database, keysOf, register, state: "" };
  await register();
  const own = new OwnDevices({ session, client, crypto: member.crypto });
  return { ...member, client, session, own, keys: keysOf(THREAD), ensure: () => keysOf(THREAD).ensure() };
}

async function makeThread(roles = { [NURSE]: "owner", [PATIENT]: "writer" }) {
  const server = new ThreadServer(roles);
  const [nurse, phone] = [await arrive(server, NURSE), await arrive(server, PATIENT)];
  await nurse.ensure();
  await phone.ensure();
  return { server, nurse, phone };
}

const opens = async (browser, item, server) => textOf(await browser.crypto.openItem(item, server.devices));

test("a second browser waits, and opens what was written before once the first has approved it", async () => {
  const { server, nurse, phone } = await makeThread();
  const old = await writeItem(nurse, { text: "예전 말" });
  const tablet = await arrive(server, PATIENT);
  assert.equal(tablet.session.state, "pending");
  assert.deepEqual((await tablet.ensure()).kid, null);
  const [waiting] = (await phone.own.list()).filter(({ state }) => state === "pending");
  await phone.own.approve(waiting);
  assert.equal(await tablet.session.register(), "active");
  assert.equal((await tablet.ensure()).kid, "k1");
  assert.equal(await opens(tablet, old, server), "예전 말");
  assert.equal(await opens(nurse, await writeItem(tablet, { text: "새 말" }), server), "새 말");
});

test("a server that lets in a device with a made-up approval is found out", async () => {
  const { server, nurse, phone } = await makeThread();
  const tablet = await arrive(server, PATIENT);
  const forged = await tablet.crypto.approve(tablet.told);
  server.devices.find(({ deviceId }) => deviceId === tablet.claim.deviceId).state = "active";
  server.devices.at(-1).approval = { ...forged, approvedBy: phone.claim.deviceId };
  server.keyState = "due";
  await assert.rejects(nurse.ensure(), { code: "DEVICE_INVALID" });
});

test("where a device was revoked the next key is made at once, and not sealed to it", async () => {
  const { server, nurse } = await makeThread();
  const tablet = await arrive(server, NURSE);
  await nurse.own.approve(tablet.told);
  await tablet.ensure();
  await nurse.own.revoke(tablet.claim.deviceId);
  assert.deepEqual(server.keysets.map(({ kid }) => kid), ["k1", "k2"]);
  assert.equal(server.wraps.has(`k2 ${tablet.claim.deviceId}`), false);
  assert.deepEqual((await nurse.own.list()).map(({ deviceId }) => deviceId), [nurse.claim.deviceId]);
});

test("a new phone and the code open all old envelopes, and the phone goes on by itself", async () => {
  const { server, nurse, phone } = await makeThread();
  const first = await writeItem(nurse, { text: "처음" });
  const made = await phone.own.makeRecovery();
  assert.equal(server.devices.length, 2); // nothing is registered before it is on paper
  await phone.own.keepRecovery(made);
  server.keyState = "due";
  await nurse.ensure(); // the next generation is sealed to the code too
  const second = await writeItem(nurse, { kid: "k2", text: "나중", seq: 2 });
  phone.database = null; // lost, and with it all keys
  const found = await arrive(server, PATIENT);
  assert.equal(found.session.state, "pending");
  assert.equal(await found.own.recover(made.code.toLowerCase()), null);
  assert.equal(found.session.state, "active");
  await found.ensure();
  for (const [item, text] of [[first, "처음"], [second, "나중"]]) assert.equal(await opens(found, item, server), text);
  assert.equal(await opens(nurse, await writeItem(found, { kid: "k2", text: "새 전화" }), server), "새 전화");
});

test("a wrap that is not what it says keeps the code from opening no other, and is told", async () => {
  const { server, nurse, phone } = await makeThread();
  const made = await phone.own.makeRecovery();
  await phone.own.keepRecovery(made);
  server.keyState = "due";
  await nurse.ensure();
  server.wraps.set(`k1 ${made.claim.deviceId}`, server.wraps.get(`k1 ${nurse.claim.deviceId}`));
  const second = await writeItem(nurse, { kid: "k2", text: "나중" });
  const found = await arrive(server, PATIENT);
  await assert.rejects(found.own.recover(made.code), { code: "KEY_WRAP" });
  assert.equal(found.session.state, "active");
  await found.ensure();
  assert.equal(await opens(found, second, server), "나중");
});

test("a mistyped code approves nothing and says what is wrong", async () => {
  const { server, phone } = await makeThread();
  const made = await phone.own.makeRecovery();
  await phone.own.keepRecovery(made);
  const found = await arrive(server, PATIENT);
  const mistyped = made.code.slice(0, 13) + (made.code[13] === "7" ? "8" : "7") + made.code.slice(14);
  assert.deepEqual(await found.own.recover(mistyped), { code: "RECOVERY_GROUP", group: 3 });
  const { code: other } = await phone.own.makeRecovery();
  assert.deepEqual(await found.own.recover(other), { code: "RECOVERY_UNKNOWN", group: null });
  assert.equal(await found.session.register(), "pending");
});

test("a new code takes the place of the one before", async () => {
  const { server, phone } = await makeThread();
  const [first, second] = [await phone.own.makeRecovery(), await phone.own.makeRecovery()];
  await phone.own.keepRecovery(first);
  await phone.own.keepRecovery(second);
  await phone.own.keepRecovery(second); // an answer may be lost
  const found = await arrive(server, PATIENT);
  assert.deepEqual(await found.own.recover(first.code), { code: "RECOVERY_UNKNOWN", group: null });
  assert.equal(await found.own.recover(second.code), null);
});

test("a new code opens all before the older one goes, whenever the tab dies", async () => {
  const { server, phone } = await makeThread();
  await phone.own.keepRecovery(await phone.own.makeRecovery());
  const made = await phone.own.makeRecovery();
  phone.client.revoke = async () => {
    throw failure(0); // the last that this tab asks for
  };
  await assert.rejects(phone.own.keepRecovery(made), { status: 0 });
  assert.equal(server.wraps.has(`k1 ${made.claim.deviceId}`), true);
});

test("where a key cannot be sealed to a new code the older one stays, and goes once it can be", async () => {
  const { server, nurse, phone } = await makeThread();
  const old = await writeItem(nurse, { text: "처음" });
  const [first, second] = [await phone.own.makeRecovery(), await phone.own.makeRecovery()];
  await phone.own.keepRecovery(first);
  const { addWraps } = phone.client;
  phone.client.addWraps = async () => {
    throw failure(503);
  };
  await assert.rejects(phone.own.keepRecovery(second), { status: 503 });
  phone.client.addWraps = addWraps;
  const { keys } = phone.client;
  phone.client.keys = async (...asked) => ({ ...(await keys(...asked)), keys: [] }); // nor where nothing is told to be sealed
  await assert.rejects(phone.own.keepRecovery(second), { code: "UNKNOWN_KEY" });
  const found = await arrive(server, PATIENT);
  assert.equal(await found.own.recover(first.code), null);
  assert.equal(await opens(found, old, server), "처음");
  phone.client.keys = keys;
  await phone.own.keepRecovery(second);
  assert.equal(server.devices.find(({ deviceId }) => deviceId === first.claim.deviceId).state, "revoked");
});

test("who was just identified needs no other device, and gets the keys from others", async () => {
  const { server, nurse } = await makeThread();
  const tablet = await arrive(server, PATIENT);
  assert.equal(await tablet.own.reset(), "active");
  assert.equal((await tablet.ensure()).kid, null);
  await nurse.ensure();
  assert.equal((await tablet.ensure()).kid, "k1");
});

test("a keyset that forgets an active device is not believed, and nothing is written under it", async () => {
  const { server, nurse, phone } = await makeThread();
  server.hides = (deviceId) => deviceId === phone.claim.deviceId;
  const other = await arrive(server, DOCTOR);
  server.members.set(DOCTOR, "owner");
  await nurse.ensure();
  await other.ensure();
  const { status, devices } = await nurse.keys.refresh();
  const hash = nurse.keys.known.hash;
  const body = await other.crypto.makeKeyset({ threadId: THREAD, kid: "k2", prev: hash }, devices.filter(({ memberId }) => memberId !== PATIENT));
  await other.client.rotate(THREAD, body);
  const known = await nurse.keys.refresh();
  assert.deepEqual([status.kid, known.kid, known.failures], ["k1", "k1", [{ kid: "k2", code: "KEY_FORGETS" }]]);
  server.keyState = "due";
  await nurse.keys.ensure(); // a key that does not fit is no ground for the next one
  assert.equal(server.keysets.length, 2);
  server.wraps.set(`k2 ${phone.claim.deviceId}`, "sealed by somebody since");
  assert.deepEqual((await nurse.keys.refresh()).kid, "k2");
});

test("a device that came after a keyset is not one that it forgets", async () => {
  const { server, nurse, phone } = await makeThread();
  server.keyState = "due";
  await nurse.ensure();
  const tablet = await arrive(server, PATIENT);
  await phone.client.approve(tablet.claim.deviceId, await phone.crypto.approve(tablet.told));
  const known = await phone.keys.refresh();
  assert.deepEqual([known.kid, known.failures], ["k2", []]);
});

test("an owner goes on where the only one who made keys has left", async () => {
  const server = new ThreadServer({ [NURSE]: "owner", [PATIENT]: "owner" });
  await (await arrive(server, NURSE)).ensure();
  server.members.delete(NURSE);
  server.keyState = "due";
  const phone = await arrive(server, PATIENT);
  const { kid, failures } = await phone.ensure();
  assert.deepEqual([kid, failures, server.keyState], ["k2", [], "ok"]);
});

test("an owner's new device goes on where the newest key's maker is no owner any more, though none is due", async () => {
  const { server, phone } = await makeThread({ [NURSE]: "owner", [PATIENT]: "owner" });
  server.members.set(NURSE, "writer");
  const tablet = await arrive(server, PATIENT);
  await phone.own.approve(tablet.told);
  assert.equal((await tablet.ensure()).kid, "k2");
  assert.deepEqual((await tablet.keys.refresh()).failures, []);
});

test("whoever is no owner makes no key where the newest one's maker is none", async () => {
  const { server, phone } = await makeThread();
  server.members.set(NURSE, "writer");
  const tablet = await arrive(server, PATIENT);
  await phone.own.approve(tablet.told);
  const { kid, failures } = await tablet.ensure();
  assert.deepEqual([kid, failures, server.keysets.length], [null, [{ kid: "k1", code: "KEY_MAKER" }], 1]);
});

test("an owner's new device adds and removes, whoever made the newest key", async () => {
  const { server, phone } = await makeThread({ [NURSE]: "owner", [PATIENT]: "owner" });
  const doctor = await arrive(server, DOCTOR);
  server.members.set(NURSE, "writer");
  const tablet = await arrive(server, PATIENT);
  await phone.own.approve(tablet.told);
  await tablet.keys.addMember(DOCTOR, "writer", { withHistory: false });
  assert.equal((await doctor.ensure()).kid, server.keysets.at(-1).kid);
  await tablet.keys.removeMember(NURSE);
  assert.deepEqual([...server.members.keys()], [PATIENT, DOCTOR]);
});

for (const [what, damage] of [
  ["that does not open", (server, { deviceId }) => server.wraps.set(`k1 ${deviceId}`, "A".repeat(107))],
  ["of another secret", async (server, device, liar) => {
    const { wraps } = await liar.crypto.makeKeyset({ threadId: THREAD, kid: "k1", prev: "-" }, [device]);
    server.wraps.set(`k1 ${device.deviceId}`, wraps[0].wrapped);
  }],
]) {
  test(`a wrap ${what} keeps no owner from making the next key`, async () => {
    const { server, nurse, phone } = await makeThread();
    const tablet = await arrive(server, NURSE);
    await nurse.client.approve(tablet.claim.deviceId, await nurse.crypto.approve(tablet.told));
    await damage(server, tablet.told, phone);
    tablet.client.dropWrap = async () => Promise.reject(failure(404)); // an older server
    server.devices.find(({ deviceId }) => deviceId === nurse.claim.deviceId).state = "revoked";
    server.keyState = "due";
    assert.equal((await tablet.ensure()).kid, "k2");
    await tablet.keys.removeMember(PATIENT);
    assert.deepEqual([...server.members.keys()], [NURSE]);
  });

  test(`a wrap ${what} is told and taken back, and another one opens`, async () => {
    const { server, nurse, phone } = await makeThread();
    const old = await writeItem(nurse, { text: "예전 말" });
    const tablet = await arrive(server, NURSE);
    await nurse.client.approve(tablet.claim.deviceId, await nurse.crypto.approve(tablet.told));
    await damage(server, tablet.told, phone);
    const { kid, failures } = await tablet.ensure();
    assert.deepEqual([kid, failures.length, failures[0].kid], [null, 1, "k1"]);
    await phone.ensure();
    assert.deepEqual((await tablet.ensure()).failures, []);
    assert.equal(await opens(tablet, old, server), "예전 말");
  });
}

for (const [what, add] of [
  ["device", async (phone, server) => {
    const tablet = await arrive(server, PATIENT);
    return { deviceId: tablet.claim.deviceId, finish: () => phone.own.approve(tablet.told) };
  }],
  ["recovery code", async (phone) => {
    const made = await phone.own.makeRecovery();
    return { deviceId: made.claim.deviceId, finish: () => phone.own.keepRecovery(made) };
  }],
]) {
  test(`what somebody else sealed to a new ${what} at once keeps out nothing of its own member's`, async () => {
    const { server, nurse, phone } = await makeThread();
    const { deviceId, finish } = await add(phone, server);
    const { approve } = phone.client;
    phone.client.approve = async (...asked) => {
      await approve(...asked);
      await nurse.client.addWraps(THREAD, "k1", [{ deviceId, wrapped: "A".repeat(107) }]);
    };
    await finish();
    assert.notEqual(server.wraps.get(`k1 ${deviceId}`), "A".repeat(107));
  });
}

test("whoever comes without the history gets the newest key alone", async () => {
  const { server, nurse } = await makeThread();
  const doctor = await arrive(server, DOCTOR);
  const old = await writeItem(nurse, { text: "예전 말" });
  await nurse.keys.addMember(DOCTOR, "writer", { withHistory: false });
  assert.deepEqual(server.keysets.map(({ kid }) => kid), ["k1", "k2"]);
  server.wraps.delete(`k1 ${doctor.claim.deviceId}`); // the real one tells no key from before as lacking
  await doctor.keys.refresh();
  assert.equal(await opens(doctor, await writeItem(nurse, { kid: "k2", text: "새 말" }), server), "새 말");
  await assert.rejects(opens(doctor, old, server), { code: "UNKNOWN_KEY" });
});

test("whoever comes with the history gets all keys", async () => {
  const { server, nurse } = await makeThread();
  const doctor = await arrive(server, DOCTOR);
  const old = await writeItem(nurse, { text: "예전 말" });
  await nurse.keys.addMember(DOCTOR, "reader", { withHistory: true });
  await doctor.keys.refresh();
  assert.equal(await opens(doctor, old, server), "예전 말");
  assert.equal(server.keysets.length, 1);
});

for (const [what, name, change = () => {}] of [
  ["a member who was removed", (found) => found.gone],
  ["a device that waits for its approval", (found) => found.tablet],
  ["a device that was revoked", (found) => found.tablet, ({ server, tablet }) => {
    server.devices.find(({ deviceId }) => deviceId === tablet.claim.deviceId).state = "revoked";
  }],
]) {
  test(`a server that names ${what} among those who lack a key has nothing sealed to it`, async () => {
    const { server, nurse } = await makeThread();
    const gone = await arrive(server, DOCTOR);
    const tablet = await arrive(server, PATIENT);
    change({ server, tablet });
    const { deviceId } = name({ gone, tablet }).claim;
    server.claims = [{ deviceId, memberId: name({ gone, tablet }).memberId, kids: ["k1"] }];
    await nurse.ensure();
    assert.equal(server.wraps.has(`k1 ${deviceId}`), false);
  });
}

for (const [what, hide, first] of [
  ["", () => {}, "k2"],
  [", where the items of before are gone", (server) => (server.items = []), "k2"],
  [", where the server says nothing of these items", (_, nurse) => (nurse.client.range = async () => Promise.reject(failure(503))), "k2"],
]) {
  test(`a new device of who came without the history gets their generations alone${what}`, async () => {
    const { server, nurse } = await makeThread();
    const doctor = await arrive(server, DOCTOR);
    await nurse.keys.addMember(DOCTOR, "writer", { withHistory: false });
    server.keyState = "due";
    await nurse.ensure();
    const tablet = await arrive(server, DOCTOR);
    await doctor.client.approve(tablet.claim.deviceId, await doctor.crypto.approve(tablet.told));
    hide(server, nurse);
    await nurse.ensure();
    const got = [...server.wraps.keys()].filter((one) => one.endsWith(tablet.claim.deviceId));
    assert.deepEqual(got.map((one) => one.slice(0, 2)), [first, "k3"]);
  });
}

test("whoever came without the history, and without a device, gets what was written since", async () => {
  const { server, nurse } = await makeThread();
  await nurse.keys.addMember(DOCTOR, "writer", { withHistory: false });
  server.keyState = "due";
  await nurse.ensure();
  const doctor = await arrive(server, DOCTOR);
  const gets = async () => {
    await nurse.ensure();
    return ["k1", "k2", "k3"].filter((kid) => server.wraps.has(`${kid} ${doctor.claim.deviceId}`));
  };
  const told = server.items;
  server.items = []; // trimmed
  assert.deepEqual(await gets(), ["k3"]);
  server.items = told;
  assert.deepEqual(await gets(), ["k2", "k3"]);
});

/** What a server tells under somebody's id, signed as it should be. */
async function forge({ deviceId, memberId, createdAt }) {
  const { claim, signPrivate } = await makeDevice(memberId, createdAt);
  const unsigned = { ...claim, deviceId };
  return { ...unsigned, sig: await signText(signPrivate, deviceText(unsigned)) };
}

test("a server that tells keys of its own under the id of this device is sealed nothing", async () => {
  const server = new ThreadServer({ [NURSE]: "owner" });
  const nurse = await arrive(server, NURSE);
  Object.assign(server.devices[0], await forge(nurse.claim));
  await assert.rejects(nurse.ensure(), { code: "DEVICE_CHANGED" });
  assert.equal(server.wraps.size, 0);
});

test("a server that tells keys of its own under the id of a new code is sealed nothing", async () => {
  const { server, phone } = await makeThread();
  const made = await phone.own.makeRecovery();
  const { approve } = phone.client;
  phone.client.approve = async (...asked) => {
    Object.assign(await approve(...asked), await forge(made.claim), { approval: undefined });
  };
  await assert.rejects(phone.own.keepRecovery(made), { code: "DEVICE_CHANGED" });
  assert.equal(server.wraps.has(`k1 ${made.claim.deviceId}`), false);
});

test("another member's device under the id of one's own new one is sealed nothing", async () => {
  const { server, phone } = await makeThread();
  const stranger = await arrive(server, DOCTOR);
  await phone.keys.refresh();
  await phone.keys.sealOwn(stranger.claim.deviceId);
  assert.equal(server.wraps.has(`k1 ${stranger.claim.deviceId}`), false);
});

test("a removal comes with the key of those who stay, also where somebody was faster", async () => {
  const { server, nurse, phone } = await makeThread();
  const doctor = await arrive(server, DOCTOR);
  await nurse.keys.addMember(DOCTOR, "writer", { withHistory: true });
  await doctor.ensure();
  const { removeMember } = nurse.client;
  nurse.client.removeMember = async (...args) => {
    nurse.client.removeMember = removeMember;
    server.keyState = "due";
    await new ThreadKeys(THREAD, nurse.claim.deviceId, { client: server.clientOf(NURSE), ...nurse }).ensure();
    return removeMember(...args);
  };
  await nurse.keys.removeMember(PATIENT);
  assert.deepEqual([...server.members.keys()], [NURSE, DOCTOR]);
  assert.deepEqual(server.keysets.map(({ kid }) => kid), ["k1", "k2", "k3"]);
  assert.equal(server.wraps.has(`k3 ${phone.claim.deviceId}`), false);
  assert.equal((await doctor.ensure()).kid, "k3");
});

test("an owner's client makes the keys that are due, and tries one that fails again after a minute", async () => {
  const now = { is: 0 };
  const state = { is: "due" };
  const asked = [];
  const fails = async () => Promise.reject(failure(503));
  const keysOf = (threadId) => ({ ensure: async () => (asked.push(threadId), threadId === "c" ? fails() : { status: { keyState: state.is } }) });
  const rotation = new KeyRotation(keysOf, () => now.is);
  const thread = (threadId, role, keyState) => ({ threadId, role, keyState });
  const list = [thread("a", "owner", "ok"), thread("b", "writer", "due"), thread("c", "owner", "due"), thread("d", "owner", "missing")];
  assert.deepEqual(await rotation.rotateDue(list), ["c", "d"]);
  now.is = 59_999;
  assert.deepEqual(await rotation.rotateDue(list), []);
  now.is = 60_000;
  assert.deepEqual(await rotation.rotateDue(list), ["c", "d"]);
  state.is = "ok";
  now.is = 120_000;
  assert.deepEqual(await rotation.rotateDue(list), ["c", "d"]);
  assert.deepEqual(await rotation.rotateDue(list), ["d"]); // it is due once more
  now.is = 240_000;
  rotation.leaveOut("c");
  assert.deepEqual(await rotation.rotateDue(list), ["d"]);
  const broken = new KeyRotation(() => ({ ensure: () => Promise.reject(new TypeError("ours")) }));
  await assert.rejects(broken.rotateDue(list), TypeError);
  assert.equal(asked.length, 8);
});
