/**
 * Reads server-sent events from an answer of `fetch`: an EventSource hides the status, and gives up on anything but 200.
 * @module
 */

/** Null is what the block did not have. @typedef {{id: string|null, data: string|null, retry: number|null}} Block */

/** The blocks of each chunk that arrives; none in a chunk that only keeps the connection alive.
 * @param {Response} answer @returns {AsyncGenerator<Block[]>} */
export async function* readBlocks(answer) {
  const reader = /** @type {ReadableStream} */ (answer.body).pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (text + value).split(/\r?\n\r?\n/);
    text = /** @type {string} */ (parts.pop());
    yield parts.map(parseBlock);
  }
}

/** @param {string} text @returns {Block} */
function parseBlock(text) {
  const values = (/** @type {string} */ field) =>
    [...text.matchAll(new RegExp(`^${field}: ?(.*)$`, "gm"))].map(([, value]) => value.trimEnd());
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
