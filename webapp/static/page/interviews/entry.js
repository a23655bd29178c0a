/**
 * Who may come in: the login that the members' pages share, the way to it and back, and its end.
 * @module
 */

import { InterviewsClient } from "../../sdk/interviews/client.js";
import { find, show, whileBusy } from "../kit/dom.js";
import { showToast } from "../kit/toast.js";
import { explainTo } from "./words.js";

const HOME = "/projects";
// Only these are gone to after the login: an address of somebody else's making leads nowhere.
const OWN_PAGE = /^\/projects(\/[0-9a-f-]{36})?(#[\w=&%.+*-]*)?$/;

export const client = new InterviewsClient({ onLoggedOut: askToSignIn });

export function askToSignIn() {
  const back = location.pathname + location.hash;
  location.assign(`/login${back === HOME ? "" : `?${new URLSearchParams({ next: back })}`}`);
}

/** Where the login leads. @param {string} query of the login's address */
export function pageAfterLogin(query) {
  const next = new URLSearchParams(query).get("next") ?? "";
  return OWN_PAGE.test(next) ? next : HOME;
}

/** Whose login it is, shown with the way out. Rejects without one: the page is being left then. */
export async function enter() {
  const account = await client.me();
  find("who").textContent = `${account.name} · ${account.company.name}`;
  show(find("sign-out"));
  find("sign-out").addEventListener("click", () => whileBusy(find("sign-out"), leave));
  return account;
}

async function leave() {
  try {
    await client.signOut();
  } catch (/** @type {any} */ error) {
    // A login that is over has nothing left to end.
    if (error.status !== 401) return showToast("error", explainTo(error), error.requestId);
  }
  location.assign("/login");
}
