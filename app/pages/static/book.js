// The publication behind the reading page: its manifest (Readium Web Publication Manifest) and the
// texts it leads to. Addresses carry a grant that ends; then the manifest is asked for again.

/** The service refused; `status` and the problem document say why. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? String(status));
    this.status = status;
    this.problem = problem;
  }
}

export class Book {
  constructor(address) {
    this.address = address;
  }

  /** Fetches the manifest; also again, when its addresses no longer hold. */
  async open() {
    const answer = await fetch(this.address, { cache: "no-store" });
    if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => ({})));
    const manifest = await answer.json();
    this.order = manifest.readingOrder.map((link) => ({ ...link, href: absolute(link.href) }));
    this.root = this.order.length ? rootOf(this.order[0].href) : "";
    this.toc = manifest.toc ?? [];
    this.paged = manifest.metadata?.layout === "fixed";
    this.limited = manifest.links.some((link) => link.rel === "self" && link.properties?.availability?.until);
    return this;
  }

  get isPdf() {
    return this.order.length > 0 && this.order[0].type === "application/pdf";
  }

  /** Which part of the reading order this address lies in; -1 for none. */
  indexOf(href) {
    const bare = absolute(href).split("#")[0];
    return this.order.findIndex((link) => link.href.split("#")[0] === bare);
  }

  /** The address as it stays when grants change: the path inside the archive. */
  inside(href) {
    return absolute(href).slice(this.root.length);
  }

  /** The part of the reading order at this path inside the archive; -1 for none. */
  indexInside(path) {
    return this.order.findIndex((link) => this.inside(link.href) === path);
  }

  isPicture(index) {
    const type = this.order[index].type ?? "";
    return type.startsWith("image/") && type !== "image/svg+xml";
  }

  /** A chapter as a document that is attached to nothing: nothing in it runs or loads. */
  async chapter(index) {
    const answer = await this.#fetch(index);
    return parsed(await answer.text(), this.order[index].type);
  }

  /** Asks for a part early, so that it is there when it is turned to. */
  warm(index) {
    if (index < this.order.length) fetch(this.order[index].href, { credentials: "omit" }).catch(() => {});
  }

  async #fetch(index) {
    const ask = () => fetch(this.order[index].href, { credentials: "omit" });
    let answer = await ask();
    if (answer.status === 403) {
      await this.open();
      answer = await ask();
    }
    if (!answer.ok) throw new Refused(answer.status, {});
    return answer;
  }
}

function absolute(href) {
  return new URL(href, location.origin).href;
}

/** `/content/{grant}/{publication}-{hash}/`: three steps, below which the archive lies. */
function rootOf(href) {
  const { origin, pathname } = new URL(href);
  return `${origin}${pathname.split("/").slice(0, 4).join("/")}/`;
}

function parsed(text, type = "") {
  const parser = new DOMParser();
  const strict = parser.parseFromString(text, type === "image/svg+xml" ? type : "application/xhtml+xml");
  return strict.querySelector("parsererror") ? parser.parseFromString(text, "text/html") : strict;
}
