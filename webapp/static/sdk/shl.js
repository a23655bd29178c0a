/**
 * SMART Health Links for front ends: import this file, nothing else is needed.
 *
 *     const { link } = await new HealthLinksClient().make([{ contentType, text: JSON.stringify(bundle) }], { passcode });
 *     const { files } = await openLink(link, { recipient: "Dr. Kim", passcode });
 *
 * @module
 */

export { buildAttachment, readAttachments } from "./shl/attachments.js";
export { HealthLinksClient } from "./shl/client.js";
export { HealthLinkError } from "./shl/errors.js";
export { readHealthCard } from "./shl/health_cards.js";
export { decryptFile, encryptFile } from "./shl/jwe.js";
export { hasFlag, LABEL_MAX_CHARACTERS, readLink, writeLink } from "./shl/links.js";
export { openLink } from "./shl/opening.js";
export { buildSummary } from "./shl/summary.js";
