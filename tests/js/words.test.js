/** One thing has one name on every page. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { WORDS } from "../../webapp/static/page/kit/words.js";
import { SYNONYMS } from "./synonyms.js";

const ROOT = new URL("../../", import.meta.url);
const GLOSSARY = "webapp/static/page/kit/words.js";
const PAGES = ["webapp/static/page", "webapp/static/sdk", "webapp/templates"];
// Their errors and events are shown as they come.
const SERVER = ["models", "services", "tasks", "webapp"];
// What people say in interviews, and is told to nobody.
const PATTERNS = "services/interviews/masking/";

const read = (folders, kind) =>
  folders.flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, ROOT), { recursive: true })
      .filter((name) => kind.test(name) && `${folder}/${name}` !== GLOSSARY)
      .map((name) => [`${folder}/${name}`, readFileSync(new URL(`${folder}/${name}`, ROOT), "utf8")]),
  );

/** What a person reads, by file: of pages, templates and the SDK; and with what the server says. */
const pages = read(PAGES, /\.(js|html)$/);
const texts = [...pages, ...read(SERVER, /\.py$/).filter(([path]) => !path.startsWith(PATTERNS))];

for (const [key, name] of Object.entries(WORDS)) {
  test(`nothing else is said for ${name}`, () => {
    const found = texts.flatMap(([path, text]) =>
      SYNONYMS[key].filter((synonym) => text.match(synonym)).map((synonym) => `${path}: ${synonym}`),
    );
    assert.deepEqual(found, []);
  });
}

test("every word of the glossary is said somewhere", () => {
  const said = pages.map(([, text]) => text).join("\n");
  const isSaid = ([key, name]) => said.includes(name) || said.includes(`WORDS.${key}`);
  // A verb stands on pages in its forms.
  const unsaid = Object.entries({ ...WORDS, choose: "골라" }).filter((word) => !isSaid(word));
  assert.deepEqual(unsaid, []);
});

test("every word has its list of what is not said for it", () => {
  assert.deepEqual(Object.keys(SYNONYMS), Object.keys(WORDS));
});
