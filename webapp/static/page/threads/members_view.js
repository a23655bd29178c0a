/**
 * Who is in the open thread and as what: owners add and remove, and give roles; everybody may leave.
 * @module
 */

import { askToConfirm } from "../kit/dialog.js";
import { find, make, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { Field } from "../kit/field.js";
import { showToast } from "../kit/toast.js";
import { faultOfMember } from "./member_id.js";
import { nameMember, nameRole, ROLES, troubleOf } from "./words.js";

/** @typedef {import("../../sdk/threads/thread_keys.js").ThreadKeys} ThreadKeys */
/** @typedef {{memberId: string, role: string}} Member */
/** The one that was open when something was begun. @typedef {{threadId: string, keys: ThreadKeys}} OpenedThread */

export class MembersView {
  #parts;
  #opened = /** @type {OpenedThread|null} */ (null);
  #shown = "";
  #added;

  /** @param {{memberId: string, client: import("../../sdk/threads/client.js").ThreadsClient,
   *   onLeft: (threadId: string) => void}} parts `memberId`: one's own */
  constructor(parts) {
    this.#parts = parts;
    this.#added = new Field("new-member", { check: () => faultOfMember(find("new-member").value.trim(), parts.memberId) });
  }

  /** Once: what the form does. */
  watch() {
    find("member-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      const fault = faultOfMember(this.#added.value.trim(), this.#parts.memberId);
      this.#added.setFault(fault);
      if (fault) this.#added.focus();
      else void this.#act(find("member-button"), (thread) => this.#add(thread, this.#added.value.trim()));
    });
  }

  /** Of another thread. @param {string} threadId @param {ThreadKeys} keys */
  open(threadId, keys) {
    this.#opened = { threadId, keys };
    this.#shown = "";
    find("members-rows").replaceChildren();
    show(find("member-form"), false);
    showError(find("members-failed"), null);
  }

  /** As the server tells it; a list that somebody uses is made anew only where it has changed.
   * @param {{role: string, members: Member[]}} status */
  show({ role, members }) {
    const state = JSON.stringify([role, members]);
    if (state === this.#shown) return;
    this.#shown = state;
    show(find("member-form"), role === "owner");
    find("members-rows").replaceChildren(...members.map((member) => this.#makeRow(member, role === "owner")));
  }

  /** @param {Member} member @param {boolean} isOwner whoever looks */
  #makeRow({ memberId, role }, isOwner) {
    const name = nameMember(memberId, this.#parts.memberId);
    const isOwn = memberId === this.#parts.memberId;
    const title = make("p", {}, isOwner ? name : `${name} · ${nameRole(role)}`);
    const buttons = make("div", { class: "buttons" });
    if (isOwner) buttons.append(this.#makeChoice(memberId, role, name));
    if (isOwn) buttons.append(this.#makeButton("나가기", "이 대화방에서 나가기", (thread) => this.#leave(thread)));
    else if (isOwner) buttons.append(this.#makeButton("내보내기", `${name} 내보내기`, (thread) => this.#remove(thread, memberId, name)));
    return make("li", { class: "row" }, title, buttons.childElementCount > 0 ? buttons : null);
  }

  /** @param {string} memberId @param {string} role @param {string} name */
  #makeChoice(memberId, role, name) {
    const options = Object.entries(ROLES).map(([value, text]) => make("option", { value, selected: value === role }, text));
    const choice = make("select", { "aria-label": `${name}의 역할` }, ...options);
    choice.addEventListener("change", () => void this.#act(choice, (thread) => this.#changeRole(thread, memberId, choice.value)));
    return choice;
  }

  /** @param {string} label @param {string} name @param {(thread: OpenedThread) => Promise<void>} act */
  #makeButton(label, name, act) {
    const button = make("button", { type: "button", class: "small", "aria-label": name }, label);
    button.addEventListener("click", () => void this.#act(button, act));
    return button;
  }

  /** @param {OpenedThread} thread @param {string} memberId */
  async #add({ keys }, memberId) {
    const withHistory = find("history-all").checked;
    await keys.addMember(memberId, find("new-role").value, { withHistory });
    if (this.#added.value.trim() === memberId) this.#added.value = "";
    showToast("success", withHistory ? "더했어요. 이전 메시지도 볼 수 있어요." : "더했어요. 지금부터 쓰는 것만 볼 수 있어요.");
  }

  /** @param {OpenedThread} thread @param {string} memberId @param {string} role */
  async #changeRole({ threadId }, memberId, role) {
    await this.#parts.client.changeRole(threadId, memberId, role);
    showToast("success", "역할을 바꿨어요.");
  }

  /** @param {OpenedThread} thread @param {string} memberId @param {string} name */
  async #remove(thread, memberId, name) {
    const text = "열쇠를 바꿔서 지금부터 쓰는 메시지는 열지 못해요. 이미 받은 메시지는 그 사람에게 남아 있을 수 있어요.";
    if (!(await this.#ask(thread, { title: "내보낼까요?", text, yes: "내보내기", look: "danger", about: name }))) return;
    await thread.keys.removeMember(memberId);
    showToast("success", "내보내고 열쇠를 바꿨어요.");
  }

  /** @param {OpenedThread} thread */
  async #leave(thread) {
    const text = "이 대화방의 메시지를 더 볼 수 없어요. 다시 들어오려면 관리하는 사람이 더해 주어야 해요.";
    if (!(await this.#ask(thread, { title: "대화방에서 나갈까요?", text, yes: "나가기", look: "danger" }))) return;
    await this.#parts.client.removeMember(thread.threadId, this.#parts.memberId);
    this.#parts.onLeft(thread.threadId);
  }

  /** The way back leads to another thread while the dialog is open: then it is not clear which one the answer means.
   * @param {OpenedThread} thread @param {Parameters<typeof askToConfirm>[0]} question */
  async #ask(thread, question) {
    return (await askToConfirm(question)) && this.#isOpen(thread);
  }

  /** @param {OpenedThread} thread */
  #isOpen({ threadId }) {
    return threadId === this.#opened?.threadId;
  }

  /** What was chosen and refused is shown as it is. @param {any} control
   * @param {(thread: OpenedThread) => Promise<void>} act */
  async #act(control, act) {
    const thread = this.#opened;
    if (!thread) throw new Error("open() comes first");
    showError(find("members-failed"), null);
    await whileBusy(control, async () => {
      try {
        await act(thread);
      } catch (/** @type {any} */ error) {
        const trouble = troubleOf(error);
        if (this.#isOpen(thread)) showError(find("members-failed"), trouble);
        else showToast("error", trouble.text, trouble.reference);
      }
    });
    if (this.#isOpen(thread)) await this.#showAgain(thread);
  }

  /** @param {OpenedThread} thread */
  async #showAgain(thread) {
    this.#shown = "";
    try {
      const status = /** @type {any} */ (await this.#parts.client.status(thread.threadId));
      if (this.#isOpen(thread)) this.show(status);
    } catch (/** @type {any} */ error) {
      if (error.status === undefined) throw error; // without a network, or out of the thread: the list stays as it was
    }
  }
}
