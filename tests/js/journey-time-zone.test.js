/** The hospital's time zone: what its server tells counts, what a tab has kept until then. One page for all tests. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { clockText } from "../../webapp/static/page/journey/words.js";
import { MemoryStorage } from "../../webapp/static/sdk/core/storage.js";
import { JourneyClient } from "../../webapp/static/sdk/journey/client.js";
import { timeZone, useKeptTimeZone, useTimeZone } from "../../webapp/static/sdk/journey/hospital_time.js";
import { JourneyMemory } from "../../webapp/static/sdk/journey/memory.js";
import { Hospital } from "./hospital.js";

const LATE = Date.parse("2026-03-02T14:59:00Z"); // in Seoul the day ends, in Berlin it does not
const SNAPSHOT = { journey_state: "WAITING" };

/** A tab that saw the hospital two minutes ago, when its server told this zone. @param {string} zone */
function memoryOfZone(zone) {
  const tab = new MemoryStorage();
  tab.setItem("welno_journey_snapshot", JSON.stringify({ snapshot: SNAPSHOT, at: LATE, zone }));
  return new JourneyMemory({ tab, lasting: new MemoryStorage(), now: () => LATE + 2 * 60_000 });
}

async function tell(zone) {
  const hospital = new Hospital();
  const told = { ...hospital.answers["GET /state-definitions/"], time_zone: zone };
  hospital.answers["GET /state-definitions/"] = told;
  await new JourneyClient({ baseUrl: "http://h/api/v1", fetch: hospital.fetch }).definitions();
}

test("without a network the day is that of the zone that was kept", () => {
  assert.equal(memoryOfZone("Asia/Seoul").snapshot, null);
  assert.deepEqual(memoryOfZone("Europe/Berlin").snapshot?.snapshot, SNAPSHOT);
  assert.equal(clockText(LATE), "15:59");
});

test("a zone that was kept does not replace the one that the server has told", async () => {
  await tell("Asia/Seoul");
  assert.equal(memoryOfZone("Europe/Berlin").snapshot, null);
  assert.equal(timeZone(), "Asia/Seoul");
  assert.equal(clockText(LATE), "23:59");
});

test("of two zones that the server has told the later counts", async () => {
  await tell("Europe/Berlin");
  assert.equal(timeZone(), "Europe/Berlin");
});

test("a zone that a browser does not know leaves the one before", () => {
  for (const name of ["Mars/Olympus", "", undefined]) {
    useTimeZone(name);
    useKeptTimeZone(name);
  }
  assert.equal(timeZone(), "Europe/Berlin");
});
