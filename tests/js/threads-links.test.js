/** What a health link is made of in a thread, and how one that stands there is shown. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { buildLinkFiles, faultOfFiles } from "../../webapp/static/page/threads/link_files.js";
import { LinkMaterial } from "../../webapp/static/page/threads/link_material.js";
import { LINK_TYPE, makeLinkMessage } from "../../webapp/static/page/threads/link_message.js";
import { LinkPart } from "../../webapp/static/page/threads/link_part.js";
import { Messages } from "../../webapp/static/page/threads/messages.js";
import { titleOf } from "../../webapp/static/page/threads/records_view.js";
import { LinkForm } from "../../webapp/static/page/share/link_form.js";
import { encodeBase64url } from "../../webapp/static/sdk/core/base64url.js";
import { encryptFile, HealthLinksClient, readLink, writeLink } from "../../webapp/static/sdk/shl.js";
import { BLOB_TYPE, writeBlobMessage } from "../../webapp/static/sdk/threads.js";
import { failure, settle } from "./browser.js";
import { openDocument } from "./document.js";
import { NURSE, until } from "./threads-setup.js";

const SERVICE = "service:welno";
const PERSON = { name: "김하늘", birthdate: "1984-05-17", gender: "F" };
const MOMENT = "2026-11-26T01:02:03.000Z";
const CHECKUP = { checkup_date: "2026-03-02", year: 2026, location: "한빛검진의원", description: "", bmi: 23.6, items: [] };
const TREATMENT = { treatment_date: "2026-04-01", hospital_name: "새봄약국", treatment_type: "외래", details: [] };
const BLOB = { blobId: "6f1e9c1e-8f56-4e57-bb04-9c9742ecf7ca", key: "A".repeat(43), name: "소견서.pdf", type: "application/pdf", size: 3, chunkBytes: 65_536, sealedHash: `sha256:${"0".repeat(64)}` };
const bytesOf = (text) => new TextEncoder().encode(text);
let seq = 0;
let find = (id) => document.getElementById(id);

const delivered = (contentType, content, from = SERVICE) => ({ seq: (seq += 1), from, content, event: null, data: null, receivedAt: MOMENT, envelope: { contentType } });
const record = (told) => delivered("application/vnd.welno.record+json", bytesOf(JSON.stringify(told)));
const checkup = (id, updatedAt, more = {}) => ({ v: 1, kind: "checkups", id, updatedAt, record: { ...CHECKUP, ...more } });

beforeEach(() => {
  find = openDocument();
  globalThis.location = /** @type {any} */ ({ origin: "https://welno.example" });
});

/** What is offered of messages that a thread shows. */
function materialOf(...items) {
  const material = new LinkMaterial();
  const blobs = { make: () => document.createElement("div") };
  const messages = new Messages(NURSE, /** @type {any} */ (blobs), { onRecord: (told, from) => material.addRecord(told, from) });
  for (const item of items) {
    messages.add(/** @type {any} */ (item));
    material.add(/** @type {any} */ (item));
  }
  return material;
}

test("records are offered once, as the service sent them last, and no report", () => {
  const { records } = materialOf(
    record(checkup("7", "2026-03-02T00:00:00.000Z")),
    record(checkup("7", "2026-05-02T00:00:00.000Z", { location: "새 이름" })),
    record(checkup("7", "2026-04-02T00:00:00.000Z")),
    record({ v: 1, kind: "prescriptions", id: "7", updatedAt: MOMENT, record: TREATMENT }),
    record({ v: 1, kind: "report", id: "1", updatedAt: MOMENT, record: { analyzed_at: MOMENT, provider: "m", bodyage: 40, rank: 1 } }),
  );
  assert.deepEqual(records.map(({ key, record: { location } }) => [key, location]), [["checkups/7", "새 이름"], ["prescriptions/7", undefined]]);
});

test("what another member writes as a record is none of the provider's", () => {
  const forged = { ...record(checkup("7", MOMENT)), from: NURSE };
  assert.deepEqual(materialOf(forged).records, []);
});

test("a record in parts is offered once all of one sender have come", async () => {
  const whole = bytesOf(JSON.stringify(checkup("9", MOMENT)));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const head = { v: 1, documentId: "d", contentType: "application/vnd.welno.record+json", size: whole.length, sha256, parts: 2 };
  const part = (number, from) => {
    const data = encodeBase64url(number === 1 ? whole.slice(0, 40) : whole.slice(40));
    return delivered("application/vnd.welno.record-part+json", bytesOf(JSON.stringify({ ...head, part: number, data })), from);
  };
  const mixed = materialOf(part(1, SERVICE), part(2, NURSE));
  const together = materialOf(part(1, SERVICE), part(2, SERVICE));
  for (let turn = 0; turn < 5; turn += 1) await settle();
  assert.deepEqual(mixed.records, []);
  assert.deepEqual(together.records.map(({ key }) => key), ["checkups/9"]);
});

test("pictures and PDFs are offered whoever sent them, and nothing else", () => {
  const { files } = materialOf(
    delivered("image/png", bytesOf("png"), NURSE),
    delivered(BLOB_TYPE, writeBlobMessage(BLOB)),
    delivered(BLOB_TYPE, writeBlobMessage({ ...BLOB, type: "text/html" })),
    delivered(BLOB_TYPE, bytesOf("{}")),
    delivered("text/plain", bytesOf("words")),
  );
  assert.deepEqual(files.map(({ name, type, from }) => [name, type, from]), [
    ["사진 2026-11-26.png", "image/png", NURSE],
    ["소견서.pdf", "application/pdf", SERVICE],
  ]);
});

test("what was chosen becomes one document with its sources, and a file each", async () => {
  const { records, files } = materialOf(
    record(checkup("7", MOMENT)),
    record({ v: 1, kind: "prescriptions", id: "8", updatedAt: MOMENT, record: TREATMENT }),
    delivered("image/png", bytesOf("png"), NURSE),
    delivered(BLOB_TYPE, writeBlobMessage(BLOB)),
  );
  const read = [];
  const built = await buildLinkFiles({ records, files }, PERSON, async (told) => {
    read.push(told.blobId);
    return new Blob(["pdf"]);
  });
  assert.deepEqual(new Set(built.map(({ contentType }) => contentType)), new Set(["application/fhir+json"]));
  const [bundle, picture, report] = built.map(({ text }) => JSON.parse(text));
  const provenances = bundle.entry.map(({ resource }) => resource).filter(({ resourceType }) => resourceType === "Provenance");
  assert.deepEqual(provenances.map(({ recorded, entity }) => [recorded, entity[0].what.identifier]), [
    [MOMENT, { system: "urn:welno:checkup", value: "7" }],
    [MOMENT, { system: "urn:welno:treatment", value: "8" }],
  ]);
  const attached = [picture, report].map(({ date, content: [{ attachment }] }) => [date, attachment.title, atob(attachment.data)]);
  assert.deepEqual(attached, [[MOMENT, "사진 2026-11-26.png", "png"], [MOMENT, "소견서.pdf", "pdf"]]);
  assert.deepEqual(read, [BLOB.blobId]);
});

test("without records there is no document, and of too much it is said before anything is fetched", async () => {
  const { files } = materialOf(delivered("image/png", bytesOf("png"), NURSE));
  const built = await buildLinkFiles({ records: [], files }, PERSON, () => assert.fail("nothing to fetch"));
  assert.deepEqual(built.map(({ text }) => JSON.parse(text).resourceType), ["DocumentReference"]);
  assert.equal(faultOfFiles(files), "");
  assert.match(faultOfFiles([{ ...files[0], size: 4 * 1024 * 1024 }]), /3MB까지.*지금은 4MB/);
  assert.match(faultOfFiles(Array.from({ length: 20 }, () => files[0])), /19개까지/);
});

const LINK = { url: "https://ehr.example/1", key: encodeBase64url(new Uint8Array(32)), label: "진료", flag: "P" };
const soon = () => Math.floor(Date.now() / 1000) + 60;

test("a link that stands in a thread says until when it opens, and opens on our page", () => {
  const shown = makeLinkMessage(bytesOf(`https://evil.example/#${writeLink({ ...LINK, exp: soon() })}`), Date.now());
  assert.match(shown.textContent, /공유 링크 “진료”.*까지 열 수 있어요\. 암호가 있어요\./);
  const [anchor] = shown.all(({ tagName }) => tagName === "A");
  assert.match(anchor.href, /^https:\/\/welno\.example\/shl#shlink:/);
  assert.equal(readLink(anchor.href).url, LINK.url);
});

test("whether a link is over is judged by the server's time, and is for its own server to say", () => {
  const content = bytesOf(writeLink({ ...LINK, exp: 1000 }));
  assert.match(makeLinkMessage(content, 999_000).textContent, /까지 열 수 있어요/);
  const over = makeLinkMessage(content, 1_001_000);
  assert.match(over.textContent, /에 끝났어요/);
  assert.equal(over.all(({ tagName }) => tagName === "A").length, 1);
});

test("a report is named by its day, not by who computed it", () => {
  assert.equal(titleOf({ kind: "report", record: { analyzed_at: MOMENT, provider: "m", bodyage: 40, rank: 1 } }).includes(" m"), false);
});

test("what is no link opens nothing", () => {
  const none = makeLinkMessage(bytesOf("javascript:alert(1)"), 0);
  assert.match(none.textContent, /읽지 못했어요/);
  assert.deepEqual(none.all(({ tagName }) => tagName === "A" || tagName === "BUTTON"), []);
});

test("a link stands among the messages with who made it", () => {
  materialOf(delivered(LINK_TYPE, bytesOf(writeLink({ ...LINK, exp: soon() })), NURSE));
  assert.match(find("messages").textContent, /^나 · .*공유 링크 “진료”/);
});

const LIBRARY = "data:text/javascript,export const encodeQR = () => [[true]];";

/** The form, with its server and what its page does; `finish` ends the preparing. */
function openForm(answers = {}) {
  const asked = [];
  const links = new HealthLinksClient({
    fetch: async (url, { method }) => {
      asked.push(`${method} ${url}`);
      if (method === "DELETE") return answers.isStuck ? Response.json({}, { status: 503 }) : new Response(null, { status: 204 });
      return answers.refused ?? Response.json({ id: "1", url: "https://welno.example/api/shl/1" });
    },
  });
  let finish;
  const prepared = new Promise((resolve) => (finish = () => resolve({ files: [], onMade: () => asked.push("made") })));
  const form = new LinkForm({ links, now: () => 0, findFault: () => null, prepare: () => prepared, troubleOf: ({ message }) => ({ text: message }) });
  find("share-form").reset = () => {};
  find("share-until").value = "7";
  find("share").dataset.qrLibrary = answers.library ?? LIBRARY;
  const submit = () => find("share-form").onsubmit(new Event("submit", { cancelable: true }));
  return { form, asked, finish, submit };
}

test("a link that was made is shown, and followed by what the page does", async () => {
  const { asked, finish, submit } = openForm();
  submit();
  finish();
  await until(() => find("share-qr").childElementCount === 1);
  await settle();
  assert.match(find("share-open").href, /^https:\/\/welno\.example\/shl#shlink:/);
  assert.deepEqual([asked, find("share-made").hidden], [["POST /api/shl", "made"], false]);
});

test("what was begun for one thread makes no link once another is open", async () => {
  const { form, asked, finish, submit } = openForm();
  submit();
  form.reset();
  finish();
  await settle();
  assert.deepEqual(asked, []);
  assert.equal(find("share-failed").textContent, "");
});

test("a link whose thread was left while the server made it is ended, and shown nowhere", async () => {
  const { form, asked, finish, submit } = openForm({ get refused() { form.reset(); return undefined; } });
  submit();
  finish();
  for (let turn = 0; turn < 5; turn += 1) await settle();
  assert.deepEqual(asked, ["POST /api/shl", "DELETE /api/shl/1"]);
  assert.equal(find("share-open").href, undefined);
});

for (const [what, leave, told] of [
  ["the thread was left", ({ form }) => form.reset(), ""],
  ["what was wished for was changed", () => find("share-form").oninput(), "고른 내용이 바뀌어서 링크를 만들지 않았어요. 다시 눌러 주세요."],
])
  test(`a link whose QR is being drawn while ${what} is ended, and shown nowhere`, async () => {
    globalThis.whileDrawn = () => leave(opened);
    const opened = openForm({ library: `data:text/javascript,globalThis.whileDrawn();export const encodeQR = () => [[true]]; // ${what}` });
    opened.submit();
    opened.finish();
    await until(() => opened.asked.length === 2);
    await settle();
    assert.deepEqual(opened.asked, ["POST /api/shl", "DELETE /api/shl/1"]);
    assert.deepEqual([find("share-qr").childElementCount, find("share-open").href], [0, undefined]);
    assert.equal(find("share-failed").textContent, told);
  });

test("a link whose QR cannot be drawn is ended, and that is said", async () => {
  const { asked, finish, submit } = openForm({ library: "data:text/javascript,throw new TypeError()" });
  submit();
  finish();
  await until(() => find("share-failed").textContent);
  assert.deepEqual(asked, ["POST /api/shl", "DELETE /api/shl/1"]);
  assert.match(find("share-failed").textContent, /^QR을 그리지 못해서 링크를 만들지 않았어요/);
  assert.deepEqual([find("share-qr").childElementCount, find("share-open").href], [0, undefined]);
});

test("of a link that nobody was shown, and that the server could not end, it is said where to end it", async () => {
  const { asked, finish, submit } = openForm({ library: "data:text/javascript,throw new TypeError()", isStuck: true });
  submit();
  finish();
  await until(() => find("toasts-urgent").textContent);
  assert.match(find("toasts-urgent").textContent, /내 정보에서 끝내 주세요/);
  assert.deepEqual(asked, ["POST /api/shl", "DELETE /api/shl/1"]);
});

test("the next link can be made at once, while the one that was given up is still under way", async () => {
  const { form, submit } = openForm();
  submit();
  assert.equal(find("share-button").getAttribute("aria-busy"), "true");
  form.reset();
  await settle();
  assert.equal(find("share-button").getAttribute("aria-busy"), null);
});

test("a passcode of three letters is said beside it", async () => {
  const { asked, submit } = openForm();
  find("share-passcode").value = "123";
  submit();
  await settle();
  assert.equal(find("share-passcode-error").textContent, "암호는 4자부터 정할 수 있어요.");
  assert.deepEqual(asked, []);
});

const PATIENT = "patient:5713b1e0-8f56-4e57-bb04-9c9742ecf7ca";
const ALL = [record(checkup("7", MOMENT)), record(checkup("8", MOMENT)), delivered("image/png", bytesOf("png"), NURSE)];

/** The part of the page in a thread with two records and a picture; of the records one is the patient's. */
async function openPart({ memberId = PATIENT, known = memberId, role = "writer", refusal = null, material = materialOf(...ALL), told = async () => {}, readBlob } = {}) {
  const [made, sent] = [[], []];
  const links = { make: async (files, wishes) => (made.push([files, wishes]), { id: "1", link: "shlink:/x" }) };
  const checkupRecords = async () => {
    if (refusal) throw refusal;
    await told();
    return { person: PERSON, collected_at: MOMENT, items: [{ id: 7 }] };
  };
  const records = { checkupRecords, prescriptions: async () => [] };
  const part = new LinkPart(/** @type {any} */ ({ memberId, links, records, client: { now: () => 0, me: async () => ({ memberId: known }), readBlob }, crypto: {} }));
  const send = async (data, contentType) => Boolean(sent.push([data, contentType]));
  find("share").dataset.qrLibrary = LIBRARY;
  find("share-keep").checked = true;
  find("share-form").reset = () => {};
  part.open({ threadId: "t", material, send });
  part.show(role);
  Object.assign(find("share-part"), { open: true }).dispatchEvent(new Event("toggle"));
  await settle();
  const boxes = () => find("share-choices-rows").all(({ tagName }) => tagName === "INPUT");
  const submit = async () => {
    find("share-form").onsubmit(new Event("submit", { cancelable: true }));
    await until(() => find("share-button").getAttribute("aria-busy") === null);
  };
  return { part, made, sent, boxes, submit, send };
}

test("records of somebody else in the thread are not offered", async () => {
  const { boxes } = await openPart();
  assert.deepEqual(boxes().map(({ value }) => value).map((key) => key.replace(/\d+$/, "#")), ["checkups/#", "file/#"]);
  assert.equal(boxes()[0].value, "checkups/7");
});

test("staff make no links", async () => {
  await openPart({ memberId: NURSE });
  assert.equal(find("share-part").hidden, true);
});

test("a link of what was chosen is kept in the thread, and not by who only reads there", async () => {
  for (const [role, kept] of [["writer", [["shlink:/x", LINK_TYPE]]], ["reader", []]]) {
    find = openDocument();
    const { made, sent, boxes, submit } = await openPart({ role });
    await submit();
    assert.equal(find("share-what-error").textContent, "하나는 골라 주세요.");
    boxes()[1].checked = true;
    await submit();
    assert.deepEqual(made.map(([files]) => files.map(({ text }) => JSON.parse(text).resourceType)), [["DocumentReference"]]);
    assert.deepEqual(sent, kept, role);
  }
});

test("where nobody tells which records are one's own, none are offered", async () => {
  const { boxes } = await openPart({ refusal: failure(403) });
  assert.deepEqual(boxes(), []);
  assert.match(find("share-choices-failed").textContent, /어느 것이 내 기록인지 확인하지 못했어요/);
});

test("what was chosen in a thread is gone once it is left", async () => {
  const { part, boxes } = await openPart();
  boxes()[0].checked = true;
  part.close();
  assert.deepEqual(boxes(), []);
  assert.equal(find("share-part").open, false);
});

test("a thread that is rendered again keeps what was chosen, as it comes again, and what was typed", async () => {
  const { part, made, boxes, submit, send } = await openPart();
  let isReset = false;
  find("share-form").reset = () => (isReset = true);
  boxes()[1].checked = true;
  const [chosen] = boxes().filter(({ checked }) => checked).map(({ value }) => value);
  const material = new LinkMaterial();
  part.open({ threadId: "t", material: materialOf(ALL[0]), send }); // and again before all has come
  part.open({ threadId: "t", material, send });
  material.addRecord(checkup("7", MOMENT), SERVICE);
  material.add(ALL[2]);
  assert.deepEqual(boxes().map(({ value, checked }) => [value, checked]), [["checkups/7", false], [chosen, true]]);
  assert.deepEqual([find("share-part").open, isReset], [true, false]);
  boxes()[1].checked = false;
  material.add(delivered("image/png", bytesOf("another"), NURSE));
  assert.deepEqual(boxes().map(({ checked }) => checked), [false, false, false]); // the person has thought better of it
  boxes()[0].checked = true;
  await submit();
  assert.equal(made.length, 1);
});

test("no link is made of what was chosen while it is still decrypted again", async () => {
  const { part, made, boxes, submit, send } = await openPart();
  for (const box of boxes()) box.checked = true;
  const material = new LinkMaterial();
  part.open({ threadId: "t", material, send });
  await submit(); // of boxes that stand for nothing yet
  material.addRecord(checkup("7", MOMENT), SERVICE);
  await submit(); // of one of two
  assert.match(find("share-what-error").textContent, /아직 불러오고 있어요/);
  assert.deepEqual(made, []);
  material.add(ALL[2]);
  await submit();
  assert.equal(find("share-what-error").textContent, "");
  assert.equal(made[0][0].length, 2);
});

test("what was chosen and does not come again keeps nobody from a link of the rest", async () => {
  const { part, made, boxes, submit, send } = await openPart();
  for (const box of boxes()) box.checked = true;
  const material = materialOf(ALL[0]);
  part.open({ threadId: "t", material, send });
  material.noteComplete();
  assert.deepEqual(boxes().map(({ checked }) => checked), [true]);
  await submit();
  assert.equal(made.length, 1);
});

test("a thread that is rendered again before it is told which records are one's own offers them", async () => {
  let tell;
  const { part, boxes, send } = await openPart({ told: () => new Promise((resolve) => (tell = resolve)) });
  part.open({ threadId: "t", material: materialOf(...ALL), send });
  tell();
  await settle();
  assert.equal(boxes().length, 2);
});

test("another thread begins with nothing chosen, and closed", async () => {
  const { part, boxes, send } = await openPart();
  boxes()[1].checked = true;
  part.open({ threadId: "u", material: materialOf(...ALL), send });
  assert.deepEqual([boxes(), find("share-part").open], [[], false]);
});

for (const [what, giveUp] of [
  ["the thread is left", ({ part }) => part.close()],
  ["something else is ticked", () => find("share-form").oninput()],
  ["all records are chosen", () => find("share-records").click()],
])
  test(`a file that is fetched for a link is fetched no further once ${what}`, async () => {
    const signals = [];
    const readBlob = (_thread, _blob, _range, signal) =>
      new Promise((_, reject) => {
        signals.push(signal);
        signal.addEventListener("abort", () => reject(failure(0)));
      });
    const material = materialOf(record(checkup("7", MOMENT)), ...[1, 2].map(() => delivered(BLOB_TYPE, writeBlobMessage(BLOB))));
    const opened = await openPart({ material, readBlob });
    for (const box of opened.boxes()) box.checked = box.value.startsWith("file/");
    const submitted = opened.submit();
    await until(() => signals.length > 0);
    giveUp(opened);
    await submitted;
    await settle();
    assert.deepEqual([signals.map(({ aborted }) => aborted), opened.made], [[true], []]);
  });

test("as much as may be chosen fits what the server takes, whatever is in it", async () => {
  const noise = new Uint8Array(3 * 1024 * 1024);
  for (let at = 0; at < noise.length; at += 65_536) crypto.getRandomValues(noise.subarray(at, at + 65_536));
  const file = { key: "file/1", name: "a.png", type: "image/png", from: NURSE, sentAt: MOMENT, told: null, size: noise.length, bytes: noise };
  assert.equal(faultOfFiles([file]), "");
  const [{ text, contentType }] = await buildLinkFiles({ records: [], files: [file] }, PERSON, () => assert.fail());
  const jwe = await encryptFile(new Uint8Array(32), text, contentType, { deflate: true });
  assert.ok(jwe.length < 4.5 * 1024 * 1024, `${jwe.length} of 5 MiB, with the records`);
});

test("nobody makes a link in the name of who has signed in to the browser meanwhile", async () => {
  const { made, boxes, submit } = await openPart({ known: "patient:another" });
  boxes()[0].checked = true;
  await submit();
  assert.deepEqual(made, []);
  assert.match(find("share-failed").textContent, /다른 분이 로그인해서/);
});
