/**
 * Reads server-sent events from an answer of `fetch`: an EventSource hides its status, and gives up on all but 200.
 * @module
 */

/** Null: it had none. @typedef {{id: string|null, data: string|null, retry: number|null}} Block */

/** The blocks of each chunk; none of one that only keeps the connection alive.
 * @param {Response} answer @returns {AsyncGenerator<Block[]>} */
export async function* readBlocks(answer) {
  const reader = /** @type {ReadableStream} */ (answer.body).pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (text + value).split(/\r?\n\r?\n|\r\r/);
    text = /** @type {string} */ (parts.pop());
    yield parts.map(parseBlock);
  }
}

/** Under the flag `m` U+2028 ends a line, too. @param {string} text @returns {Block} */
function parseBlock(text) {
  const values = (/** @type {string} */ field) =>
    [...text.matchAll(RegExp(`(^|[\r\n])${field}: ?([^\r\n]*)`, "g"))].map(([, , value]) => value);
  const data = values("data");
  const retry = Number.parseInt(values("retry").at(-1) ?? "", 10);
  return {
    id: values("id").at(-1) ?? null,
    data: data.length ? data.join("\n") : null,
    retry: Number.isNaN(retry) ? null : retry,
  };
}

/** @param {string} id `epoch:seq` @returns {import("./ordering.js").Cursor|null} */
export function parsePlace(id) {
  const [, epoch, seq] = id.match(/^(\w+):(\d+)$/) ?? [];
  return epoch === undefined ? null : { seq: Number(seq), epoch };
}
