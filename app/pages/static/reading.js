// The reading page: opens a publication from its manifest, chapter by chapter, and keeps the place.
import { Book, Refused } from "./book.js";
import { contents } from "./contents.js";
import { Frame } from "./frame.js";
import { listen } from "./gestures.js";
import { keepPlace, look, placeIn } from "./memory.js";
import { display } from "./display.js";

const LOOK_EVERY = 250; // ms between looks at where the frame stands
const KEEP_EVERY = 5 * 60_000; // ms between asking again where readers are limited in number
const page = document.body;
const at = (id) => document.getElementById(id);
const stage = at("stage");
const settings = look();
const book = new Book(page.dataset.manifest);

let frame = null;
let index = 0;
let loading = 0;
let list = null;

const state = (name) => { page.dataset.state = name; };

async function start() {
  state("loading");
  try {
    await book.open();
  } catch (error) {
    fail(error);
    return;
  }
  if (book.isPdf) {
    at("open-pdf").href = book.order[0].href;
    state("pdf");
    return;
  }
  list = contents(at("toc-list"), book, (href) => { at("toc").close(); go(href); });
  at("open-toc").disabled = false;
  const kept = placeIn(page.dataset.id);
  const known = book.indexInside(kept.href);
  await show(Math.max(0, known), known < 0 ? {} : { progression: kept.progression });
}

/** Shows one part of the reading order, at a fragment or at a progression. */
async function show(wanted, { fragment = "", progression = 0 } = {}) {
  const turn = ++loading;
  const slow = setTimeout(() => turn === loading && state("loading"), 150);
  const next = new Frame(stage, { settings, title: stage.getAttribute("aria-label"), paged: book.paged });
  try {
    const link = book.order[wanted];
    if (book.isPicture(wanted)) await next.showPicture(link.href, book.root, link.title ?? String(wanted + 1));
    else await next.show(await book.chapter(wanted), book.order[wanted].href, book.root);
  } catch (error) {
    next.remove();
    if (turn === loading) { index = wanted; fail(error); }
    return;
  } finally {
    clearTimeout(slow);
  }
  if (turn !== loading) { next.remove(); return; }
  frame?.remove();
  [frame, index] = [next, wanted];
  state("open");
  listen(frame, { turn: turnPage, follow, toggle });
  const settle = () => frame === next && !frame.reach(fragment) && (frame.progression = progression);
  settle();
  const before = frame.progression;
  frame.pictures.then(() => { if (frame === next && frame.progression === before) settle(); });
  observe();
  book.warm(index + 1);
}

function fail(error) {
  const closed = error instanceof Refused && [401, 403, 404, 410].includes(error.status);
  if (closed && (!book.order || error.problem.reason)) {
    at("closed-why").textContent = why(error.problem) || error.message;
    at("closed-sign-in").hidden = error.problem.reason !== "sign-in";
    at("closed-verify").hidden = error.problem.reason !== "assurance";
    state("closed");
  } else {
    state("failed");
  }
}

/** What would help, in the page's language. */
function why({ reason, remedy, about = {} }) {
  const words = JSON.parse(at("closed-why").dataset.words)[reason] ?? remedy;
  return words?.replace(/\{(\w+)\}/g, (_, name) => about[name] ?? "");
}

/** Goes to an address inside the publication. */
function go(href) {
  const wanted = book.indexOf(href);
  const fragment = decodeURIComponent(new URL(href, location.origin).hash.slice(1));
  if (wanted < 0) return;
  if (wanted === index && frame && page.dataset.state === "open") {
    if (!frame.reach(fragment)) frame.progression = 0;
  } else {
    show(wanted, { fragment });
  }
}

function follow(address) {
  if (address.startsWith(book.root)) { go(address); return; }
  at("leave-address").textContent = address;
  at("leave-link").href = address;
  at("leave").showModal();
}

function turnPage(direction) {
  if (frame?.turn(direction)) return;
  move(direction, direction < 0 ? 1 : 0);
}

function move(direction, progression = 0) {
  const wanted = index + direction;
  if (book.order && wanted >= 0 && wanted < book.order.length) show(wanted, { progression });
}

const toggle = () => page.toggleAttribute("data-quiet");

/** Where the reader is, for the bar and for the next visit. */
function observe() {
  if (page.dataset.state !== "open" || !frame) return;
  const followed = frame.takeFollowed();
  if (followed) { follow(followed); return; }
  const { progression } = frame;
  const total = Math.min(1, (index + progression) / book.order.length);
  const last = index === book.order.length - 1 && (progression > 0.99 || !frame.scrollable);
  const percent = last ? 100 : Math.floor(total * 100);
  if (at("progress").value === percent / 100 && list.current === index) return;
  at("progress").value = percent / 100;
  at("percent").textContent = `${percent}%`;
  at("chapter").textContent = list.mark(index) || `${index + 1} / ${book.order.length}`;
  at("previous").disabled = index === 0;
  at("next").disabled = index === book.order.length - 1;
}

let remembered = "";

function remember() {
  if (page.dataset.state !== "open" || !frame) return;
  const place = { href: book.inside(book.order[index].href), progression: frame.progression };
  const said = JSON.stringify(place);
  if (said !== remembered) keepPlace(page.dataset.id, place);
  remembered = said;
}

at("retry").addEventListener("click", () => (book.order ? show(index) : start()));
at("previous").addEventListener("click", () => move(-1));
at("next").addEventListener("click", () => move(1));
at("open-toc").addEventListener("click", () => { at("toc").showModal(); list.reveal(); });
at("open-settings").addEventListener("click", () => at("settings").showModal());
at("leave-link").addEventListener("click", () => at("leave").close());
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
}
listen.keys(document, () => frame, { turn: turnPage, toggle });
display(settings, () => frame?.restyle());
/** Whoever reads a long chapter asks for nothing: their place is kept while they look at it. */
function keepOn() {
  if (book.limited && page.dataset.state === "open" && document.visibilityState === "visible") {
    book.open().catch((error) => error instanceof Refused && fail(error));
  }
}

addEventListener("pagehide", remember);
document.addEventListener("visibilitychange", remember);
setInterval(() => { observe(); remember(); }, LOOK_EVERY);
setInterval(keepOn, KEEP_EVERY);
start();
