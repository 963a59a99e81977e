// Tables whose rows stay where they are while their contents change, so that focus and selection
// survive an update. On a narrow screen a row becomes a card; the roles keep it a table for those
// who listen.

import { count, make, tell } from "./text.js";

/** Rows that are drawn before somebody asks for all. */
const FIRST = 50;

export class Table {
  /**
   * `columns`: a title, what a cell of an item holds, and `number` where it is aligned as one.
   * `key` names an item; `empty` says why there is nothing and what to do.
   */
  constructor(place, { caption, columns, key, empty }) {
    this.columns = columns;
    this.key = key;
    this.rows = new Map();
    this.all = false;
    const titles = columns.map(({ title, number }) =>
      make("th", { scope: "col", role: "columnheader", class: number && "number" }, title));
    this.body = make("tbody", { role: "rowgroup" });
    this.table = make("table", { role: "table", hidden: "" },
      make("caption", { class: "unseen" }, caption),
      make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...titles)),
      this.body);
    this.empty = make("p", { class: "empty quiet", hidden: "" }, ...empty);
    this.more = make("button", { type: "button", class: "plain", hidden: "" });
    this.note = make("p", { class: "quiet small", hidden: "" });
    this.more.addEventListener("click", () => {
      this.all = true;
      this.update(...this.last);
    });
    place.append(this.table, this.empty, this.note, this.more);
  }

  /** `total` counts those that the node did not send, too, where it knows. */
  update(items, now, total = items.length) {
    this.last = [items, now, total];
    const shown = this.all ? items : items.slice(0, FIRST);
    const rows = new Map();
    for (const item of shown) {
      const key = this.key(item);
      const row = this.rows.get(key) ?? this.row();
      rows.set(key, row);
      this.columns.forEach(({ cell }, index) => {
        const fresh = make("div", {}, ...[cell(item, now)].flat());
        const old = row.children[index].firstChild;
        const same = fresh.childNodes.length === old.childNodes.length
          && [...fresh.childNodes].every((node, at) => node.isEqualNode(old.childNodes[at]));
        if (!same) old.replaceChildren(...fresh.childNodes);
      });
    }
    for (const [key, row] of this.rows) if (!rows.has(key)) row.remove();
    this.rows = rows;
    let place = this.body.firstElementChild;
    for (const row of rows.values()) {
      if (row === place) place = place.nextElementSibling;
      else this.body.insertBefore(row, place);
    }
    this.table.hidden = items.length === 0;
    this.empty.hidden = items.length !== 0;
    this.more.hidden = shown.length === items.length;
    tell(this.more, `Show all ${count(items.length)}`);
    this.note.hidden = shown.length === total;
    tell(this.note, `Showing ${count(shown.length)} of ${count(total)}.`);
  }

  row() {
    const cells = this.columns.map(({ title, number }) =>
      make("td", { role: "cell", "data-title": title, class: number && "number" }, make("div")));
    return make("tr", { role: "row" }, ...cells);
  }
}
