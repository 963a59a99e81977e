//! Whole nodes on 127.0.0.1.

#[path = "../common/mod.rs"]
mod common;

mod budgets;
mod claims;
mod clock;
mod crowd;
mod dht;
mod dialling;
mod directory;
mod discovery;
mod fairness;
mod foreign;
mod histories;
mod hostile;
mod networks;
mod nonsense;
mod operator;
mod reach;
mod recording;
mod refresh;
mod reorganisation;
mod rotation;
mod session_steps;
mod sessions;
mod shutdown;
mod sixteen;
mod slow;
mod starving;
mod wild;
mod withdrawals;
mod world;
