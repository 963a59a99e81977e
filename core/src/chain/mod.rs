//! Transactions, blocks and proofs of the Lotus chain.
