// Slack's mrkdwn as nodes: https://docs.slack.dev/messaging/formatting-message-text

import { formatDate } from "./dates.js";
import { fragment, h, link } from "./dom.js";
import { emoji } from "./emoji.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const STYLES = { "*": "strong", _: "em", "~": "s" };
const WORD = /[\p{L}\p{N}]/u;
const LISTED = /^(\s*)([•◦▪‣-]|\d+\.)\s+(.*)$/u;

/** The three entities Slack knows, back as characters. */
export const decode = (text) => text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);

/** plain_text: emoji names and entities, nothing else. */
export function plain(text, withEmoji = true) {
  const decoded = decode(String(text));
  return withEmoji ? decoded.replace(/:([a-z0-9_+-]+):/g, (raw, name) => emoji(name) ?? raw) : decoded;
}

/** A whole mrkdwn text: fences, quotes, lists and what stands in their lines. */
export function mrkdwn(text, ctx) {
  const parts = String(text).split(/```\n?([\s\S]+?)\n?```/);
  return fragment(parts.map((part, index) => {
    if (index % 2) return h("pre", { class: "pre" }, decode(part));
    // The line breaks beside a fence belong to the fence, which is a block of its own.
    const trimmed = part.replace(index > 0 ? /^\n/ : "", "").replace(index < parts.length - 1 ? /\n$/ : "", "");
    return trimmed && lines(trimmed, ctx);
  }));
}

function lines(text, ctx) {
  const out = [];
  const rows = text.split("\n");
  for (let at = 0; at < rows.length; at += 1) {
    if (/^(>>>|&gt;&gt;&gt;)/.test(rows[at])) {
      const rest = [rows[at].replace(/^(>>>|&gt;&gt;&gt;)\s?/, ""), ...rows.slice(at + 1)].join("\n");
      out.push(h("blockquote", null, lines(rest, ctx)));
      break;
    }
    if (/^(>|&gt;)/.test(rows[at])) {
      const quoted = [];
      for (; at < rows.length && /^(>|&gt;)/.test(rows[at]); at += 1) quoted.push(rows[at].replace(/^(>|&gt;)\s?/, ""));
      at -= 1;
      out.push(h("blockquote", null, lines(quoted.join("\n"), ctx)));
      continue;
    }
    const listed = LISTED.exec(rows[at]);
    if (listed) {
      out.push(h("div", { class: listed[1].length > 1 ? "bullet is-deep" : "bullet" }, h("span", { class: "bullet-mark" }, listed[2]), h("span", null, inline(listed[3], ctx))));
      continue;
    }
    const follows = at + 1 < rows.length && !/^(>|&gt;)/.test(rows[at + 1]) && !LISTED.test(rows[at + 1]);
    out.push(inline(rows[at], ctx), follows && h("br"));
  }
  return fragment(out);
}

function inline(text, ctx) {
  const out = [];
  let raw = "";
  const flush = () => { if (raw) out.push(raw); raw = ""; };
  for (let at = 0; at < text.length;) {
    const [node, length] = token(text, at, ctx);
    if (length === 0) { raw += text[at]; at += 1; continue; }
    if (typeof node === "string") raw += node;
    else { flush(); out.push(node); }
    at += length;
  }
  flush();
  return fragment(out);
}

/** What begins at a place: a node or text, and how many characters it takes; 0 for an ordinary one. */
function token(text, at, ctx) {
  const rest = text.slice(at);
  const char = text[at];
  let found;
  if (char === "<" && (found = /^<([^<>\n]+)>/.exec(rest))) return [angled(found[1], found[0], ctx), found[0].length];
  if (char === "`" && (found = /^`([^`\n]+)`/.exec(rest))) return [h("code", { class: "code" }, decode(found[1])), found[0].length];
  if (char === "&" && (found = /^&(?:amp|lt|gt);/.exec(rest))) return [ENTITIES[found[0]], found[0].length];
  if (char === ":" && (found = /^:([a-z0-9_+-]+):(?::skin-tone-\d:)?/.exec(rest)) && emoji(found[1])) {
    return [h("span", { class: "emoji", role: "img", "aria-label": found[1].replaceAll("_", " ") }, emoji(found[1])), found[0].length];
  }
  if (char in STYLES && !(at > 0 && (WORD.test(text[at - 1]) || text[at - 1] === char))) {
    const mark = char === "*" ? "\\*" : char;
    const styled = new RegExp(`^${mark}(?=\\S)((?:<[^<>\\n]*>|\`[^\`\\n]*\`|[^${mark}\\n])*)${mark}(?![\\p{L}\\p{N}${mark}])`, "u").exec(rest);
    if (styled && /\S$/.test(styled[1])) return [h(STYLES[char], null, inline(styled[1], ctx)), styled[0].length];
  }
  return ["", 0];
}

/** What stands in angle brackets: a mention, a date or a link. */
function angled(inside, raw, ctx) {
  const bar = inside.indexOf("|");
  const [what, label] = bar < 0 ? [inside, null] : [inside.slice(0, bar), decode(inside.slice(bar + 1))];
  if (what[0] === "@") return userMention(what.slice(1), ctx, label);
  if (what[0] === "#") return channelMention(what.slice(1), ctx, label);
  if (what.startsWith("!date^")) return date(what, label, raw);
  if (what.startsWith("!subteam^")) return groupMention(what.slice("!subteam^".length), label);
  if (["!here", "!channel", "!everyone"].includes(what)) return broadcast(what.slice(1));
  if (/^(https?:|mailto:|tel:)/i.test(what)) return link(decode(what), label === null ? decode(what).replace(/^mailto:/, "") : plain(label));
  return decode(raw);

  function date(spec, fallback, written) {
    const [, unix, format, url] = spec.split("^");
    if (!/^-?\d+$/.test(unix) || !format) return fallback ?? decode(written);
    const node = dateNode(Number(unix), decode(format), fallback, ctx);
    return url ? link(decode(url), node) : node;
  }
}

/** A date that keeps itself up to date by its data attributes. */
export function dateNode(unix, format, fallback, ctx) {
  const moment = new Date(unix * 1000);
  if (Number.isNaN(moment.getTime())) return h("span", null, fallback ?? format);
  return h("time", { datetime: moment.toISOString(), title: fallback, "data-unix": unix, "data-format": format }, formatDate(unix, format, ctx.now()));
}

/** @Alice Martin, marked when it is the viewer. */
export function userMention(id, ctx, label = null) {
  const name = ctx.users.get(id)?.real_name ?? label ?? id;
  return h("span", { class: id === ctx.viewer ? "mention is-me" : "mention" }, `@${name}`);
}

/** #sms-alerts. */
export const channelMention = (id, ctx, label = null) => h("span", { class: "mention" }, `#${id === ctx.channel.id ? ctx.channel.name : label ?? id}`);

/** @here, @channel, @everyone: everybody is meant. */
export const broadcast = (range) => h("span", { class: "mention is-me" }, `@${range}`);

/** @the-group, by its label or else its id. */
export const groupMention = (id, label = null) => h("span", { class: "mention is-me" }, (label ?? id).replace(/^@?/, "@"));

/** A text object of Block Kit, whichever of the two it is. */
export function textObject(object, ctx) {
  if (typeof object === "string") return plain(object);
  if (typeof object?.text !== "string") throw new TypeError("a text object is needed");
  return object.type === "mrkdwn" ? mrkdwn(object.text, ctx) : plain(object.text, object.emoji !== false);
}
