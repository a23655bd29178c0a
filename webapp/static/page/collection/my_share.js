/**
 * Showing one's records to a doctor: a link is made of what is stored, drawn as QR, and told to nobody else.
 * @module
 */

import { HealthLinksClient } from "../../sdk/shl/client.js";
import { buildSummary } from "../../sdk/shl/summary.js";
import { find, setText, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { Field } from "../kit/field.js";
import { drawQr } from "../kit/qr.js";
import { showToast } from "../kit/toast.js";
import { troubleOf } from "./errors.js";
import { loadLinks } from "./my_share_list.js";

const DAY_SECONDS = 86_400;
const SHORTEST_PASSCODE = 4;
const CONTENT_TYPE = "application/fhir+json";

/** @typedef {import("../../sdk/welno.js").WelnoClient} WelnoClient */

/** @param {{client: WelnoClient, uuid: string}} whose @returns {Promise<void>} when the links are listed */
export function offerSharing({ client, uuid }) {
  const links = new HealthLinksClient();
  const fields = {
    what: new Field("share-what", { inputs: [find("share-checkups"), find("share-treatments")] }),
    // Not checked when it is left: a fault that appears above the button moves it away from under the finger.
    passcode: new Field("share-passcode"),
  };
  find("share-form").onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    void whileBusy(find("share-button"), () => share({ client, uuid }, links, fields));
  };
  find("share-done").onclick = () => {
    forgetMade();
    find("share-title").tabIndex = -1;
    find("share-title").focus();
  };
  return loadLinks(links);
}

/** @param {{client: WelnoClient, uuid: string}} whose @param {HealthLinksClient} links
 * @param {{what: Field, passcode: Field}} fields */
async function share(whose, links, fields) {
  showError(find("share-failed"), null);
  fields.what.setFault(isNothingAsked() ? "하나는 골라 주세요." : "");
  fields.passcode.setFault(passcodeFault());
  const wrong = [isNothingAsked() && fields.what, passcodeFault() && fields.passcode].find(Boolean);
  if (wrong) {
    wrong.focus();
    return;
  }
  try {
    const text = JSON.stringify(buildSummary(await readRecords(whose)));
    const { link } = await links.make([{ contentType: CONTENT_TYPE, text }], wishes(links.now()));
    await showMade(link);
  } catch (/** @type {any} */ error) {
    showError(find("share-failed"), troubleOf(error));
    find("share-failed").focus();
    return;
  }
  await loadLinks(links);
}

/** Whose they are is told with the checkups. @param {{client: WelnoClient, uuid: string}} whose */
async function readRecords({ client, uuid }) {
  const [told, treatments] = await Promise.all([
    client.checkupRecords(uuid),
    find("share-treatments").checked ? client.prescriptions(uuid) : [],
  ]);
  const checkups = find("share-checkups").checked ? told.items : [];
  return { person: told.person, checkups, treatments, collectedAt: told.collected_at };
}

/** @param {number} now in milliseconds */
function wishes(now) {
  return {
    label: find("share-label").value.trim() || undefined,
    exp: Math.floor(now / 1000) + Number(find("share-until").value) * DAY_SECONDS,
    passcode: find("share-passcode").value || undefined,
    viewer: `${location.origin}/shl`,
  };
}

/** @param {string} link */
async function showMade(link) {
  const picture = await drawQr(find("share").dataset.qrLibrary, link, "기록을 여는 링크의 QR");
  find("share-qr").replaceChildren(picture);
  show(find("share-made-passcode"), find("share-passcode").value !== "");
  find("share-open").href = link;
  find("share-copy").onclick = () => copy(link);
  find("share-form").reset();
  show(find("share-form"), false);
  show(find("share-made"));
  find("share-made-title").focus();
}

/** So that whoever comes next to this computer finds no link. */
function forgetMade() {
  find("share-qr").replaceChildren();
  find("share-open").removeAttribute("href");
  find("share-copy").onclick = null;
  show(find("share-made"), false);
  show(find("share-form"));
}

/** @param {string} link */
async function copy(link) {
  try {
    await navigator.clipboard.writeText(link);
    showToast("success", "링크를 복사했어요.");
  } catch {
    showToast("error", "복사하지 못했어요. QR을 보여 주세요.");
  }
}

function isNothingAsked() {
  return !find("share-checkups").checked && !find("share-treatments").checked;
}

function passcodeFault() {
  const { length } = find("share-passcode").value;
  return length > 0 && length < SHORTEST_PASSCODE ? `암호는 ${SHORTEST_PASSCODE}자부터 정할 수 있어요.` : "";
}
