// Building nodes. Text only ever becomes a text node: nothing here, or anywhere, parses HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An HTML element: h("p", {class: "x", onclick: f}, "text", otherNode). */
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

/** An SVG element. */
export const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** Several nodes in one fragment. */
export const fragment = (...children) => fill(document.createDocumentFragment(), null, children);

/** The address if a link may lead there, else null: no javascript:, no data:. */
export function safeUrl(text) {
  try {
    const url = new URL(text);
    return ["http:", "https:", "mailto:", "tel:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** A link that opens beside the page, or plain text when the address is not safe. */
export function link(text, ...children) {
  const href = safeUrl(text);
  const label = children.length ? children : [text];
  return href ? h("a", { class: "link", href, target: "_blank", rel: "noopener noreferrer" }, label) : fragment(label);
}
