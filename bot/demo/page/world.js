// The panel beside Slack: the account at the provider, and the faults a person can cause.

import { timeText } from "./dates.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

const PROVIDER = {
  fine: ["Fine", "GET /v1/me answers at once with the figures above."],
  slow: ["Slow", "Every answer takes longer than the 3 s Slack allows a command."],
  error: ["HTTP 500", "Every request gets HTTP 500: a fault that can heal by itself."],
  html: ["HTML page", "HTTP 200, but a web page instead of JSON: nothing can be read."],
  degraded: ["Degraded body", "HTTP 200 and success, but no credits at all: not empty, not fine."],
  wrong_key: ["Wrong key", "The key is refused (code 10): waiting does not mend that."],
};
const SLACK = {
  fine: ["Fine", "Slack takes every message and every edit."],
  rate_limited: ["HTTP 429", "Slack refuses messages and edits for now: they must wait."],
  server_error: ["HTTP 500", "Slack fails: whether a message arrived, the bot cannot know."],
};
const DRAIN_MAX = 200;
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const money = (amount, currency) => `${amount.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}\u00a0${currency}`;

/** A figure with separators; one that is no number stays as it came. */
function grouped(text) {
  const found = /^(-?)(\d+)(\.\d+)?$/.exec(text ?? "");
  return found ? `${found[1]}${found[2].replace(/\B(?=(\d{3})+$)/g, ",")}${found[3] ?? ""}` : text ?? "–";
}

/** Equal lines in a row as one with their number and the last one's time: a poll every second would hide the rest. */
function runs(lines) {
  const out = [];
  for (const line of lines) {
    if (out.at(-1)?.text === line.text) out.push({ ...line, count: out.pop().count + 1 });
    else out.push({ ...line, count: 1 });
  }
  return out;
}

/** Seconds as "about 15 hours". */
function lasting(seconds) {
  const [name, size] = [["day", 86400], ["hour", 3600], ["minute", 60]].find(([, size]) => seconds >= size * 2) ?? ["second", 1];
  return `about ${whole.format(seconds / size)} ${name}s`;
}

/** Builds the panel; `ask(path, change)` sends a change. Returns {show(snapshot)}. */
export function worldPanel(panel, { ask, close }) {
  const figures = Object.fromEntries(["creditSms", "creditSmsECO", "creditHlr", "toSend", "balance"].map((name) => [name, h("dd", { "data-figure": name })]));
  const drain = h("input", { id: "drain", type: "range", min: 0, max: DRAIN_MAX, step: 1, "aria-describedby": "drain-says" });
  const drainValue = h("output", { for: "drain" });
  const drainSays = h("p", { class: "says", id: "drain-says" });
  const log = h("ol", { class: "log", tabindex: 0, "aria-label": "Last HTTP exchanges" });
  let world = null;
  let dragging = false;
  let logSign = "";

  const change = (fields) => ask("/demo/world", fields);
  drain.addEventListener("input", () => { dragging = true; describeDrain(Number(drain.value)); });
  drain.addEventListener("change", async () => { await change({ drain: Number(drain.value) }); dragging = false; });

  const buttons = [
    act("Burn 1,000 SMS", { burn: 1000 }, burning(1000)),
    act("Burn 10,000 SMS", { burn: 10000 }, burning(10000)),
    act("Empty the account", { empty: true }, () => "Balance 0: nothing can be sent any more."),
    act("Top up 100 EUR", { top_up: "100" }, (price) => (price ? `Buys about ${whole.format(100 / price)} SMS.` : "Adds 100 EUR to the balance.")),
  ];
  const provider = choice("Provider", "provider", PROVIDER, (mode) => change({ provider: mode }));
  const slack = choice("Slack", "slack", SLACK, (fault) => ask("/demo/slack", { fault }));

  panel.append(
    h("header", { class: "world-head" },
      h("div", null, h("h2", { id: "world-title" }, "The world"), h("p", null, "Not part of Slack. Change it and watch the bot.")),
      h("button", { class: "plain-button world-close", type: "button", "aria-label": "Close the world", onclick: close }, icon("close"))),
    h("div", { class: "world-body" },
      h("section", { class: "account", "aria-label": "Account at the provider" },
        h("h3", null, "Account at the provider"),
        h("dl", null,
          fact("is-main", "SMS credits", figures.creditSms), fact("is-main", "Balance", figures.balance),
          fact("", "ECO", figures.creditSmsECO), fact("", "HLR", figures.creditHlr), fact("", "Waiting", figures.toSend))),
      h("section", null,
        h("div", { class: "drain-head" }, h("label", { for: "drain" }, "Slow drain"), drainValue), drain, drainSays),
      h("section", { class: "acts", "aria-label": "Change the account" }, buttons.map((button) => button.node)),
      provider.node, slack.node,
      h("section", null, h("h3", null, "Last HTTP exchanges"), log)));

  function describeDrain(perSecond) {
    const left = Number(world?.figures.creditSms);
    drainValue.textContent = `${perSecond} SMS/s`;
    drainSays.textContent = perSecond === 0 ? "Nothing leaves by itself." : left > 0 ? `Empty in ${lasting(left / perSecond)} at this pace.` : "Nothing can leave: new SMS wait.";
    drain.setAttribute("aria-valuetext", `${perSecond} SMS per second`);
  }

  function act(label, fields, says) {
    const line = h("p", { class: "says" });
    return { node: h("div", { class: "act" }, h("button", { class: "button", type: "button", onclick: () => change(fields) }, label), line), says, line };
  }

  function choice(title, name, modes, pick) {
    const says = h("p", { class: "says", role: "status" });
    const radios = Object.entries(modes).map(([mode, [label]]) =>
      h("label", { class: "pill" }, h("input", { type: "radio", name: `world-${name}`, value: mode, onchange: () => pick(mode) }), h("span", null, label)));
    const node = h("fieldset", { class: "choice" }, h("legend", null, title), h("div", { class: "pills" }, radios), says);
    return {
      node,
      show(mode) {
        for (const radio of node.querySelectorAll("input")) radio.checked = radio.value === mode;
        node.toggleAttribute("data-faulty", mode !== "fine");
        const text = modes[mode]?.[1] ?? `Unusual: ${mode}.`;
        if (says.textContent !== text) says.textContent = text;
      },
    };
  }

  function burning(count) {
    return (price, currency) => {
      const left = Number(world.figures.creditSms);
      if (left >= count) return `Sends them now: ${money(count * price, currency)}.`;
      return left > 0 ? `Sends ${whole.format(left)} now, the rest must wait.` : "Nothing can leave: all of them wait.";
    };
  }

  function showLog(lines) {
    const sign = JSON.stringify(lines);
    if (sign === logSign) return;
    logSign = sign;
    log.replaceChildren(...runs(lines).toReversed().map(({ at, text, count }) => {
      const [what, outcome] = text.split(" → ");
      const good = /^(ok|2\d\d)\b/.test(outcome ?? "ok");
      return h("li", { class: good ? "is-good" : "is-bad" }, h("time", null, timeText(at)), h("span", null, what), count > 1 && h("i", null, `×${count}`), outcome !== undefined && h("b", null, `→ ${outcome}`));
    }));
  }

  return {
    show(snapshot) {
      world = snapshot.world;
      const price = Number(world.figures.balance) / Number(world.figures.creditSms);
      const unit = Number.isFinite(price) && price > 0 ? price : 0.038;
      for (const [name, node] of Object.entries(figures)) {
        const text = name === "balance" ? `${grouped(world.figures.balance)} ${world.figures.currency ?? ""}` : grouped(world.figures[name]);
        if (node.textContent !== text) node.textContent = text;
      }
      panel.toggleAttribute("data-empty", Number(world.figures.creditSms) === 0);
      for (const button of buttons) button.line.textContent = button.says(unit, world.figures.currency ?? "");
      if (!dragging) { drain.value = world.drain; describeDrain(Number(world.drain)); }
      provider.show(world.provider);
      slack.show(world.slack);
      showLog(snapshot.log);
    },
  };
}

function fact(kind, name, value) {
  return h("div", { class: `fact ${kind}` }, h("dt", null, name), value);
}
