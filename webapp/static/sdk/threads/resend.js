/**
 * Asking a device once more for numbers of its that have not come, by an envelope that nobody is shown.
 * @module
 */

import { StoreError } from "../core/storage.js";
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

  /** @param {{lacks: (gap: SenderGap) => Promise<boolean>, isAsked: (gap: SenderGap) => Promise<boolean>,
   *   noteAsked: (gap: SenderGap) => Promise<void>, ask: (gap: SenderGap) => Promise<boolean>,
   *   later: (name: string, milliseconds: number, act: () => void) => void, random?: () => number}} parts `ask`: whether
   *   the request waits to be sent; `isAsked`, `noteAsked`: kept, or each visit would ask again for what is gone for good */
  constructor(parts) {
    this.#parts = parts;
  }

  /** @param {SenderGap} gap */
  note(gap) {
    const { later, random = Math.random } = this.#parts;
    const act = () => void this.#whileStored(() => this.#askFor(gap));
    later(`resend ${gap.clientId} ${gap.from}`, FIRST_MILLISECONDS * (1 + random()), act);
  }

  /** By somebody else. @param {SenderGap} gap @returns {Promise<void>} */
  noteAsked(gap) {
    return this.#whileStored(() => this.#parts.noteAsked(gap));
  }

  /** @param {SenderGap} gap */
  async #askFor(gap) {
    const { isAsked, lacks, ask, noteAsked } = this.#parts;
    if ((await isAsked(gap)) || !(await lacks(gap))) return;
    if (await ask(gap)) await noteAsked(gap);
  }

  /** A store that says nothing just now is asked at the next gap. @param {() => Promise<void>} act */
  async #whileStored(act) {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }
}

/** @param {Uint8Array} content */
function parse(content) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
  } catch {
    return null;
  }
}
