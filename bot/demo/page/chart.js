// data_visualization blocks: lines, areas and bars over categories, and pies, as plain SVG.

import { h, svg } from "./dom.js";

const WIDTH = 480;
const HEIGHT = 220;
const LEFT = 52;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 30;
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** Round values for the y axis that cover all data, zero included when it is near. */
function ticks(values) {
  const high = Math.max(...values);
  let low = Math.min(...values);
  if (low > 0 && low < high * 0.6) low = 0;
  const span = high - low || Math.abs(high) || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const out = [];
  for (let value = Math.floor(low / step) * step; value < high + step * 0.999; value += step) out.push(value);
  return out.length > 1 ? out : [...out, out[0] + step];
}

function plot(chart) {
  const categories = chart.axis_config?.categories ?? chart.series[0].data.map((point) => point.label);
  const values = chart.series.flatMap((series) => series.data.map((point) => point.value));
  const bars = chart.type === "bar";
  const marks = ticks(bars ? [0, ...values] : values);
  const [low, high] = [marks[0], marks.at(-1)];
  const inner = WIDTH - LEFT - RIGHT;
  const slot = inner / (bars ? categories.length : Math.max(1, categories.length - 1));
  const x = (at) => LEFT + slot * (bars ? at + 0.5 : at);
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (high - low));
  const every = Math.ceil(categories.length / 8);
  const last = categories.length - 1;
  const anchor = (at) => (bars || categories.length === 1 ? "middle" : at === 0 ? "start" : at === last ? "end" : "middle");

  const grid = marks.map((value) => [
    svg("line", { class: "chart-grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }),
    svg("text", { class: "chart-tick", x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, short.format(value)),
  ]);
  const names = categories.map((name, at) => at % every === 0 && svg("text", { class: "chart-tick", x: x(at), y: HEIGHT - 10, "text-anchor": anchor(at) }, name));
  const drawn = chart.series.map((series, index) => {
    const colour = `chart-colour-${index % 6}`;
    const points = series.data.map((point, at) => [x(at), y(point.value)]);
    if (bars) {
      const width = Math.min(36, (slot * 0.7) / chart.series.length);
      return points.map(([px, py]) => svg("rect", { class: `chart-bar ${colour}`, x: px - (width * chart.series.length) / 2 + width * index, y: py, width, height: Math.max(0, y(Math.max(0, low)) - py), rx: 2 }));
    }
    const path = points.map(([px, py], at) => `${at ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
    const [first, final] = [points[0], points.at(-1)];
    return [
      (chart.type === "area" || chart.series.length === 1) && svg("path", { class: `chart-area ${colour}`, d: `${path}L${final[0]} ${y(low)}L${first[0]} ${y(low)}Z` }),
      svg("path", { class: `chart-line ${colour}`, d: path }),
      points.map(([px, py]) => svg("circle", { class: `chart-dot ${colour}`, cx: px, cy: py, r: 2.5 })),
    ];
  });
  return [grid, names, drawn];
}

function pie(chart) {
  const total = chart.segments.reduce((sum, segment) => sum + segment.value, 0);
  const radius = (HEIGHT - TOP * 2) / 2;
  // A circle of radius r drawn with a stroke of 2r is a disc; its dashes are the segments.
  const round = Math.PI * radius;
  let turned = 0;
  return chart.segments.map((segment, index) => {
    const share = (segment.value / total) * round;
    const arc = svg("circle", {
      class: `chart-slice chart-colour-${index % 6}`, cx: WIDTH / 2, cy: HEIGHT / 2, r: radius / 2, "stroke-width": radius,
      "stroke-dasharray": `${share} ${round - share}`, "stroke-dashoffset": -turned, transform: `rotate(-90 ${WIDTH / 2} ${HEIGHT / 2})`,
    });
    turned += share;
    return arc;
  });
}

/** The figures in words, for those who do not see the drawing. */
const spoken = (chart) => (chart.segments ? [{ data: chart.segments }] : chart.series)
  .map((series) => `${series.name ? `${series.name}: ` : ""}${series.data.map((point) => `${point.label} ${point.value}`).join(", ")}`).join("; ");

/** A data_visualization block. */
export function chart(block) {
  const data = block.chart;
  if (!["line", "area", "bar", "pie"].includes(data.type)) throw new TypeError(`unknown chart ${data.type}`);
  const names = data.type === "pie" ? data.segments.map((segment) => segment.label) : data.series.map((series) => series.name);
  const axes = [data.axis_config?.y_label, data.axis_config?.x_label].filter(Boolean);
  return h("figure", { class: "chart" },
    h("figcaption", null, h("strong", null, block.title), axes.length > 0 && h("span", { class: "chart-axes" }, axes.join(" by "))),
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${block.title}. ${spoken(data)}` }, data.type === "pie" ? pie(data) : plot(data)),
    names.length > 1 && h("ul", { class: "chart-legend" }, names.map((name, index) => h("li", { class: `chart-colour-${index % 6}` }, name))));
}
