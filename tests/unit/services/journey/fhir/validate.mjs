// Validates the resources on its input, a list, by npm's `fhir`; answers with what it found fault with.
import { readFileSync } from "node:fs";
import fhir from "fhir";

const validator = new fhir.Fhir();
const faults = JSON.parse(readFileSync(0, "utf8")).map((resource) => {
  const found = validator.validate(resource, { errorOnUnexpected: true });
  return found.messages
    .filter((message) => message.severity === "error" || message.severity === "fatal")
    .map((message) => `${resource.resourceType} ${message.location}: ${message.message}`);
});
process.stdout.write(JSON.stringify(faults.flat()));
