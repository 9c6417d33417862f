// Keys, taps and swipes. Some browsers tell a page nothing of what happens in a frame without
// scripts: there the bars' buttons, scrolling and links still work.

const EDGE = 0.28; // the part of the width at either side that turns
const SWIPE = 56; // CSS pixels

/** Listens inside a frame that was just shown. */
export function listen(frame, { turn, follow, toggle }) {
  const page = frame.window.document;
  let touched = null;
  page.addEventListener("click", (event) => {
    const anchor = event.target.closest?.("a");
    const href = anchor?.getAttribute("href") ?? anchor?.getAttribute("xlink:href") ?? "";
    const number = /#kaijuan-(\d+)$/.exec(href)?.[1];
    event.preventDefault();
    if (number !== undefined) follow(frame.links[number]);
    else if (frame.window.getSelection().isCollapsed) tap(event.clientX / frame.window.innerWidth);
  });
  const tap = (across) => {
    if (across < EDGE) turn(frame.sideways ? 1 : -1);
    else if (across > 1 - EDGE) turn(frame.sideways ? -1 : 1);
    else toggle();
  };
  page.addEventListener("touchstart", (event) => {
    touched = event.touches.length === 1 ? event.touches[0] : null;
  }, { passive: true });
  page.addEventListener("touchend", (event) => {
    if (!touched || frame.sideways) return;
    const across = event.changedTouches[0].clientX - touched.clientX;
    const down = event.changedTouches[0].clientY - touched.clientY;
    if (Math.abs(across) > SWIPE && Math.abs(across) > 2 * Math.abs(down)) turn(across < 0 ? 1 : -1);
  }, { passive: true });
  listen.keys(page, () => frame, { turn, toggle });
}

/** Keys, in the page and in the frame alike. */
listen.keys = (target, frameNow, { turn, toggle }) => {
  target.addEventListener("keydown", (event) => {
    const busy = document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey;
    if (busy || event.target.closest?.("button, input, a") && event.key === " ") return;
    const sideways = frameNow()?.sideways;
    const act = {
      ArrowRight: () => turn(sideways ? -1 : 1),
      ArrowLeft: () => turn(sideways ? 1 : -1),
      PageDown: () => turn(1),
      PageUp: () => turn(-1),
      " ": () => turn(event.shiftKey ? -1 : 1),
      m: toggle,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
};
