// A chapter in a frame of its own. The sandbox gives it our origin but no scripts, so that this
// page can style and measure it while nothing inside can run; its policy lets it load from the
// publication alone, so that a picture cannot be made to ask our API for anything either.
import { clean } from "./cleaning.js";

const PATIENCE = 2500; // ms that style sheets and pictures may keep a chapter from being shown

const BASE = `
  :where(html) { font-family: "Noto Serif CJK SC", "Source Han Serif SC", "Songti SC", STSong, SimSun, Georgia, serif; }
  :where(body) { line-height: 1.9; overflow-wrap: break-word; }
  :where(p) { margin: 0 0 .6em; }
  :where(ruby) { ruby-align: center; }
`;

const FONTS = {
  book: "",
  serif: `"Noto Serif CJK SC", "Source Han Serif SC", "Songti SC", STSong, SimSun, Georgia, serif`,
  sans: `system-ui, "PingFang SC", "HarmonyOS Sans SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif`,
};

const THEMES = {
  day: { paper: "#fffdf9", ink: "#211e1a", link: "#1f4f6e", force: false },
  sepia: { paper: "#f3e9d2", ink: "#42351f", link: "#6b3d12", force: true },
  night: { paper: "#17181a", ink: "#cbc5b9", link: "#8fc1de", force: true },
};

export class Frame {
  /**
   * @param {HTMLElement} stage
   * @param {{settings: object, title: string, paged: boolean}} how paged: pages of fixed size
   */
  constructor(stage, { settings, title, paged }) {
    this.stage = stage;
    this.settings = settings;
    this.paged = paged;
    this.element = Object.assign(document.createElement("iframe"), { title, className: "waiting" });
    this.element.setAttribute("sandbox", "allow-same-origin"); // and never scripts beside it
    this.links = [];
  }

  /** Shows a document; resolves once it is laid out. `source` is parsed and not yet clean. */
  async show(source, address, root) {
    this.fixed = this.paged ? fitted(source, this.stage) : null;
    const content = clean(source, address, root);
    this.links = content.links;
    await this.#open(root);
    const { document: page } = this.window;
    page.documentElement.lang = content.root.getAttribute("lang") ?? content.root.getAttribute("xml:lang") ?? "";
    wear(page.documentElement, content.root, content.inline);
    if (content.body !== content.root || content.body.localName !== "svg") wear(page.body, content.body, content.inline);
    page.body.append(...(content.body.localName === "svg" ? [content.body] : content.body.childNodes));
    for (const [element, style] of content.inline) {
      if (element.ownerDocument === page) element.style.cssText = style;
    }
    this.user = new this.window.CSSStyleSheet();
    page.adoptedStyleSheets = [
      this.#sheet(BASE, address), ...content.styles.map((text) => this.#sheet(text, address)), this.user,
    ];
    this.restyle();
    await settled(content.sheets.map((href) => linked(page, href)));
    this.#align();
    this.element.classList.remove("waiting");
    this.pictures = settled([...page.images].map((image) => image.decode().catch(() => {})));
  }

  /** Shows one picture, as large as the stage allows. */
  async showPicture(address, root, text) {
    const source = document.implementation.createHTMLDocument("");
    const image = source.createElement("img");
    image.src = address;
    image.alt = text;
    source.body.append(image);
    source.body.className = "kaijuan-picture";
    await this.show(source, address, root);
    await this.pictures;
  }

  get window() {
    return this.element.contentWindow;
  }

  /** Whether the text runs in columns from right to left, so that one reads on to the left. */
  get sideways() {
    return this.axis === "x";
  }

  /** How far into the chapter the reader is, 0 to 1. */
  get progression() {
    const { position, room } = this.#extent();
    return room > 1 ? Math.min(1, Math.max(0, position / room)) : 0;
  }

  set progression(value) {
    const { room } = this.#extent();
    this.#scroll(value * room, "instant");
  }

  /** Whether there is more than one screen of it. */
  get scrollable() {
    return this.#extent().room > 2;
  }

  /** Turns by one screen; false when there is no further one in that direction. */
  turn(direction) {
    const { position, room, screen } = this.#extent();
    if (direction > 0 ? position >= room - 2 : position <= 2) return false;
    this.#scroll(Math.min(room, Math.max(0, position + direction * screen * 0.92)), "auto");
    return true;
  }

  /** Goes to the element with this id; false when there is none. */
  reach(id) {
    const element = id ? this.window.document.getElementById(id) : null;
    element?.scrollIntoView({ block: "start", inline: "start" });
    return Boolean(element);
  }

  /** The link that was followed by the frame alone, where the browser told us of no click. */
  takeFollowed() {
    const match = /^#kaijuan-(\d+)$/.exec(this.window?.location.hash ?? "");
    if (!match) return null;
    this.window.location.replace("about:srcdoc#");
    return this.links[match[1]] ?? null;
  }

  restyle() {
    const place = this.progression;
    this.user?.replaceSync(userStyle(this.settings, this.fixed));
    this.progression = place;
  }

  remove() {
    this.element.remove();
  }

  #open(root) {
    const from = `${root} data:`;
    const policy = `default-src 'none'; img-src ${from}; style-src ${root}; font-src ${from}; media-src ${root}`;
    this.element.srcdoc =
      `<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}"><body>`;
    return new Promise((resolve) => {
      this.element.addEventListener("load", resolve, { once: true });
      this.stage.append(this.element);
    });
  }

  #sheet(text, baseURL) {
    const sheet = new this.window.CSSStyleSheet({ baseURL });
    sheet.replaceSync(text); // which takes no @import
    return sheet;
  }

  #align() {
    const { document: page } = this.window;
    const mode = this.window.getComputedStyle(page.body).writingMode;
    this.axis = mode.startsWith("vertical") ? "x" : "y";
    page.documentElement.style.writingMode = mode;
  }

  #extent() {
    const box = this.window.document.scrollingElement;
    return this.axis === "x"
      ? { position: Math.abs(box.scrollLeft), room: box.scrollWidth - box.clientWidth, screen: box.clientWidth }
      : { position: box.scrollTop, room: box.scrollHeight - box.clientHeight, screen: box.clientHeight };
  }

  #scroll(position, behavior) {
    const { document: page } = this.window;
    const leftwards = page.documentElement.style.writingMode !== "vertical-lr";
    const place = this.axis === "x" ? { left: leftwards ? -position : position } : { top: position };
    page.scrollingElement?.scrollTo({ ...place, behavior });
  }
}

/** A page of fixed size (EPUB 3.3, fixed layouts) is scaled to the stage as a whole. */
function fitted(source, { clientWidth, clientHeight }) {
  const said = source.querySelector("meta[name=viewport]")?.getAttribute("content") ?? "";
  const box = (source.documentElement.getAttribute("viewBox") ?? "").split(/[\s,]+/);
  const width = Number(/width\s*=\s*(\d+)/.exec(said)?.[1] ?? box[2]);
  const height = Number(/height\s*=\s*(\d+)/.exec(said)?.[1] ?? box[3]);
  if (!(width > 0 && height > 0)) return null;
  return { width, height, scale: Math.min(clientWidth / width, clientHeight / height) };
}

function wear(element, source, inline) {
  for (const name of ["class", "dir", "id"]) {
    if (source.hasAttribute(name)) element.setAttribute(name, source.getAttribute(name));
  }
  if (inline.has(source)) element.style.cssText = inline.get(source);
}

function linked(page, href) {
  const link = Object.assign(page.createElement("link"), { rel: "stylesheet", href });
  const done = new Promise((resolve) => {
    link.addEventListener("load", resolve);
    link.addEventListener("error", resolve);
  });
  page.head.append(link);
  return done;
}

function settled(promises) {
  const enough = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  return Promise.race([Promise.all(promises), enough]);
}

function userStyle({ size, theme, font }, fixed) {
  const { paper, ink, link, force } = THEMES[theme];
  const rules = [`html { background: ${paper} !important; color: ${ink}; scrollbar-color: #8888 transparent; }`];
  if (fixed) {
    return `${rules[0]} html { overflow: hidden; } body { margin: 0; position: absolute; left: 50%; top: 50%;
      width: ${fixed.width}px; height: ${fixed.height}px; translate: -50% -50%; scale: ${fixed.scale}; overflow: hidden; }`;
  }
  rules.push(
    `body { zoom: ${size}%; margin: 0 auto !important; max-width: none !important; width: auto !important;
      padding-block: 1.5rem 3rem !important; padding-inline: max(1.25rem, (100% - 42rem) / 2) !important; }`,
    `img, svg, video { max-width: 100% !important; max-height: calc(88vh / ${size / 100}) !important; object-fit: contain; }`,
    "table, pre { max-width: 100%; overflow: auto; }",
    `a:where([href]) { color: ${link}; }`,
    `body.kaijuan-picture { padding: 0 !important; height: 100vh; display: grid; place-items: center; zoom: 1; }`,
    `.kaijuan-picture img { max-height: 100vh !important; max-width: 100vw !important; width: 100%; height: 100%; }`,
  );
  if (force) {
    rules.push(`html, body { color: ${ink} !important; }`,
      "body *:not(svg *, img) { color: inherit !important; background-color: transparent !important; border-color: currentcolor !important; }",
      `a[href] { color: ${link} !important; }`);
  }
  if (FONTS[font]) rules.push(`body, body *:not(pre, code, svg *, math *) { font-family: ${FONTS[font]} !important; }`);
  return rules.join("\n");
}
