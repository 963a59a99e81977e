//! Chain sources against servers on 127.0.0.1 that replay, stall, break off and lie.

mod agree;
mod broken;
mod chronik;
mod encoder;
mod login;
mod lotusd;
mod server;
mod tls;
mod vectors;
