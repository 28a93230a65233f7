// Block Kit as nodes: whatever blocks a message has, in Slack's looks.

import { chart } from "./chart.js";
import { h } from "./dom.js";
import { element, picture } from "./elements.js";
import { icon } from "./icons.js";
import { markdown } from "./markdown.js";
import { mrkdwn, textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";
import { dataTable, table } from "./tables.js";

const DRAW = { section, header, context, divider, actions, image, card,
  rich_text: (block, _message, ctx) => richText(block, ctx),
  markdown: (block) => markdown(block),
  table: (block, _message, ctx) => table(block, ctx),
  data_table: (block, _message, ctx) => dataTable(block, ctx),
  data_visualization: (block) => chart(block),
};

/** The body of a message: its blocks, or its text when it has none. */
export function body(message, ctx) {
  if (!message.blocks?.length) return h("div", { class: "text" }, mrkdwn(message.text ?? "", ctx));
  return h("div", { class: "blocks" }, message.blocks.map((block) => one(block, message, ctx)));
}

function one(block, message, ctx) {
  const type = String(block?.type);
  try {
    if (!Object.hasOwn(DRAW, type)) return unknown(block);
    return h("div", { class: `block is-${type.replaceAll("_", "-")}`, "data-block": block.block_id }, DRAW[type](block, message, ctx));
  } catch {
    // A block that breaks Slack's rules is shown as it is: hiding it would hide the mistake.
    return unknown(block);
  }
}

function unknown(block) {
  return h("div", { class: "block is-unknown" },
    h("p", { class: "unknown-title" }, icon("warning", 14), `unknown block: ${block?.type ?? "without a type"}`),
    h("pre", null, JSON.stringify(block, null, 2)));
}

function section(block, message, ctx) {
  if (!block.text && !block.fields) throw new TypeError("a section needs text or fields");
  return [
    h("div", { class: "section-main" },
      block.text && h("div", { class: "text" }, textObject(block.text, ctx)),
      block.fields && h("div", { class: "fields" }, block.fields.map((field) => h("div", { class: "field" }, textObject(field, ctx))))),
    block.accessory && h("div", { class: "accessory" }, element(block.accessory, block, message, ctx)),
  ];
}

function header(block, _message, ctx) {
  return h("h3", { class: "header-text" }, textObject(block.text, ctx));
}

function divider() {
  return h("hr", { class: "divider" });
}

function context(block, _message, ctx) {
  return block.elements.map((item) => h("div", { class: item.type === "image" ? "context-image" : "context-text" },
    item.type === "image" ? picture(item) : textObject(item, ctx)));
}

function actions(block, message, ctx) {
  return block.elements.map((item) => element(item, block, message, ctx));
}

function image(block, _message, ctx) {
  return h("figure", { class: "image" }, block.title && h("figcaption", null, textObject(block.title, ctx)), picture(block));
}

function card(block, message, ctx) {
  const text = (name) => block[name] && h("div", { class: `card-${name}` }, textObject(block[name], ctx));
  return h("div", { class: "card" },
    block.hero_image && h("div", { class: "card-hero" }, picture(block.hero_image)),
    (block.icon || block.title || block.subtitle) && h("div", { class: "card-head" },
      block.icon && h("div", { class: "card-icon" }, picture(block.icon)),
      h("div", null, text("title"), text("subtitle"))),
    text("body"),
    text("subtext"),
    block.actions?.length > 0 && h("div", { class: "card-actions" }, block.actions.map((item) => element(item, block, message, ctx))));
}

/** The first line of a message in words, for a notification or a reference to it. */
export const preview = (message, ctx) => h("div", null, mrkdwn((message.text ?? "").split("\n")[0], ctx)).textContent;
