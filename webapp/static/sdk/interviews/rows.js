/**
 * A project's interviews by id, as lists and events make them: what is older than what is known changes nothing.
 * @module
 */

export class InterviewRows {
  #rows = /** @type {Map<string, any>} */ (new Map());
  #deleted = /** @type {Map<string, number>} */ (new Map());

  get size() {
    return this.#rows.size;
  }

  /** Newest first. */
  get sorted() {
    return [...this.#rows.values()].sort(newestFirst);
  }

  /** @param {string} id */
  get(id) {
    return this.#rows.get(id) ?? null;
  }

  /** Of a list, an answer or `interview:added`; of the revision that is known it still tells the title, which events do
   * not. @param {any} interview @returns {boolean} whether it is new here */
  put(interview) {
    const { id, revision } = interview;
    const [known, deleted] = [this.#rows.get(id)?.revision ?? -1, this.#deleted.get(id) ?? -1];
    if (revision < known || revision <= deleted) return false;
    this.#deleted.delete(id);
    this.#rows.set(id, interview);
    return revision > known;
  }

  /** A list is how things are: what it does not hold is gone. @param {any[]} interviews */
  replaceAll(interviews) {
    const listed = new Set(interviews.map(({ id }) => id));
    for (const id of this.#rows.keys()) if (!listed.has(id)) this.#rows.delete(id);
    for (const interview of interviews) this.put(interview);
  }

  /** @param {any} event of the project's stream @returns {boolean} whether something changed */
  apply({ type, data, timestamp }) {
    if (type === "interview:added") return this.put(data.interview);
    if (type === "interview:deleted") return this.#remove(data);
    if (UNLISTED.has(type)) return this.#change(data, { updated_at: timestamp }) && false;
    const change = CHANGES[type];
    return change ? this.#change(data, { updated_at: timestamp, ...change(data) }) : false;
  }

  /** Whether an event comes after a change that no event told of, of an interview that is still there. @param {any} event */
  hasSkipped({ type, data }) {
    const row = this.#rows.get(data?.interviewId);
    return row !== undefined && type !== "interview:deleted" && data.revision > row.revision + 1;
  }

  /** @param {string} id @param {{title: string, file_name: string|null}} names @returns {boolean} whether it is listed */
  rename(id, { title, file_name }) {
    const row = this.#rows.get(id);
    if (row) this.#rows.set(id, { ...row, title, file_name });
    return row !== undefined;
  }

  /** An interview that no page has shown yet stays unknown. @param {{interviewId: string, revision: number}} data
   * @param {any} changed */
  #change({ interviewId: id, revision }, changed) {
    const row = this.#rows.get(id);
    if (!row || revision <= row.revision) return false;
    this.#rows.set(id, { ...row, ...changed, revision });
    return true;
  }

  /** Remembered, as an answer that is late must not bring it back. @param {{interviewId: string, revision: number}} data */
  #remove({ interviewId: id, revision }) {
    if (revision <= (this.#rows.get(id)?.revision ?? -1)) return false;
    this.#deleted.set(id, Math.max(revision, this.#deleted.get(id) ?? -1));
    return this.#rows.delete(id);
  }
}

/** They change nothing that a list shows. */
const UNLISTED = new Set(["interview:highlighted", "interview:changed"]);
/** @type {Record<string, (data: any) => any>} */
const CHANGES = {
  "interview:status_changed": ({ status, attempt }) => ({ workflow_status: status, attempt, error: null }),
  "interview:completed": ({ attempt, result }) => ({
    workflow_status: "completed",
    attempt,
    error: null,
    persona_combination_id: result?.persona_combination_id ?? null,
    result,
  }),
  "interview:failed": ({ attempt, error }) => ({ workflow_status: "failed", attempt, error }),
};

/** @param {any} a @param {any} b */
function newestFirst(a, b) {
  return Date.parse(b.created_at) - Date.parse(a.created_at) || (a.id < b.id ? 1 : -1);
}
