/** The offer of a password among the results: its card, its button at the end, and where the focus goes. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { PasswordOffer } from "../../webapp/static/page/collection/password_offer.js";
import { settle } from "./browser.js";
import { openDocument } from "./document.js";
import { memoryStorage } from "./stores.js";

/** Of records that are all there. */
function offer({ exists, isSet = true }) {
  const find = openDocument();
  const asked = [];
  const leads = [];
  find("results-title").focus = () => leads.push("title");
  const ask = async (isChange) => (asked.push(isChange), isSet);
  const offered = new PasswordOffer({ storage: memoryStorage(), uuid: () => "u", ask });
  offered.know(exists);
  offered.offer(true);
  const shown = () => ["password-offer", "set-password"].filter((id) => !find(id).hidden);
  const press = async (id) => {
    find(id).click();
    await settle(1);
  };
  return { find, asked, leads, shown, press };
}

test("a card that is taken is gone, and the focus goes to the title", async () => {
  const { asked, leads, shown, press } = offer({ exists: false });
  assert.deepEqual(shown(), ["password-offer"]);
  await press("password-offer-take");
  assert.deepEqual([shown(), asked, leads], [["set-password"], [false], ["title"]]);
});

test("a card that is put off leaves the button, which keeps the focus once it has set a password", async () => {
  const { find, leads, shown, press } = offer({ exists: false });
  await press("password-offer-later");
  assert.deepEqual([shown(), leads.splice(0)], [["set-password"], ["title"]]);
  await press("set-password");
  assert.deepEqual([shown(), leads, find("set-password").textContent], [["set-password"], [], "비밀번호 바꾸기"]);
});

test("a password that is changed by the button leaves the focus there", async () => {
  const { asked, leads, press } = offer({ exists: true });
  await press("set-password");
  assert.deepEqual([asked, leads], [[true], []]);
});

test("a dialog that is closed changes nothing", async () => {
  const { leads, shown, press } = offer({ exists: false, isSet: false });
  await press("password-offer-take");
  assert.deepEqual([shown(), leads], [["password-offer"], []]);
});
