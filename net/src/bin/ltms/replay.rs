//! `ltms replay`: what a Gate decided, decided again.

use std::{fs, path::PathBuf};

use ltms_core::record::{Replay, ReplayError, record_len};

use crate::{failure::Failure, output::line};

#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// A recording, in bytes or in lines
    file: PathBuf,
    /// Print it in lines, each with what it says, to copy some of them
    #[arg(long)]
    lines: bool,
}

/// Makes every call of a recording again and prints the answers that differ.
///
/// # Errors
/// Exit code 1 if one differs, 2 if the file cannot be read or replayed.
pub(crate) fn run(args: &ReplayArgs) -> Result<(), Failure> {
    let name = args.file.display();
    let refuse = |what: &dyn std::fmt::Display| Failure::usage(format_args!("{name}: {what}"));
    let bytes = fs::read(&args.file).map_err(|error| refuse(&error))?;
    let bytes = sequence(bytes).map_err(|error| refuse(&error))?;
    let mut rest = &bytes[..];
    let header = next(&mut rest).ok().flatten().ok_or_else(|| refuse(&ReplayError::Header))?;
    let mut replay = Replay::new(header).map_err(|error| refuse(&error))?;
    let version = replay.version().escape_debug().to_string();
    if args.lines {
        line(format_args!("{} # recorded by {version}", hex::encode(header)))?;
    }
    let (mut calls, mut differ) = (0u64, 0u64);
    loop {
        let refuse =
            |what: &dyn std::fmt::Display| refuse(&format_args!("call {}: {what}", calls + 1));
        let Some(record) = next(&mut rest).map_err(|error| refuse(&error))? else { break };
        let step = match replay.step(record) {
            Ok(step) => step,
            // It was not handed out because an answer before differs.
            Err(error @ ReplayError::Ticket(_)) if differ > 0 => {
                line(format_args!("{}call {}: {error}", comment(args), calls + 1))?;
                (calls, differ) = (calls + 1, differ + 1);
                continue;
            }
            Err(error) => return Err(refuse(&error)),
        };
        calls += 1;
        differ += u64::from(!step.holds());
        if args.lines {
            line(format_args!("{} # {step}", hex::encode(record)))?;
        } else if !step.holds() {
            line(format_args!("call {calls}: {step}"))?;
        }
    }
    if differ > 0 {
        return Err(Failure::failed(format_args!("{differ} of {calls} answers differ")));
    }
    line(format_args!("{}{calls} calls, answered as {version} did", comment(args)))
}

/// What is no record begins so among lines.
const fn comment(args: &ReplayArgs) -> &'static str {
    if args.lines { "# " } else { "" }
}

/// The plain sequence; from lines, in which `#` begins a comment, if it is not in bytes already.
fn sequence(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    // An array's first byte is no text.
    let Ok(text) = str::from_utf8(&bytes) else { return Ok(bytes) };
    let records = text.lines().enumerate().map(|(number, line)| {
        let hex = line.split('#').next().unwrap_or_default().trim();
        hex::decode(hex).map_err(|error| format!("line {}: {error}", number + 1))
    });
    Ok(records.collect::<Result<Vec<_>, _>>()?.concat())
}

/// The next record, taken off the front.
fn next<'b>(rest: &mut &'b [u8]) -> Result<Option<&'b [u8]>, String> {
    if rest.is_empty() {
        return Ok(None);
    }
    let len = record_len(rest).map_err(|error| error.to_string())?;
    let len = len.ok_or("the recording ends within it")?;
    let (record, after) = rest.split_at(len);
    *rest = after;
    Ok(Some(record))
}
