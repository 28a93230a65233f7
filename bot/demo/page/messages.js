// The list of messages: days, groups, threads, and what only one person sees.

import { body, preview } from "./blocks.js";
import { dayKey, dividerText, formatDate, timeText } from "./dates.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

const GROUP_SECONDS = 300;
const NEAR_END = 80;
const unix = (message) => Number(message.ts);

/** What a person sees of all messages; what is only for somebody else is left out. */
export const seenBy = (messages, viewer) => messages.filter((message) => !message.ephemeral_for || message.ephemeral_for === viewer);

/** Whether a message is a reply, and not the root of its own thread. */
const isReply = (message) => message.thread_ts && message.thread_ts !== message.ts;

/** The messages of the channel itself: replies stand there only when they were sent there too. */
export const inChannel = (messages) => messages.filter((message) => !isReply(message) || message.broadcast);

/** A thread: its root, then its replies. */
export const inThread = (messages, root) => messages.filter((message) => message.ts === root || message.thread_ts === root);

/** A member's picture. */
export function avatar(user, size = "") {
  if (user?.is_bot) return h("img", { class: `avatar ${size}`, src: "/static/icon.svg", alt: "" });
  const name = user?.real_name ?? "Slackbot";
  return h("span", { class: `avatar is-letter tone-${user?.tone ?? "bot"} ${size}`, "aria-hidden": "true" }, name[0]);
}

const nameOf = (id, ctx) => ctx.users.get(id)?.real_name ?? (id === "USLACKBOT" ? "Slackbot" : id);

function stamp(message, ctx, grouped) {
  const full = formatDate(unix(message), "{date_long} at {time_secs}", ctx.now());
  const text = grouped ? timeText(unix(message)).replace(/\s?[AP]M$/i, "") : timeText(unix(message));
  return h("time", { class: "stamp", datetime: new Date(unix(message) * 1000).toISOString(), title: full }, text);
}

function head(message, ctx) {
  const user = ctx.users.get(message.user);
  const app = user?.is_bot || !user;
  return h("div", { class: "message-head" }, h("span", { class: "author" }, nameOf(message.user, ctx)), app && h("span", { class: "badge" }, "App"), stamp(message, ctx));
}

function edited(message, content) {
  if (!message.edited_ts) return;
  const mark = h("span", { class: "edited", title: formatDate(Number(message.edited_ts), "{date_long} at {time_secs}", Number(message.edited_ts)) }, "(edited)");
  const place = content.matches(".text") ? content : [...content.querySelectorAll(".text, .context-text")].at(-1);
  if (place) place.append(" ", mark);
  else content.append(h("div", null, mark));
}

function footer(message, replies, ctx) {
  const people = [...new Set(replies.map((reply) => reply.user))].slice(0, 4);
  const when = formatDate(unix(replies.at(-1)), "{date_short_pretty} at {time}", ctx.now());
  return h("button", { class: "thread-footer", type: "button", "data-thread": message.ts, onclick: () => ctx.openThread(message.ts) },
    h("span", { class: "thread-faces" }, people.map((id) => avatar(ctx.users.get(id), "is-small"))),
    h("span", { class: "thread-count" }, `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`),
    h("span", { class: "thread-last" }, `Last reply ${when.charAt(0).toLowerCase()}${when.slice(1)}`),
    h("span", { class: "thread-view", "aria-hidden": "true" }, "View thread"));
}

function broadcastLine(message, root, ctx) {
  return h("p", { class: "broadcast" }, h("span", null, "replied to a thread: "),
    h("button", { class: "link-button", type: "button", onclick: () => ctx.openThread(message.thread_ts) }, root ? preview(root, ctx) : "the first message is gone"));
}

/** One message as an article. */
function article({ message, grouped, replies, root, pane }, ctx) {
  const own = message.ephemeral_for !== null && message.ephemeral_for !== undefined;
  const content = body(message, ctx);
  edited(message, content);
  const lost = message.failed && !ctx.failedIn(message.ts);
  return h("article", { class: `message${grouped ? " is-grouped" : ""}${own ? " is-ephemeral" : ""}`, "data-ts": message.ts, "data-kind": message.kind, "aria-label": `${nameOf(message.user, ctx)}, ${timeText(unix(message))}` },
    own && h("p", { class: "only-you" }, icon("eye", 14), "Only visible to you"),
    h("div", { class: "message-side" }, grouped ? stamp(message, ctx, true) : avatar(ctx.users.get(message.user))),
    h("div", { class: "message-main" },
      !grouped && head(message, ctx),
      pane === "channel" && isReply(message) && broadcastLine(message, root, ctx),
      content,
      lost && h("p", { class: "press-lost" }, icon("warning", 16), "This app did not respond to the last press."),
      pane === "thread" && isReply(message) && message.broadcast && h("p", { class: "also" }, `Also sent to #${ctx.channel.name}`),
      replies.length > 0 && footer(message, replies, ctx)));
}

/** Whether a message continues the one above it, so that its head can be left out. */
const follows = (message, before) => before.user === message.user && !before.ephemeral_for && !message.ephemeral_for && unix(message) - unix(before) < GROUP_SECONDS;

/** What a pane shows, in order: each entry has a key, what it depends on, and how to draw it. */
export function entries(shown, all, pane, ctx) {
  const out = [];
  let before = null;
  let parted = false;
  const roots = new Map(all.map((message) => [message.ts, message]));
  for (const message of shown) {
    const newDay = !before || dayKey(unix(before)) !== dayKey(unix(message));
    if (newDay && pane === "channel") {
      const text = dividerText(unix(message), ctx.now());
      out.push({ key: `day ${dayKey(unix(message))}`, sign: text, draw: () => h("div", { class: "day", role: "separator", "aria-label": text }, h("span", null, text)) });
    }
    const root = isReply(message) ? roots.get(message.thread_ts) ?? null : null;
    const replies = pane === "channel" && !isReply(message) ? all.filter((other) => isReply(other) && other.thread_ts === message.ts) : [];
    const grouped = !newDay && follows(message, before) && !parted && !(pane === "channel" && isReply(message));
    parted = replies.length > 0 || (pane === "thread" && message === shown[0]);
    const row = { message, grouped, replies, root, pane };
    out.push({ key: message.ts, sign: JSON.stringify([message, grouped, replies.map((reply) => [reply.ts, reply.user]), root?.text, ctx.viewer, dayKey(ctx.now())]), draw: () => article(row, ctx) });
    if (pane === "thread" && message === shown[0] && shown.length > 1) {
      const text = `${shown.length - 1} ${shown.length === 2 ? "reply" : "replies"}`;
      out.push({ key: "replies", sign: text, draw: () => h("div", { class: "reply-line" }, h("span", null, text)) });
    }
    before = message;
  }
  return out;
}

/** Keeps a pane equal to its entries, touching only what changed; returns update(entries, {stay}). */
export function messageList(container, newer) {
  const drawn = new Map();
  const atEnd = () => container.scrollHeight - container.scrollTop - container.clientHeight < NEAR_END;
  const toEnd = () => { container.scrollTop = container.scrollHeight; };
  newer?.addEventListener("click", toEnd);
  container.addEventListener("scroll", () => { if (newer && atEnd()) newer.hidden = true; });

  return function update(wanted, { jump = false } = {}) {
    const follow = jump || drawn.size === 0 || atEnd();
    const active = container.contains(document.activeElement) ? focusPath(document.activeElement) : null;
    const keys = new Set(wanted.map((entry) => entry.key));
    let fresh = false;
    for (const [key, { node }] of drawn) if (!keys.has(key)) { node.remove(); drawn.delete(key); }
    let place = container.querySelector(":scope > :not(.intro)");
    for (const entry of wanted) {
      const old = drawn.get(entry.key);
      let node = old?.node;
      if (!old || old.sign !== entry.sign) {
        node = entry.draw();
        fresh ||= !old;
        if (old) {
          if (place === old.node) place = old.node.nextElementSibling;
          old.node.replaceWith(node);
          drawn.set(entry.key, { sign: entry.sign, node });
          continue;
        }
        drawn.set(entry.key, { sign: entry.sign, node });
      }
      if (node === place) place = place.nextElementSibling;
      else container.insertBefore(node, place);
    }
    if (active && !document.activeElement?.closest(".messages")) restore(container, active);
    if (follow) toEnd();
    else if (newer && fresh) newer.hidden = false;
  };
}

/** Where the focus was, in terms that survive a redraw. */
function focusPath(node) {
  const press = node.closest("[data-press]")?.dataset.press;
  return { ts: node.closest("[data-ts]")?.dataset.ts, press, thread: node.dataset.thread };
}

function restore(container, { ts, press, thread }) {
  const message = ts && container.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
  const inside = message && (press
    ? message.querySelector(`[data-press="${CSS.escape(press)}"] :is(button, a, select)`)
    : thread && message.querySelector(".thread-footer"));
  (inside ?? container).focus({ preventScroll: true });
}
