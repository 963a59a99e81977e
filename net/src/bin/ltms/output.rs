//! Answers on stdout.

use std::{
    fmt::Display,
    fs::File,
    io::{self, Write},
    path::Path,
};

use serde::Serialize;

use crate::failure::Failure;

/// Writes a line to a new file; what is there already is left as it is.
pub(crate) fn save(path: &Path, line: &str) -> Result<(), Failure> {
    let failed = |error| Failure::failed(format_args!("cannot write {}: {error}", path.display()));
    let mut file = File::create_new(path).map_err(failed)?;
    writeln!(file, "{line}").map_err(failed)
}

/// How to answer.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Format {
    /// Answer with one JSON object; amounts are in satoshis (1 XPI = 1000000)
    #[arg(long)]
    json: bool,
}

impl Format {
    /// Whether to answer in JSON.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Writes an answer, with a line end.
    pub(crate) fn print(self, answer: &(impl Serialize + Display)) -> Result<(), Failure> {
        let text = if self.json {
            serde_json::to_string(answer).map_err(Failure::failed)?
        } else {
            answer.to_string()
        };
        line(text.trim_end())
    }
}

/// Writes a line to stdout.
pub(crate) fn line(text: impl Display) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{text}") {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written
            .map_err(|error| Failure::failed(format_args!("cannot write the answer: {error}"))),
    }
}
