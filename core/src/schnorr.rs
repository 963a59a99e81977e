//! Lotus Schnorr signatures.
