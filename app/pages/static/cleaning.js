// A chapter is hostile until proven otherwise. This keeps what can be read and drops what can act.
// It is the third fence: the frame that shows the result runs no scripts and its policy lets it
// load from this publication alone.

const XLINK = "http://www.w3.org/1999/xlink";
const XHTML = "http://www.w3.org/1999/xhtml";

const KEPT = new Set((
  "html body a abbr address article aside audio b bdi bdo big blockquote br caption center cite " +
  "code col colgroup data dd del details dfn div dl dt em figcaption figure font footer h1 h2 h3 " +
  "h4 h5 h6 header hgroup hr i img ins kbd li main mark nav ol p picture pre q rb rp rt rtc ruby s " +
  "samp section small source span strike strong sub summary sup table tbody td tfoot th thead " +
  "time tr tt u ul var video wbr " +
  "svg g path rect circle ellipse line polyline polygon text tspan textPath defs linearGradient " +
  "radialGradient stop clipPath mask pattern image use symbol marker title desc switch filter " +
  "math mi mn mo mrow mfrac msup msub msubsup msqrt mroot mtext mtable mtr mtd mlabeledtr mover " +
  "munder munderover mfenced mspace mstyle mpadded mphantom menclose mmultiscripts mprescripts " +
  "none ms semantics"
).split(" "));

// Unknown elements give way to their children; these go with all that is in them.
const DROPPED = new Set((
  "script style link meta base head template noscript iframe frame frameset embed applet param " +
  "portal fencedframe input button select textarea option annotation annotation-xml set animate " +
  "animateTransform animateMotion foreignObject handler listener"
).toLowerCase().split(" "));

// Where an attribute may point: at a resource of the publication. Others that can point or act go.
const POINTS = new Set(["src", "poster", "href", "xlink:href"]);
const REFUSED = new Set((
  "srcset srcdoc action formaction background data ping target http-equiv manifest codebase " +
  "classid archive longdesc profile cite usemap ismap download autofocus autoplay nonce is slot " +
  "attributionsrc popover popovertarget form contenteditable accesskey tabindex style"
).split(" "));

/**
 * What may be shown of a chapter.
 *
 * @param {Document} source parsed, never attached to a window
 * @param {string} base the chapter's own address
 * @param {string} root the address below which all of the publication lies
 * @returns {{root: Element, body: Element, sheets: string[], styles: string[],
 *   inline: Map<Element, string>, links: string[]}} links: where the anchors lead; anchor number
 *   n points to the fragment `kaijuan-n`
 */
export function clean(source, base, root) {
  const result = { styles: [], sheets: [], inline: new Map(), links: [] };
  for (const link of source.querySelectorAll("link")) {
    const address = within(link.getAttribute("href"), base, root);
    const kind = (link.getAttribute("rel") ?? "").toLowerCase().split(/\s+/);
    if (address && kind.includes("stylesheet") && !kind.includes("alternate")) result.sheets.push(address);
  }
  for (const style of source.querySelectorAll("style")) result.styles.push(style.textContent);
  const place = { base, root, result };
  const top = source.documentElement;
  result.root = top;
  result.body = source.querySelector("body") ?? top;
  const elements = [...result.body.querySelectorAll("*")].reverse(); // children before parents
  for (const element of elements) judge(element, place);
  for (const element of new Set([top, result.body])) attributes(element, place);
  return result;
}

/** The absolute address, if it lies in the publication; null otherwise. */
export function within(value, base, root) {
  if (value === null) return null;
  try {
    const address = new URL(value.trim(), base);
    return address.href.startsWith(root) ? address.href : null;
  } catch {
    return null;
  }
}

function judge(element, place) {
  if (DROPPED.has(element.localName.toLowerCase())) element.remove();
  else if (!KEPT.has(element.localName)) element.replaceWith(...element.childNodes);
  else attributes(element, place);
}

function attributes(element, { base, root, result }) {
  const style = element.getAttribute("style");
  if (style) result.inline.set(element, style);
  const anchor = element.localName === "a";
  const target = element.getAttribute("href") ?? element.getAttributeNS(XLINK, "href");
  for (const attribute of [...element.attributes]) {
    const name = attribute.name.toLowerCase();
    if (name.startsWith("on") || REFUSED.has(name) || (anchor && POINTS.has(name))) {
      element.removeAttributeNode(attribute);
    } else if (POINTS.has(name)) {
      point(element, attribute, base, root);
    }
  }
  if (anchor && target !== null) lead(element, target, base, result.links);
}

function point(element, attribute, base, root) {
  const value = attribute.value.trim();
  if (value.startsWith("#")) return; // a gradient or a symbol of the same drawing
  const picture = /^data:image\//i.test(value) && ["img", "image"].includes(element.localName);
  const address = picture ? value : within(value, base, root);
  if (address) attribute.value = address;
  else element.removeAttributeNode(attribute);
}

function lead(anchor, target, base, links) {
  let address;
  try {
    address = new URL(target.trim(), base);
  } catch {
    return;
  }
  if (!["http:", "https:"].includes(address.protocol)) return;
  // The frame itself can only move to a fragment; the page that owns it reads which, and goes there.
  const name = `about:srcdoc#kaijuan-${links.length}`;
  if (anchor.namespaceURI === XHTML) anchor.setAttribute("href", name);
  else anchor.setAttributeNS(XLINK, "xlink:href", name);
  links.push(address.href);
}
