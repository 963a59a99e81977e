//! Every signed body on the wire.
