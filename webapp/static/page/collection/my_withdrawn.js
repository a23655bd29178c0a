/**
 * `/my/withdrawn`: what a withdrawn consent means from now on.
 * @module
 */

import { WelnoClient } from "../../sdk/collection/client.js";
import { find, setText, tellStarted } from "../kit/dom.js";

const query = new URLSearchParams(location.search);
const STOPS = {
  service: "기록 모으기와 보여드리는 일을 멈춰요.",
  collection: "새로 기록을 모으지 않아요. 모으고 있던 것은 다음 단계에서 멈춰요.",
  sensitive: "새로 건강 기록을 모으지 않아요. 모으고 있던 것은 다음 단계에서 멈춰요.",
  third_party_tilko: "인증과 기록을 대신 받아 오는 곳에 더는 내 정보를 보내지 않아요. 모으고 있던 것은 다음 단계에서 멈춰요.",
  third_party_mediarc: "질병 예측 리포트를 만드는 곳에 더는 내 정보를 보내지 않아요. 기록 모으기는 계속할 수 있어요.",
};

const kind = query.get("kind") ?? "";
for (const link of document.querySelectorAll("[data-keep-query]")) {
  const uuid = query.get("uuid");
  if (uuid) /** @type {HTMLAnchorElement} */ (link).search = `?${new URLSearchParams({ uuid })}`;
}
if (STOPS[kind]) find("withdrawn-stops").textContent = STOPS[kind];
find("withdrawn-title").focus();
tellStarted();
const texts = await new WelnoClient().consentTexts().catch(() => []);
setText(find("withdrawn-what"), texts.find((text) => text.kind === kind)?.title ?? "");
