/**
 * Where a tag's address leads: the scan is told to the server, and the journey goes on.
 * @module
 */

import { PatientJourney } from "../../sdk/journey/patient_journey.js";
import { PageReports } from "../../sdk/journey/reports.js";
import { pairOfAddress } from "../../sdk/journey/tag_address.js";
import { find, setText, show, tellStarted } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { troubleOf } from "./words.js";

const reports = new PageReports("tag").watch();
const journey = new PatientJourney({ clientOptions: { onDuration: reports.measure } });

async function tell() {
  showError(find("tag-failed"), null);
  const tag = {
    tag_code: decodeURIComponent(location.pathname.split("/")[2] ?? ""),
    ...pairOfAddress(location.href),
    via: /** @type {const} */ ("url"),
  };
  try {
    // Who has a login here is known by it; that it cannot be asked for now keeps nobody from being scanned.
    await journey.start().catch(() => false);
    await journey.scan(tag);
    journey.close();
    location.replace("/journey");
  } catch (/** @type {any} */ error) {
    if (error.status === undefined) throw error;
    setText(find("tag-title"), "태그를 읽지 못했어요");
    setText(find("tag-text"), "");
    showError(find("tag-failed"), { ...troubleOf(error), next: error.retryable ? { act: tell } : null });
    show(find("tag-next"));
  }
}

tellStarted();
tell();
