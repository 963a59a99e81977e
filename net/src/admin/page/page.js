// The status page: asks the node for its data with the operator's token and shows it.

import { Chart, level, rate } from "./charts.js";
import { Table } from "./tables.js";
import { compact, count, id, make, roughly, span, tell, when, words, xpi } from "./text.js";

/** Milliseconds between two updates. */
const EVERY = 5_000;
/** Which tab remembers the token, and under what name. It is never part of an address. */
const KEPT = "ltms-token";

const at = (name) => document.getElementById(name);
const problem = at("problem");

/** The node said no, or said nothing. */
class Refusal extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

async function ask(path, method = "GET") {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem(KEPT)}` };
  const answer = await fetch(path, { method, headers, cache: "no-store", signal: AbortSignal.timeout(10_000) });
  if (answer.ok) return answer.json();
  const body = await answer.text();
  let text = body;
  try {
    text = JSON.parse(body).error ?? body;
  } catch {
    // Those who stand at the door answer in plain text.
  }
  throw new Refusal(answer.status, text.trim() || `The node answered with ${answer.status}.`);
}

// What is shown ---------------------------------------------------------------------------------

const POSTURES = [
  ["Normal", "ok", "Strangers are served as the windows say."],
  ["Lockdown", "warn", "A ban found no room: strangers keep an eighth of their service until there is room again. Identities go on as before."],
  ["Guarded", "bad", "The bans of the past are not known: strangers keep an eighth of their service. Mend the store and start the node again."],
];

function state(element, name, look, what) {
  element.dataset.look = look;
  tell(element.querySelector(".name"), name);
  tell(element.querySelector(".what"), what);
}

/** Entries of a description list, changed in place. */
function entries(list, pairs) {
  pairs.forEach(([title, value, note], index) => {
    const entry = list.children[index]
      ?? list.appendChild(make("div", {}, make("dt"), make("dd"), make("dd", { class: "quiet small" })));
    const [term, figure, more] = entry.children;
    tell(term, title);
    tell(figure, value);
    tell(more, note ?? "");
  });
}

function overview({ metrics, network, peer, tables, dht_queries_per_minute: queries, dht_latency_ms: latency }) {
  const [name, look, what] = POSTURES[metrics.posture] ?? [String(metrics.posture), "warn", ""];
  state(at("posture"), name, look, what);
  if (metrics.breaker_open) {
    state(at("breaker"), "Open", "warn",
      "Nearly a third of the peers that we dialled broke windows within a minute. That looks like a mistake of ours: for a minute at a time nobody is banned for it.");
  } else {
    state(at("breaker"), "Closed", "ok",
      metrics.sanctions_held ? `${count(metrics.sanctions_held)} sanctions wait for their minute.` : "Broken windows are sanctioned as usual.");
  }
  tell(at("network"), network);
  at("network").hidden = false;
  tell(at("peer"), peer);
  document.title = `${metrics.posture ? `${name} · ` : ""}ltms ${network}`;
  entries(at("figures"), [
    ["Peers", count(metrics.active_peers), `${count(metrics.allowed_peers)} on the allow-list`],
    ["Banned peers", count(metrics.graylisted_peers + metrics.blacklisted_peers), `${count(metrics.blacklisted_peers)} until lifted`],
    ["Identities", count(metrics.identities_registered), `${compact(metrics.average_reputation_score)} of 100 on average`],
    ["Burned", roughly(metrics.total_burned), `${roughly(metrics.average_burn_per_identity)} each`],
    ["Advertised keys", count(metrics.advertised_keys), `${count(metrics.expired_entries_dropped)} expired so far`],
    ["DHT queries", `${count(queries)} / min`, queries ? `${count(latency)} ms on average` : "none at present"],
  ]);
  entries(at("fill"), tables.map(({ table, rows, capacity }) =>
    [words(table), `${count(rows)} of ${count(capacity)}`, ""]));
  [...at("fill").children].forEach((entry, index) => {
    const { rows, capacity } = tables[index];
    const bar = entry.querySelector("meter") ?? entry.appendChild(make("meter", { min: 0, "aria-hidden": "true" }));
    [bar.max, bar.value] = [Math.max(1, capacity), rows];
  });
}

const charts = [
  new Chart("Verdicts", "/s", [
    { label: "accepted", of: rate("accepted") },
    { label: "ignored", of: rate("ignored") },
    { label: "rejected", of: rate("rejected") },
  ]),
  new Chart("Peers", "", [{ label: "connected", of: level("active_peers") }]),
  new Chart("Banned peers", "", [
    { label: "for a time", of: level("graylisted") },
    { label: "until lifted", of: level("blacklisted") },
  ]),
  new Chart("Signatures checked", "/s", [{ label: "checks", of: rate("signature_checks") }]),
  new Chart("Directory", "", [
    { label: "keys", of: level("keys") },
    { label: "identities", of: level("identities") },
  ]),
  new Chart("DHT queries", "/min", [{ label: "queries", of: level("dht_queries_per_minute") }]),
];
at("charts").append(...charts.map((chart) => chart.element));

const look = (name, text) => make("span", { class: `look ${name}` }, text);
const standing = ({ decision, sanction }) =>
  decision === "clear" ? look("ok", "clear") : look("bad", words(sanction ? `${decision}: ${sanction}` : decision));
/** Transaction types by their numbers on the wire. */
const TYPES = { 1: "spend", 2: "swap", 3: "coinjoin", 4: "htlc", 5: "custody" };
const VERDICTS = { accept: "ok", ignore: "warn", reject: "bad" };
const list = (section) => at(section).querySelector(".list");
const code = (text) => make("code", {}, text);

const tables = {
  verdicts: new Table(list("verdicts"), {
    caption: "Decisions by reason, the most frequent first",
    key: ({ reason }) => reason,
    columns: [
      { title: "Reason", cell: ({ reason }) => words(reason) },
      { title: "Verdict", cell: ({ verdict }) => look(VERDICTS[verdict], verdict) },
      { title: "Decisions", number: true, cell: ({ count: many }) => count(many) },
    ],
    empty: ["Nothing has been decided yet: nobody sent anything."],
  }),
  bans: new Table(list("bans"), {
    caption: "Bans in force, the newest first, after what the breaker holds back",
    key: ({ kind, subject }) => `${kind} ${subject}`,
    columns: [
      { title: "Who", cell: ({ kind, subject }) => [make("span", { class: "quiet" }, `${kind} `), id(subject)] },
      { title: "Reason", cell: ({ reason, by_operator: own }) => [words(reason), own ? make("div", { class: "quiet small" }, "by the operator") : ""] },
      { title: "Began", cell: ({ since }, now) => (since ? when(since, now) : "not noted") },
      { title: "Ends", cell: ({ until, held }, now) => (held ? ["not yet begun: ", when(until, now), ", if the breaker stays closed"] : until ? when(until, now) : "when lifted") },
      { title: "Evidence", cell: ({ evidence }) => (evidence ? make("code", { class: "whole" }, evidence) : "none kept") },
      { title: "Action", cell: (ban) => lifter(ban) },
    ],
    empty: ["No ban is in force. ", code("ltms peers ban PEER"), " makes one."],
  }),
  identities: new Table(list("identities"), {
    caption: "Registered identities, the largest burn first",
    key: ({ id: name }) => name,
    columns: [
      { title: "Identity", cell: ({ id: name }) => id(name) },
      { title: "Tier", cell: ({ tier }) => tier ?? "–" },
      { title: "Score", number: true, cell: ({ standing: { score } }) => [make("meter", { min: 0, max: 100, low: 30, value: score, "aria-hidden": "true" }), ` ${score}`] },
      { title: "Burned", number: true, cell: ({ burned }) => xpi(burned) },
      { title: "Keys", number: true, cell: ({ standing: { keys } }) => `${count(keys.count)} of ${count(keys.limit)}` },
      { title: "Sessions", number: true, cell: ({ standing: { completed, failed } }) => `${count(completed)} done, ${count(failed)} failed` },
      { title: "Standing", cell: (identity) => standing(identity.standing) },
    ],
    empty: ["No identity is registered here. The first claim that arrives by gossip, or ", code("ltms identity register"), ", changes that."],
  }),
  directory: new Table(list("directory"), {
    caption: "Signers that are found, best first",
    key: ({ key }) => key,
    columns: [
      { title: "Key", cell: ({ key }) => id(key) },
      { title: "Score", number: true, cell: ({ score, identity }) => (identity ? String(score) : "stranger") },
      { title: "Peer", cell: ({ peer }) => id(peer) },
      { title: "Addresses", cell: ({ addresses }) => addresses.map((address) => make("div", { class: "mono" }, address)) },
      { title: "Types", cell: ({ types }) => types.map((type) => TYPES[type] ?? String(type)).join(", ") },
      { title: "Ends", cell: ({ expires_at: ends }, now) => when(ends, now) },
    ],
    empty: ["Nobody advertises at present."],
  }),
  connections: new Table(list("connections"), {
    caption: "Open connections",
    key: ({ peer, address, outbound, place }) => `${peer} ${address} ${outbound} ${place}`,
    columns: [
      { title: "Peer", cell: ({ peer }) => id(peer) },
      { title: "Says it runs", cell: ({ agent }) => make("span", { class: "said" }, agent ?? "not told yet") },
      { title: "Address", cell: ({ address, outbound }) => [make("div", { class: "mono whole" }, address ?? "–"), make("div", { class: "quiet small whole" }, outbound ? "dialled by us" : "came to us")] },
      { title: "Faults", number: true, cell: ({ standing: { violations, invalid_signatures: invalid, malformed } }) =>
        count(violations.count + invalid.count + malformed.count) },
      { title: "Standing", cell: (connection) => standing(connection.standing) },
    ],
    empty: ["Nobody is connected. Give the node somebody to dial with ", code("--bootstrap MULTIADDR"), ", or an address to listen on that others reach with ", code("--listen"), "."],
  }),
};

// Lifting a ban ---------------------------------------------------------------------------------

const dialog = at("confirm");
let doomed;

function lifter(ban) {
  const button = make("button", { type: "button", class: "plain", "aria-label": `Lift the ban of ${ban.kind} ${ban.subject}` }, "Lift…");
  button.addEventListener("click", () => {
    doomed = ban;
    tell(at("confirm-what"), `It was banned for “${words(ban.reason)}” and is served again at once. The ${ban.kind}:`);
    tell(at("confirm-whom"), ban.subject);
    at("confirm-problem").hidden = true;
    dialog.showModal();
    at("confirm-no").focus();
  });
  return button;
}

at("confirm-no").addEventListener("click", () => dialog.close());
at("confirm-yes").addEventListener("click", async () => {
  const { subject, kind } = doomed;
  try {
    await ask(`/api/v1/bans/lift?subject=${encodeURIComponent(subject)}`, "POST");
  } catch (error) {
    tell(at("confirm-problem"), said(error));
    at("confirm-problem").hidden = false;
    return;
  }
  dialog.close();
  tell(at("done"), `The ban of ${kind} ${subject} is lifted.`);
  setTimeout(() => tell(at("done"), ""), 8_000);
  await update();
  // The button that had the focus is gone.
  const title = at("bans-title");
  title.tabIndex = -1;
  title.focus();
});

// Asking again and again ------------------------------------------------------------------------

function said(error) {
  if (error instanceof Refusal) return error.message;
  return "The node does not answer. Is it still running?";
}

/** What the breaker still holds back comes first: it is what can be prevented. */
const newest = (bans) =>
  bans.sort((a, b) => Number(b.held ?? false) - Number(a.held ?? false) || (b.since ?? 0) - (a.since ?? 0));
let heard = null;
let running = Promise.resolve();
let timer;

/** False if the token was forgotten while the node was asked. */
async function fetchAll() {
  const range = document.querySelector("[name=span]:checked").value;
  const paths = ["status", `history?span=${range}`, "bans", "identities?limit=1000", "directory", "connections"];
  const [status, history, bans, identities, directory, links] =
    await Promise.all(paths.map((path) => ask(`/api/v1/${path}`)));
  if (!sessionStorage.getItem(KEPT)) return false;
  const { now } = status;
  overview(status);
  at("node").hidden = false;
  charts.forEach((chart) => chart.show(history.samples, history.span));
  tables.verdicts.update(status.decisions.sort((a, b) => b.count - a.count), now);
  tables.bans.update(newest(bans.bans), now, bans.total);
  tables.identities.update(identities.identities.sort((a, b) => b.burned - a.burned), now,
    identities.next === null ? undefined : status.metrics.identities_registered);
  tables.directory.update(directory, now);
  tables.connections.update(links.map((link, place) => ({ ...link, place })), now);
  return true;
}

/** Shows the form, with a reason if the node gave one. */
function login(why) {
  sessionStorage.removeItem(KEPT);
  for (const name of ["node", "session", "loading"]) at(name).hidden = true;
  at("login").hidden = false;
  problem.hidden = !why;
  tell(problem, why ?? "");
  at("token").value = "";
  at("token").focus();
}

async function once() {
  try {
    if (!(await fetchAll())) return;
    heard = Date.now();
    problem.hidden = true;
    document.body.classList.remove("stale");
    at("session").hidden = false;
    tell(at("heard"), `Updated ${new Date(heard).toLocaleTimeString()}`);
  } catch (error) {
    if (!sessionStorage.getItem(KEPT)) return;
    if (error instanceof Refusal && error.status === 401) {
      return login("The node does not take this token. It may have been started with another one: look at its --admin-token-file.");
    }
    document.body.classList.add("stale");
    const last = heard ? ` What is shown is ${span(Date.now() - heard)} old.` : "";
    tell(problem, `${said(error)}${last} Asked again every ${EVERY / 1_000} seconds; the node's own log says more.`);
    problem.hidden = false;
  } finally {
    at("loading").hidden = true;
  }
}

/** One update at a time; the next comes later, and not while nobody looks. */
function update() {
  clearTimeout(timer);
  running = running.then(async () => {
    if (!sessionStorage.getItem(KEPT)) return;
    await once();
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(update, EVERY);
  });
  return running;
}

at("login").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEPT, at("token").value.trim());
  at("token").value = "";
  at("login").hidden = true;
  at("loading").hidden = false;
  problem.hidden = true;
  update().then(() => at("node").hidden || at("main").focus());
});
at("forget").addEventListener("click", () => {
  clearTimeout(timer);
  login();
});
for (const radio of document.querySelectorAll("[name=span]")) radio.addEventListener("change", update);
document.addEventListener("visibilitychange", () => document.hidden || update());

if (sessionStorage.getItem(KEPT)) {
  at("loading").hidden = false;
  update();
} else {
  login();
}
