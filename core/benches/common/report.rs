//! Tables of figures, written into a document by the command that measured them.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// The middle of the samples and the quarters beside it.
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

impl Spread {
    pub(crate) fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let at = |share: usize| samples[(samples.len() - 1) * share / 4];
        Self { low: at(1), median: at(2), high: at(3) }
    }
}

/// How many threads this machine runs at once.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Where in the document the block with this name is.
fn place(text: &str, block: &str) -> Range<usize> {
    let (begin, end) = (format!("<!-- {block}: begin -->\n"), format!("<!-- {block}: end -->"));
    let from = text.find(&begin).expect(&begin) + begin.len();
    from..from + text[from..].find(&end).expect(&end)
}

/// What stands between the two comments that name `block` in a document.
pub(crate) fn read_from(document: &Path, block: &str) -> String {
    let text = std::fs::read_to_string(document).unwrap();
    text[place(&text, block)].to_owned()
}

/// Puts `text` there.
pub(crate) fn write_to(document: &Path, block: &str, text: &str) {
    let mut old = std::fs::read_to_string(document).unwrap();
    old.replace_range(place(&old, block), text);
    std::fs::write(document, old).unwrap();
    let name = document.file_name().unwrap_or_default().display();
    println!("written to docs/{name}");
}

fn benchmarks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md")
}

/// What stands between the two comments that name `block` in docs/benchmarks.md.
pub(crate) fn read(block: &str) -> String {
    read_from(&benchmarks(), block)
}

/// Puts `text` there.
pub(crate) fn write(block: &str, text: &str) {
    write_to(&benchmarks(), block, text);
}
