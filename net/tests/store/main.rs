//! What a node remembers when it is stopped, killed, or its store damaged.

mod check;
mod files;
mod kill;
mod pace;
mod restart;
mod world;
