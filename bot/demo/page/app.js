// The page: takes snapshots from the server and keeps every pane equal to them.

import { preview } from "./blocks.js";
import { composer } from "./composer.js";
import { formatDate } from "./dates.js";
import { h } from "./dom.js";
import { paint } from "./elements.js";
import { icon } from "./icons.js";
import { avatar, entries, inChannel, inThread, messageList, seenBy } from "./messages.js";
import { worldPanel } from "./world.js";

const $ = (id) => document.getElementById(id);
const ROOM_FOR_BOTH = window.matchMedia("(min-width: 1500px)");
const ROOM_FOR_WORLD = window.matchMedia("(min-width: 1100px)");
const TICK = 15000;

let snapshot = null;
let lag = 0;
let thread = null;
let known = null;
let unread = 0;
const presses = new Map();

/** What the renderers need to know of the scene. */
const ctx = {
  users: new Map(),
  channel: { id: "", name: "" },
  viewer: sessionStorage.getItem("viewer") ?? "",
  now: () => Date.now() / 1000 + lag,
  status: (key) => presses.get(key) ?? "idle",
  failedIn: (ts) => [...presses].some(([key, status]) => status === "failed" && key.startsWith(`${ts}/`)),
  press,
  openThread,
};

async function post(path, said) {
  try {
    const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(said) });
    return answer.ok ? await answer.json() : { ok: false, reason: await answer.text() };
  } catch {
    return { ok: false, reason: "The demo does not answer. Is it still running?" };
  }
}

async function ask(path, said) {
  const { reason } = await post(path, said);
  if (reason) banner(reason);
}

function banner(text) {
  $("banner").textContent = text ?? "";
  $("banner").hidden = !text;
}

// ---- presses

function setStatus(key, status) {
  if (status === "idle") presses.delete(key);
  else presses.set(key, status);
  for (const node of document.querySelectorAll(`[data-press="${CSS.escape(key)}"]`)) paint(node, status);
}

async function press(key, said) {
  setStatus(key, "busy");
  const { ok } = await post("/demo/press", { user: ctx.viewer, ...said });
  setStatus(key, ok ? "idle" : "failed");
  draw();
}

// ---- panes

const showChannel = messageList($("messages"), $("newer"));
let showThread = messageList($("thread-messages"));
const showComposer = composer(async (text) => {
  // Whoever sends something wants to see what comes of it: from the end the list follows by itself.
  draw({ jump: true });
  return (await post("/demo/command", { user: ctx.viewer, text })).reason ?? null;
});
const world = worldPanel($("world"), { ask, close: () => openWorld(false) });

function draw({ jump = false } = {}) {
  if (!snapshot) return;
  const seen = seenBy(snapshot.messages, ctx.viewer);
  showChannel(entries(inChannel(seen), seen, "channel", ctx), { jump });
  if (thread && !seen.some((message) => message.ts === thread || message.thread_ts === thread)) closeThread();
  if (thread) showThread(entries(inThread(seen, thread), seen, "thread", ctx));
  world.show(snapshot);
  showComposer.show(snapshot);
}

function openThread(ts) {
  if (thread !== ts) {
    thread = ts;
    $("thread-messages").replaceChildren();
    showThread = messageList($("thread-messages"));
  }
  $("thread").hidden = false;
  $("frame").dataset.thread = "open";
  if (!ROOM_FOR_WORLD.matches) openWorld(false);
  drawToggle();
  draw();
  $("thread-close").focus();
}

function closeThread() {
  const opener = document.querySelector(`#messages [data-thread="${CSS.escape(thread ?? "")}"]`);
  thread = null;
  $("thread").hidden = true;
  delete $("frame").dataset.thread;
  drawToggle();
  (opener ?? $("composer-input")).focus();
}

function openWorld(open) {
  $("frame").dataset.world = open ? "open" : "closed";
  // With little room the thread and the world share one place.
  if (open && thread && !ROOM_FOR_BOTH.matches) closeThread();
  drawToggle();
}

const worldShown = () => $("frame").dataset.world === "open" && (!thread || ROOM_FOR_BOTH.matches);
const drawToggle = () => $("world-toggle").setAttribute("aria-expanded", String(worldShown()));

// ---- who, and in which light

function drawPeople() {
  const people = [...ctx.users.values()];
  const members = people.filter((user) => !user.is_bot);
  if (!members.some((user) => user.id === ctx.viewer)) ctx.viewer = members[0]?.id ?? "";
  const radio = (user) => h("label", { class: "person", title: `You are ${user.real_name}` },
    h("input", { type: "radio", name: "viewer", value: user.id, checked: user.id === ctx.viewer, onchange: () => become(user.id) }),
    h("span", { class: "person-face" }, avatar(user, "is-small"), h("span", { class: "person-name" }, user.real_name.split(" ")[0])));
  $("people").replaceChildren(h("legend", null, "You are"), ...members.map(radio));
  const row = (user) => h("li", { class: "side-item" }, avatar(user, "is-small"), h("span", null, user.real_name), user.id === ctx.viewer && h("span", { class: "side-you" }, "you"));
  $("side-people").replaceChildren(...members.map(row));
  $("side-apps").replaceChildren(...people.filter((user) => user.is_bot).map(row));
  $("channel-members").textContent = `${members.length} people, ${people.length - members.length} app`;
}

function become(user) {
  ctx.viewer = user;
  sessionStorage.setItem("viewer", user);
  drawPeople();
  document.querySelector(`#people input[value="${CSS.escape(user)}"]`).focus();
  draw({ jump: true });
}

const isDark = () => (document.documentElement.dataset.theme ?? (window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function drawTheme() {
  $("theme").replaceChildren(icon(isDark() ? "sun" : "moon"));
  $("theme").setAttribute("aria-label", isDark() ? "Switch to light colours" : "Switch to dark colours");
}

function drawScene() {
  const { name } = ctx.channel;
  $("channel-name").replaceChildren(icon("hash", 18), name);
  $("thread-channel").textContent = `#${name}`;
  $("side-channel").replaceChildren(icon("hash", 16), name);
  $("messages").prepend(h("div", { class: "intro" },
    h("div", { class: "intro-mark" }, icon("hash", 30)),
    h("h2", null, `Welcome to #${name}`),
    h("p", null, "The bot is real; Slack and the SMS provider are simulated. Type ", h("code", { class: "code" }, snapshot.command.name),
      " to ask it for the credits, or burn some in ",
      h("span", { class: "in-wide" }, "the world beside"), h("span", { class: "in-narrow" }, "“The world” (at the top)"),
      ", and wait for its warning.")));
}

// ---- news

function tell(message) {
  const name = ctx.users.get(message.user)?.real_name ?? "Slackbot";
  $("announcer").textContent = `${name}: ${preview(message, ctx)}`;
  if (document.hidden) unread += 1;
  drawTitle();
}

const drawTitle = () => { document.title = `${unread ? `(${unread}) ` : ""}#${ctx.channel.name} – Demo workspace`; };

function take(next) {
  const first = snapshot === null;
  const people = JSON.stringify(snapshot?.users) !== JSON.stringify(next.users);
  snapshot = next;
  lag = next.now - Date.now() / 1000;
  ctx.channel = next.channel;
  ctx.users = new Map(next.users.map((user, at) => [user.id, { ...user, tone: at % 4 }]));
  if (people) drawPeople();
  if (first) drawScene();
  draw({ jump: first });
  if (known) seenBy(next.messages, ctx.viewer).filter((message) => !known.has(message.ts) && message.user !== ctx.viewer).forEach(tell);
  known = new Set(next.messages.map((message) => message.ts));
  document.documentElement.dataset.ready = "";
}

function listen() {
  const events = new EventSource("/events");
  events.addEventListener("open", () => banner(null));
  events.addEventListener("error", () => banner("The demo does not answer. Trying again…"));
  events.addEventListener("snapshot", (event) => take(JSON.parse(event.data)));
}

function tick() {
  for (const node of document.querySelectorAll("time[data-format]")) {
    const text = formatDate(Number(node.dataset.unix), node.dataset.format, ctx.now());
    if (node.textContent !== text) node.textContent = text;
  }
  draw();
}

$("thread-close").append(icon("close"));
$("thread-close").addEventListener("click", closeThread);
$("world-toggle").append(icon("panel"), h("span", { class: "in-narrow" }, "The world"));
$("world-toggle").addEventListener("click", () => openWorld(!worldShown()));
$("theme").addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  sessionStorage.setItem("theme", document.documentElement.dataset.theme);
  drawTheme();
});
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawTheme);
document.addEventListener("visibilitychange", () => { if (!document.hidden) { unread = 0; drawTitle(); } });
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  if (thread) closeThread();
  else if (!ROOM_FOR_WORLD.matches && $("frame").dataset.world === "open") { openWorld(false); $("world-toggle").focus(); }
});

openWorld(ROOM_FOR_WORLD.matches);
ROOM_FOR_BOTH.addEventListener("change", drawToggle);
drawTheme();
listen();
setInterval(tick, TICK);
