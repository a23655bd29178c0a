/**
 * Who is in the project, as what; its admins let colleagues in, give them roles and take them out.
 * @module
 */

import { askToConfirm } from "../kit/dialog.js";
import { find, make, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { Field } from "../kit/field.js";
import { List } from "../kit/list.js";
import { showToast } from "../kit/toast.js";
import { client } from "./entry.js";
import { makeButton } from "./interview_list.js";
import { explainTo, nameRole, ROLE_TEXTS, troubleOf } from "./words.js";

/** @typedef {import("../../sdk/interviews/client.js").Role} Role */

const checkEmail = () => (/^\S+@\S+$/.test(find("member-email").value.trim()) ? "" : "이메일을 입력해 주세요.");

export class Members {
  #projectId;
  #isAdmin;
  #list = new List("members");
  #members = /** @type {any[]} */ ([]);
  #turn = 0;
  #email = new Field("member-email", { check: checkEmail });

  /** @param {string} projectId @param {boolean} isAdmin */
  constructor(projectId, isAdmin) {
    this.#projectId = projectId;
    this.#isAdmin = isAdmin;
    show(find("member-form"), isAdmin);
    show(find("members-how"), !isAdmin);
    find("member-role").append(...ROLE_TEXTS.map(([value, text]) => make("option", { value }, text)));
    find("member-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      whileBusy(find("member-add"), () => this.#add());
    });
  }

  async refresh() {
    const turn = ++this.#turn;
    this.#list.showLoading();
    try {
      const members = await client.members(this.#projectId);
      if (turn === this.#turn) this.#draw(members);
    } catch (/** @type {any} */ error) {
      if (turn === this.#turn) this.#list.showError({ ...troubleOf(error), next: { act: () => this.refresh() } });
    }
  }

  /** @param {any[]} members */
  #draw(members) {
    const chosen = chosenRoles(this.#members);
    this.#members = members;
    this.#list.showRows(members.map((one) => this.#makeRow(one, chosen.get(one.account_id) ?? one.role)));
  }

  async #add() {
    this.#email.setFault(checkEmail());
    if (checkEmail()) return this.#email.focus();
    showError(find("member-failed"), null);
    try {
      this.#draw(await client.putMember(this.#projectId, this.#email.value.trim(), find("member-role").value));
    } catch (/** @type {any} */ error) {
      return showError(find("member-failed"), troubleOf(error));
    }
    showToast("success", `${this.#email.value.trim()} 님이 프로젝트에 들어왔어요.`);
    find("member-form").reset();
  }

  /** @param {any} member @param {Role} chosen */
  #makeRow(member, chosen) {
    const { account_id, name, email, role } = member;
    const isMe = account_id === client.account?.id;
    return make(
      "li",
      { class: "row" },
      make("span", { class: "row-title" }, isMe ? `${name} (나)` : name),
      this.#isAdmin ? null : make("span", { class: "chip" }, nameRole(role)),
      make("p", { class: "hint" }, email),
      this.#isAdmin ? this.#makeActs(member, isMe, chosen) : null,
    );
  }

  /** @param {any} member @param {boolean} isMe @param {Role} chosen */
  #makeActs(member, isMe, chosen) {
    const { account_id: id, name, role } = member;
    const options = ROLE_TEXTS.map(([value]) => make("option", { value, selected: value === chosen }, nameRole(value)));
    const roles = make("select", { id: `role-${id}`, "aria-label": `${name} 역할` }, ...options);
    const change = makeButton(`change-role-${id}`, "역할 바꾸기", name, () => this.#act(() => this.#changeRole(member, roles.value, isMe)));
    change.disabled = chosen === role;
    roles.addEventListener("change", () => {
      change.disabled = roles.value === role;
    });
    const remove = makeButton(`remove-member-${id}`, isMe ? "나가기" : "내보내기", name, () => this.#act(() => this.#remove(member, isMe)));
    return make("div", { class: "member-role" }, roles, change, remove);
  }

  /** @param {any} member @param {Role} role @param {boolean} isMe */
  async #changeRole({ email, name }, role, isMe) {
    const question = { title: "내 역할을 줄일까요?", text: "다시 관리하려면 다른 관리자에게 부탁해야 해요.", yes: "줄이기" };
    if (isMe && !(await askToConfirm({ ...question, look: "danger" }))) return;
    await client.putMember(this.#projectId, email, role);
    if (isMe) return location.reload(); // the whole page depends on it
    showToast("success", `${name} 님의 역할을 바꿨어요: ${nameRole(role)}`);
  }

  /** @param {any} member @param {boolean} isMe */
  async #remove({ account_id, name }, isMe) {
    const question = isMe
      ? { title: "프로젝트에서 나갈까요?", text: "이 프로젝트를 더 볼 수 없어요. 올린 인터뷰는 남아요.", yes: "나가기" }
      : { title: "프로젝트에서 내보낼까요?", text: "이 프로젝트를 바로 볼 수 없게 돼요. 올린 인터뷰는 남아요.", yes: "내보내기" };
    if (!(await askToConfirm({ ...question, look: "danger", about: name }))) return;
    await client.removeMember(this.#projectId, account_id);
    if (isMe) return location.assign("/projects");
    showToast("success", `${name} 님을 내보냈어요.`);
    find("members-title").focus();
  }

  /** What was refused is shown as it is. @param {() => Promise<void>} work */
  async #act(work) {
    try {
      await work();
    } catch (/** @type {any} */ error) {
      showToast("error", explainTo(error), error.requestId);
    }
    this.#members = [];
    await this.refresh();
  }
}

/** What an admin has picked and not sent yet: a list that is drawn anew keeps it. @param {any[]} members as shown
 * @returns {Map<string, Role>} */
function chosenRoles(members) {
  const roles = members.map(({ account_id: id, role }) => [id, role, /** @type {any} */ (document.getElementById(`role-${id}`))?.value]);
  return new Map(roles.filter(([, role, chosen]) => chosen && chosen !== role).map(([id, , chosen]) => [id, chosen]));
}
