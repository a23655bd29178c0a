/** What `/threads` shows of files that are being sent: by this page, by those of before, and beside other tabs. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { IDBObjectStore } from "fake-indexeddb";

import { Uploads } from "../../webapp/static/page/threads/uploads.js";
import { signOutQuestion } from "../../webapp/static/page/threads/words.js";
import { WelnoError } from "../../webapp/static/sdk/core/errors.js";
import * as blobCrypto from "../../webapp/static/sdk/threads/blob_chunks.js";
import { readBlobMessage } from "../../webapp/static/sdk/threads/blob_message.js";
import { BlobUpload } from "../../webapp/static/sdk/threads/blob_upload.js";
import { DisbelievedError } from "../../webapp/static/sdk/threads/errors.js";
import { KeptUploads } from "../../webapp/static/sdk/threads/kept_uploads.js";
import { settle } from "./browser.js";
import { openDocument } from "./document.js";
import { makeMember, NURSE, OTHER_THREAD, THREAD, until } from "./threads-setup.js";

const RESUMED = /앞서 연 페이지에서 보내던 파일이에요\. 멈춘 곳부터 이어서 보내요\./;
let find = (id) => document.getElementById(id);

beforeEach(() => {
  find = openDocument();
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
});

const file = (name, text = "x") => new File([text], name, { type: "application/pdf" });
const refusal = (status, code) => new WelnoError({ status, code });

/** A page of a member, with what it was told to send; `server` answers, `sends` may fail. */
async function openPage(t, { member, server = {}, ...traits } = {}) {
  const nurse = member ?? (await makeMember(NURSE));
  const { crypto: keys, database } = nurse;
  const sent = [];
  const asked = [];
  const client = { putBlobPart: async () => {}, completeBlob: async () => {}, ...server };
  const crypto = { ...blobCrypto, sealUpload: (...args) => keys.sealUpload(...args), openUpload: (...args) => keys.openUpload(...args) };
  const kept = new KeptUploads(database);
  const sender = {
    send: async (threadId, message, { uploadId }) => {
      sent.push([readBlobMessage(message).name, uploadId !== null]);
      if (uploadId) await kept.remove(uploadId);
    },
  };
  const parts = { client, crypto, sender, kept, isRevoked: () => false, ensureKeys: async (threadId) => asked.push(threadId), onKept: () => asked.push("kept") };
  const uploads = new Uploads(/** @type {any} */ ({ ...parts, ...traits }));
  t.after(() => uploads.close());
  /** As a page that was closed before it was sent leaves it. */
  const leave = (threadId, chosen) => new BlobUpload(threadId, chosen, { client, crypto, uploads: kept }).prepare();
  return { uploads, member: nurse, kept, sent, asked, client, leave, row: () => find("upload-rows").firstElementChild };
}

const rows = () => find("upload-rows").children;

test("a file whose sending is cancelled while it is completed is told to nobody, and not kept", async (t) => {
  let answer;
  const completeBlob = () => new Promise((resolve) => (answer = resolve));
  const { uploads, sent, kept } = await openPage(t, { server: { completeBlob } });
  uploads.begin(THREAD, file("a.pdf"));
  await until(() => answer);
  find("upload-rows").button("취소").click();
  answer({});
  await until(async () => rows().length === 0);
  assert.deepEqual([sent, await kept.list(), find("uploads").hidden], [[], [], true]);
});

test("what a page of before left is shown as such, and sent once", async (t) => {
  let goOn;
  const putBlobPart = () => new Promise((resolve) => (goOn = resolve));
  const completeBlob = async () => {
    if (!goOn) throw refusal(404, "BLOB_NOT_FOUND");
  };
  const { uploads, sent, leave, kept, row } = await openPage(t, { server: { putBlobPart, completeBlob } });
  await leave(THREAD, file("소견서.pdf"));
  await Promise.all([uploads.resume(), uploads.resume()]);
  await until(() => goOn);
  assert.match(row().textContent, /^소견서\.pdf/);
  assert.match(row().textContent, RESUMED);
  assert.match(row().textContent, /1B 가운데 0%를 보냈어요\./);
  assert.deepEqual([rows().length, find("uploading").textContent], [1, "보내는 파일 1개"]);
  goOn();
  await until(() => rows().length === 0);
  assert.deepEqual([sent, await kept.list(), find("uploading").hidden], [[["소견서.pdf", true]], [], true]);
});

test("the person hears when the page may be closed, and the browser is asked to keep it", async (t) => {
  const { uploads, asked, row } = await openPage(t, { server: { putBlobPart: () => new Promise(() => {}) } });
  uploads.begin(THREAD, file("a.pdf"));
  assert.match(row().textContent, /준비가 끝날 때까지 이 페이지를 닫지 마세요/);
  await until(() => asked.length > 0);
  assert.match(row().textContent, /다 보내기 전에 이 페이지를 닫아도 돼요\. 다시 열면 이어서 보내요\./);
});

test("where the store is full the person hears that the page has to stay", async (t) => {
  const { put } = IDBObjectStore.prototype;
  t.mock.method(IDBObjectStore.prototype, "put", function (value, name) {
    if (`${name}`.startsWith("keptUploadPart")) throw new DOMException("full", "QuotaExceededError");
    return put.call(this, value, name);
  });
  let goOn;
  const { uploads, sent, row, asked } = await openPage(t, { server: { putBlobPart: () => new Promise((resolve) => (goOn = resolve)) } });
  uploads.begin(THREAD, file("a.pdf"));
  await until(() => goOn);
  assert.match(row().textContent, /담아 둘 자리가 없어요\. 다 보낼 때까지 이 페이지를 닫지 마세요\./);
  goOn();
  await until(() => sent.length > 0);
  assert.deepEqual([sent, asked], [[["a.pdf", false]], []]);
});

test("files are sent in the order in which they were chosen, and one that fails holds up none", async (t) => {
  const names = ["1.pdf", "2.pdf", "3.pdf"];
  const { uploads, sent, client } = await openPage(t);
  const sizes = [];
  client.putBlobPart = async (threadId, blobId, number, octets) => {
    sizes.push(octets.size);
    await settle(); // time enough for the next one to pass it
    if (sizes.length === 2) throw refusal(413, "BLOB_TOO_LARGE");
  };
  for (const [at, name] of names.entries()) uploads.begin(THREAD, file(name, "x".repeat(at)));
  await until(() => sent.length === 2);
  assert.deepEqual(sent.map(([name]) => name), [names[0], names[2]]);
  find("upload-rows").button("다시 시도").click();
  await until(() => sent.length === 3);
  assert.deepEqual([sent.at(-1), sizes], [["2.pdf", true], [16, 17, 18]]);
});

test("what failed for a cut of the network goes on when that is back, and nothing else does", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { uploads, sent, client } = await openPage(t);
  client.putBlobPart = async () => {
    t.mock.timers.tick(60_000);
    throw refusal(0, "NETWORK_UNREACHABLE");
  };
  const pass = setInterval(() => t.mock.timers.tick(60_000), 1);
  uploads.begin(THREAD, file("a.pdf"));
  await until(() => !find("upload-rows").button("다시 시도").hidden);
  clearInterval(pass);
  client.putBlobPart = async () => {};
  uploads.goOn();
  await until(() => sent.length === 1);
});

test("nothing is sent by a device that was revoked meanwhile, and it can be given up", async (t) => {
  const puts = [];
  const { uploads, leave, kept, row } = await openPage(t, { server: { putBlobPart: async () => puts.push(1) }, isRevoked: () => true });
  await leave(THREAD, file("a.pdf"));
  await uploads.resume();
  await until(() => /이 기기는 사용 중지되어서 보낼 수 없어요/.test(row().textContent));
  assert.deepEqual([puts, row().button("다시 시도").hidden], [[], true]);
  row().button("지우기").click();
  await until(() => rows().length === 0);
  assert.deepEqual(await kept.list(), []);
});

test("a file whose page was closed while it was prepared is to be chosen again", async (t) => {
  const { uploads, kept, row, member } = await openPage(t);
  const place = { threadId: THREAD, blobId: crypto.randomUUID(), size: 5, chunkBytes: 65_536 };
  const sealed = await member.crypto.sealUpload(place, { key: "k", name: "a.pdf", type: "" });
  await kept.begin({ ...place, sealedHash: null, sealed });
  await uploads.resume();
  await until(() => /보낼 준비가 끝나기 전에 페이지가 닫혔어요\. 파일을 다시 골라 주세요\./.test(row().textContent));
  assert.doesNotMatch(row().textContent, RESUMED);
  assert.equal(row().button("다시 시도").hidden, true);
});

test("one that does not open any more is told of", async (t) => {
  const { uploads, kept, row } = await openPage(t);
  const sealed = { iv: new Uint8Array(12), sealed: new ArrayBuffer(40) };
  const place = { threadId: THREAD, blobId: crypto.randomUUID(), size: 5, chunkBytes: 65_536 };
  await kept.begin({ ...place, sealedHash: `sha256:${"0".repeat(64)}`, sealed });
  await uploads.resume();
  await until(() => /파일을 알려 주는 내용이 맞지 않아서/.test(row().textContent));
  assert.match(row().textContent, /^파일/);
});

test("a file of a thread that was left, or taken away, stays until it is given up", async (t) => {
  const completeBlob = async () => {
    throw refusal(404, "THREAD_NOT_FOUND");
  };
  const { uploads, leave, kept, row } = await openPage(t, { server: { completeBlob } });
  await leave(THREAD, file("a.pdf"));
  await leave(OTHER_THREAD, file("b.pdf"));
  uploads.open(THREAD);
  await uploads.resume();
  await until(() => /이 대화방을 볼 수 없어요/.test(row().textContent));
  const links = rows().map((one) => one.all(({ tagName }) => tagName === "A")[0]);
  assert.deepEqual(links.map((link) => [link.href, link.parent.hidden]), [[`#${THREAD}`, true], [`#${OTHER_THREAD}`, false]]);
  await uploads.leaveThread(THREAD);
  assert.deepEqual((await kept.list()).map(({ threadId }) => threadId), [OTHER_THREAD]);
});

test("another tab shows what is sent here, and forgets what is given up here", async (t) => {
  const held = { putBlobPart: () => new Promise(() => {}), completeBlob: async () => Promise.reject(refusal(404, "BLOB_NOT_FOUND")) };
  const first = await openPage(t, { server: held });
  const firstRows = find("upload-rows");
  find = openDocument();
  const second = await openPage(t, { member: first.member, server: held });
  first.uploads.begin(THREAD, file("a.pdf")); // its row is made in the document of the second, as both share the global one
  await until(() => rows().length === 2);
  assert.deepEqual([firstRows.childElementCount, second.uploads.count], [0, 1]);
  rows()[0].button("취소").click();
  await until(() => rows().length === 0);
  assert.deepEqual([first.uploads.count, second.uploads.count], [0, 0]);
});

test("a page that is closed leaves what it sends to the next one, and who signs out to nobody", async (t) => {
  const { uploads, kept } = await openPage(t, { server: { putBlobPart: () => new Promise(() => {}) } });
  uploads.begin(THREAD, file("a.pdf"));
  await until(async () => (await kept.list())[0]?.sealedHash);
  uploads.close();
  assert.deepEqual([(await kept.list()).length, rows().length], [1, 0]);
  await uploads.forget();
  assert.deepEqual(await kept.list(), []);
});

test("a thread's key is asked for where the page that goes on has none yet", async (t) => {
  const { uploads, asked, leave, kept } = await openPage(t, {
    sender: {
      send: async () => {
        if (!asked.includes(THREAD)) throw new DisbelievedError("UNKNOWN_KEY");
        asked.push("sent");
      },
    },
  });
  await leave(THREAD, file("a.pdf"));
  await uploads.resume();
  await until(() => asked.includes("sent"));
  assert.deepEqual([asked, (await kept.list()).length], [[THREAD, "sent"], 1]);
});

test("a store that does not let go of what was given up is told of, and asked again", async (t) => {
  const { uploads, kept, leave, row } = await openPage(t, { server: { completeBlob: () => new Promise(() => {}) } });
  await leave(THREAD, file("a.pdf"));
  await uploads.resume();
  const refused = t.mock.method(IDBObjectStore.prototype, "delete", () => {
    throw new DOMException("no", "UnknownError");
  });
  row().button("취소").click();
  await until(() => /저장할 수 없어요/.test(row().textContent));
  refused.mock.restore();
  row().button("취소").click();
  await until(() => rows().length === 0);
  assert.deepEqual(await kept.list(), []);
});

test("whoever signs out is asked about messages that stay, and files that do not", () => {
  assert.equal(signOutQuestion(0, 0), null);
  assert.match(signOutQuestion(2, 0).text, /^메시지 2개를 .*다시 로그인하면 보내요\.$/);
  assert.match(signOutQuestion(0, 1).text, /^파일 1개를 아직 다 보내지 못했어요\. 로그아웃하면 이 컴퓨터에서 지워지고 보내지 않아요\.$/);
  assert.match(signOutQuestion(1, 1).text, /^메시지 1개.*파일 1개/);
});
