/** Follows a stream with npm's `eventsource`, and tells by lines of JSON what that hears. The token is JUDGE_TOKEN. */

import { EventSource } from "eventsource";

const headers = { Authorization: `Bearer ${process.env.JUDGE_TOKEN}` };
const source = new EventSource(process.argv[2], {
  fetch: (address, asked) => fetch(address, { ...asked, headers: { ...asked.headers, ...headers } }),
});
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

source.onopen = () => tell({ opened: true });
source.onmessage = ({ data, lastEventId }) => tell({ id: lastEventId, body: JSON.parse(data) });
