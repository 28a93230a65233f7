// The page's own icons, drawn on a grid of 20.

import { svg } from "./dom.js";

const STROKES = {
  hash: "M4 7.5h13M3 12.5h13M8.5 3 6 17M14 3l-2.5 14",
  close: "m5 5 10 10M15 5 5 15",
  down: "m5 8 5 5 5-5",
  slash: "M4.5 3h11A1.5 1.5 0 0 1 17 4.5v11a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 3 15.5v-11A1.5 1.5 0 0 1 4.5 3zM12 6.5 8 13.5",
  eye: "M1.8 10S4.8 4.5 10 4.5 18.2 10 18.2 10 15.2 15.5 10 15.5 1.8 10 1.8 10zM10 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  sun: "M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM10 1.8v1.7M10 16.5v1.7M1.8 10h1.7M16.5 10h1.7M4.2 4.2l1.2 1.2M14.6 14.6l1.2 1.2M4.2 15.8l1.2-1.2M14.6 5.4l1.2-1.2",
  moon: "M16.8 11.9A7 7 0 1 1 8.1 3.2a5.6 5.6 0 0 0 8.7 8.7z",
  panel: "M4 3h12a1.5 1.5 0 0 1 1.5 1.5v11A1.5 1.5 0 0 1 16 17H4a1.5 1.5 0 0 1-1.5-1.5v-11A1.5 1.5 0 0 1 4 3zM12.5 3v14",
  right: "m8 5 5 5-5 5",
  left: "m12 5-5 5 5 5",
  image: "M4 3h12a1.5 1.5 0 0 1 1.5 1.5v11A1.5 1.5 0 0 1 16 17H4a1.5 1.5 0 0 1-1.5-1.5v-11A1.5 1.5 0 0 1 4 3zM3 14l4.5-4.5 4 4 2-2L17 15M13 7.5h.01",
};

const FILLS = {
  send: "M2.5 3.2c-.2-.8.5-1.4 1.2-1.1l13.6 7c.7.4.7 1.4 0 1.8l-13.6 7c-.7.3-1.4-.3-1.2-1.1L4 11.2 11 10 4 8.8z",
  warning: "M8.6 2.9c.6-1.1 2.2-1.1 2.8 0l6.7 12.2c.6 1.1-.2 2.4-1.4 2.4H3.3c-1.2 0-2-1.3-1.4-2.4zM9.2 7l.3 5h1l.3-5zm.8 6.3a1 1 0 1 0 0 2 1 1 0 0 0 0-2z",
  more: "M4.5 11.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zm5.5 0a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zm5.5 0a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z",
};

/** An icon that says nothing by itself: its button or its neighbour has the words. */
export function icon(name, size = 18) {
  const outline = name in STROKES
    ? { d: STROKES[name], fill: "none", stroke: "currentColor", "stroke-width": 1.6, "stroke-linecap": "round", "stroke-linejoin": "round" }
    : { d: FILLS[name], fill: "currentColor", "fill-rule": "evenodd" };
  return svg("svg", { class: "icon", viewBox: "0 0 20 20", width: size, height: size, "aria-hidden": "true" }, svg("path", outline));
}
