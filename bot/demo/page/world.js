// The panel beside Slack: the accounts at the provider, and the faults a person can cause.

import { timeText } from "./dates.js";
import { h } from "./dom.js";
import { holdings } from "./holdings.js";
import { icon } from "./icons.js";

const PROVIDER = {
  fine: ["Fine", "Every request is answered at once with the figures above."],
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

/** Builds the panel; `ask(path, change)` sends a change. Returns {show(snapshot)}. */
export function worldPanel(panel, { ask, close }) {
  const log = h("ol", { class: "log", tabindex: 0, "aria-label": "Last HTTP exchanges" });
  let logSign = "";
  let several = false;

  const change = (fields) => ask("/demo/world", fields);
  const held = holdings(change, () => showProvider());
  const provider = choice("Provider", "provider", PROVIDER, (mode) => change({ account: held.account().name, provider: mode }));
  const everywhere = h("button", { class: "link-button everywhere", type: "button", onclick: () => change({ every_provider: held.account().provider }) }, "Do the same to every account");
  const slack = choice("Slack", "slack", SLACK, (fault) => ask("/demo/slack", { fault }));
  provider.node.append(everywhere);

  panel.append(
    h("header", { class: "world-head" },
      h("div", null, h("h2", { id: "world-title" }, "The world"), h("p", null, "Not part of Slack. Change it and watch the bot.")),
      h("button", { class: "plain-button world-close", type: "button", "aria-label": "Close the world", onclick: close }, icon("close"))),
    h("div", { class: "world-body" }, held.nodes, provider.node, slack.node,
      h("section", null, h("h3", null, "Last HTTP exchanges"), log)));

  function choice(title, name, modes, pick) {
    const says = h("p", { class: "says", role: "status" });
    const legend = h("legend", null, title);
    const radios = Object.entries(modes).map(([mode, [label]]) =>
      h("label", { class: "pill" }, h("input", { type: "radio", name: `world-${name}`, value: mode, onchange: () => pick(mode) }), h("span", null, label)));
    const node = h("fieldset", { class: "choice" }, legend, h("div", { class: "pills" }, radios), says);
    return {
      node,
      show(mode, of = "") {
        const heading = of ? `${title} of ${of}` : title;
        if (legend.textContent !== heading) legend.textContent = heading;
        for (const radio of node.querySelectorAll("input")) radio.checked = radio.value === mode;
        node.toggleAttribute("data-faulty", mode !== "fine");
        const text = modes[mode]?.[1] ?? `Unusual: ${mode}.`;
        if (says.textContent !== text) says.textContent = text;
      },
    };
  }

  function showProvider() {
    const account = held.account();
    provider.show(account.provider, several ? account.name : "");
  }

  function showLog(lines) {
    const sign = JSON.stringify(lines);
    if (sign === logSign) return;
    logSign = sign;
    log.replaceChildren(...lines.toReversed().map(({ at, text, count }) => {
      const [what, outcome] = text.split(" → ");
      const good = /^(ok|2\d\d)\b/.test(outcome ?? "ok");
      return h("li", { class: good ? "is-good" : "is-bad" }, h("time", null, timeText(at)), h("span", null, what), count > 1 && h("i", null, `×${count}`), outcome !== undefined && h("b", null, `→ ${outcome}`));
    }));
  }

  return {
    show({ world, log: lines }) {
      const { accounts } = world;
      several = accounts.length > 1;
      held.show(accounts);
      everywhere.hidden = accounts.every((one) => one.provider === held.account().provider);
      showProvider();
      slack.show(world.slack);
      showLog(lines);
    },
  };
}
