/**
 * The demo's invented people, where the page has any: one tap fills in the form with one of them.
 * @module
 */

import { formatPhone } from "../kit/phone.js";

const KAKAOTALK = "0"; // which all of them have

/** @param {HTMLFormElement} form @param {() => void} onFilled */
export function offerDemoPeople(form, onFilled) {
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-demo]"))) {
    button.disabled = false;
    button.addEventListener("click", () => {
      fill(form, JSON.parse(button.dataset.demo ?? ""));
      onFilled();
    });
  }
}

function fill(form, { user_name, birthdate, phone_no, gender }) {
  const values = { user_name, birthdate, phone_no: formatPhone(phone_no), gender, private_auth_type: KAKAOTALK };
  for (const [name, value] of Object.entries(values)) form.elements.namedItem(name).value = value;
  for (const box of form.elements.namedItem("consents")) box.checked = !box.closest(".term").hidden;
  form.dispatchEvent(new Event("change"));
}
