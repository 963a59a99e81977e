//! How a node is.

use std::fmt;

use ltms_core::Posture;

/// How a node is, for whoever watches over it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// How strangers are treated.
    pub posture: Posture,
    /// Whether there is a store, and why what is decided now is not in it.
    pub store: Option<Result<(), String>>,
    /// How often the limits were set while it runs.
    pub reloads: u32,
    /// The keys whose new values wait for a restart.
    pub waiting: Vec<String>,
}

impl Health {
    /// Whether all is as it should be: the node knows its bans and keeps what it decides. One that
    /// is not goes on, and refuses whom it refused; started again, it could not.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.posture != Posture::Guarded && !matches!(self.store, Some(Err(_)))
    }
}

/// `ok` or `degraded`, then a line for each part.
impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let posture = match self.posture {
            Posture::Lockdown => "lockdown",
            Posture::Guarded => "guarded",
            _ => "normal",
        };
        writeln!(f, "{}", if self.is_good() { "ok" } else { "degraded" })?;
        writeln!(f, "posture: {posture}")?;
        match &self.store {
            None => writeln!(f, "store: none")?,
            Some(Ok(())) => writeln!(f, "store: written")?,
            Some(Err(problem)) => writeln!(f, "store: not written: {problem}")?,
        }
        let times = if self.reloads == 1 { "time" } else { "times" };
        write!(f, "configuration: reloaded {} {times}", self.reloads)?;
        if !self.waiting.is_empty() {
            write!(f, "; for a restart: {}", self.waiting.join(", "))?;
        }
        writeln!(f)
    }
}
