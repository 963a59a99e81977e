// Small line charts: one figure each, read with a pointer or the arrow keys.

import { compact, make, span as spanned, tell } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 132;
const EDGE = { top: 10, right: 6, bottom: 20, left: 38 };
/** Samples closer to each other than this tell no rate. */
const CLOSE = 1_500;

function draw(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** What a counter rose by in a second; a node that started again counts from 0. */
export const rate = (field) => (now, before) =>
  before && (Math.max(0, now[field] - before[field]) * 1_000) / (now.at - before.at);

/** What a sample says itself. */
export const level = (field) => (now) => now[field];

/** The least round number that is not below `value` or `least`, and has a round half. */
function round(value, least) {
  if (value <= least) return least;
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 10].map((step) => step * size).find((step) => step >= value);
}

export class Chart {
  /** `series`: a label and a function of a sample and the one before. */
  constructor(title, unit, series) {
    this.unit = unit;
    this.series = series;
    this.points = [];
    this.at = null;
    this.svg = draw("svg", { tabindex: 0, role: "slider", "aria-label": title, "aria-valuemin": 0 });
    this.time = make("span", { class: "quiet" });
    this.values = series.map(() => make("output"));
    const legend = series.map(({ label }, index) => {
      const line = draw("svg", { class: "key", viewBox: "0 0 22 8", "aria-hidden": "true" });
      line.append(draw("path", { class: `line s${index}`, d: "M1 4H21" }));
      return make("li", {}, line, ` ${label} `, this.values[index]);
    });
    const caption = make("figcaption", {}, make("h3", {}, title), this.time);
    this.element = make("figure", { class: "card chart" }, caption, this.svg, make("ul", {}, ...legend));
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerdown", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.choose(null));
    this.svg.addEventListener("blur", () => this.choose(null));
    this.svg.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.paint()).observe(this.svg);
  }

  show(samples, length) {
    const chosen = this.at === null ? null : this.points[this.at]?.at;
    this.points = [];
    let before;
    for (const sample of samples) {
      if (before && sample.at - before.at < CLOSE) continue;
      const values = this.series.map(({ of }) => of(sample, before));
      if (values.every((value) => value !== undefined)) this.points.push({ at: sample.at, values });
      before = sample;
    }
    this.length = length;
    const last = this.points.at(-1)?.at ?? 0;
    this.end = last;
    this.start = Math.max(last - length, Math.min(this.points[0]?.at ?? 0, last - 60_000));
    this.points = this.points.filter(({ at }) => at >= this.start);
    const found = this.points.findIndex(({ at }) => at === chosen);
    this.at = found < 0 ? null : found;
    this.paint();
  }

  x = (at) => EDGE.left + ((at - this.start) / (this.end - this.start || 1)) * this.width;
  y = (value) => EDGE.top + (1 - value / this.top) * (HEIGHT - EDGE.top - EDGE.bottom);

  paint() {
    const full = this.svg.clientWidth;
    if (!full) return;
    this.width = full - EDGE.left - EDGE.right;
    // There is no half of a peer, but there is of a rate.
    this.top = round(Math.max(0, ...this.points.flatMap(({ values }) => values)), this.unit === "/s" ? 0.2 : 2);
    this.svg.setAttribute("viewBox", `0 0 ${full} ${HEIGHT}`);
    const parts = [];
    for (const value of [0, this.top / 2, this.top]) {
      const y = this.y(value);
      parts.push(draw("path", { class: "grid", d: `M${EDGE.left} ${y}H${full - EDGE.right}` }));
      parts.push(draw("text", { x: EDGE.left - 6, y: y + 4, class: "end" }, compact(value)));
    }
    if (this.points.length < 2) {
      const middle = EDGE.left + this.width / 2;
      parts.push(draw("text", { x: middle, y: HEIGHT / 2, class: "middle" }, "Drawn from the second sample on"));
    } else {
      // The sample that would make it whole is on its way.
      const long = this.end - this.start;
      const ago = `${spanned(long > this.length * 0.98 ? this.length : long)} ago`;
      parts.push(draw("text", { x: EDGE.left, y: HEIGHT - 4 }, ago));
      parts.push(draw("text", { x: full - EDGE.right, y: HEIGHT - 4, class: "end" }, "now"));
      this.series.forEach((_, index) => {
        const line = this.points.map(({ at, values }) => `${this.x(at).toFixed(1)} ${this.y(values[index]).toFixed(1)}`);
        if (this.series.length === 1) {
          const [from, to] = [this.x(this.points[0].at), this.x(this.end)];
          parts.push(draw("path", { class: "area", d: `M${from} ${this.y(0)}L${line.join("L")}L${to} ${this.y(0)}Z` }));
        }
        parts.push(draw("path", { class: `line s${index}`, d: `M${line.join("L")}` }));
      });
    }
    this.cursor = draw("g", { class: "cursor" });
    this.svg.replaceChildren(...parts, this.cursor);
    this.tell();
  }

  /** Marks the chosen moment, or none, and says what was then, or is now. */
  tell() {
    const chosen = this.points[this.at ?? -1] ?? this.points.at(-1);
    this.cursor?.replaceChildren();
    if (this.at !== null && this.cursor) {
      const x = this.x(chosen.at);
      this.cursor.append(draw("path", { d: `M${x} ${EDGE.top}V${HEIGHT - EDGE.bottom}` }));
      chosen.values.forEach((value, index) =>
        this.cursor.append(draw("circle", { class: `s${index}`, cx: x, cy: this.y(value), r: 3.5 })));
    }
    const time = !chosen ? "" : this.at === null ? "now" : new Date(chosen.at).toLocaleTimeString();
    tell(this.time, time);
    this.values.forEach((output, index) =>
      tell(output, chosen ? `${compact(chosen.values[index])}${this.unit}` : "–"));
    const said = this.series.map(({ label }, index) => `${label} ${this.values[index].textContent}`);
    this.svg.setAttribute("aria-valuemax", Math.max(0, this.points.length - 1));
    this.svg.setAttribute("aria-valuenow", this.at ?? Math.max(0, this.points.length - 1));
    this.svg.setAttribute("aria-valuetext", `${time}: ${said.join(", ")}`);
  }

  choose(at) {
    this.at = at;
    this.tell();
  }

  point(event) {
    const x = event.clientX - this.svg.getBoundingClientRect().left;
    let best = null;
    this.points.forEach(({ at }, index) => {
      const distance = Math.abs(this.x(at) - x);
      if (best === null || distance < best.distance) best = { index, distance };
    });
    this.choose(best && best.index);
  }

  key(event) {
    const last = this.points.length - 1;
    const at = this.at ?? last;
    const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1,
      PageUp: at + 10, PageDown: at - 10, Home: 0, End: last }[event.key];
    if (event.key === "Escape") this.choose(null);
    if (to === undefined || last < 0) return;
    event.preventDefault();
    this.choose(Math.max(0, Math.min(last, to)));
  }
}
