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

/** The same where there is little room: whole XPI from a thousand on, millions of them short. */
export const roughly = (sats) => {
  const whole = Math.floor(sats / 1e6);
  return whole < 1e3 ? xpi(sats) : `${whole < 1e6 ? count(whole) : short.format(whole)} XPI`;
};

const UNITS = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
  [1_000, "second"],
];

const several = (many, name) => `${count(many)} ${name}${many === 1 ? "" : "s"}`;

/** A span of milliseconds in its largest unit, and in the next one where that is much of it. */
export function span(ms) {
  const [size, name] = UNITS.find(([size]) => Math.abs(ms) >= size) ?? UNITS.at(-1);
  const many = Math.floor(Math.abs(ms) / size);
  const [next, finer] = UNITS[UNITS.findIndex(([other]) => other === size) + 1] ?? [size];
  const rest = Math.floor((Math.abs(ms) % size) / next);
  // Seconds beside minutes would change at every update.
  const told = rest > 0 && many < 3 && next >= 60_000;
  return told ? `${several(many, name)} ${several(rest, finer)}` : several(many, name);
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
