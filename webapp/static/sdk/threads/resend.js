/**
 * Asking a device once more for numbers of its that have not come, by an envelope that nobody is shown.
 * @module
 */

import { isUuid, textBytes } from "./encoding.js";

export const RESEND_TYPE = "application/vnd.welno.resend+json";
export const RESEND_KIND = "control";
// It is mostly on its way, and twenty readers are not to ask at once.
const FIRST_MILLISECONDS = 30_000;

/** @typedef {import("./senders.js").SenderGap} SenderGap */

/** @param {{kind: string, contentType: string}|null|undefined} envelope */
export const isResendRequest = (envelope) => envelope?.kind === RESEND_KIND && envelope.contentType === RESEND_TYPE;

/** @param {SenderGap} gap */
export const writeResendRequest = ({ clientId, from, to }) => textBytes(JSON.stringify({ clientId, from, to }));

/** What somebody else wrote. @param {Uint8Array} content @returns {SenderGap|null} null where it asks for nothing */
export function readResendRequest(content) {
  const told = parse(content);
  const isSpan = Number.isSafeInteger(told?.from) && Number.isSafeInteger(told?.to) && told.from >= 1 && told.to >= told.from;
  return isSpan && isUuid(told.clientId) ? { clientId: told.clientId, from: told.from, to: told.to } : null;
}

/** Of one thread: asks once for what lacks for long, unless somebody else did. */
export class ResendAsking {
  #parts;
  #asked = new Set();

  /** @param {{lacks: (gap: SenderGap) => Promise<boolean>, ask: (gap: SenderGap) => Promise<unknown>,
   *   later: (name: string, milliseconds: number, act: () => void) => void, random?: () => number}} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** @param {SenderGap} gap */
  note(gap) {
    const { later, random = Math.random } = this.#parts;
    later(`resend ${nameOf(gap)}`, FIRST_MILLISECONDS * (1 + random()), () => void this.#askFor(gap));
  }

  /** By somebody else. @param {SenderGap} gap */
  noteAsked(gap) {
    this.#asked.add(nameOf(gap));
  }

  /** @param {SenderGap} gap */
  async #askFor(gap) {
    if (this.#asked.has(nameOf(gap)) || !(await this.#parts.lacks(gap))) return;
    this.#asked.add(nameOf(gap));
    await this.#parts.ask(gap);
  }
}

/** @param {SenderGap} gap */
const nameOf = ({ clientId, from }) => `${clientId} ${from}`;

/** @param {Uint8Array} content */
function parse(content) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
  } catch {
    return null;
  }
}
