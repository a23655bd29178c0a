/**
 * Draws a text as a QR code.
 * @module
 */

const SVG = "http://www.w3.org/2000/svg";
const QUIET = 4; // modules around the code, as the standard asks for

/** @param {string} library its address @param {string} text @param {string} label for who does not see it
 * @returns {Promise<Element>} */
export async function drawQr(library, text, label) {
  const { encodeQR } = await import(library);
  /** @type {boolean[][]} */
  const rows = encodeQR(text, "raw", { ecc: "medium", border: QUIET });
  const dark = rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
  const picture = element("svg", { viewBox: `0 0 ${rows.length} ${rows.length}`, role: "img", "aria-label": label, class: "qr" });
  picture.append(
    element("rect", { width: String(rows.length), height: String(rows.length), fill: "#fff" }),
    element("path", { d: dark.join(""), fill: "#000" }),
  );
  return picture;
}

/** @param {string} name @param {Record<string, string>} attributes */
function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}
