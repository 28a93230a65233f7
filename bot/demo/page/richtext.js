// rich_text blocks: sections, lists, quotes and preformatted text, with their inline elements.

import { fragment, h, link } from "./dom.js";
import { emoji } from "./emoji.js";
import { broadcast, channelMention, dateNode, groupMention, userMention } from "./mrkdwn.js";

const INLINE = {
  text: (item) => breaks(item.text),
  link: (item) => link(item.url, item.text ?? item.url),
  user: (item, ctx) => userMention(item.user_id, ctx),
  usergroup: (item) => groupMention(item.usergroup_id),
  channel: (item, ctx) => channelMention(item.channel_id, ctx),
  broadcast: (item) => broadcast(item.range),
  team: (item) => `@${item.team_id}`,
  emoji: (item) => {
    const codes = item.unicode?.split("-").map((code) => Number.parseInt(code, 16));
    const char = emoji(item.name) ?? (codes ? String.fromCodePoint(...codes) : null);
    return char ? h("span", { class: "emoji", role: "img", "aria-label": item.name }, char) : `:${item.name}:`;
  },
  date: (item, ctx) => {
    const node = dateNode(item.timestamp, item.format, item.fallback ?? null, ctx);
    return item.url ? link(item.url, node) : node;
  },
  color: (item) => {
    const patch = h("span", { class: "colour" });
    patch.style.backgroundColor = item.value;
    return fragment(patch, item.value);
  },
};

const breaks = (text) => fragment(text.split("\n").flatMap((line, index) => (index ? [h("br"), line] : [line])));

function inline(item, ctx) {
  const draw = Object.hasOwn(INLINE, item.type) ? INLINE[item.type] : null;
  if (!draw) throw new TypeError(`unknown rich text element ${item.type}`);
  let node = draw(item, ctx);
  const { bold, italic, strike, underline, code, highlight } = item.style ?? {};
  if (code) node = h("code", { class: "code" }, node);
  if (highlight) node = h("mark", null, node);
  if (underline) node = h("u", null, node);
  if (strike) node = h("s", null, node);
  if (italic) node = h("em", null, node);
  if (bold) node = h("strong", null, node);
  return node;
}

const inlines = (part, ctx) => part.elements.map((item) => inline(item, ctx));

const PARTS = {
  rich_text_section: (part, ctx) => h("div", { class: "rich-section" }, inlines(part, ctx)),
  rich_text_quote: (part, ctx) => h("blockquote", null, inlines(part, ctx)),
  rich_text_preformatted: (part, ctx) => h("pre", { class: "pre" }, inlines(part, ctx)),
  rich_text_list: (part, ctx) => {
    const list = h(part.style === "ordered" ? "ol" : "ul", { class: `rich-list${part.border ? " has-border" : ""}`, start: part.offset ? part.offset + 1 : null },
      part.elements.map((item) => h("li", null, inlines(item, ctx))));
    list.style.marginInlineStart = `${(part.indent ?? 0) * 28}px`;
    return list;
  },
};

/** The content of a rich_text block, or of a table's cell. */
export function richText(block, ctx) {
  return fragment(block.elements.map((part) => {
    if (!Object.hasOwn(PARTS, part.type)) throw new TypeError(`unknown rich text ${part.type}`);
    return PARTS[part.type](part, ctx);
  }));
}
