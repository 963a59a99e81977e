//! What is printed, without `core::fmt`.

use ltms_core::Decision;

use crate::board::{self, Cost, measure, print};

/// Prints answers and costs.
pub struct Report {
    /// Instructions of one step of the timer.
    step: u32,
    /// What measuring nothing takes.
    nothing: Cost,
}

impl Report {
    pub fn begin() -> Self {
        board::start_timer();
        let mut report = Self { step: board::step(), nothing: Cost { stack: 0, instructions: 0 } };
        report.nothing = measure(report.step, &mut || ());
        report.is("instructions a step", report.step.into());
        report
    }

    /// The last line: the program came to its end.
    pub fn end(&self) {
        print("done\n");
    }

    /// An answer.
    pub fn is(&self, name: &str, value: u64) {
        line("is", name, &[value]);
    }

    /// A decision, by its reason's code.
    pub fn decided(&self, name: &str, decision: Decision) {
        self.is(name, decision.reason.code().into());
    }

    pub fn size(&self, name: &str, bytes: usize) {
        line("size", name, &[bytes as u64]);
    }

    /// Makes a call, prints what it took, and returns its answer.
    pub fn cost<T>(&self, name: &str, call: impl FnOnce() -> T) -> Option<T> {
        let (cost, answer) = self.measured(call);
        self.print(name, cost);
        answer
    }

    /// What a call took, and its answer.
    pub fn measured<T>(&self, call: impl FnOnce() -> T) -> (Cost, Option<T>) {
        let (mut call, mut answer) = (Some(call), None);
        let cost = measure(self.step, &mut || answer = call.take().map(|call| call()));
        let less = |a: u32, b: u32| a.saturating_sub(b);
        let stack = less(cost.stack, self.nothing.stack);
        let instructions = less(cost.instructions, self.nothing.instructions);
        (Cost { stack, instructions }, answer)
    }

    pub fn print(&self, name: &str, cost: Cost) {
        line("cost", name, &[cost.stack.into(), cost.instructions.into()]);
    }
}

fn line(kind: &str, name: &str, values: &[u64]) {
    print(kind);
    print(" ");
    print(name);
    for value in values {
        print(" ");
        decimal(*value);
    }
    print("\n");
}

fn decimal(number: u64) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut from) = (number, digits.len());
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (rest % 10) as u8;
        (rest, from) = (rest / 10, at);
        if rest == 0 {
            break;
        }
    }
    let digits = digits.get(from..).unwrap_or_default();
    print(core::str::from_utf8(digits).unwrap_or_default());
}
