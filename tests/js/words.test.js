/** One thing has one name on every page. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { SYNONYMS, WORDS } from "../../webapp/static/page/kit/words.js";

const WEBAPP = new URL("../../webapp/", import.meta.url);
const GLOSSARY = "static/page/kit/words.js";

/** What pages and templates say, and the SDK's own sentences, by file. */
const texts = ["static/page", "static/sdk", "templates"].flatMap((folder) =>
  readdirSync(new URL(`${folder}/`, WEBAPP), { recursive: true })
    .filter((name) => /\.(js|html)$/.test(name) && `${folder}/${name}` !== GLOSSARY)
    .map((name) => [`${folder}/${name}`, readFileSync(new URL(`${folder}/${name}`, WEBAPP), "utf8")]),
);

for (const [key, name] of Object.entries(WORDS)) {
  test(`nothing else is said for ${name}`, () => {
    const found = texts.flatMap(([path, text]) =>
      SYNONYMS[key].filter((synonym) => text.match(synonym)).map((synonym) => `${path}: ${synonym}`),
    );
    assert.deepEqual(found, []);
  });
}

test("every word of the glossary is said somewhere", () => {
  const said = texts.map(([, text]) => text).join("\n");
  const isSaid = ([key, name]) => said.includes(name) || said.includes(`WORDS.${key}`);
  // A verb stands on pages in its forms.
  const unsaid = Object.entries({ ...WORDS, choose: "골라" }).filter((word) => !isSaid(word));
  assert.deepEqual(unsaid, []);
});

test("every word has its list of what is not said for it", () => {
  assert.deepEqual(Object.keys(SYNONYMS), Object.keys(WORDS));
});
