//! What a node remembers when it is stopped, killed, or its store damaged.

mod files;
mod kill;
mod restart;
mod world;
