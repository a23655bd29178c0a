/** What the threads' page does while something is waited for, and the person goes on meanwhile. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { IDBKeyRange } from "fake-indexeddb";

import { DevicesView } from "../../webapp/static/page/threads/devices_view.js";
import { MembersView } from "../../webapp/static/page/threads/members_view.js";
import { Messages } from "../../webapp/static/page/threads/messages.js";
import { ThreadList } from "../../webapp/static/page/threads/thread_list.js";
import { ThreadView, watchSendForm } from "../../webapp/static/page/threads/thread_view.js";
import { encodeBase64url } from "../../webapp/static/sdk/core/base64url.js";
import { hashBytes } from "../../webapp/static/sdk/threads/encoding.js";
import { Inbox } from "../../webapp/static/sdk/threads/inbox.js";
import { failure, settle } from "./browser.js";
import { answerDialog, openDocument } from "./document.js";
import { DOCTOR, makeMember, NURSE, OTHER_THREAD, Room, THREAD, until, writeItem } from "./threads-setup.js";

const MEMBERS = [{ memberId: NURSE, role: "owner" }, { memberId: DOCTOR, role: "writer" }];
const STATUS = { role: "owner", members: MEMBERS, acks: [], lastSeq: 0, gaps: [] };
let find = (id) => document.getElementById(id);

beforeEach((t) => {
  find = openDocument();
  t.mock.timers.enable({ apis: ["setTimeout"] }); // notes go by themselves
});

/** The list of who is in, and what was done by it. */
function showMembers() {
  const done = [];
  const client = {
    removeMember: async (threadId, memberId) => void done.push(`${memberId} leaves ${threadId}`),
    changeRole: async (threadId, memberId, role) => void done.push(`${memberId} is ${role} in ${threadId}`),
    status: async () => STATUS,
  };
  const view = new MembersView({ memberId: NURSE, client, onLeft: (threadId) => done.push(`left ${threadId}`) });
  const open = (threadId) => {
    view.open(threadId, { removeMember: async (memberId) => void done.push(`${memberId} removed from ${threadId}`) });
    view.show(STATUS);
  };
  open(THREAD);
  return { open, done, client, rows: find("members-rows") };
}

const BUTTONS = [
  ["leaving", "이 대화방에서 나가기", [`${NURSE} leaves ${THREAD}`, `left ${THREAD}`]],
  ["removing somebody", "직원 doctor.l 내보내기", [`${DOCTOR} removed from ${THREAD}`]],
];
for (const [what, label, outcome] of BUTTONS) {
  test(`${what} is done where it was asked`, async () => {
    const { rows, done } = showMembers();
    rows.button(label).click();
    answerDialog(find, "yes");
    await settle();
    assert.deepEqual(done, outcome);
  });

  test(`${what} is not done in the thread that was opened while the question stood there`, async () => {
    const { open, rows, done } = showMembers();
    rows.button(label).click();
    open(OTHER_THREAD);
    answerDialog(find, "yes");
    await settle();
    assert.deepEqual(done, []);
  });
}

test("who is in a thread is not shown beside the next one, however late it is told", async () => {
  const { open, rows, client } = showMembers();
  let tell;
  client.status = () => new Promise((resolve) => (tell = resolve));
  const [choice] = rows.all(({ tagName }) => tagName === "SELECT");
  choice.dispatchEvent(new Event("change"));
  await until(() => tell);
  open(OTHER_THREAD);
  tell({ role: "owner", members: [...MEMBERS, { memberId: "staff:third", role: "writer" }] });
  await settle();
  assert.equal(rows.childElementCount, 2);
});

test("what was refused in a thread is not said beside the next one", async () => {
  const { open, rows, client } = showMembers();
  let refuse;
  client.changeRole = () => new Promise((_, reject) => (refuse = reject));
  const [choice] = rows.all(({ tagName }) => tagName === "SELECT");
  choice.dispatchEvent(new Event("change"));
  open(OTHER_THREAD);
  refuse(Object.assign(failure(409), { code: "LAST_OWNER" }));
  await settle();
  assert.equal(find("members-failed").textContent, "");
  assert.match(find("toasts-urgent").textContent, /관리하는 사람이 한 명은 있어야 해요/);
});

/** A thread that is open, whose worker answers when a test lets it. */
function openThread(threadId, traits = {}, told = {}) {
  const known = { kid: `k of ${threadId}`, failures: [], devices: [], status: STATUS, ...told };
  const keys = { known, ensure: async () => known };
  const session = { memberId: NURSE, device: { deviceId: "d" }, keysOf: () => keys, database: null };
  const members = { open: () => {}, show: () => {} };
  const links = { open: () => {}, show: () => {}, close: () => {} };
  const parts = { session, client: {}, crypto: {}, sender: {}, members, links, onItem: () => {}, onRead: () => {}, ...traits };
  return new ThreadView(threadId, /** @type {any} */ (parts));
}

test("a thread's keys are not shown beside the next one, however late they are read", async () => {
  let answer;
  const crypto = { fingerprints: () => new Promise((resolve) => (answer = resolve)) };
  const view = openThread(THREAD, { crypto });
  void view.open();
  await until(() => answer);
  view.close();
  find("keys-facts").textContent = "of the next one";
  answer({});
  await settle();
  assert.deepEqual([find("keys-facts").textContent, find("thread-facts").textContent], ["of the next one", ""]);
});

test("what waits to be sent goes as soon as the thread's stream is connected", async () => {
  const { database, crypto } = await makeMember(NURSE);
  const session = { memberId: NURSE, device: { deviceId: "d" }, database, keysOf: () => keys };
  const keys = { known: { kid: "k1", failures: [], devices: [], status: STATUS }, ensure: async () => keys.known };
  const client = {
    openSocket: () => null,
    openEvents: async () => {
      throw failure(503);
    },
    eventsUrl: () => "/events",
    rangeUrl: () => "/range",
    getJson: async () => ({ items: [], lastSeq: 0, epoch: "e" }),
  };
  const flushed = [];
  const view = openThread(THREAD, { session, client, crypto: { ...crypto, fingerprints: async () => ({}) }, sender: { flush: (how) => flushed.push(how) } });
  await view.open();
  await until(() => flushed.length > 0);
  assert.deepEqual(flushed[0], { isEarly: true });
  view.close();
});

/** Of a record that the service sent in two parts. */
async function writeParts() {
  const record = { checkup_date: "2026-03-02", year: 2026, location: "한빛검진의원", description: "", items: [] };
  const whole = new TextEncoder().encode(JSON.stringify({ v: 1, kind: "checkups", id: "9", updatedAt: "2026-03-02T00:00:00.000Z", record }));
  const head = { v: 1, documentId: "d", contentType: "application/vnd.welno.record+json", size: whole.length, parts: 2 };
  const sha256 = (await hashBytes(whole)).slice("sha256:".length);
  const pieces = [whole.slice(0, 40), whole.slice(40)].map(encodeBase64url);
  return pieces.map((data, at) => new TextEncoder().encode(JSON.stringify({ ...head, sha256, part: at + 1, data })));
}

test("what a link may show is complete once all that is here was decrypted, and what came in parts is whole", async () => {
  globalThis.IDBKeyRange = IDBKeyRange;
  const nurse = await makeMember(NURSE);
  await new Room(nurse).rotate();
  const parts = await writeParts();
  for (const seq of [1, 2]) {
    const item = await writeItem(nurse, { seq });
    const envelope = { ...item.envelope, contentType: "application/vnd.welno.record-part+json" };
    await new Inbox(nurse.database, THREAD).add({ ...item, clientSeq: seq, from: "service:welno", envelope });
  }
  let goOn;
  const isLetOn = new Promise((resolve) => (goOn = resolve));
  const asked = [];
  const crypto = { fingerprints: async () => ({}), openItem: async ({ seq }) => (asked.push(seq), await isLetOn, parts[seq - 1]) };
  const keys = { known: { kid: "k1", failures: [], devices: [], status: STATUS }, ensure: async () => keys.known, devices: async () => [] };
  const session = { memberId: NURSE, device: { deviceId: "d" }, database: nurse.database, keysOf: () => keys };
  const client = { openSocket: () => null, openEvents: () => Promise.reject(failure(503)), eventsUrl: () => "/e", rangeUrl: () => "/r", getJson: async () => ({ items: [], lastSeq: 2, epoch: "e" }), ack: async (_, seq) => ({ ackedSeq: seq }), status: async () => STATUS };
  let material;
  const seen = [];
  const links = { open: (thread) => ({ material } = thread), show: () => {} };
  const view = openThread(THREAD, { session, client, crypto, links, sender: { flush: async () => {} } });
  const opened = view.open();
  material.watch(() => seen.push([material.isComplete, material.records.map(({ key }) => key)]));
  await until(() => asked.length > 0);
  assert.equal(material.isComplete, false);
  goOn();
  await opened;
  await until(() => material.isComplete);
  assert.deepEqual(seen, [[false, ["checkups/9"]], [true, ["checkups/9"]]]);
  view.close();
});

test("a thread's keys are read once when the network is back", async () => {
  const { database } = await makeMember(NURSE);
  const told = { kid: "k1", failures: [], devices: [], status: STATUS };
  let reads = 0;
  const read = async () => ((reads += 1), told);
  const session = { memberId: NURSE, device: { deviceId: "d" }, database, keysOf: () => ({ known: told, ensure: read, refresh: read }) };
  const view = openThread(THREAD, { session, crypto: { fingerprints: async () => ({}) } });
  await view.retryNow();
  assert.equal(reads, 1);
  view.close();
});

for (const [what, typed, left] of [
  ["goes from the form once it is kept", "혈압 128/82", ""],
  ["takes nothing with it that was typed meanwhile", "혈압 128/82\n맥박 70", "혈압 128/82\n맥박 70"],
])
  test(`what was written ${what}`, async () => {
    let keep;
    const sent = [];
    const send = (text) => new Promise((resolve) => (sent.push(text), (keep = resolve)));
    watchSendForm(() => /** @type {any} */ ({ send }), /** @type {any} */ ({}));
    find("text").value = "혈압 128/82 ";
    find("send-form").dispatchEvent(new Event("submit"));
    find("text").value = typed;
    keep(true);
    await settle();
    assert.deepEqual([sent, find("text").value], [["혈압 128/82"], left]);
  });

for (const [gap, words] of [
  [{ from: 2, to: 4, reason: "trimmed" }, "2~4쪽 메시지는 볼 수 없어요. 보관 기간이 지나서 서버에서 지워졌어요."],
  [{ from: 3, to: 3, reason: "missing" }, "3쪽 메시지는 볼 수 없어요. 여러 번 물어보았지만 서버에서 오지 않았어요."],
])
  test(`numbers that cannot be had (${gap.reason}) are told among the messages, with what to do`, () => {
    const messages = new Messages(NURSE, /** @type {any} */ ({}));
    messages.addGap(/** @type {any} */ (gap));
    assert.equal(find("messages").textContent, `${words}필요한 내용이면 보낸 분에게 다시 보내 달라고 해 주세요.`);
  });

test("a thread whose server came back from a backup leads to a new device", async () => {
  let asked = 0;
  const crypto = { fingerprints: async () => ({}) };
  const members = { open: () => {}, show: () => view.close() }; // nothing is received
  const view = openThread(THREAD, { crypto, members, onRegisterAnew: () => (asked += 1) }, { isRestored: true });
  await view.open();
  find("thread-failed").button("새 기기로 다시 등록").click();
  assert.equal(asked, 1);
});

for (const [what, other, asked, isErased] of [
  ["is warned that nothing else would let the new one in", [], /먼저 비상 코드를 만들어 주세요/, false],
  ["registers anew where the printed code lets it in", [{ type: "recovery" }], /비상 코드.*승인해야 열려요/, true],
])
  test(`the only device of a member of staff ${what}`, async () => {
    const device = { deviceId: "d", memberId: NURSE, createdAt: "2026-11-26T08:00:00.000Z", state: "active" };
    const done = [];
    globalThis.location = /** @type {any} */ ({ hash: "", reload: () => done.push("reload") });
    const session = { device, memberId: NURSE, state: "active" };
    const crypto = { fingerprints: async () => ({}) };
    const devices = { eraseThis: async () => void done.push("erase") };
    const view = new DevicesView(/** @type {any} */ ({ session, devices, crypto, countWaiting: async () => 0 }));
    await view.show([device, ...other.map((one) => ({ ...device, ...one, deviceId: "c" }))]);
    const registering = view.registerAnew();
    await settle();
    assert.match(find("own-devices-failed").textContent + find("confirm-text").textContent, asked);
    if (find("confirm").open) answerDialog(find, "yes");
    await registering;
    assert.deepEqual(done, isErased ? ["erase", "reload"] : []);
  });

/** The list of one's threads, and how often it was asked for. */
function openList(traits = {}) {
  const done = [];
  const kept = new Map();
  const meta = { put: (threads, name) => kept.set(name, threads), get: (name) => kept.get(name) };
  const withMeta = async (_, act) => act({ meta: requestsOf(meta) });
  const session = { memberId: NURSE, state: "active", database: { read: withMeta, write: withMeta } };
  const client = {
    me: async () => ({ memberId: NURSE, devices: [] }),
    threads: async () => (done.push("asked"), [{ threadId: THREAD, lastSeq: 3, ackedSeq: 1 }, { threadId: OTHER_THREAD, lastSeq: 1, ackedSeq: 1 }]),
    ...traits,
  };
  const note = (what) => () => void done.push(what);
  const list = new ThreadList(/** @type {any} */ ({ session, client, onTold: async () => {}, onOther: note("other"), onSignedOut: note("signed out") }));
  return { list, client, done, rows: () => find("list-rows").all(({ tagName }) => tagName === "A") };
}

/** As an IndexedDB answers. */
function requestsOf({ put, get }) {
  const answered = (result) => {
    const request = { result };
    queueMicrotask(() => request.onsuccess?.());
    return request;
  };
  return { put: (...args) => answered(put(...args)), get: (...args) => answered(get(...args)) };
}

test("what is read again and again does not put off what is new in the list", async (t) => {
  const { list, done } = openList();
  await list.refresh();
  for (const milliseconds of [600, 600]) {
    list.refreshSoon();
    t.mock.timers.tick(milliseconds);
  }
  assert.equal(done.length, 2);
});

test("a question of before the list's turn does not put that off", async (t) => {
  const { list, done } = openList();
  await list.refresh();
  t.mock.timers.tick(14_000);
  await list.refresh();
  t.mock.timers.tick(1_000);
  assert.equal(done.length, 3);
  list.close();
  t.mock.timers.tick(60_000);
  assert.equal(done.length, 3);
});

test("an answer that comes after a newer one changes nothing in the list", async () => {
  const answers = [];
  const { list, rows } = openList({ threads: () => new Promise((resolve) => answers.push(resolve)) });
  const reads = [list.refresh(), list.refresh()];
  await settle();
  answers[1]([{ threadId: THREAD, lastSeq: 3, ackedSeq: 3 }]);
  await settle();
  answers[0]([{ threadId: THREAD, lastSeq: 3, ackedSeq: 1 }]);
  await Promise.all(reads);
  assert.match(rows()[0].textContent, /모두 읽음/);
  list.close();
});

test("the list tells what is new, and which thread is open", async () => {
  const { list, rows } = openList();
  list.mark(OTHER_THREAD);
  await list.refresh();
  const shown = () => rows().map((link) => [link.firstElementChild.textContent, link.getAttribute("aria-current")]);
  assert.deepEqual(shown(), [["새 소식 2개", null], ["모두 읽음", "true"]]);
  list.mark("");
  assert.deepEqual(shown(), [["새 소식 2개", null], ["모두 읽음", null]]);
});

for (const [status, told, isSaid] of [[0, [], false], [401, ["signed out"], false], [503, [], true]])
  test(`a list that is answered ${status} is shown as it was told last`, async () => {
    const { list, client, done, rows } = openList();
    await list.refresh();
    client.threads = async () => {
      throw failure(status);
    };
    done.length = 0;
    await list.refresh();
    assert.deepEqual([rows().length, done, find("list-failed").hidden], [2, told, !isSaid]);
  });

test("the list of somebody else who signed in meanwhile is not shown", async () => {
  const { list, rows, done } = openList({ me: async () => ({ memberId: DOCTOR, devices: [] }) });
  await list.refresh();
  assert.deepEqual([rows(), done], [[], ["asked", "other"]]);
});
