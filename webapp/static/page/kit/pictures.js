/**
 * Which files a page shows as pictures.
 * @module
 */

/** What a browser shows as a picture, without running anything in it. */
export const PICTURES = new Set(["image/png", "image/jpeg", "image/webp", "image/gif"]);
