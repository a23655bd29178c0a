/**
 * `/shl`: opens SMART Health Links, ours and others'. The key stands behind the `#` of the address and is sent nowhere.
 * @module
 */

import { HealthLinkError } from "../../sdk/shl/errors.js";
import { hasFlag, readLink } from "../../sdk/shl/links.js";
import { openLink } from "../../sdk/shl/opening.js";
import { find, make, setText, show, tellStarted, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { Field } from "../kit/field.js";
import { attachmentPart } from "./attachment_part.js";
import { readFile } from "./content.js";
import { explainFault, momentText } from "./words.js";

const SCHEME = "shlink:/";
const RAW_DATA_CHARACTERS = 200;
const UNTITLED = "받은 기록"; // sections are headed below it
const fields = {
  link: new Field("link"),
  recipient: new Field("recipient"),
  passcode: new Field("passcode"),
};

find("open-form").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  void whileBusy(find("open-button"), open);
});
find("link").addEventListener("input", showFacts);
globalThis.addEventListener("hashchange", begin);
tellStarted();
begin();

/** With the link of the address, where there is one. */
function begin() {
  const isGiven = location.hash.includes(SCHEME);
  show(find("link-part"), !isGiven);
  show(find("opened"), false);
  show(find("open-card"));
  showError(find("open-failed"), null);
  showFacts();
}

function linkText() {
  return location.hash.includes(SCHEME) ? location.hash.slice(1) : fields.link.value;
}

/** What can be told of the link before it is opened. */
function showFacts() {
  fields.link.setFault("");
  const payload = readQuietly();
  setText(find("link-label"), payload?.label ? `“${payload.label}”` : "");
  setText(find("link-host"), payload ? `기록이 있는 곳: ${new URL(payload.url).host}` : "");
  const isOver = payload?.exp !== undefined && payload.exp * 1000 < Date.now();
  setText(find("link-over"), payload && isOver ? `${momentText(payload.exp ?? 0)}에 끝난 링크예요.` : "");
  show(find("passcode-part"), payload !== null && hasFlag(payload, "P"));
}

function readQuietly() {
  try {
    return readLink(linkText());
  } catch {
    return null;
  }
}

async function open() {
  for (const field of Object.values(fields)) field.setFault("");
  showError(find("open-failed"), null);
  const fault = findFault();
  if (fault) {
    fault.field.setFault(fault.text);
    fault.field.focus();
    return;
  }
  try {
    const passcode = fields.passcode.value || undefined;
    const { payload, files } = await openLink(linkText(), { recipient: fields.recipient.value.trim(), passcode });
    await showFiles(payload.label ?? "", files);
  } catch (/** @type {any} */ error) {
    showRefusal(error);
  }
}

/** @returns {{field: Field, text: string}|null} */
function findFault() {
  const payload = readQuietly();
  if (payload === null && !location.hash.includes(SCHEME)) return { field: fields.link, text: "받은 링크를 그대로 넣어 주세요." };
  if (!fields.recipient.value.trim()) return { field: fields.recipient, text: "누가 여는지 적어 주세요." };
  const wantsPasscode = payload !== null && hasFlag(payload, "P");
  return wantsPasscode && !fields.passcode.value ? { field: fields.passcode, text: "받은 암호를 넣어 주세요." } : null;
}

/** @param {any} error */
function showRefusal(error) {
  if (!(error instanceof HealthLinkError)) throw error;
  if (error.code === "PASSCODE" && error.remainingAttempts !== 0) {
    fields.passcode.setFault(explainFault(error));
    fields.passcode.select();
    return;
  }
  showError(find("open-failed"), { text: explainFault(error) });
  find("open-failed").focus();
}

/** @param {string} label @param {import("../../sdk/shl/opening.js").OpenedFile[]} files */
async function showFiles(label, files) {
  const shown = [];
  for (const file of files) shown.push(...(await fileParts(file)));
  find("files").replaceChildren(...shown);
  setText(find("opened-label"), label ? `“${label}”` : "");
  show(find("open-card"), false);
  show(find("opened"));
  find("opened-title").focus();
}

/** @param {import("../../sdk/shl/opening.js").OpenedFile} file */
async function fileParts(file) {
  // Others wrote it, in any shape: what cannot be read as a record is shown as it came, beside files that can.
  const readings = await readFile(file).catch(() => []);
  const raw = make(
    "details",
    { class: "raw" },
    make("summary", {}, "받은 그대로 보기"),
    make("pre", { tabIndex: 0 }, rawText(file)),
  );
  return [...readings.map(readingPart), raw];
}

/** @param {import("../../sdk/shl/opening.js").OpenedFile} file */
function rawText({ content, text }) {
  if (content === null) return text;
  try {
    return JSON.stringify(content, shorten, 2);
  } catch {
    // Nested more deeply than the stack holds.
    return text;
  }
}

/** Megabytes of letters are nothing to be read. @param {string} name @param {unknown} value */
function shorten(name, value) {
  const isLong = name === "data" && typeof value === "string" && value.length > RAW_DATA_CHARACTERS;
  return isLong ? `${value.slice(0, RAW_DATA_CHARACTERS)}… (모두 ${value.length}자)` : value;
}

/** @param {import("./content.js").Reading} reading */
function readingPart({ title, person, sections, sources, issuer, attachments }) {
  const whose = person ? [person.name, person.birthDate && `${person.birthDate} 출생`].filter(Boolean).join(" · ") : "";
  return make(
    "article",
    { class: "card" },
    make("h2", {}, title || UNTITLED),
    whose ? make("p", { class: "whose" }, whose) : null,
    sources.length > 0 ? make("p", { class: "hint" }, `적혀 있는 출처: ${sources.join(", ")}`) : null,
    issuer ? make("p", { class: "notice warning" }, `${issuer}에서 서명했다고 적혀 있지만, 여기서 서명을 확인하지는 않았어요.`) : null,
    ...sections.map(sectionPart),
    ...attachments.map(attachmentPart),
  );
}

/** @param {import("./content.js").Section} section */
function sectionPart({ title, lines, empty }) {
  const rows = lines.map(({ name, value, date }) =>
    make("li", {}, make("span", {}, make("strong", {}, name), value ? ` ${value}` : ""), make("span", { class: "hint" }, date)),
  );
  const body = rows.length > 0 ? make("ul", { class: "lines" }, ...rows) : make("p", { class: "hint" }, empty || "내용이 없어요.");
  return make("section", {}, make("h3", {}, title), body);
}
