/*
 * ltms: admission policy for Lotus MuSig2 signer discovery.
 *
 * The library says yes or no to what peers send, and why. It never reads a clock, opens a socket or
 * a file, and keeps no global state: time, randomness, bytes and memory are arguments. See
 * ffi-c/README.md for examples, docs/api-c.md for a guide, docs/wire.md for the messages.
 *
 * This file is generated; do not edit it.
 *
 * Rules for every function
 *
 * Result     An ltms_status; LTMS_OK is 0. What a peer sent can only lead to a decision, or to the
 *            status that names what is wrong with it; the statuses up to LTMS_UNLISTED tell of a
 *            mistake in the calling program. ltms_status_text says it in words.
 * Arguments  First the Gate or what else is changed, then outputs, then inputs; the length of an
 *            array follows the array.
 * Outputs    Are written only with LTMS_OK. The content of buffers (not of structs) is unspecified
 *            otherwise. Outputs may not overlap inputs.
 * Pointers   NULL gives LTMS_NULL and a misaligned pointer LTMS_ALIGNMENT, but for arrays of length
 *            0, which may be NULL. Whether there is memory behind a pointer cannot be checked.
 * Ownership  All memory is the caller's, but for Gates of ltms_gate_new and for replays. The library
 *            keeps no pointer after a call, but for the memory of ltms_gate_init and
 *            ltms_sessions_init.
 * Structs    That begin with struct_size may get more fields at their end: set it to their sizeof,
 *            and the rest to zero, before every call, outputs included. Flags are 0 or 1.
 * Time       Milliseconds since 1970-01-01 UTC, given with every call (now_ms). It may stand still
 *            and jump. An end of LTMS_NEVER means: until lifted.
 * Threads    "Threads: any" functions can be called by many threads at once with different outputs.
 *            A Gate takes one call at a time: a second thread gets LTMS_BUSY, so put a mutex around
 *            it. A Gate may be used by one thread after another. A table of sessions likewise.
 * Lists      Are read in pages into an array of the caller's: `capacity` is how many items it has
 *            room for, `*count` how many were written. A page that is not full is the last.
 * Panics     The library does not panic. If it did all the same, the call gives LTMS_PANIC, and its
 *            Gate can only be freed then; the library for devices would stop there.
 */
