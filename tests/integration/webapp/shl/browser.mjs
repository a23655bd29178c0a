// What a browser's side does with what stands on the input: builds a summary and an attachment, encrypts it, opens files of others.
import { readFileSync } from "node:fs";

import { buildAttachment, buildSummary, decryptFile, encryptFile, writeLink } from "../../../../webapp/static/sdk/shl.js";
import { decodeBase64url } from "../../../../webapp/static/sdk/core/base64url.js";

const { records, key, files = [], payload, attached } = JSON.parse(readFileSync(0, "utf8"));
const bytes = decodeBase64url(key);
const bundle = records && buildSummary(records);
const text = JSON.stringify(bundle ?? {});
const told = {
  bundle,
  attachment: attached && buildAttachment({ ...attached, bytes: new TextEncoder().encode(attached.text) }),
  plain: await encryptFile(bytes, text, "application/fhir+json"),
  deflated: await encryptFile(bytes, text, "application/fhir+json", { deflate: true }),
  opened: await Promise.all(files.map((jwe) => decryptFile(bytes, jwe))),
  link: payload && writeLink(payload),
};
process.stdout.write(JSON.stringify(told));
