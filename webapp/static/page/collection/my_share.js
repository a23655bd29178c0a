/**
 * Showing one's records to a doctor: a link is made of what is stored, and told to nobody else.
 * @module
 */

import { HealthLinksClient } from "../../sdk/shl/client.js";
import { buildSummary } from "../../sdk/shl/summary.js";
import { find } from "../kit/dom.js";
import { Field } from "../kit/field.js";
import { LinkForm } from "../share/link_form.js";
import { NOTHING_CHOSEN } from "../share/words.js";
import { troubleOf } from "./errors.js";
import { loadLinks } from "./my_share_list.js";

const CONTENT_TYPE = "application/fhir+json";

/** @typedef {import("../../sdk/welno.js").WelnoClient} WelnoClient */

/** @param {{client: WelnoClient, uuid: string}} whose @returns {Promise<void>} when the links are listed */
export function offerSharing({ client, uuid }) {
  const links = new HealthLinksClient();
  const what = new Field("share-what", { inputs: [find("share-checkups"), find("share-treatments")] });
  const findFault = () => {
    const isNothing = !find("share-checkups").checked && !find("share-treatments").checked;
    what.setFault(isNothing ? NOTHING_CHOSEN : "");
    return isNothing ? what : null;
  };
  /** @returns {Promise<import("../share/link_form.js").LinkPlan>} */
  const prepare = async () => {
    const text = JSON.stringify(buildSummary(await readRecords({ client, uuid })));
    return { files: [{ contentType: CONTENT_TYPE, text }], onMade: () => loadLinks(links) };
  };
  new LinkForm({ links, now: () => client.now(), findFault, prepare, troubleOf });
  return loadLinks(links);
}

/** Whose they are is told with the checkups. @param {{client: WelnoClient, uuid: string}} whose
 * @returns {Promise<import("../../sdk/shl/summary.js").Records>} */
async function readRecords({ client, uuid }) {
  const [withCheckups, withTreatments] = [find("share-checkups").checked, find("share-treatments").checked];
  const [told, treatments] = await Promise.all([client.checkupRecords(uuid), withTreatments ? client.prescriptions(uuid) : []]);
  return { person: told.person, checkups: withCheckups ? told.items : [], treatments, collectedAt: told.collected_at };
}
