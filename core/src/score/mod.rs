//! Misbehaviour and reputation: two numbers that never mix.
