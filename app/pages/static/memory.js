// What this device remembers: the place in each book, and how the reader likes pages to look.
// Storage may be full, forbidden or empty; reading goes on without it.

const PLACE = "kaijuan:place:";
const LOOK = "kaijuan:reading";

export const SIZES = [80, 90, 100, 112, 125, 140, 160, 180, 200];

function load(key) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? {};
  } catch {
    return {};
  }
}

function save(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // a private window or a full disk: nothing to do
  }
}

/** The locator kept for a book: `{href, progression}`, href being the path inside the archive. */
export const placeIn = (id) => load(PLACE + id);
export const keepPlace = (id, locator) => save(PLACE + id, { ...locator, at: new Date().toISOString() });

export function look() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const { size, theme, font } = load(LOOK);
  return {
    size: SIZES.includes(size) ? size : 112,
    theme: ["day", "sepia", "night"].includes(theme) ? theme : dark ? "night" : "day",
    font: ["book", "serif", "sans"].includes(font) ? font : "book",
  };
}
export const keepLook = (settings) => save(LOOK, settings);
