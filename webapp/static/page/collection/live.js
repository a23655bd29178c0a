/**
 * The running session on a page of results: its stream, its progress, and its connection.
 * @module
 */

import { Collection } from "../../sdk/collection/collection.js";
import { isApproved, percentOf } from "../../sdk/collection/progress.js";
import { showConnection } from "../kit/connection.js";
import { find, show } from "../kit/dom.js";
import { announce } from "./waiting.js";

/**
 * Still to be started.
 * @param {{parts: {sessionId: string, client: any, storage: any, database: any, redirectPath: string},
 *   perform: (action: any) => void, isLive: () => boolean, isOver: () => boolean}} how
 */
export function followCollection({ parts, perform, isLive, isOver }) {
  return new Collection({
    ...parts,
    page: location.pathname,
    view: {
      perform,
      showProgress: (progress) => showProgress(progress, isLive()),
      showConnection: (state) => showConnection(isOver() ? "closed" : state),
    },
  });
}

function showProgress(progress, isLive) {
  const percent = percentOf(progress);
  const current = progress.find((step) => step.state === "active");
  show(find("live"), isLive && percent < 100);
  find("live-text").textContent = current ? current.label : "기록을 모으고 있어요.";
  for (const id of ["live-percent", "live-bar"]) show(find(id), isApproved(progress));
  find("live-percent").textContent = `${percent}%`;
  /** @type {HTMLProgressElement} */ (find("live-bar")).value = percent;
  announce(progress);
}
