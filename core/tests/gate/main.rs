//! The Gate from outside: what it answers to honest and to hostile peers, by reason and by state.

mod ads;
mod anchored;
mod breaker;
mod burn_regressions;
mod burns;
mod cells;
mod clock;
mod contest;
mod credits;
mod delegates;
mod faults;
mod find;
mod freshness;
mod full_bans;
mod full_identities;
mod full_keys;
mod full_peers;
mod group_bans;
mod hello;
mod honest;
mod observe;
mod operator;
mod proven;
mod random;
mod regressions;
mod reorg;
mod replay;
mod reputation;
mod rotation;
mod slots;
mod storage;
mod strangers;
mod windows;
mod world;

mod claims;
