/**
 * The address on a tag, or in its QR: `https://{host}/t/{tag_code}`; of a dynamic tag with what it says at this reading.
 * @module
 */

const PAIR = { e: /^[0-9A-F]{32}$/i, c: /^[0-9A-F]{16}$/i };

/** @param {string} address @returns {string|null} */
export function codeOfAddress(address) {
  const [, code] = address.match(/^https?:\/\/[^/]+\/t\/([A-Za-z0-9_-]{8,100})\/?(?:[?#]|$)/) ?? [];
  return code ?? null;
}

/** What a dynamic tag has said, which the server takes once. @param {string} address
 * @returns {{e: string, c: string}|{}} nothing where it is no such pair */
export function pairOfAddress(address) {
  const query = new URLSearchParams(address.match(/^[^?#]*\?([^#]*)/)?.[1]);
  const [e, c] = [query.get("e") ?? "", query.get("c") ?? ""];
  return PAIR.e.test(e) && PAIR.c.test(c) ? { e, c } : {};
}
