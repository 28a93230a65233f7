// The markdown block: the common part of Markdown that Slack translates.

import { fragment, h, link } from "./dom.js";
import { emoji } from "./emoji.js";

const SPANS = [
  [/^`([^`\n]+)`/, (found) => h("code", { class: "code" }, found[1])],
  [/^\*\*(?=\S)(.+?\S|\S)\*\*/, (found) => h("strong", null, inline(found[1]))],
  [/^__(?=\S)(.+?\S|\S)__/, (found) => h("strong", null, inline(found[1]))],
  [/^~~(?=\S)(.+?\S|\S)~~/, (found) => h("s", null, inline(found[1]))],
  [/^\*(?=\S)([^*\n]*\S)\*/, (found) => h("em", null, inline(found[1]))],
  [/^_(?=\S)([^_\n]*\S)_(?![\p{L}\p{N}])/u, (found) => h("em", null, inline(found[1]))],
  [/^!?\[([^\]\n]*)\]\(([^)\s]+)\)/, (found) => link(found[2], found[1] || found[2])],
  [/^<(https?:[^>\s]+)>/, (found) => link(found[1])],
  [/^\\([\\`*_{}[\]()#+.!~>|-])/, (found) => found[1]],
  [/^:([a-z0-9_+-]+):/, (found) => emoji(found[1]) ?? found[0]],
];

function inline(text) {
  const out = [];
  let raw = "";
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    const inWord = at > 0 && text[at] === "_" && /[\p{L}\p{N}]/u.test(text[at - 1]);
    const [span, found] = (!inWord && SPANS.map(([pattern, draw]) => [draw, pattern.exec(rest)]).find(([, match]) => match)) || [null, null];
    if (!span) { raw += text[at]; at += 1; continue; }
    if (raw) out.push(raw);
    raw = "";
    out.push(span(found));
    at += found[0].length;
  }
  return fragment(out, raw);
}

const cells = (row) => row.trim().replace(/^\||\|$/g, "").split("|").map((text) => text.trim());
const RULED = /^\s*\|?\s*:?-{3,}:?\s*(\|\s*:?-{3,}:?\s*)*\|?\s*$/;
const ITEM = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;

/** Takes rows while they match, and returns them without what is stripped. */
function take(rows, pattern, strip) {
  const out = [];
  while (rows.length && pattern.test(rows[0])) out.push(strip ? rows.shift().replace(strip, "") : rows.shift());
  return out;
}

function list(items) {
  const [, indent, mark] = ITEM.exec(items[0]);
  const out = h(/\d/.test(mark) ? "ol" : "ul", { class: "rich-list" });
  while (items.length) {
    const [, depth, , text] = ITEM.exec(items[0]);
    if (depth.length < indent.length) break;
    if (depth.length > indent.length) { (out.lastElementChild ?? out).append(list(items)); continue; }
    items.shift();
    const task = /^\[( |x|X)\]\s+(.*)$/.exec(text);
    out.append(h("li", null, task ? [task[1] === " " ? "☐ " : "☑ ", inline(task[2])] : inline(text)));
  }
  return out;
}

function grid(rows) {
  const [first, , ...rest] = rows.map(cells);
  return h("div", { class: "table-box", tabindex: 0, role: "region", "aria-label": "Table" }, h("table", { class: "table" },
    h("thead", null, h("tr", null, first.map((text) => h("th", { scope: "col" }, inline(text))))),
    h("tbody", null, rest.map((row) => h("tr", null, row.map((text) => h("td", null, inline(text))))))));
}

/** One block's worth of rows, taken off the front. */
function next(rows) {
  const row = rows[0];
  const fence = /^```\s*\S*\s*$/.exec(row);
  if (fence) {
    rows.shift();
    const code = take(rows, /^(?!```\s*$)/);
    rows.shift();
    return h("pre", { class: "pre" }, code.join("\n"));
  }
  const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(row);
  if (heading) { rows.shift(); return h("div", { class: `md-heading is-${Math.min(3, heading[1].length)}`, role: "heading", "aria-level": 3 }, inline(heading[2])); }
  if (/^\s*([-*_])\s*(\1\s*){2,}$/.test(row)) { rows.shift(); return h("hr", { class: "divider" }); }
  if (/^\s*>/.test(row)) return h("blockquote", null, markdown({ text: take(rows, /^\s*>/, /^\s*>\s?/).join("\n") }));
  if (ITEM.test(row)) { const items = take(rows, ITEM); return list(items); }
  if (row.includes("|") && RULED.test(rows[1] ?? "")) return grid(take(rows, /\|/));
  const paragraph = [rows.shift(), ...take(rows, /^(?!\s*$|#{1,6}\s|```|\s*>|\s*([-*+]|\d+[.)])\s)/)];
  return h("p", null, paragraph.flatMap((text, at) => (at ? [h("br"), inline(text)] : [inline(text)])));
}

/** A markdown block. */
export function markdown(block) {
  const rows = block.text.split("\n");
  const out = [];
  while (rows.length) {
    if (/^\s*$/.test(rows[0])) rows.shift();
    else out.push(next(rows));
  }
  return fragment(out);
}
