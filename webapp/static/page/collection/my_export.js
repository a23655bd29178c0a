/**
 * All of a person's data as one archive: asked for, waited for, fetched once.
 * @module
 */

import { find, setText, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { troubleOf } from "./errors.js";

const ASK_MILLISECONDS = 2_000;
const TEXTS = {
  building: "파일을 준비하고 있어요. 이 창을 열어 두세요.",
  ready: "준비됐어요. 24시간 안에 내려받아 주세요.",
  fetched: "내려받았어요. 다시 받으려면 새로 준비해 주세요.",
};

/** @param {{client: import("../../sdk/welno.js").WelnoClient, uuid: string}} whose */
export function offerExport({ client, uuid }) {
  const [ask, fetch] = [find("export-ask"), find("export-fetch")];
  const attempt = (button, work) =>
    whileBusy(button, async () => {
      showError(find("export-failure"), null);
      try {
        await work();
      } catch (/** @type {any} */ error) {
        setText(find("export-state"), "");
        showError(find("export-failure"), troubleOf(error));
      }
    });
  const tell = (state) => {
    setText(find("export-state"), TEXTS[state]);
    show(fetch, state === "ready");
    show(ask, state === "fetched");
  };
  let exportId = "";
  ask.onclick = () =>
    attempt(ask, async () => {
      exportId = (await client.askForExport(uuid)).export_id;
      setText(find("export-state"), TEXTS.building);
      await untilReady(client, uuid, exportId);
      tell("ready");
      fetch.focus();
    });
  fetch.onclick = () =>
    attempt(fetch, async () => {
      const { url } = await client.exportState(uuid, exportId); // a link holds a few minutes, so it is asked for now
      if (url) location.assign(url);
      tell("fetched");
    });
}

async function untilReady(client, uuid, exportId) {
  while ((await client.exportState(uuid, exportId)).state === "building")
    await new Promise((resolve) => {
      setTimeout(resolve, ASK_MILLISECONDS);
    });
}
