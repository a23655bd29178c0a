/** What may import what in the browser: the core knows no domain, and no domain knows another,
 * but for the login that patients have in common, and for what the collection stores. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const STATIC = new URL("../../webapp/static/", import.meta.url);

/** Every module below a folder, by its path from `static/`. */
function modules(folder) {
  return readdirSync(new URL(`${folder}/`, STATIC), { recursive: true })
    .filter((name) => name.endsWith(".js"))
    .map((name) => `${folder}/${name}`);
}

/** The modules that one imports, for its types too, by their paths from `static/`. */
function importsOf(path) {
  const text = readFileSync(new URL(path, STATIC), "utf8");
  return [...text.matchAll(/(?:\bfrom |\bimport\(|^import )"([^"]+)"/gm)].map(([, address]) =>
    new URL(address, new URL(path, STATIC)).pathname.slice(STATIC.pathname.length),
  );
}

function foldersSeenBy(folder) {
  const seen = modules(folder).flatMap(importsOf);
  return new Set(seen.map((path) => path.slice(0, path.lastIndexOf("/"))));
}

test("the SDK's core imports nothing but itself", () => {
  assert.deepEqual([...foldersSeenBy("sdk/core")], ["sdk/core"]);
});

for (const domain of ["collection", "interviews", "journey", "threads"]) {
  test(`the SDK's ${domain} imports the core and itself`, () => {
    assert.deepEqual([...foldersSeenBy(`sdk/${domain}`)].sort(), [`sdk/${domain}`, "sdk/core"].sort());
  });
}

test("the SDK's links import the core, themselves, and how the collection's records are read", () => {
  assert.deepEqual([...foldersSeenBy("sdk/shl")].sort(), ["sdk/collection", "sdk/core", "sdk/shl"]);
  const read = modules("sdk/shl").flatMap(importsOf).filter((path) => path.startsWith("sdk/collection/"));
  assert.deepEqual([...new Set(read)].sort(), ["sdk/collection/items.js", "sdk/collection/medicines.js"]);
});

for (const [folder, may] of [
  ["page/kit", ["sdk/core"]],
  ["page/share", ["page/kit", "sdk/shl"]],
  ["page/collection", ["page/kit", "page/share", "sdk", "sdk/collection", "sdk/core", "sdk/shl"]],
  ["page/interviews", ["page/kit", "sdk/core", "sdk/interviews"]],
  ["page/journey", ["page/kit", "sdk/core", "sdk/journey"]],
  ["page/shl", ["page/kit", "sdk/core", "sdk/shl"]],
  ["page/staff", ["page/kit", "sdk/core"]],
  // A patient's login is the collection's, and ends in all tabs with what they keep.
  ["page/threads", ["page/kit", "page/share", "sdk/collection", "sdk/core", "sdk/shl", "sdk/threads"]],
]) {
  test(`${folder} sees ${may.join(", ")} and itself`, () => {
    const others = [...foldersSeenBy(folder)].filter((seen) => seen !== folder && !may.includes(seen));
    assert.deepEqual(others, []);
  });
}

test("the one import for front ends gives the names that it always gave", async () => {
  assert.deepEqual(Object.keys(await import("../../webapp/static/sdk/welno.js")).sort(), [
    "Collection",
    "HealthDatabase",
    "InterviewFeed",
    "InterviewsClient",
    "JourneyClient",
    "JourneyMemory",
    "KEYS",
    "MemoryStorage",
    "NfcReader",
    "PageReports",
    "PatientJourney",
    "PersonaChat",
    "REPORT_PATH",
    "SignOut",
    "Stream",
    "TREND_PATH",
    "TagReadError",
    "WelnoClient",
    "WelnoError",
    "WelnoStorage",
    "advance",
    "connect",
    "decide",
    "eventName",
    "examStream",
    "fromStatus",
    "hallStream",
    "initialFlow",
    "initialProgress",
    "mergeRecord",
    "patientStream",
    "percentOf",
    "progressFromStatus",
    "projectStream",
    "queueStream",
    "reconnectSeconds",
    "resultsAddress",
    "resume",
    "sessionStream",
    "wantsReport",
  ]);
});

test("the SDK's core knows nothing of sessions, of their last event, or of their keys", () => {
  for (const path of modules("sdk/core")) {
    const text = readFileSync(new URL(path, STATIC), "utf8");
    assert.doesNotMatch(text, /\bsession(?!Storage)|completed|cancelled|tilko|patient/i, path);
  }
});
