//! Tables for a terminal.

use std::fmt;

/// Columns that people read on any terminal.
pub(crate) const WIDTH: usize = 80;

/// The columns of the terminal at stdout, or those that `COLUMNS` names; `None` in a file or pipe,
/// where nothing is cut.
pub(crate) fn columns() -> Option<usize> {
    let named = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let here = || {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        Some(usize::from(size.ws_col))
    };
    named.or_else(here).filter(|columns| *columns > 0)
}

/// What becomes of a column where there is not enough room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It stays as it is.
    Whole,
    /// It is cut, to so many columns at least.
    Cut(usize),
    /// It is left out, the last one first.
    Extra,
}

/// Rows under headings, each column as wide as its widest cell. Columns of numbers end at the same
/// place.
pub(crate) struct Table<const N: usize> {
    head: [(&'static str, Fit); N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) const fn new(head: [(&'static str, Fit); N]) -> Self {
        Self { head, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    /// In so many columns, if that can be; `None` for as many as it takes.
    pub(crate) fn within(&self, room: Option<usize>) -> String {
        let head = self.head.map(|(name, _)| name.to_owned());
        let rows = || std::iter::once(&head).chain(&self.rows);
        let mut widths = [0; N];
        for (at, width) in widths.iter_mut().enumerate() {
            *width = rows().map(|row| row[at].chars().count()).max().unwrap_or(0);
            // Nobody misses what no row has.
            if self.rows.iter().all(|row| row[at].is_empty()) {
                *width = 0;
            }
        }
        if let Some(room) = room {
            self.fit(&mut widths, room);
        }
        let numbers: [bool; N] =
            std::array::from_fn(|at| self.rows.iter().all(|row| is_number(&row[at])));
        let mut out = String::new();
        for row in rows() {
            let cells = row.iter().zip(widths).zip(numbers);
            let cells = cells.filter(|((_, width), _)| *width > 0);
            let cells = cells.map(|((cell, width), number)| match number {
                true => format!("{:>width$}", cut(cell, width)),
                false => format!("{:<width$}", cut(cell, width)),
            });
            out += cells.collect::<Vec<_>>().join(GAP).trim_end();
            out.push('\n');
        }
        out
    }

    /// Leaves out and cuts until the rows fit, or nothing may be cut any more.
    fn fit(&self, widths: &mut [usize; N], room: usize) {
        let taken = |widths: &[usize; N]| {
            let shown = widths.iter().filter(|width| **width > 0);
            shown.map(|width| width + GAP.len()).sum::<usize>().saturating_sub(GAP.len())
        };
        for at in (0..N).rev().filter(|at| self.head[*at].1 == Fit::Extra) {
            if taken(widths) > room {
                widths[at] = 0;
            }
        }
        for (at, (_, fit)) in self.head.iter().enumerate() {
            if let Fit::Cut(least) = fit {
                let over = taken(widths).saturating_sub(room);
                widths[at] = widths[at].saturating_sub(over).max(widths[at].min(*least));
            }
        }
    }
}

/// Between two columns.
const GAP: &str = "  ";

/// As wide as the terminal.
impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.within(columns()))
    }
}

/// Text in lines of at most `width` columns, those after the first behind `indent` blanks.
pub(crate) fn wrapped(text: &str, indent: usize, width: usize) -> String {
    let (mut lines, mut used) = (String::new(), 0);
    for word in text.split_whitespace() {
        let len = word.chars().count();
        if used > 0 && indent + used + 1 + len > width {
            lines += &format!("\n{:indent$}", "");
            used = 0;
        }
        if used > 0 {
            lines.push(' ');
            used += 1;
        }
        lines += word;
        used += len;
    }
    lines
}

/// Whether this is a number, also one of so many, with its unit, or the dash in the place of one.
fn is_number(cell: &str) -> bool {
    let figures = cell.trim_end_matches(" XPI").trim_end_matches(" %");
    figures.chars().all(|c| c.is_ascii_digit() || ".,/-".contains(c))
}

/// Something long, cut to `width` columns with a mark that it is.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_end_without_blanks() {
        let mut table = Table::new([("A", Fit::Whole), ("LONG", Fit::Whole)]);
        table.row(["wide cell".to_owned(), String::new()]);
        table.row(["é".to_owned(), "x".to_owned()]);
        assert_eq!(table.within(None), "A          LONG\nwide cell\né          x\n");
    }

    #[test]
    fn columns_of_numbers_end_at_the_same_place() {
        let mut table = Table::new(["WHO", "XPI", "KEYS", "SHARE"].map(|name| (name, Fit::Whole)));
        table.row(["a", "50.000000", "1/10", "-"].map(str::to_owned));
        table.row(["bcde", "1,250.5", "10/10", "0.1250 %"].map(str::to_owned));
        let shown = "WHO         XPI   KEYS     SHARE\n\
                     a     50.000000   1/10         -\n\
                     bcde    1,250.5  10/10  0.1250 %\n";
        assert_eq!(table.within(None), shown);
    }

    #[test]
    fn what_does_not_fit_is_left_out_then_cut_and_what_is_whole_stays() {
        let mut table = Table::new([
            ("ID", Fit::Cut(4)),
            ("WHY", Fit::Whole),
            ("AGE", Fit::Extra),
            ("SIZE", Fit::Extra),
            ("NONE", Fit::Extra),
        ]);
        let row = ["abcdefgh", "because", "1d", "10", ""];
        table.row(row.map(str::to_owned));
        let shown = |room| table.within(room).lines().last().expect("a row").to_owned();
        assert_eq!(shown(None), "abcdefgh  because  1d     10");
        assert_eq!(shown(Some(28)), "abcdefgh  because  1d     10", "its last column is empty");
        assert_eq!(shown(Some(27)), "abcdefgh  because  1d");
        assert_eq!(shown(Some(22)), "abcdefgh  because  1d");
        assert_eq!(shown(Some(21)), "abcdefgh  because");
        assert_eq!(shown(Some(15)), "abcde…  because");
        assert_eq!(shown(Some(1)), "abc…  because");
    }

    #[test]
    fn text_is_wrapped_between_words() {
        assert_eq!(wrapped("one two three", 2, 9), "one two\n  three");
        assert_eq!(wrapped("unbreakable", 2, 4), "unbreakable");
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!((cut("abcd", 4), cut("abcde", 4)), ("abcd".to_owned(), "abc…".to_owned()));
    }
}
