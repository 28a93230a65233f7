// table and data_table blocks: the first row is the head, the second kind turns pages.

import { fragment, h } from "./dom.js";
import { icon } from "./icons.js";
import { plain } from "./mrkdwn.js";
import { richText } from "./richtext.js";

const PAGE = 5;

function cell(content, ctx, tag, align) {
  const number = content.type === "raw_number";
  const classes = [align && align !== "left" && `is-${align}`, number && "is-number"].filter(Boolean).join(" ");
  const inside = content.type === "rich_text" ? richText(content, ctx) : plain(number ? content.text ?? content.value : content.text);
  return h(tag.name, { class: classes || null, scope: tag.scope }, inside);
}

function body(rows, ctx, aligns, headAt) {
  return rows.map((row) => h("tr", null, row.map((content, at) =>
    cell(content, ctx, at === headAt ? { name: "th", scope: "row" } : { name: "td" }, aligns[at]))));
}

const head = (row, ctx, aligns) => h("thead", null, h("tr", null, row.map((content, at) => cell(content, ctx, { name: "th", scope: "col" }, aligns[at]))));

/** A table block. */
export function table(block, ctx) {
  const aligns = (block.column_settings ?? []).map((setting) => setting?.align);
  const [first, ...rest] = block.rows;
  return h("div", { class: "table-box", tabindex: 0, role: "region", "aria-label": "Table" },
    h("table", { class: "table" }, head(first, ctx, aligns), h("tbody", null, body(rest, ctx, aligns))));
}

/** A data_table block. */
export function dataTable(block, ctx) {
  const [first, ...rest] = block.rows;
  const aligns = first.map((_, at) => (rest.length && rest.every((row) => row[at]?.type === "raw_number") ? "right" : "left"));
  const size = block.page_size ?? PAGE;
  const pages = Math.max(1, Math.ceil(rest.length / size));
  const content = h("tbody");
  const where = h("span", { role: "status" });
  const step = (by, name, label) => h("button", { class: "plain-button", type: "button", "aria-label": label, onclick: () => show(page + by) }, icon(name));
  const back = step(-1, "left", "Previous rows");
  const on = step(1, "right", "Next rows");
  let page = 0;

  function show(number) {
    page = number;
    content.replaceChildren(fragment(body(rest.slice(page * size, (page + 1) * size), ctx, aligns, block.row_header_column_index ?? 0)));
    where.textContent = `${page * size + 1}–${Math.min(rest.length, (page + 1) * size)} of ${rest.length}`;
    back.disabled = page === 0;
    on.disabled = page === pages - 1;
  }
  show(0);
  return h("div", { class: "table-frame" },
    h("div", { class: "table-box", tabindex: 0, role: "region", "aria-label": plain(block.caption) },
      h("table", { class: "table" }, h("caption", null, plain(block.caption)), head(first, ctx, aligns), content)),
    pages > 1 && h("div", { class: "table-pages" }, back, where, on));
}
