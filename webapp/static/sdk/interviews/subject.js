/**
 * A project's stream as `connect` follows it: server-sent events alone.
 * @module
 */

import { InterviewsClient } from "./client.js";

/** The stream of one project. @param {string} projectId @param {InterviewsClient} [client]
 * @returns {import("../core/stream.js").Subject} */
export function projectStream(projectId, client = new InterviewsClient()) {
  return {
    // Tabs of two people who share a browser share nothing.
    id: `project:${projectId}:${client.account?.id ?? ""}`,
    client,
    isFromNowOn: true,
    eventsUrl: (cursor) => client.httpUrl(`/sse/projects/${encodeURIComponent(projectId)}`, placeQuery(cursor)),
    onUnauthorized: () => client.refreshLogin(),
  };
}

/** @param {import("../core/ordering.js").Cursor} cursor @returns {Record<string, string>|undefined} none: from now on */
function placeQuery({ seq, epoch }) {
  return epoch === null ? undefined : { after_seq: `${epoch}:${seq}` };
}
