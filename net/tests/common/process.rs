//! What a process uses, as Linux counts it.

use std::fs::read_to_string;

/// Hundredths of a second: the unit of Linux's `/proc`.
const TICKS: f64 = 100.0;

/// A process: this one, or another of the same user.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Process {
    This,
    Other(u32),
}

impl Process {
    fn read(self, file: &str) -> String {
        let path = match self {
            Self::This => format!("/proc/self/{file}"),
            Self::Other(id) => format!("/proc/{id}/{file}"),
        };
        read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Seconds of a processor that it has used.
    pub(crate) fn processor(self) -> f64 {
        let text = self.read("stat");
        let fields: Vec<&str> =
            text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let number = |field: usize| fields[field].parse::<f64>().expect("a number");
        // `utime` and `stime`, the 14th and 15th field.
        (number(11) + number(12)) / TICKS
    }

    /// KiB of its memory that are resident.
    pub(crate) fn resident(self) -> u64 {
        let text = self.read("status");
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("kB")
    }
}
