/**
 * A patient makes a health link of what they choose of the open thread, and keeps it there for those who are in it.
 * @module
 */

import { BlobDownload } from "../../sdk/threads/blob_download.js";
import { find, make, show } from "../kit/dom.js";
import { Field } from "../kit/field.js";
import { List } from "../kit/list.js";
import { LinkForm } from "../share/link_form.js";
import { NOTHING_CHOSEN } from "../share/words.js";
import { buildLinkFiles, faultOfFiles } from "./link_files.js";
import { LINK_TYPE } from "./link_message.js";
import { titleOf } from "./records_view.js";
import { CHOICE_LOADING, formatBytes, nameMember, OWN_RECORDS_CLOSED, SOMEBODY_ELSE, troubleOf } from "./words.js";

const PATIENT = "patient:";
const CLOSED_TO_US = new Set([401, 403, 404]);

/** @typedef {import("./link_material.js").LinkMaterial} LinkMaterial */
/** `send`: into the thread. @typedef {{threadId: string, material: LinkMaterial,
 *   send: (data: string, contentType: string) => Promise<boolean>}} SharedThread */
/** By the records' own API: whose they are, and the keys of those that are there. @typedef {{
 *   person: import("../../sdk/shl/summary.js").Records["person"], keys: Set<string>}} OwnRecords */
/** @typedef {{memberId: string, links: import("../../sdk/shl/client.js").HealthLinksClient,
 *   records: import("../../sdk/collection/client.js").WelnoClient,
 *   client: import("../../sdk/threads/client.js").ThreadsClient,
 *   crypto: import("../../sdk/threads/worker_link.js").WorkerLink}} LinkParts */

/** Another person is signed in to this browser by now. */
class SomebodyElseError extends Error {}

export class LinkPart {
  #parts;
  #form;
  #choices = new List("share-choices");
  #thread = /** @type {SharedThread|null} */ (null);
  #own = /** @type {OwnRecords|null} */ (null);
  #boxes = /** @type {HTMLInputElement[]} */ ([]);
  #missed = /** @type {Set<string>} */ (new Set()); // chosen, and not there again yet
  #role = "reader";

  /** @param {LinkParts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#form = new LinkForm({
      links: parts.links,
      now: () => parts.client.now(),
      findFault: () => this.#findFault(),
      prepare: (signal) => this.#prepare(signal),
      troubleOf: (error) => (error instanceof SomebodyElseError ? { text: SOMEBODY_ELSE } : troubleOf(error)),
    });
    find("share-part").addEventListener("toggle", () => find("share-part").open && void this.#load());
    find("share-records").addEventListener("click", () => this.#chooseRecords());
  }

  /** What was chosen and typed for the same one, which is rendered again, stays. @param {SharedThread} thread */
  open(thread) {
    if (!this.#isOpen(thread.threadId)) this.close();
    for (const key of this.#chosenKeys()) this.#missed.add(key);
    this.#thread = thread;
    thread.material.watch(() => thread === this.#thread && this.#own && this.#showChoices());
    show(find("share-part"), this.#parts.memberId.startsWith(PATIENT));
  }

  /** What stands there goes, and what is under way is given up. */
  close() {
    this.#thread = null;
    this.#own = null;
    find("share-part").open = false;
    this.#form.reset();
    this.#setFault("");
    this.#boxes = [];
    this.#missed.clear();
    this.#choices.showRows([]);
  }

  /** @param {string|undefined} threadId */
  #isOpen(threadId) {
    return threadId === this.#thread?.threadId;
  }

  /** @param {string} role one's own: who only reads keeps nothing in the thread */
  show(role) {
    this.#role = role;
    show(find("share-keep-part"), role !== "reader");
  }

  /** Records of others may stand in the thread, too: the API tells which are one's own. */
  async #load() {
    const threadId = this.#thread?.threadId;
    find("share-button").disabled = this.#boxes.length === 0;
    this.#choices.showLoading();
    try {
      const own = await this.#readOwn();
      if (!this.#isOpen(threadId)) return;
      this.#own = own;
      this.#showChoices();
    } catch (/** @type {any} */ error) {
      if (!this.#isOpen(threadId)) return;
      const trouble = CLOSED_TO_US.has(error.status) ? { text: OWN_RECORDS_CLOSED } : troubleOf(error);
      this.#choices.showError({ ...trouble, next: { act: () => void this.#load() } });
    }
  }

  /** @returns {Promise<OwnRecords>} */
  async #readOwn() {
    const { records, memberId } = this.#parts;
    const uuid = memberId.slice(PATIENT.length);
    const [{ person, items }, treatments] = await Promise.all([records.checkupRecords(uuid), records.prescriptions(uuid)]);
    return { person, keys: new Set([...items.map(({ id }) => `checkups/${id}`), ...treatments.map(({ id }) => `prescriptions/${id}`)]) };
  }

  #openThread() {
    if (!this.#thread) throw new Error("open() comes first");
    return this.#thread;
  }

  #ownRecords() {
    return this.#openThread().material.records.filter(({ key }) => this.#own?.keys.has(key));
  }

  /** What was chosen stays chosen where more has come. */
  #showChoices() {
    const chosen = new Set([...this.#chosenKeys(), ...this.#missed]);
    const [records, { files }] = [this.#ownRecords(), this.#openThread().material];
    const makeBox = (/** @type {{key: string}} */ { key }) =>
      make("input", { type: "checkbox", id: `share-${key}`, value: key, checked: chosen.has(key) });
    this.#boxes = /** @type {HTMLInputElement[]} */ ([...records, ...files].map(makeBox));
    for (const { value } of this.#boxes) this.#missed.delete(value);
    const words = [...records.map((one) => make("span", {}, titleOf(one))), ...files.map((one) => this.#describe(one))];
    this.#choices.showRows(this.#boxes.map((box, at) => make("li", {}, make("label", { class: "check" }, box, words[at]))));
    show(find("share-records"), records.length > 1);
    find("share-button").disabled = this.#boxes.length === 0;
  }

  #chooseRecords() {
    const keys = new Set(this.#ownRecords().map(({ key }) => key));
    for (const box of this.#boxes) if (keys.has(box.value)) box.checked = true;
    this.#form.noteChange();
  }

  /** @param {import("./link_material.js").ThreadFile} file */
  #describe({ name, size, from }) {
    const facts = `${nameMember(from, this.#parts.memberId)} · ${formatBytes(size)}`;
    return make("span", {}, `${name} `, make("span", { class: "hint" }, facts));
  }

  #chosenKeys() {
    return new Set(this.#boxes.filter(({ checked }) => checked).map(({ value }) => value));
  }

  /** @returns {import("./link_files.js").Chosen} */
  #chosen() {
    const keys = this.#chosenKeys();
    const isChosen = (/** @type {{key: string}} */ { key }) => keys.has(key);
    return { records: this.#ownRecords().filter(isChosen), files: this.#openThread().material.files.filter(isChosen) };
  }

  #findFault() {
    return this.#setFault(this.#faultOfChoice());
  }

  /** A thread that is rendered again is decrypted again: a link made meanwhile would hold less than was chosen. */
  #faultOfChoice() {
    if (this.#missed.size > 0 && !this.#openThread().material.isComplete) return CHOICE_LOADING;
    const { records, files } = this.#chosen();
    return records.length + files.length === 0 ? NOTHING_CHOSEN : faultOfFiles(files);
  }

  /** The boxes are others each time. @param {string} fault */
  #setFault(fault) {
    const what = new Field("share-what", { inputs: this.#boxes });
    what.setFault(fault);
    return fault ? what : null;
  }

  /** The cookie is the browser's: whoever signed in with it meanwhile would be the one whose link it is. */
  async #requireSelf() {
    const { memberId } = await this.#parts.client.me();
    if (memberId !== this.#parts.memberId) throw new SomebodyElseError();
  }

  /** @param {AbortSignal} signal @returns {Promise<import("../share/link_form.js").LinkPlan>} */
  async #prepare(signal) {
    const [thread, own] = [this.#openThread(), this.#own];
    if (!own) throw new Error("the choices come first");
    const isKept = this.#role !== "reader" && find("share-keep").checked;
    const chosen = this.#chosen();
    await this.#requireSelf();
    const files = await buildLinkFiles(chosen, own.person, (told) => this.#readBlob(thread.threadId, told, signal));
    return {
      files,
      onMade: async ({ link }) => {
        if (isKept) await thread.send(link, LINK_TYPE);
      },
    };
  }

  /** @param {string} threadId @param {import("./link_material.js").BlobMessage} told @param {AbortSignal} signal */
  #readBlob(threadId, told, signal) {
    signal.throwIfAborted();
    const { client, crypto } = this.#parts;
    const download = new BlobDownload(threadId, told, { client, crypto });
    signal.addEventListener("abort", () => download.cancel());
    return download.run();
  }
}
