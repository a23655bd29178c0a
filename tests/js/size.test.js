import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const MOST_BYTES = 11.5 * 1024;

/** A module and all that it imports, types aside. */
function closure(url, found = new Map()) {
  if (found.has(url.href)) return found;
  const text = readFileSync(url, "utf8");
  found.set(url.href, text);
  for (const [, path] of text.matchAll(/^import .* from "(.*)";$/gm)) closure(new URL(path, url), found);
  return found;
}

test("`connect` with all it needs stays a few KiB, as it is sent", (t) => {
  const files = closure(new URL("../../webapp/static/sdk/core/stream.js", import.meta.url));
  const bytes = gzipSync([...files.values()].join("\n"), { level: 6 }).length;
  t.diagnostic(`${files.size} files, ${bytes} bytes by gzip`);
  assert.equal(files.size, 10);
  assert.ok(bytes <= MOST_BYTES, `${bytes} bytes`);
});

test("`connect` depends on nothing that is not beside it", () => {
  for (const text of closure(new URL("../../webapp/static/sdk/core/stream.js", import.meta.url)).values())
    for (const [, path] of text.matchAll(/ from "(.*)";$/gm)) assert.match(path, /^\.\/\w+\.js$/);
});
