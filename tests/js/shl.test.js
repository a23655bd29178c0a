/** SMART Health Links: texts, files, opening ours and others', on the specification's examples and our vectors. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { HealthLinkError, HealthLinksClient, decryptFile, encryptFile, openLink, readHealthCard, readLink, writeLink } from "../../webapp/static/sdk/shl.js";
import { decodeBase64url, encodeBase64url } from "../../webapp/static/sdk/core/base64url.js";
import { readVectors, VECTORS } from "./vectors.js";

const PUBLISHED = readVectors("smart-health-links");
const OURS = VECTORS.smartHealthLink;
const KEY = decodeBase64url(OURS.payload.key);
const ADDRESS = "https://ehr.example/shl/1";
const fails = (code, facts = {}) => (error) => {
  assert.ok(error instanceof HealthLinkError, String(error));
  assert.equal(error.code, code);
  for (const [name, value] of Object.entries(facts)) assert.equal(error[name], value);
  return true;
};

/** A server of somebody else's: what it answers, by method and address; what it was asked. */
function server(answers) {
  const asked = [];
  const fetch = async (url, init = {}) => {
    const method = init.method ?? "GET";
    asked.push({ method, url, body: init.body && JSON.parse(init.body), credentials: init.credentials });
    const { status = 200, body = "", headers = {} } = answers[`${method} ${url}`] ?? { status: 404 };
    return new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
  };
  return { fetch, asked };
}

const linkOf = (more) => writeLink({ url: ADDRESS, key: OURS.payload.key, ...more });

test("links are written as the specification and our vectors write them", () => {
  assert.equal(writeLink(PUBLISHED.payload), PUBLISHED.shlink);
  assert.equal(writeLink(PUBLISHED.payload, "https://viewer.example.org"), PUBLISHED.viewerLink);
  assert.equal(writeLink(OURS.payload), OURS.shlink);
});

test("links are read with and without a viewer before them", () => {
  for (const text of [PUBLISHED.shlink, PUBLISHED.viewerLink, `  ${PUBLISHED.shlink}\n`])
    assert.deepEqual(readLink(text), PUBLISHED.payload);
  assert.deepEqual(readLink(OURS.shlink), OURS.payload);
});

test("what a link says beyond is ignored, and a newer version is told", () => {
  const text = (payload) => `shlink:/${Buffer.from(JSON.stringify(payload)).toString("base64url")}`;
  assert.equal(readLink(text({ ...OURS.payload, flag: "LX", _own: 1, v: 1 })).flag, "LX");
  assert.throws(() => readLink(text({ ...OURS.payload, v: 2 })), fails("NEWER_VERSION"));
  for (const wrong of [{ url: "http://ehr.example/1" }, { url: "x" }, { key: "short" }, { flag: "PU" }, { label: 1 }])
    assert.throws(() => readLink(text({ ...OURS.payload, ...wrong })), fails("NOT_A_LINK"));
  for (const wrong of ["", "shlink:/", "shlink:/%%", "shlink:/W10", "https://viewer.example/#x"])
    assert.throws(() => readLink(wrong), fails("NOT_A_LINK"), wrong);
});

test("an address of more than 128 characters makes no link", () => {
  assert.throws(() => writeLink({ ...OURS.payload, url: `https://welno.example/${"a".repeat(107)}` }), fails("NOT_A_LINK"));
});

test("the specification's file and that of our vectors open", async () => {
  const published = await decryptFile(decodeBase64url(PUBLISHED.payload.key), PUBLISHED.jwe);
  assert.equal(published.contentType, PUBLISHED.contentType);
  assert.ok(JSON.parse(published.text).verifiableCredential[0].startsWith(PUBLISHED.credentialsBegin));
  assert.deepEqual(await decryptFile(KEY, OURS.jwe), { contentType: "application/fhir+json", text: OURS.file });
});

test("the card in the specification's file is read", async () => {
  const { text } = await decryptFile(decodeBase64url(PUBLISHED.payload.key), PUBLISHED.jwe);
  const { issuer, bundle } = await readHealthCard(JSON.parse(text).verifiableCredential[0]);
  assert.match(issuer, /^https:/);
  assert.equal(bundle.entry[0].resource.resourceType, "Patient");
  await assert.rejects(readHealthCard("a.b.c"), fails("UNREADABLE"));
});

test("a file is encrypted to the letter of our vectors", async () => {
  const made = await encryptFile(KEY, OURS.file, "application/fhir+json", { iv: decodeBase64url(OURS.iv) });
  assert.equal(made, OURS.jwe);
});

test("a deflated file is shorter and opens, and no nonce comes twice", async () => {
  const text = JSON.stringify({ words: "가나다 ".repeat(20_000) });
  const [one, other] = await Promise.all([1, 2].map(() => encryptFile(KEY, text, "application/fhir+json", { deflate: true })));
  assert.ok(one.length < 5_000);
  assert.notEqual(one.split(".")[2], other.split(".")[2]);
  assert.equal((await decryptFile(KEY, one)).text, text);
});

test("what was changed, or is under another key, does not open", async () => {
  const parts = OURS.jwe.split(".");
  const head = (facts) => encodeBase64url(new TextEncoder().encode(JSON.stringify(facts)));
  const change = (at, part) => parts.map((one, place) => (place === at ? part : one)).join(".");
  const wrong = [
    change(0, head({ alg: "dir", enc: "A256GCM", cty: "text/plain" })),
    change(0, head({ alg: "none", enc: "A256GCM" })),
    change(0, head({ alg: "dir", enc: "A256GCM", zip: "BR" })),
    change(1, "AA"),
    change(2, encodeBase64url(new Uint8Array(12))),
    change(3, parts[3].slice(0, -4)),
    change(4, encodeBase64url(new Uint8Array(16))),
    "a.b",
    "",
  ];
  for (const jwe of wrong) await assert.rejects(decryptFile(KEY, jwe), fails("UNREADABLE"), jwe);
  await assert.rejects(decryptFile(new Uint8Array(32), OURS.jwe), fails("UNREADABLE"));
});

test("a file that would become gigabytes is given up", async () => {
  const bomb = await encryptFile(KEY, "0".repeat(65 * 1024 * 1024), "application/fhir+json", { deflate: true });
  await assert.rejects(decryptFile(KEY, bomb), fails("TOO_LARGE"));
});

test("a manifest's files open, embedded and at their locations", async () => {
  const location = "https://files.example/1";
  const files = [
    { contentType: "application/fhir+json", embedded: OURS.jwe, lastUpdated: "2026-11-26T00:00:00Z", later: 1 },
    { contentType: "application/fhir+json", location },
  ];
  const { fetch, asked } = server({ [`POST ${ADDRESS}`]: { body: { files } }, [`GET ${location}`]: { body: OURS.jwe } });
  const opened = await openLink(linkOf({ label: "검진" }), { recipient: "김 의사", fetch });
  assert.deepEqual(opened.files.map(({ content }) => content), [JSON.parse(OURS.file), JSON.parse(OURS.file)]);
  assert.deepEqual(opened.files.map(({ lastUpdated }) => lastUpdated), ["2026-11-26T00:00:00Z", null]);
  assert.equal(asked[0].body.recipient, "김 의사");
  assert.equal("passcode" in asked[0].body, false);
  assert.ok(asked.every(({ credentials }) => credentials === "omit"));
});

test("the key goes to no server", async () => {
  const { fetch, asked } = server({ [`POST ${ADDRESS}`]: { body: { files: [{ embedded: OURS.jwe }] } } });
  await openLink(linkOf(), { recipient: "x", fetch });
  assert.doesNotMatch(JSON.stringify(asked), new RegExp(OURS.payload.key));
});

test("a link with the flag U is got directly", async () => {
  const { fetch, asked } = server({ [`GET ${ADDRESS}?recipient=%EA%B9%80`]: { body: OURS.jwe } });
  const { files } = await openLink(linkOf({ flag: "LU" }), { recipient: "김", fetch });
  assert.equal(files[0].text, OURS.file);
  assert.deepEqual(asked.map(({ method }) => method), ["GET"]);
});

test("a passcode goes along where one is wanted, and a wrong one says what is left", async () => {
  const answers = { [`POST ${ADDRESS}`]: { status: 401, body: { remainingAttempts: 3 } } };
  const { fetch, asked } = server(answers);
  const opened = openLink(linkOf({ flag: "P" }), { recipient: "x", passcode: "1234", fetch });
  await assert.rejects(opened, fails("PASSCODE", { remainingAttempts: 3 }));
  assert.equal(asked[0].body.passcode, "1234");
  answers[`POST ${ADDRESS}`] = { status: 401, body: "no JSON" };
  await assert.rejects(openLink(linkOf({ flag: "P" }), { recipient: "x", fetch }), fails("PASSCODE", { remainingAttempts: null }));
});

for (const [answer, code, facts] of [
  [{ status: 404 }, "INACTIVE", {}],
  [{ status: 410 }, "INACTIVE", {}],
  [{ status: 429, headers: { "Retry-After": "7" } }, "TOO_OFTEN", { retryAfterSeconds: 7 }],
  [{ status: 500 }, "UNREACHABLE", {}],
  [{ body: "<html>" }, "UNREADABLE", {}],
  [{ body: {} }, "UNREADABLE", {}],
  [{ body: "null" }, "UNREADABLE", {}],
  [{ body: { files: [null] } }, "UNREADABLE", {}],
  [{ body: { files: [{ embedded: 1 }] } }, "UNREADABLE", {}],
  [{ body: { files: [{ location: "file:///etc/passwd" }] } }, "UNREADABLE", {}],
  [{ body: { files: [{ location: ["x"] }, 1] } }, "UNREADABLE", {}],
  [{ status: 401, body: "null" }, "PASSCODE", { remainingAttempts: null }],
])
  test(`an answer of ${[answer.status, JSON.stringify(answer.body)].filter(Boolean).join(" ")} is told as ${code}`, async () => {
    const { fetch } = server({ [`POST ${ADDRESS}`]: answer });
    await assert.rejects(openLink(linkOf(), { recipient: "x", fetch }), fails(code, facts));
  });

test("an answer that is cut in the middle is told as a server that is not reached", async () => {
  const cut = () => new Response(new ReadableStream({ start: (stream) => stream.error(new TypeError("terminated")) }));
  for (const flag of ["U", "L"]) await assert.rejects(openLink(linkOf({ flag }), { recipient: "x", fetch: async () => cut() }), fails("UNREACHABLE"));
});

test("a moment that is none makes no link", () => {
  for (const exp of ["soon", null, -1e20, {}]) assert.throws(() => readLink(linkOf({ exp })), fails("NOT_A_LINK"));
});

test("a server that is not reached is told so", async () => {
  const fetch = () => Promise.reject(new TypeError("fetch failed"));
  await assert.rejects(openLink(linkOf(), { recipient: "x", fetch }), fails("UNREACHABLE"));
});

test("what is made encrypts under a fresh key, opens again, and tells the server nothing of it", async () => {
  const url = "https://welno.example/api/shl/1";
  const { fetch, asked } = server({ "POST /api/shl": { body: { success: true, id: "1", url } } });
  const file = { contentType: /** @type {const} */ ("application/fhir+json"), text: OURS.file };
  const client = new HealthLinksClient({ fetch });
  const made = [await client.make([file], { label: "검진", passcode: "2026", longTerm: true }), await client.make([file], { direct: true })];
  const [secret, direct] = made.map(({ link }) => readLink(link));
  assert.deepEqual([secret.flag, secret.label, direct.flag, direct.label], ["LP", "검진", "U", undefined]);
  assert.notEqual(secret.key, direct.key);
  const { body } = asked[0];
  assert.deepEqual(Object.keys(body).sort(), ["files", "label", "longTerm", "passcode"]);
  assert.equal((await decryptFile(decodeBase64url(secret.key), body.files[0].jwe)).text, OURS.file);
  assert.doesNotMatch(JSON.stringify(asked), new RegExp(secret.key));
});
