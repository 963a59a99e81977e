//! The network behaviours and how they are set up.

pub mod connections;
pub mod gossip;
mod messages;
pub mod streams;

/// A part of the stack refused its settings.
#[derive(Debug, thiserror::Error)]
#[error("{part} could not be set up: {problem}")]
pub struct SetupError {
    part: &'static str,
    problem: String,
}

impl SetupError {
    pub(crate) fn new(part: &'static str, problem: impl ToString) -> Self {
        Self { part, problem: problem.to_string() }
    }
}
