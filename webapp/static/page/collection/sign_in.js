/**
 * `/sign-in`: opens records that were collected before, for who comes back without a link.
 * @module
 */

import { WelnoClient } from "../../sdk/collection/client.js";
import { KEYS, WelnoStorage } from "../../sdk/collection/storage.js";
import { find, tellStarted, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { troubleOf } from "./errors.js";
import { FITS_NOBODY, PersonForm } from "./person_form.js";

const storage = new WelnoStorage();
const client = new WelnoClient({ storage });
const form = /** @type {HTMLFormElement} */ (find("sign-in-form"));
const person = new PersonForm();

async function signIn() {
  try {
    const { patient_uuid, hospital_id } = await client.signIn(person.read());
    storage.forgetPerson(); // whoever was here before
    storage.write(KEYS.patientUuid, patient_uuid);
    storage.write(KEYS.hospitalId, hospital_id);
    form.reset();
    location.assign(`/results-trend?${new URLSearchParams({ uuid: patient_uuid })}`);
  } catch (/** @type {any} */ error) {
    const trouble = troubleOf(error);
    if (error.code === "LOGIN_FAILED") trouble.text = FITS_NOBODY;
    showError(find("sign-in-failure"), trouble);
    find("sign-in-failure").focus();
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  showError(find("sign-in-failure"), null);
  if (person.check()) whileBusy(find("sign-in-button"), signIn);
});
find("sign-in-button").disabled = false;
tellStarted();
