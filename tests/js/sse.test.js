/** Blocks of server-sent events, however they are cut. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { readBlocks } from "../../webapp/static/sdk/core/sse.js";

async function blocksOf(chunks) {
  const bytes = chunks.map((chunk) => new TextEncoder().encode(chunk));
  const found = [];
  for await (const blocks of readBlocks(new Response(ReadableStream.from(bytes)))) found.push(...blocks);
  return found;
}

for (const [what, separator] of [["U+2028", "\u2028"], ["U+2029", "\u2029"], ["U+0085", "\u0085"], ["a vertical tab", "\v"]])
  test(`${what} within an event ends no line`, async () => {
    const data = `{"text":"before${separator}data: after${separator}"}`;
    assert.deepEqual(await blocksOf([`id: e:1\ndata: ${data}\n\n`]), [{ id: "e:1", data, retry: null }]);
  });

for (const [what, end] of [["LF", "\n"], ["CRLF", "\r\n"], ["CR", "\r"]]) {
  const text = [":", "id: e:1", "retry: 3000", "data: a ", "data:b", "", "data: c", "", ""].join(end);
  const blocks = [{ id: "e:1", data: "a \nb", retry: 3000 }, { id: null, data: "c", retry: null }];

  test(`lines that end by ${what} are read as a whole`, async () => assert.deepEqual(await blocksOf([text]), blocks));

  test(`lines that end by ${what} are read wherever they are cut`, async () => {
    for (let at = 1; at < text.length; at += 1)
      assert.deepEqual(await blocksOf([text.slice(0, at), text.slice(at)]), blocks, `cut at ${at}`);
    assert.deepEqual(await blocksOf([...text]), blocks);
  });
}
