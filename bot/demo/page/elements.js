// What can be pressed inside blocks: buttons, menus, and the picture beside a text.

import { h, safeUrl } from "./dom.js";
import { icon } from "./icons.js";
import { plain, textObject } from "./mrkdwn.js";

const FAILED = "This app did not respond. Try again.";

/** Names one element of one message, across redraws and panes. */
const pressKey = (message, block, item) => [message.ts, block.block_id ?? "", item.action_id ?? "", item.value ?? ""].join("/");

/** Shows on one element whether its press is under way or has failed. */
export function paint(node, status) {
  node.toggleAttribute("data-busy", status === "busy");
  const control = node.querySelector("button, a, select");
  if (status === "busy") control.setAttribute("aria-busy", "true");
  else control.removeAttribute("aria-busy");
  node.querySelector(".press-warning")?.remove();
  if (status === "failed") node.append(h("span", { class: "press-warning", role: "img", "aria-label": FAILED, title: FAILED }, icon("warning", 18)));
}

/** An element inside an actions block, an accessory or a card. */
export function element(item, block, message, ctx) {
  const draw = { button, static_select: staticSelect, overflow, image: picture }[item?.type];
  if (!draw) throw new TypeError(`unknown element ${item?.type}`);
  return draw(item, block, message, ctx);
}

/** Wraps a control so that its state can be painted, and hands it the press. */
function pressable(item, block, message, ctx, build) {
  const key = pressKey(message, block, item);
  const fire = async (choice) => {
    if (ctx.status(key) === "busy") return;
    if (item.confirm && !(await confirmed(item.confirm, ctx))) return;
    await ctx.press(key, {
      ts: message.ts, block_id: block.block_id, action_id: item.action_id,
      ...(item.value !== undefined && { value: item.value }),
      ...(choice !== undefined && { selected_option: choice }),
    });
  };
  const node = h("span", { class: "element", "data-press": key }, build(fire));
  paint(node, ctx.status(key));
  return node;
}

function button(item, block, message, ctx) {
  return pressable(item, block, message, ctx, (fire) => {
    const style = ["primary", "danger"].includes(item.style) ? ` is-${item.style}` : "";
    const label = [h("span", { class: "button-label" }, textObject(item.text, ctx)), h("span", { class: "spinner", "aria-hidden": "true" })];
    const shared = { class: `button${style}`, "aria-label": item.accessibility_label, "data-action": item.action_id, onclick: () => fire() };
    const href = item.url && safeUrl(item.url);
    // A button with an address opens it and tells the app too, as in Slack.
    return href
      ? h("a", { ...shared, href, target: "_blank", rel: "noopener noreferrer" }, label)
      : h("button", { ...shared, type: "button" }, label);
  });
}

function staticSelect(item, block, message, ctx) {
  return pressable(item, block, message, ctx, (fire) => {
    const option = (choice) => h("option", { value: choice.value, selected: choice.value === item.initial_option?.value }, plain(choice.text.text));
    const placeholder = plain(item.placeholder?.text ?? "Choose an option");
    const select = h("select", { class: "select", "aria-label": placeholder, "data-action": item.action_id, onchange: () => fire(select.value) },
      h("option", { value: "", disabled: true, selected: !item.initial_option, hidden: true }, placeholder),
      (item.options ?? []).map(option),
      (item.option_groups ?? []).map((group) => h("optgroup", { label: plain(group.label.text) }, group.options.map(option))));
    return [select, h("span", { class: "select-mark" }, icon("down", 14)), h("span", { class: "spinner", "aria-hidden": "true" })];
  });
}

function overflow(item, block, message, ctx) {
  return pressable(item, block, message, ctx, (fire) => {
    const choices = item.options.map((choice) => {
      const href = choice.url && safeUrl(choice.url);
      const shared = { class: "menu-item", role: "menuitem", tabindex: -1, onclick: () => { close(); fire(choice.value); } };
      return href
        ? h("a", { ...shared, href, target: "_blank", rel: "noopener noreferrer" }, textObject(choice.text, ctx))
        : h("button", { ...shared, type: "button" }, textObject(choice.text, ctx));
    });
    const menu = h("span", { class: "menu", role: "menu", hidden: true, onkeydown: walk }, choices);
    const opener = h("button", { class: "button is-overflow", type: "button", "aria-label": "More actions", "aria-haspopup": "menu", "aria-expanded": "false", "data-action": item.action_id, onclick: () => (menu.hidden ? open() : close()) }, h("span", { class: "button-label" }, icon("more")), h("span", { class: "spinner", "aria-hidden": "true" }));
    const outside = (event) => { if (!menu.contains(event.target) && !opener.contains(event.target)) close(); };

    function open() {
      menu.hidden = false;
      opener.setAttribute("aria-expanded", "true");
      document.addEventListener("pointerdown", outside);
      choices[0].focus();
    }
    function close() {
      menu.hidden = true;
      opener.setAttribute("aria-expanded", "false");
      document.removeEventListener("pointerdown", outside);
      opener.focus();
    }
    function walk(event) {
      const at = choices.indexOf(document.activeElement);
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) choices[(at + step + choices.length) % choices.length].focus();
      else if (event.key === "Escape" || event.key === "Tab") close();
      if (step || event.key === "Escape") event.preventDefault();
    }
    return [opener, menu];
  });
}

/** A picture; one from elsewhere stays a frame, for the page loads nothing from outside. */
export function picture(item) {
  const source = item.image_url ?? item.slack_file?.url ?? "";
  const alt = item.alt_text ?? "";
  if (/^(data:image\/|\/)/.test(source)) return h("img", { class: "picture", src: source, alt });
  const href = safeUrl(source);
  const inside = [icon("image"), h("span", null, alt || "Image")];
  return href
    ? h("a", { class: "picture-frame", href, target: "_blank", rel: "noopener noreferrer", title: "Open the image; the page itself loads nothing from outside" }, inside)
    : h("span", { class: "picture-frame", role: "img", "aria-label": alt }, inside);
}

/** Asks back before a press that the app wants confirmed. */
function confirmed(confirm, ctx) {
  return new Promise((answer) => {
    const done = (yes) => { dialog.close(); dialog.remove(); answer(yes); };
    const dialog = h("dialog", { class: "confirm", "aria-label": plain(confirm.title.text), oncancel: () => done(false) },
      h("h2", null, textObject(confirm.title, ctx)),
      h("p", null, textObject(confirm.text, ctx)),
      h("div", { class: "confirm-row" },
        h("button", { class: "button", type: "button", onclick: () => done(false) }, h("span", { class: "button-label" }, textObject(confirm.deny, ctx))),
        h("button", { class: `button ${confirm.style === "danger" ? "is-danger-solid" : "is-primary"}`, type: "button", onclick: () => done(true) }, h("span", { class: "button-label" }, textObject(confirm.confirm, ctx)))));
    document.body.append(dialog);
    dialog.showModal();
  });
}
