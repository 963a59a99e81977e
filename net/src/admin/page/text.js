// Elements and words. Whatever comes from the node is put in as text, never as markup.

/** An element with attributes and children; a child that is no element becomes text. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** Sets a text only if it changed, so that nothing is announced or deselected without need. */
export function tell(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const precise = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

export const count = (number) => whole.format(number);
export const compact = (number) => (number < 100 ? precise.format(number) : short.format(number));

/** Satoshis as XPI; one XPI is a million satoshis. */
export const xpi = (sats) => `${precise.format(sats / 1e6)} XPI`;

const UNITS = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
  [1_000, "second"],
];

/** A span of milliseconds in its largest unit. */
export function span(ms) {
  const [size, name] = UNITS.find(([size]) => Math.abs(ms) >= size) ?? UNITS.at(-1);
  const many = Math.floor(Math.abs(ms) / size);
  return `${count(many)} ${name}${many === 1 ? "" : "s"}`;
}

/** A time as an element that tells how far away it is, and exactly when. */
export function when(at, now) {
  const text = at > now ? `in ${span(at - now)}` : at > now - 1_000 ? "now" : `${span(now - at)} ago`;
  const date = new Date(at);
  // A timestamp that no calendar has is shown as the number it is.
  if (Number.isNaN(date.getTime())) return String(at);
  return make("time", { datetime: date.toISOString(), title: date.toLocaleString() }, text);
}

/** A name as people read it: `too-soon` as `too soon`. */
export const words = (name) => name.replaceAll("-", " ").replaceAll("_", " ");

/** A long id whose whole text is there to be read and copied. */
export const id = (text) => make("code", { class: "mono" }, text);
