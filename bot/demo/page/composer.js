// The field at the bottom: plain text, and the slash command with its completion.

import { h } from "./dom.js";
import { icon } from "./icons.js";

const $ = (id) => document.getElementById(id);

/** The part of a subcommand to type: what stands before its first [ACCOUNT] or DURATION. */
function typed(text) {
  const words = text.split(" ");
  const end = words.findIndex((word) => /^[[<A-Z]/.test(word));
  return end < 0 ? text : words.slice(0, end).concat("").join(" ");
}

/** Every line the completion can offer, the bare command first: described by an empty subcommand, or else by its hint. */
function lines({ name, hint, subcommands }) {
  const bare = subcommands.find(({ text }) => !text);
  return [
    { usage: bare ? hint : "", words: "", fill: `${name} `, description: bare?.description ?? hint },
    ...subcommands.filter(({ text }) => text).map(({ text, description }) => ({ usage: text, words: text, fill: `${name} ${typed(text)}`, description })),
  ];
}

/** Those that fit what is typed: "/sm", "/smscredits a", and for short "/al". */
export function matching(command, value) {
  const text = value.toLowerCase();
  if (!text.startsWith("/")) return [];
  const short = text.slice(1);
  return lines(command).filter(({ words, fill }) =>
    fill.toLowerCase().startsWith(text) || (words && short && !text.includes(" ") && words.toLowerCase().startsWith(short)));
}

/** Wires the composer; `send(text)` resolves to null or the reason why not. Returns {show(snapshot)}. */
export function composer(send) {
  const [form, input, box, list, head, notice, button, slash] = ["composer", "composer-input", "completion", "completion-list", "completion-head", "composer-notice", "composer-send", "composer-slash"].map($);
  let command = { name: "", hint: "", subcommands: [] };
  let offered = [];
  let chosen = 0;
  let last = "";
  button.append(icon("send"));
  slash.append(icon("slash"));

  const tell = (text) => { notice.textContent = text ?? ""; notice.hidden = !text; };

  function close() {
    offered = [];
    box.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function choose(index) {
    chosen = (index + offered.length) % offered.length;
    [...list.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === chosen)));
    input.setAttribute("aria-activedescendant", list.children[chosen].id);
    list.children[chosen].scrollIntoView({ block: "nearest" });
  }

  function offer() {
    offered = matching(command, input.value);
    if (!offered.length) { close(); return; }
    head.textContent = `Commands matching “${input.value.trimEnd()}”`;
    list.replaceChildren(...offered.map(({ usage, description }, at) =>
      h("li", { id: `offer-${at}`, class: "offer", role: "option", "aria-selected": "false", onpointerdown: (event) => { event.preventDefault(); take(at); } },
        h("img", { class: "avatar is-small", src: "/static/icon.svg", alt: "" }),
        h("span", { class: "offer-usage" }, h("strong", null, command.name), usage && ` ${usage}`),
        h("span", { class: "offer-text" }, description))));
    box.hidden = false;
    input.setAttribute("aria-expanded", "true");
    choose(0);
  }

  function write(text) {
    input.value = text;
    button.disabled = !text.trim();
    tell(null);
  }

  function take(index) {
    write(offered[index].fill);
    // What takes no more words is complete; what does keeps its list open.
    if (input.value.endsWith(" ")) offer();
    else close();
    input.focus();
  }

  function keys(event) {
    if (event.isComposing) return;
    if (event.key === "ArrowUp" && !input.value && last) { write(last); event.preventDefault(); return; }
    if (!offered.length) return;
    const complete = input.value.trimEnd() === offered[chosen].fill.trimEnd();
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "Escape") close();
    else if (event.key === "Tab" && !event.shiftKey && !(complete && input.value === offered[chosen].fill)) take(chosen);
    else if (event.key === "Enter" && !complete) take(chosen);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  async function submit(event) {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    const [name] = text.split(/\s/);
    close();
    if (name.startsWith("/") && name !== command.name) { tell(`${name} is not a valid command here. Try ${command.name}.`); return; }
    write("");
    last = text;
    const reason = await send(text);
    if (reason) { if (!input.value) write(text); tell(reason); }
  }

  input.addEventListener("input", () => { write(input.value); offer(); });
  input.addEventListener("keydown", keys);
  input.addEventListener("blur", close);
  slash.addEventListener("click", () => { if (!input.value.startsWith("/")) write("/"); input.focus(); offer(); });
  form.addEventListener("submit", submit);

  return {
    show(snapshot) {
      command = snapshot.command;
      input.placeholder = `Message #${snapshot.channel.name}, or type / for the command`;
      input.setAttribute("aria-label", `Message #${snapshot.channel.name}`);
    },
  };
}
