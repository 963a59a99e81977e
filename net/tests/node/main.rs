//! Whole nodes on 127.0.0.1.

mod discovery;
mod world;
