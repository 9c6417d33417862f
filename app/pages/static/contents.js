// The table of contents, as nested lists of buttons.

/** Fills `place`; `go(href)` is called for the entry that is chosen. */
export function contents(place, book, go) {
  const entries = []; // [index in the reading order, button], in order
  const lines = book.toc.length ? book.toc : book.order.map((link, n) => ({ href: link.href, title: link.title ?? String(n + 1) }));
  place.replaceChildren(level(lines, book, go, entries));
  return {
    current: -1,
    /** Marks the entry that this part belongs to, and gives its title. */
    mark(index) {
      this.current = index;
      let found = null;
      for (const [part, button] of entries) {
        button.removeAttribute("aria-current");
        if (part >= 0 && part <= index && (found === null || part > found[0])) found = [part, button];
      }
      found?.[1].setAttribute("aria-current", "true");
      return found?.[1].textContent ?? "";
    },
    reveal() {
      place.querySelector("[aria-current]")?.scrollIntoView({ block: "center" });
    },
  };
}

function level(lines, book, go, entries) {
  const list = document.createElement("ol");
  for (const line of lines) {
    const item = document.createElement("li");
    const button = document.createElement(line.href ? "button" : "span");
    button.textContent = line.title;
    if (line.href) {
      button.type = "button";
      button.addEventListener("click", () => go(line.href));
      entries.push([book.indexOf(line.href), button]);
    }
    item.append(button);
    if (line.children?.length) item.append(level(line.children, book, go, entries));
    list.append(item);
  }
  return list;
}
