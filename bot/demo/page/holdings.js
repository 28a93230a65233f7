// The accounts at the provider: which one is meant, what it holds, and what can be done to it.

import { h } from "./dom.js";

const DRAIN_MAX = 200;
const SUBACCOUNT = {
  main: [["balance", "Balance"], ["creditSms", "Buys SMS"]],
  acts: [["burn", 100], ["burn", 500], ["top_up", 20], ["remove"]],
};
const PRODUCTS = {
  sms: {
    main: [["creditSms", "SMS credits"], ["balance", "Balance"]],
    more: [["creditSmsECO", "ECO"], ["creditHlr", "HLR"], ["toSend", "Waiting"]],
    acts: [["burn", 1000], ["burn", 10000], ["empty"], ["top_up", 100]],
  },
  voice: {
    main: [["balance", "Balance"]],
    more: [["tts", "To mobiles"], ["tts_fixe", "To landlines"], ["voice.message", "Voicemails"]],
    acts: [["burn", 50], ["burn", 100], ["empty"], ["top_up", 10]],
    hint: "Takes 5 requests a minute: the bot may need a minute to notice.",
  },
  mail: {
    main: [["creditMail", "Mails"], ["balance", "Balance"]],
    acts: [["burn", 1000], ["burn", 10000], ["empty"], ["top_up", 100]],
  },
};
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const money = (amount, currency) => `${amount.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}\u00a0${currency}`;

/** A figure with separators; one that is no number stays as it came. */
function grouped(text) {
  const found = /^(-?)(\d+)(\.\d+)?$/.exec(text ?? "");
  return found ? `${found[1]}${found[2].replace(/\B(?=(\d{3})+$)/g, ",")}${found[3] ?? ""}` : text ?? "–";
}

/** Seconds as "about 15 hours". */
function lasting(seconds) {
  const [name, size] = [["day", 86400], ["hour", 3600], ["minute", 60]].find(([, size]) => seconds >= size * 2) ?? ["second", 1];
  return `about ${whole.format(seconds / size)} ${name}s`;
}

/** Seconds of speaking as "5 h 56 min". */
const spoken = (seconds) => `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;

function shown(name, figures) {
  if (name === "balance") return `${grouped(figures.balance)} ${figures.currency ?? ""}`;
  return name.startsWith("tts") ? spoken(Number(figures[name])) : grouped(figures[name]);
}

/** Every account and sub-account as what can be chosen: {key, label, account, subaccount}. */
function choices(accounts) {
  return accounts.flatMap((account) => [
    { key: account.name, label: account.name, account, subaccount: null },
    ...(account.subaccounts ?? []).map((one) => ({ key: `${account.name}/${one.id}`, label: `${account.name}/${one.id}`, account, subaccount: one })),
  ]);
}

/** Builds the sections about the accounts; `change(fields)` sends a change, `moved()` hears of another choice. */
export function holdings(change, moved) {
  const pills = h("div", { class: "pills" });
  const facts = h("dl");
  const hint = h("p", { class: "says", hidden: true });
  const acts = h("section", { class: "acts", "aria-label": "Change the account" });
  const drain = h("input", { id: "drain", type: "range", min: 0, max: DRAIN_MAX, step: 1, "aria-describedby": "drain-says" });
  const drainValue = h("output", { for: "drain" });
  const drainSays = h("p", { class: "says", id: "drain-says" });
  const drainSection = h("section", null, h("div", { class: "drain-head" }, h("label", { for: "drain" }, "Slow drain"), drainValue), drain, drainSays);
  const chooser = h("fieldset", { class: "choice account" }, h("legend", null, "Account"), pills, facts, hint);
  let accounts = [];
  let chosen = null;
  let drawn = "";
  let offered = "";
  let dragging = false;
  let buttons = [];

  const target = () => ({ account: chosen.account.name, ...(chosen.subaccount && { subaccount: chosen.subaccount.id }) });
  const figures = () => (chosen.subaccount ?? chosen.account).figures;
  const pieces = () => Math.floor(Number(figures().balance) / Number(chosen.account.price) + 1e-6);

  drain.addEventListener("input", () => { dragging = true; describeDrain(Number(drain.value)); });
  drain.addEventListener("change", async () => { await change({ ...target(), drain: Number(drain.value) }); dragging = false; });

  function describeDrain(perSecond) {
    const { piece } = chosen.account;
    drainValue.textContent = `${perSecond} ${piece}/s`;
    drainSays.textContent = perSecond === 0 ? "Nothing leaves by itself." : pieces() > 0 ? `Empty in ${lasting(pieces() / perSecond)} at this pace.` : "Nothing can leave any more.";
    drain.setAttribute("aria-valuetext", `${perSecond} ${piece} per second`);
  }

  /** What a button does, in words that follow the figures. */
  function says(name, amount) {
    const { price, piece } = chosen.account;
    const { currency } = figures();
    switch (name) {
      case "empty": return "Balance 0: nothing can be sent any more.";
      case "remove": return "It vanishes from the list.";
      case "top_up": return `Buys about ${whole.format(amount / price)} ${piece}.`;
      default:
        if (pieces() >= amount) return `Takes ${money(amount * price, currency)} now.`;
        if (piece !== "SMS") return pieces() > 0 ? `Takes the last ${whole.format(pieces())}.` : "Nothing can leave any more.";
        return pieces() > 0 ? `Sends ${whole.format(pieces())} now, the rest must wait.` : "Nothing can leave: all of them wait.";
    }
  }

  function label(name, amount) {
    const { currency } = figures();
    return { burn: `Burn ${whole.format(amount)} ${chosen.account.piece}`, top_up: `Top up ${amount} ${currency}`, empty: "Empty the account", remove: "Close it" }[name];
  }

  function act([name, amount]) {
    const value = { burn: amount, top_up: String(amount) }[name] ?? true;
    const line = h("p", { class: "says" });
    const button = h("button", { class: "button", type: "button", onclick: () => change({ ...target(), [name]: value }) }, label(name, amount));
    return { node: h("div", { class: "act" }, button, line), tell: () => { line.textContent = says(name, amount); } };
  }

  function offer() {
    const all = choices(accounts);
    const sign = all.map(({ key }) => key).join(" ");
    if (sign !== offered) {
      const focused = pills.contains(document.activeElement);
      offered = sign;
      const pill = ({ key, label }) =>
        h("label", { class: "pill" }, h("input", { type: "radio", name: "world-account", value: key, onchange: () => choose(key) }), h("span", null, label));
      pills.replaceChildren(...accounts.flatMap((account) => [...choices([account]).map(pill), account.subaccounts && adder(account.name)]).filter(Boolean));
      chooser.toggleAttribute("data-alone", all.length < 2);
      if (focused) queueMicrotask(() => pills.querySelector("input:checked")?.focus());
    }
    chosen = all.find(({ key }) => key === chosen?.key) ?? all.find(({ key }) => key === chosen?.account.name) ?? all[0];
    for (const radio of pills.querySelectorAll("input")) radio.checked = radio.value === chosen.key;
  }

  function adder(account) {
    const says = `Add a sub-account to ${account}`;
    return h("button", { class: "pill-button", type: "button", title: says, "aria-label": says, onclick: () => change({ account, add_subaccount: true }) }, "+");
  }

  function choose(key) {
    chosen = choices(accounts).find((one) => one.key === key) ?? chosen;
    draw();
    moved();
  }

  function draw() {
    const { account, subaccount } = chosen;
    const kind = subaccount ? SUBACCOUNT : PRODUCTS[account.product];
    if (chosen.key !== drawn) {
      drawn = chosen.key;
      const fact = (size) => ([name, title]) => h("div", { class: `fact ${size}` }, h("dt", null, title), h("dd", { "data-figure": name }));
      facts.replaceChildren(...kind.main.map(fact("is-main")), ...(kind.more ?? []).map(fact("")));
      facts.toggleAttribute("data-one", kind.main.length === 1);
      buttons = kind.acts.map(act);
      acts.replaceChildren(...buttons.map((button) => button.node));
      hint.textContent = kind.hint ?? "";
      hint.hidden = !kind.hint;
      drainSection.hidden = subaccount !== null;
      dragging = false;
    }
    for (const node of facts.querySelectorAll("dd")) {
      const text = shown(node.dataset.figure, figures());
      if (node.textContent !== text) node.textContent = text;
    }
    facts.toggleAttribute("data-empty", pieces() <= 0);
    for (const button of buttons) button.tell();
    if (!dragging) { drain.value = account.drain; describeDrain(Number(account.drain)); }
  }

  return {
    nodes: [chooser, drainSection, acts],
    /** The account that is chosen, a sub-account's parent included. */
    account: () => chosen.account,
    show(next) {
      accounts = next;
      offer();
      draw();
    },
  };
}
