/**
 * Libraries that come when they are first needed: they are more than all else of a page.
 * @module
 */

/** How often one did not come, by its address. */
const failures = /** @type {Map<string, number>} */ (new Map());

/** Its exports; where it did not come, the next call asks for it again. Under another address: Firefox remembers of a
 * module that could not be fetched, as every browser of one that broke, until the page is left.
 * @param {string} address @returns {Promise<any>} */
export async function loadLibrary(address) {
  const failed = failures.get(address) ?? 0;
  try {
    return await import(failed === 0 ? address : `${address}#${failed}`);
  } catch (error) {
    failures.set(address, failed + 1);
    throw error;
  }
}
