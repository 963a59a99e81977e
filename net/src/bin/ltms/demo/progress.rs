//! How far it is, on standard error: one line that changes on a terminal, a line for each step
//! elsewhere.

use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

/// How often the line on a terminal is renewed.
const BEAT: Duration = Duration::from_millis(100);

pub(super) struct Progress {
    terminal: bool,
    began: Instant,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { terminal: stderr().is_terminal(), began: Instant::now() }
    }

    /// Since the beginning.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Says what is being done.
    pub(super) fn say(&self, text: &str) {
        let seconds = self.began.elapsed().as_secs_f32();
        // Nothing can be done about a closed standard error.
        let _ = if self.terminal {
            write!(stderr(), "\r\x1b[2K{seconds:5.1} s  {text}").and_then(|()| stderr().flush())
        } else {
            writeln!(stderr(), "{seconds:5.1} s  {text}")
        };
    }

    /// Says what is being done, on a terminal again and again, until it is done.
    pub(super) async fn during<T>(
        &self,
        text: impl Fn() -> String,
        done: impl Future<Output = T>,
    ) -> T {
        tokio::pin!(done);
        let mut beat = tokio::time::interval(BEAT);
        loop {
            tokio::select! {
                result = &mut done => {
                    self.say(&text());
                    return result;
                }
                _ = beat.tick(), if self.terminal => self.say(&text()),
            }
        }
    }

    /// Clears the line for what follows.
    pub(super) fn end(&self) {
        if self.terminal {
            let _ = write!(stderr(), "\r\x1b[2K").and_then(|()| stderr().flush());
        }
    }
}
