/**
 * The service in a thread: that it can read, making it a member or none any more, and having one's records brought.
 * @module
 */

import { askToConfirm } from "../kit/dialog.js";
import { find, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { showToast } from "../kit/toast.js";
import { SERVICE_MEMBER, SERVICE_READS, troubleOf } from "./words.js";

const ALL = ["checkups", "prescriptions", "report"];

/** @typedef {import("./thread_view.js").ThreadView} ThreadView */
/** @typedef {import("../../sdk/threads/client.js").ThreadsClient} ThreadsClient */

/** Of a new thread, beside whom it is made with. @returns {{memberId: string, role: string}[]} */
export function chosenService() {
  return find("with-service").checked ? [{ memberId: SERVICE_MEMBER, role: "writer" }] : [];
}

/** @param {{members: any[], role: string}} status @param {string} own */
export function showService({ members, role }, own) {
  const isIn = members.some(({ memberId }) => memberId === SERVICE_MEMBER);
  const isOwner = role === "owner";
  show(find("service-part"), isIn || isOwner);
  show(find("service-in"), isIn);
  show(find("service-out"), !isIn);
  show(find("send-records"), isIn && own.startsWith("patient:") && role !== "reader");
  show(find("remove-service"), isIn && isOwner);
}

/** The buttons, for whichever thread is open. @param {ThreadsClient} client @param {() => ThreadView|null} current */
export function watchService(client, current) {
  const asked = /** @type {Map<string, string>} */ (new Map());
  /** @type {[string, (view: ThreadView) => Promise<void>][]} */
  const buttons = [
    ["invite-service", (view) => invite(client, view)],
    ["remove-service", (view) => remove(view)],
    ["send-records", (view) => bring(client, view, asked)],
  ];
  for (const [id, act] of buttons) {
    find(id).addEventListener("click", () => {
      const view = current();
      if (view) void whileBusy(find(id), () => attempt(() => act(view)));
    });
  }
}

/** @param {() => Promise<void>} act */
async function attempt(act) {
  showError(find("service-failed"), null);
  try {
    await act();
  } catch (/** @type {any} */ error) {
    showError(find("service-failed"), troubleOf(error));
  }
}

/** From now on: what was written before stays closed to it. @param {ThreadsClient} client @param {ThreadView} view */
async function invite(client, view) {
  const question = { title: "웰노를 초대할까요?", text: SERVICE_READS, yes: "초대하기", look: /** @type {const} */ ("primary") };
  if (!(await askToConfirm(question))) return;
  await client.addMember(view.threadId, { memberId: SERVICE_MEMBER, role: "writer", history: "from_now" });
  await view.retryNow();
}

/** With a key that it does not have. @param {ThreadView} view */
async function remove(view) {
  const question = {
    title: "웰노를 내보낼까요?",
    text: "이제부터 쓰는 메시지는 웰노가 읽을 수 없어요. 지금까지의 메시지는 웰노가 이미 읽었을 수 있어요.",
    yes: "내보내기",
    look: /** @type {const} */ ("danger"),
  };
  if (!(await askToConfirm(question))) return;
  await view.keys.removeMember(SERVICE_MEMBER);
  await view.retryNow();
}

/** @param {ThreadsClient} client @param {ThreadView} view
 * @param {Map<string, string>} asked by thread, what was not answered: under another id a lost answer would bring all twice */
async function bring(client, { threadId }, asked) {
  const requestId = asked.get(threadId) ?? crypto.randomUUID();
  asked.set(threadId, requestId);
  try {
    await client.sendRecords(threadId, ALL, requestId);
    asked.delete(threadId);
  } catch (/** @type {any} */ error) {
    if (!error.retryable) asked.delete(threadId);
    throw error;
  }
  showToast("success", "기록을 가져오고 있어요. 오는 대로 대화방에 나와요.");
}
