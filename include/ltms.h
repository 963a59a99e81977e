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

#ifndef LTMS_H
#define LTMS_H

#include <stddef.h>
#include <stdint.h>

/* Define LTMS_BARE where the library for devices is linked. */
#ifndef LTMS_BARE
#define LTMS_HOSTED 1
#endif

/** The version that this header belongs to. */
#define LTMS_VERSION "0.1.0"
#define LTMS_VERSION_MAJOR 0
#define LTMS_VERSION_MINOR 1
#define LTMS_VERSION_PATCH 0

/** How a call went. Numbers are never reused; more may come. */
typedef int32_t ltms_status;
enum {
    /** done */
    LTMS_OK = 0,
    /** a pointer that has to lead somewhere is NULL */
    LTMS_NULL = 1,
    /** a length that no memory has, or that is not the one called for */
    LTMS_LENGTH = 2,
    /** a pointer is not aligned for what it points to */
    LTMS_ALIGNMENT = 3,
    /** struct_size is not set, or unknown fields are */
    LTMS_STRUCT_SIZE = 4,
    /** a number or flag is none of those that are called for */
    LTMS_VALUE = 5,
    /** there is no value there: never made, or already used */
    LTMS_EMPTY = 6,
    /** another thread is in a call with this Gate */
    LTMS_BUSY = 7,
    /** a ticket of another Gate */
    LTMS_OTHER_GATE = 8,
    /** the buffer or memory is too small */
    LTMS_BUFFER_TOO_SMALL = 9,
    /** there is no memory left */
    LTMS_OUT_OF_MEMORY = 10,
    /** the library failed; the Gate can no longer be used */
    LTMS_PANIC = 11,
    /** there is nothing of that name */
    LTMS_UNKNOWN_NAME = 12,
    /** text is not UTF-8 */
    LTMS_TEXT = 13,
    /** not so many hexadecimal digits */
    LTMS_HEX = 14,
    /** not a peer id */
    LTMS_PEER_ID = 15,
    /** an output index above 255 has no identity */
    LTMS_OUTPUT_INDEX = 16,
    /** the policy makes no sense; ltms_policy_validate names the field */
    LTMS_POLICY_INVALID = 17,
    /** an error that has no number in this version */
    LTMS_UNLISTED = 18,
    /** a compressed public key begins with 02 or 03 */
    LTMS_KEY_PREFIX = 20,
    /** the public key is not on the curve */
    LTMS_KEY_OFF_CURVE = 21,
    /** the secret key is zero or not below the group order */
    LTMS_KEY_OUT_OF_RANGE = 22,
    /** the secret key is not that of the author */
    LTMS_KEY_OTHER = 23,
    /** the script is longer than 223 bytes */
    LTMS_SCRIPT_TOO_LONG = 40,
    /** the script does not begin with OP_RETURN */
    LTMS_SCRIPT_NOT_OP_RETURN = 41,
    /** an operation of the script pushes no bytes */
    LTMS_SCRIPT_NOT_A_PUSH = 42,
    /** a push is not in its shortest form */
    LTMS_SCRIPT_NON_SHORTEST_PUSH = 43,
    /** the script ends too early */
    LTMS_SCRIPT_TRUNCATED = 44,
    /** the script's prefix is not LTMS */
    LTMS_SCRIPT_PREFIX = 45,
    /** the script's version is not 1 */
    LTMS_SCRIPT_VERSION = 46,
    /** the script's key has not 33 bytes */
    LTMS_SCRIPT_KEY_LENGTH = 47,
    /** the script's key does not begin with 02 or 03 */
    LTMS_SCRIPT_KEY_PREFIX = 48,
    /** the script's key is not on the curve */
    LTMS_SCRIPT_KEY_OFF_CURVE = 49,
    /** a push has the length of neither a time nor a purpose */
    LTMS_SCRIPT_PUSH_LENGTH = 50,
    /** the script's time is not a plain decimal number */
    LTMS_SCRIPT_TIME = 51,
    /** the script's time is too large */
    LTMS_SCRIPT_TIME_OVERFLOW = 52,
    /** the script's purpose is unknown */
    LTMS_SCRIPT_UNKNOWN_PURPOSE = 53,
    /** something follows the script's last push */
    LTMS_SCRIPT_TRAILING_BYTES = 54,
    /** the transaction ends too early */
    LTMS_TX_TRUNCATED = 60,
    /** a count or length in the transaction is not in its shortest form */
    LTMS_TX_NON_CANONICAL_SIZE = 61,
    /** a count or length in the transaction is too large */
    LTMS_TX_SIZE_TOO_LARGE = 62,
    /** an output is not an amount of money */
    LTMS_TX_VALUE_OUT_OF_RANGE = 63,
    /** the outputs together are more money than exists */
    LTMS_TX_SUM_OUT_OF_RANGE = 64,
    /** bytes follow the transaction */
    LTMS_TX_TRAILING_BYTES = 65,
    /** the transaction has no input of this index */
    LTMS_SIGHASH_NO_INPUT = 66,
    /** there is not one spent output for every input */
    LTMS_SIGHASH_SPENT_OUTPUTS = 67,
    /** there is no output that goes with the input */
    LTMS_SIGHASH_NO_OUTPUT = 68,
    /** a block header is 160 bytes */
    LTMS_HEADER_LENGTH = 70,
    /** the header's reserved field is not zero */
    LTMS_HEADER_RESERVED = 71,
    /** the header's version is not 1 */
    LTMS_HEADER_VERSION = 72,
    /** the header's block is too large */
    LTMS_HEADER_BLOCK_SIZE = 73,
    /** the header's height is negative */
    LTMS_HEADER_HEIGHT = 74,
    /** the target is negative */
    LTMS_TARGET_NEGATIVE = 75,
    /** no hash is below the target */
    LTMS_TARGET_ZERO = 76,
    /** the target has more than 256 bits */
    LTMS_TARGET_OVERFLOW = 77,
    /** the branch is deeper than 32 levels */
    LTMS_BRANCH_TOO_DEEP = 80,
    /** no leaf of a tree of this depth has this index */
    LTMS_BRANCH_INDEX = 81,
    /** a left node of the branch is missing */
    LTMS_BRANCH_MISSING_LEFT = 82,
    /** the proof ends too early */
    LTMS_PROOF_TRUNCATED = 90,
    /** unknown form of proof */
    LTMS_PROOF_FORM = 91,
    /** the proof does not end with whole links */
    LTMS_PROOF_LINKS = 92,
    /** no block has a transaction of this size */
    LTMS_PROOF_TX_SIZE = 93,
    /** the transaction is a coinbase */
    LTMS_PROOF_COINBASE = 94,
    /** the proof is of another transaction */
    LTMS_PROOF_OTHER_TRANSACTION = 95,
    /** the transaction has no such output */
    LTMS_PROOF_NO_OUTPUT = 96,
    /** the transaction is not in the block */
    LTMS_PROOF_ROOT = 97,
    /** the heights of block and anchor do not fit the links */
    LTMS_PROOF_HEIGHT = 98,
    /** the links do not lead to the anchor */
    LTMS_PROOF_ANCHOR = 99,
    /** a block lacks work */
    LTMS_PROOF_WORK = 100,
    /** the proof ends too early */
    LTMS_TX_OUT_PROOF_TRUNCATED = 110,
    /** a count is too large or not in its shortest form */
    LTMS_TX_OUT_PROOF_COUNT = 111,
    /** bytes follow the proof */
    LTMS_TX_OUT_PROOF_TRAILING_BYTES = 112,
    /** no block has this number of leaves */
    LTMS_TX_OUT_PROOF_LEAVES = 113,
    /** the tree lacks hashes */
    LTMS_TX_OUT_PROOF_TOO_FEW_HASHES = 114,
    /** the tree has no place for some hashes */
    LTMS_TX_OUT_PROOF_UNUSED_HASHES = 115,
    /** the tree lacks flags */
    LTMS_TX_OUT_PROOF_TOO_FEW_FLAGS = 116,
    /** the tree has no node for some flags */
    LTMS_TX_OUT_PROOF_UNUSED_FLAGS = 117,
    /** a txhash is flagged instead of a txid */
    LTMS_TX_OUT_PROOF_FLAGGED_TXHASH = 118,
    /** two neighbours in the tree are equal */
    LTMS_TX_OUT_PROOF_EQUAL_SIBLINGS = 119,
    /** the tree is not that of the header */
    LTMS_TX_OUT_PROOF_ROOT = 120,
    /** the transaction is flagged twice */
    LTMS_TX_OUT_PROOF_REPEATED = 121,
    /** the proof is not of this transaction */
    LTMS_TX_OUT_PROOF_OTHER_TRANSACTION = 122,
    /** the envelope is larger than the protocol allows */
    LTMS_WIRE_OVERSIZE = 130,
    /** unknown kind of message */
    LTMS_WIRE_UNKNOWN_KIND = 131,
    /** a message of another kind than is called for */
    LTMS_WIRE_WRONG_KIND = 132,
    /** unknown field of a body */
    LTMS_WIRE_UNKNOWN_FIELD = 133,
    /** not of the shape that the format calls for */
    LTMS_WIRE_SHAPE = 134,
    /** a required field is missing */
    LTMS_WIRE_MISSING_FIELD = 135,
    /** a delegation without an identity */
    LTMS_WIRE_NO_AUTHORITY = 136,
    /** transaction types do not ascend */
    LTMS_WIRE_TYPE_ORDER = 137,
    /** the least amount is above the largest */
    LTMS_WIRE_AMOUNT_RANGE = 138,
    /** not the deterministic encoding */
    LTMS_WIRE_NOT_DETERMINISTIC = 139,
    /** a text is too long or has invisible characters */
    LTMS_WIRE_TEXT = 140,
    /** not two to fifteen signers in order, of whom one announces */
    LTMS_WIRE_SIGNERS = 141,
    /** an address is too long */
    LTMS_ADDRESS_TOO_LONG = 145,
    /** an address is not of a known form */
    LTMS_ADDRESS_FORM = 146,
    /** an address names another peer */
    LTMS_ADDRESS_OTHER_PEER = 147,
    /** an address is not globally reachable */
    LTMS_ADDRESS_UNREACHABLE = 148,
    /** every row of the peer table belongs to a connected peer */
    LTMS_CAPACITY_PEERS = 160,
    /** the operator's quarter of the ban table is full */
    LTMS_CAPACITY_BANS = 161,
    /** no such identity or key is known */
    LTMS_CAPACITY_UNKNOWN = 162,
    /** the Gate is not empty */
    LTMS_SNAPSHOT_NOT_EMPTY = 170,
    /** not a snapshot of this kind */
    LTMS_SNAPSHOT_NOT_A_SNAPSHOT = 171,
    /** a snapshot that this version cannot read */
    LTMS_SNAPSHOT_TOO_NEW = 172,
    /** not as long as the snapshot says */
    LTMS_SNAPSHOT_LENGTH = 173,
    /** the snapshot is damaged */
    LTMS_SNAPSHOT_DAMAGED = 174,
    /** a snapshot of another network */
    LTMS_SNAPSHOT_OTHER_NETWORK = 175,
    /** a snapshot made under another seed */
    LTMS_SNAPSHOT_OTHER_SEED = 176,
    /** a section of the snapshot is not known and may not be skipped */
    LTMS_SNAPSHOT_UNKNOWN_SECTION = 177,
    /** a section of the snapshot is missing or misshapen */
    LTMS_SNAPSHOT_SECTION = 178,
    /** a record of the snapshot is none that a Gate writes */
    LTMS_SNAPSHOT_RECORD = 179,
    /** no room for what may not be dropped */
    LTMS_SNAPSHOT_NO_ROOM = 180,
    /** the seal does not hold */
    LTMS_SNAPSHOT_SEAL = 181,
    /** an older snapshot was given */
    LTMS_SNAPSHOT_REPLAYED = 182,
    /** not the header of a recording */
    LTMS_RECORD_HEADER = 190,
    /** a recording in a format that this version does not read */
    LTMS_RECORD_FORMAT = 191,
    /** the recording's policy is not the one that its hash names */
    LTMS_RECORD_POLICY_HASH = 192,
    /** a table of the recording has more than 2^20 rows */
    LTMS_RECORD_CAPACITY = 193,
    /** not a record of this version */
    LTMS_RECORD_UNREADABLE = 194,
    /** no call before this one handed out its ticket */
    LTMS_RECORD_TICKET = 195,
};

/** Why a decision is what it is. Numbers are never reused. */
enum {
    /** (ignore) No decision was made. */
    LTMS_REASON_UNJUDGED = 0,
    /** (accept) Valid and new. */
    LTMS_REASON_NEW = 1,
    /** (accept) The newest message of its author, met for the first time on this channel. */
    LTMS_REASON_KNOWN = 2,
    /** (accept) To be processed, but its connection is over its window: read it no further until `retry_at`. */
    LTMS_REASON_THROTTLE = 3,
    /** (accept) Nothing stands against it. */
    LTMS_REASON_CLEAR = 4,
    /** (accept) Let in from a banned address group: it has until `retry_at` to prove an identity, and is cut off from gossip until it did. */
    LTMS_REASON_PROVE_IDENTITY = 5,
    /** (ignore) `expires_at` has passed. */
    LTMS_REASON_EXPIRED = 10,
    /** (ignore) `created_at` lies further ahead than clocks may differ. */
    LTMS_REASON_FUTURE = 11,
    /** (ignore) Pushed later than gossip may take. */
    LTMS_REASON_STALE = 12,
    /** (ignore) Older than the author's newest message, or a second one with the same time. */
    LTMS_REASON_REPLAYED = 13,
    /** (ignore) The author's newest message, already met on this channel. */
    LTMS_REASON_ALREADY_KNOWN = 14,
    /** (ignore) A withdrawal of what is not listed here: a stranger's, of another owner's key, or without a free row to remember it in. */
    LTMS_REASON_NOT_LISTED = 15,
    /** (ignore) The author's own window is spent. */
    LTMS_REASON_TOO_SOON = 20,
    /** (ignore) The window of all keys of the identity together is spent. */
    LTMS_REASON_IDENTITY_WINDOW = 21,
    /** (ignore) The connection's window is spent. */
    LTMS_REASON_CONNECTION_WINDOW = 22,
    /** (ignore) No signature may be checked just now: hold the message until `retry_at`. */
    LTMS_REASON_SIGNATURE_BUDGET = 23,
    /** (ignore) The strangers' window of the address group is spent. */
    LTMS_REASON_STRANGER_WINDOW = 24,
    /** (ignore) The identity, or the stranger's peer, has all the keys it may have. */
    LTMS_REASON_KEY_LIMIT = 25,
    /** (ignore) The node checks as many signatures as it may: hold the message until `retry_at`. */
    LTMS_REASON_NODE_BUSY = 27,
    /** (ignore) No unknown block header may be asked for just now. */
    LTMS_REASON_HEADER_BUDGET = 26,
    /** (ignore) The table is full and nothing in it may leave for this. */
    LTMS_REASON_TABLE_FULL = 30,
    /** (ignore) Strangers have all of the key table that they may have. */
    LTMS_REASON_STRANGER_SHARE = 31,
    /** (ignore) No connection of this kind is free. */
    LTMS_REASON_CONNECTION_LIMIT = 32,
    /** (ignore) The address group has all the connections that it may have. */
    LTMS_REASON_GROUP_LIMIT = 33,
    /** (ignore) The identity is not registered here. */
    LTMS_REASON_UNKNOWN_IDENTITY = 40,
    /** (ignore) Made under a later rotation than is known here, or under another of the last sequence. */
    LTMS_REASON_NEED_HISTORY = 41,
    /** (ignore) Made under an earlier rotation. */
    LTMS_REASON_SUPERSEDED = 42,
    /** (ignore) The identity's burn is not in the chain at present. */
    LTMS_REASON_SUSPENDED = 43,
    /** (ignore) A burn at or before the last that was used for its purpose. */
    LTMS_REASON_BURN_USED = 44,
    /** (ignore) A stranger's advertisement that did not come from the very peer it advertises. */
    LTMS_REASON_STRANGER_ELSEWHERE = 45,
    /** (ignore) A burn whose purpose has no price under this policy. */
    LTMS_REASON_NOT_CHARGED = 46,
    /** (ignore) The burn has too few confirmations yet. */
    LTMS_REASON_IMMATURE = 47,
    /** (ignore) The key is the current key of another identity, or delegated by a newer delegation. */
    LTMS_REASON_KEY_TAKEN = 48,
    /** (ignore) The block is not in the active chain of our source. */
    LTMS_REASON_UNKNOWN_BLOCK = 49,
    /** (ignore) The peer or key is banned until a time. */
    LTMS_REASON_GRAYLISTED = 50,
    /** (ignore) The peer is banned until lifted. */
    LTMS_REASON_BLACKLISTED = 51,
    /** (ignore) The identity is banned. */
    LTMS_REASON_IDENTITY_BANNED = 52,
    /** (ignore) Over a limit that only this node has. */
    LTMS_REASON_LOCAL_LIMIT = 53,
    /** (ignore) A kind, version, field or purpose that this version does not know. */
    LTMS_REASON_UNSUPPORTED = 54,
    /** (ignore) Evidence that is not enough to register. */
    LTMS_REASON_WEAK_EVIDENCE = 55,
    /** (ignore) The session's outcome is counted already, or its counterparty often enough today. */
    LTMS_REASON_NOT_COUNTED = 56,
    /** (ignore) The last rotation may still be contested, so none can follow it yet. */
    LTMS_REASON_NOT_FINAL = 57,
    /** (ignore) The chain stepped back further than it should; nothing changes until that is confirmed. */
    LTMS_REASON_CHAIN_SUSPECT = 58,
    /** (ignore) The address group is banned for strangers; whoever proves a registered identity passes. */
    LTMS_REASON_GROUP_BANNED = 59,
    /** (reject) Larger than the protocol allows. */
    LTMS_REASON_OVERSIZE = 60,
    /** (reject) Not the deterministic encoding of a message. */
    LTMS_REASON_MALFORMED = 61,
    /** (reject) A signature does not verify. */
    LTMS_REASON_INVALID_SIGNATURE = 62,
    /** (reject) The author is neither the identity's current key nor delegated by it. */
    LTMS_REASON_NOT_DELEGATED = 63,
    /** (reject) Lives shorter or longer than the protocol allows. */
    LTMS_REASON_LIFETIME = 64,
    /** (reject) An address that cannot be dialled on this network, or that names another peer. */
    LTMS_REASON_ADDRESS = 65,
    /** (reject) Text too long, or with control, direction or invisible characters. */
    LTMS_REASON_TEXT = 66,
    /** (reject) The output is no LTMS burn of the expected purpose. */
    LTMS_REASON_SCRIPT = 67,
    /** (reject) The burn is smaller than its purpose costs. */
    LTMS_REASON_BURN_TOO_SMALL = 68,
    /** (reject) The transaction has no such output, or one whose index has no identity. */
    LTMS_REASON_NO_SUCH_OUTPUT = 69,
    /** (reject) The branch does not lead from the transaction to the block. */
    LTMS_REASON_NOT_IN_BLOCK = 70,
    /** (reject) The coinbase cannot be a burn. */
    LTMS_REASON_COINBASE = 71,
    /** (reject) The bytes are no transaction. */
    LTMS_REASON_TRANSACTION = 72,
    /** (ignore) No session of this id is open here. */
    LTMS_REASON_UNKNOWN_SESSION = 80,
    /** (ignore) Not one of the session's signers, or not the one that may do this. */
    LTMS_REASON_NOT_A_SIGNER = 81,
    /** (ignore) Not in the session's phase. */
    LTMS_REASON_WRONG_PHASE = 82,
    /** (ignore) The identity, or all strangers together, take part in all the sessions that they may. */
    LTMS_REASON_SESSION_LIMIT = 83,
    /** (ignore) The current key of an identity, which is no session key. */
    LTMS_REASON_SHARED_KEY = 84,
};


/**
 * The most addresses of an advertisement.
 */
#define LTMS_ADDRESSES_MAX 8

/**
 * The most transaction types of an advertisement.
 */
#define LTMS_TYPES_MAX 16

/**
 * The most signers of a session.
 */
#define LTMS_SIGNERS_MAX 15

/**
 * The most bytes of an announcement's body.
 */
#define LTMS_ANNOUNCEMENT_MAX 640

/**
 * The most inputs of a transaction that ltms_tx_sighash takes.
 */
#define LTMS_SIGHASH_INPUTS_MAX 16

/**
 * The longest script of a burn, in bytes.
 */
#define LTMS_SCRIPT_MAX 223

/**
 * A registration, which has no purpose and no identity yet.
 */
#define LTMS_PURPOSE_NONE 0

/**
 * The script's key becomes the identity's current key.
 */
#define LTMS_PURPOSE_ROTATION 1

/**
 * One more key slot; the script's key is the added key.
 */
#define LTMS_PURPOSE_ADDITIONAL_KEY 2

/**
 * One signing request, where requests are charged for.
 */
#define LTMS_PURPOSE_SIGNING_REQUEST 3

/**
 * Seven more days of lifetime, where lifetime is charged for.
 */
#define LTMS_PURPOSE_WEEKLY_EXTENSION 4

/**
 * One more transaction type above four, where types are charged for.
 */
#define LTMS_PURPOSE_DIRECTORY_ENTRY 5

/**
 * Adds to the tier's total.
 */
#define LTMS_PURPOSE_TOP_UP 6

/**
 * Proof of work only: never enough to register.
 */
#define LTMS_EVIDENCE_WEAK 0

/**
 * Linked to a block that the device's owner trusts.
 */
#define LTMS_EVIDENCE_ANCHORED 1

/**
 * Told by an indexer and recomputed by us.
 */
#define LTMS_EVIDENCE_INDEXER 2

/**
 * Told by a node that we trust.
 */
#define LTMS_EVIDENCE_NODE 3

/**
 * There is nothing to tell.
 */
#define LTMS_EVENT_NONE 0

/**
 * Disconnect `peer` now and refuse it until `until_ms`; `reason` is what it was for.
 */
#define LTMS_EVENT_SANCTIONED 1

/**
 * `identity` was banned for proven faults until `until_ms`; `reason` is the last of them.
 */
#define LTMS_EVENT_IDENTITY_BANNED 2

/**
 * So many outbound peers violate windows that it must be our own doing: nobody is sanctioned for
 * that until `until_ms`.
 */
#define LTMS_EVENT_BREAKER_OPENED 3

/**
 * Window violations are sanctioned again.
 */
#define LTMS_EVENT_BREAKER_CLOSED 4

/**
 * The clock stepped forward by more than an hour; nothing is swept for ten minutes.
 */
#define LTMS_EVENT_CLOCK_STEPPED 5

/**
 * `peer` comes from a banned address group: cut it off from gossip before deduplication, until it
 * proved an identity or `until_ms`, when it will be sanctioned.
 */
#define LTMS_EVENT_PROVE_IDENTITY 6

/**
 * The address group `group` was banned until `until_ms`, because the ban table was full.
 */
#define LTMS_EVENT_GROUP_BANNED 7

/**
 * Strangers are treated as `posture` says from now on.
 */
#define LTMS_EVENT_POSTURE_CHANGED 8

/**
 * A burn of `identity` was accepted.
 */
#define LTMS_EVENT_REGISTERED 9

/**
 * The row of `identity` made room in a full table; with its burn it can register again.
 */
#define LTMS_EVENT_DISPLACED 10

/**
 * The burn of `identity` is no longer in the chain; look for it again.
 */
#define LTMS_EVENT_SUSPENDED 11

/**
 * The burn of `identity` is in the chain again.
 */
#define LTMS_EVENT_RESUMED 12

/**
 * The current key of `identity` changed.
 */
#define LTMS_EVENT_ROTATED 13

/**
 * Something that this version of the interface has no number for.
 */
#define LTMS_EVENT_OTHER 255

/**
 * Strangers are treated as the windows say.
 */
#define LTMS_POSTURE_NORMAL 0

/**
 * A ban found no room: strangers keep one eighth of their cells until there is room again.
 */
#define LTMS_POSTURE_LOCKDOWN 1

/**
 * The bans of the past are not known: as a lockdown, for as long as the Gate lives.
 */
#define LTMS_POSTURE_GUARDED 2

/**
 * Tables for a device of 16 KiB.
 */
#define LTMS_CAPACITY_TINY 0

/**
 * Tables for a small node, or a test: half a megabyte.
 */
#define LTMS_CAPACITY_SMALL 1

/**
 * Tables for a node: at most 64 MiB.
 */
#define LTMS_CAPACITY_NODE 2

/**
 * The most bytes of an envelope.
 */
#define LTMS_ENVELOPE_MAX 10000

/**
 * `peer` is meant.
 */
#define LTMS_SUBJECT_PEER 1

/**
 * `key` is meant.
 */
#define LTMS_SUBJECT_KEY 2

/**
 * `identity` is meant.
 */
#define LTMS_SUBJECT_IDENTITY 3

/**
 * `group`, the tag of an address group, is meant.
 */
#define LTMS_SUBJECT_GROUP 4

/**
 * The policy of the network: what every number is unless it is set.
 */
#define LTMS_POLICY_LOTUS_V1 0

/**
 * The same, but a registration waits for 144 confirmations.
 */
#define LTMS_POLICY_CAUTIOUS 1

/**
 * It waits for its signers.
 */
#define LTMS_PHASE_JOIN 0

/**
 * Every signer contributes its nonces.
 */
#define LTMS_PHASE_NONCE 1

/**
 * Every signer contributes its partial signature.
 */
#define LTMS_PHASE_PARTIAL_SIGNATURE 2

/**
 * Everything is there; whoever can check it says whether it is good.
 */
#define LTMS_PHASE_FINISH 3

/**
 * It is over.
 */
#define LTMS_PHASE_ENDED 4

/**
 * Announces the session: `announcement`.
 */
#define LTMS_STEP_ANNOUNCE 1

/**
 * Joins as `signer`, whose signature held.
 */
#define LTMS_STEP_JOIN 2

/**
 * The announcer begins `phase`.
 */
#define LTMS_STEP_BEGIN 3

/**
 * A peer says that it knows of `phase`; the announcer, that it has what our own node contributed.
 */
#define LTMS_STEP_ACKNOWLEDGE 4

/**
 * `signer` contributes to `phase`; its signature held.
 */
#define LTMS_STEP_CONTRIBUTE 5

/**
 * Ends it for `cause`, by the doing of `signer` if `has_signer` is 1. Signers end it only for
 * LTMS_OUTCOME_ABORT, and name themselves.
 */
#define LTMS_STEP_ABORT 6

/**
 * Our own node found all contributions good.
 */
#define LTMS_STEP_COMPLETE 7

/**
 * Our own node found what `signer` contributed, and signed, not good.
 */
#define LTMS_STEP_REFUSE 8

/**
 * There is nothing to tell of the sessions.
 */
#define LTMS_SESSION_NONE 0

/**
 * `phase` began: an announcer tells its signers, with what they contributed to the last one.
 */
#define LTMS_SESSION_BEGUN 1

/**
 * It is over: an announcer tells its signers, and a signer that aborts its announcer.
 */
#define LTMS_SESSION_ENDED 2

/**
 * How many bytes a seal adds to a snapshot.
 */
#define LTMS_SEAL_LEN 48

/**
 * The session completed.
 */
#define LTMS_OUTCOME_COMPLETED 0

/**
 * A phase it had acknowledged ran out of time.
 */
#define LTMS_OUTCOME_TIMEOUT 1

/**
 * The connection ended in a phase it had acknowledged.
 */
#define LTMS_OUTCOME_DISCONNECT 2

/**
 * Its own signed contribution did not verify.
 */
#define LTMS_OUTCOME_INVALID_SIGNATURE 3

/**
 * It ended the session.
 */
#define LTMS_OUTCOME_ABORT 4

/**
 * "Until lifted", where a time is the end of something.
 */
#define LTMS_NEVER UINT64_MAX

/**
 * The chain with money on it.
 */
#define LTMS_NETWORK_MAIN 0

/**
 * The public test chain.
 */
#define LTMS_NETWORK_TEST 1

/**
 * A private chain for tests.
 */
#define LTMS_NETWORK_REG 2

/**
 * Drop the message and say nothing: nobody is at fault as far as others can tell.
 */
#define LTMS_IGNORE 0

/**
 * Take the message and pass it on.
 */
#define LTMS_ACCEPT 1

/**
 * Drop the message, and tell gossip so: every honest node would.
 */
#define LTMS_REJECT 2

/**
 * A message came by gossip, maybe by way of others.
 */
#define LTMS_CHANNEL_GOSSIP 1

/**
 * A direct frame: pushed by the peer itself.
 */
#define LTMS_CHANNEL_DIRECT 2

/**
 * An item of somebody's directory that we asked for.
 */
#define LTMS_CHANNEL_DIRECTORY 4

/**
 * A DHT record.
 */
#define LTMS_CHANNEL_DHT 8

/**
 * Our own message: nobody pays and nobody is accused.
 */
#define LTMS_CHANNEL_OWN 16

/**
 * A gossip message: an envelope.
 */
#define LTMS_FRAME_GOSSIP 0

/**
 * A direct request or response.
 */
#define LTMS_FRAME_DIRECT 1

/**
 * A DHT record, or an item of a page or history that we asked for.
 */
#define LTMS_FRAME_RECORD 2

/**
 * All signatures hold.
 */
#define LTMS_SIGNATURE_VALID 0

/**
 * The author's signature does not.
 */
#define LTMS_SIGNATURE_INVALID 1

/**
 * The delegation's signature does not.
 */
#define LTMS_SIGNATURE_NOT_DELEGATED 2

/**
 * The peer dialled us.
 */
#define LTMS_INBOUND 0

/**
 * We dialled the peer.
 */
#define LTMS_OUTBOUND 1

/**
 * A Gate. Only the functions look inside.
 *
 * One thread at a time is in a call with a Gate; another one gets LTMS_BUSY meanwhile. A call
 * takes microseconds, so a mutex around it is enough.
 */
typedef struct ltms_gate ltms_gate;

#if defined(LTMS_HOSTED)
/**
 * A Gate as it was when a recording began, and the calls that followed. Only the functions look
 * inside.
 */
typedef struct ltms_replay ltms_replay;
#endif

/**
 * A table of sessions beside a Gate. Only the functions look inside. Its calls take one thread at
 * a time, as a Gate's do.
 */
typedef struct ltms_sessions ltms_sessions;

/**
 * A verdict and why. All zeros: no decision was made.
 */
typedef struct ltms_decision {
    /**
     * LTMS_IGNORE, LTMS_ACCEPT or LTMS_REJECT. It follows from the reason.
     */
    uint8_t verdict;
    /**
     * One of the LTMS_REASON numbers; ltms_strreason has its name.
     */
    uint8_t reason;
    /**
     * Zeros.
     */
    uint8_t reserved[6];
    /**
     * Unix time in milliseconds from which the same message passes this check; 0 where waiting
     * does not help.
     */
    uint64_t retry_at_ms;
} ltms_decision;

/**
 * A libp2p peer id, as the bytes of its multihash. Free to make, so nothing lasting hangs on it.
 */
typedef struct ltms_peer {
    /**
     * How many of `bytes` there are: 34, 38 or 39.
     */
    uint8_t len;
    /**
     * The multihash, then zeros.
     */
    uint8_t bytes[39];
} ltms_peer;

/**
 * Where a message came from.
 */
typedef struct ltms_source {
    /**
     * The connected peer that handed it to us, and that pays for it until its signature holds;
     * our own id for LTMS_CHANNEL_OWN.
     */
    struct ltms_peer peer;
    /**
     * The peer that signed the gossip message; `len` 0 where a channel has no such thing.
     */
    struct ltms_peer publisher;
    /**
     * One of the LTMS_CHANNEL numbers.
     */
    uint8_t channel;
} ltms_source;

/**
 * An advertisement that only lacks the check of its signatures, in memory of the caller's. It
 * belongs to the Gate that gave it, is used up by ltms_gate_settle_ad, and may be dropped.
 */
typedef struct ltms_ad_ticket {
    /**
     * For the library only.
     */
    uint64_t words[80];
} ltms_ad_ticket;

/**
 * A compressed secp256k1 public key; not known to lie on the curve.
 */
typedef struct ltms_public_key {
    /**
     * 02 or 03, and x, big-endian.
     */
    uint8_t bytes[33];
} ltms_public_key;

/**
 * A Lotus Schnorr signature.
 */
typedef struct ltms_signature {
    /**
     * R.x and s, both 32 bytes, big-endian.
     */
    uint8_t bytes[64];
} ltms_signature;

/**
 * A signature to check.
 */
typedef struct ltms_signed {
    /**
     * Whose signature it is said to be.
     */
    struct ltms_public_key key;
    /**
     * What is signed.
     */
    uint8_t hash[32];
    /**
     * The signature.
     */
    struct ltms_signature signature;
} ltms_signed;

/**
 * A burn-backed identity. It survives key rotation; reputation, burn, tier and bans hang on it.
 */
typedef struct ltms_identity {
    /**
     * The bytes, in the order in which they are displayed.
     */
    uint8_t bytes[32];
} ltms_identity;

/**
 * In whose name an author speaks.
 */
typedef struct ltms_authority {
    /**
     * The rotation under which the author speaks; 0 before the first.
     */
    uint64_t sequence;
    /**
     * When the delegation ends.
     */
    uint64_t not_after_ms;
    /**
     * The identity.
     */
    struct ltms_identity identity;
    /**
     * The delegation's signature, by the identity's current key.
     */
    struct ltms_signature delegation;
    /**
     * 0 for nobody (a stranger), 1 for an identity whose current key the author is, 2 for one that
     * delegated to the author.
     */
    uint8_t kind;
    /**
     * Zeros.
     */
    uint8_t reserved[7];
} ltms_authority;

/**
 * Bytes of somebody else's.
 */
typedef struct ltms_span {
    /**
     * The first; may be NULL if there are none.
     */
    const uint8_t *data;
    /**
     * How many.
     */
    size_t len;
} ltms_span;

/**
 * An advertisement: that a peer signs, what it signs, and where it is found.
 */
typedef struct ltms_ad {
    /**
     * sizeof(ltms_ad).
     */
    uint32_t struct_size;
    /**
     * How many `addresses` there are.
     */
    uint8_t address_count;
    /**
     * How many `types` there are; at least one.
     */
    uint8_t type_count;
    /**
     * 1 if `amount_min_sats` and `amount_max_sats` are given, else 0.
     */
    uint8_t has_amount;
    /**
     * 1 if `fee_sats` is given, else 0.
     */
    uint8_t has_fee;
    /**
     * When it was made.
     */
    uint64_t created_at_ms;
    /**
     * When it ends.
     */
    uint64_t expires_at_ms;
    /**
     * The least that a transaction may be worth.
     */
    uint64_t amount_min_sats;
    /**
     * The most.
     */
    uint64_t amount_max_sats;
    /**
     * What the signer asks for.
     */
    uint64_t fee_sats;
    /**
     * In whose name it is made.
     */
    struct ltms_authority authority;
    /**
     * Binary multiaddrs.
     */
    struct ltms_span addresses[LTMS_ADDRESSES_MAX];
    /**
     * At most 64 bytes of UTF-8; none if `data` is NULL.
     */
    struct ltms_span nickname;
    /**
     * At most 256 bytes of UTF-8; none if `data` is NULL.
     */
    struct ltms_span description;
    /**
     * Numbers of transaction types, ascending.
     */
    uint16_t types[LTMS_TYPES_MAX];
    /**
     * The key that signs it.
     */
    struct ltms_public_key author;
    /**
     * The advertised peer.
     */
    struct ltms_peer peer;
} ltms_ad;

/**
 * The announcement of a signing session.
 */
typedef struct ltms_announcement {
    /**
     * When it was made.
     */
    uint64_t created_at_ms;
    /**
     * The hash of what is to be signed. Nothing here looks into it.
     */
    uint8_t digest[32];
    /**
     * The signers' keys, strictly ascending.
     */
    struct ltms_public_key signers[LTMS_SIGNERS_MAX];
    /**
     * How many there are, at least two.
     */
    uint8_t signer_count;
    /**
     * Which of them announces, gathers and passes on; its key signs the announcement.
     */
    uint8_t announcer;
    /**
     * The announcer's peer, from whose connection alone it is taken.
     */
    struct ltms_peer peer;
    /**
     * Zeros.
     */
    uint8_t reserved[7];
} ltms_announcement;

/**
 * Somebody. Only the field that `kind` names is looked at.
 */
typedef struct ltms_subject {
    /**
     * The tag of a narrow address group, as events have it.
     */
    uint32_t group;
    /**
     * One of the LTMS_SUBJECT numbers.
     */
    uint8_t kind;
    /**
     * A libp2p peer.
     */
    struct ltms_peer peer;
    /**
     * An author key.
     */
    struct ltms_public_key key;
    /**
     * An identity.
     */
    struct ltms_identity identity;
} ltms_subject;

/**
 * A ban that is in force, or a sanction that waits to be one.
 */
typedef struct ltms_ban {
    /**
     * Its end, or LTMS_NEVER; of one that is held, when it comes into force.
     */
    uint64_t until_ms;
    /**
     * When it began; 0 where nobody noted that.
     */
    uint64_t since_ms;
    /**
     * When the first ban of this peer began; 0 where nobody noted that.
     */
    uint64_t first_ms;
    /**
     * Whose.
     */
    struct ltms_subject subject;
    /**
     * The first eight bytes of the SHA-256 of what it is for; zeros where that is not known.
     */
    uint8_t evidence[8];
    /**
     * What it is for: one of the LTMS_REASON numbers.
     */
    uint8_t reason;
    /**
     * 1 if the operator made it.
     */
    uint8_t by_operator;
    /**
     * 1 if it waits, and may never come into force.
     */
    uint8_t held;
    /**
     * Zeros.
     */
    uint8_t reserved[5];
} ltms_ban;

/**
 * The id of a transaction, in internal byte order; displayed reversed (ltms_txid_to_hex).
 */
typedef struct ltms_txid {
    /**
     * The bytes.
     */
    uint8_t bytes[32];
} ltms_txid;

/**
 * A transaction.
 */
typedef struct ltms_tx {
    /**
     * Bytes that it has.
     */
    uint64_t len;
    /**
     * How many inputs.
     */
    uint32_t inputs;
    /**
     * How many outputs.
     */
    uint32_t outputs;
    /**
     * Its version.
     */
    int32_t version;
    /**
     * Its lock time.
     */
    uint32_t lock_time;
    /**
     * 1 for a coinbase, else 0.
     */
    uint8_t coinbase;
    /**
     * Zeros.
     */
    uint8_t reserved[7];
    /**
     * Its id, which does not cover the unlocking scripts.
     */
    struct ltms_txid txid;
    /**
     * The hash of all its bytes, in internal byte order.
     */
    uint8_t txhash[32];
} ltms_tx;

/**
 * An output of a transaction.
 */
typedef struct ltms_output {
    /**
     * What it is worth, in satoshis.
     */
    uint64_t value_sats;
    /**
     * Its script, as it stands in the transaction.
     */
    struct ltms_span script;
} ltms_output;

/**
 * What a burn's script says.
 */
typedef struct ltms_burn_script {
    /**
     * When the burner says it was made, in milliseconds since the Unix epoch; nothing depends on
     * it. 0 if `has_timestamp` is.
     */
    uint64_t timestamp_ms;
    /**
     * A key on the curve; which one depends on the purpose.
     */
    struct ltms_public_key public_key;
    /**
     * Whose burn it is; zeros for LTMS_PURPOSE_NONE.
     */
    struct ltms_identity identity;
    /**
     * 1 if there is a timestamp, else 0.
     */
    uint8_t has_timestamp;
    /**
     * One of the LTMS_PURPOSE numbers.
     */
    uint8_t purpose;
    /**
     * Zeros.
     */
    uint8_t reserved[5];
} ltms_burn_script;

/**
 * What can be used in a second without end, and at once after a quiet time.
 */
typedef struct ltms_rate {
    /**
     * In each second without end, rounded up.
     */
    uint64_t per_second;
    /**
     * At once.
     */
    uint64_t burst;
} ltms_rate;

/**
 * Address groups that an attacker has to have.
 */
typedef struct ltms_group_count {
    /**
     * IPv4 /24 or IPv6 /56.
     */
    uint64_t narrow;
    /**
     * IPv4 /16 or IPv6 /32 that these have to lie in, at least.
     */
    uint64_t wide;
} ltms_group_count;

/**
 * A burn, and what it means beside the coins that miners make in a day.
 */
typedef struct ltms_price {
    /**
     * What is burned, in satoshis.
     */
    uint64_t burn_sats;
    /**
     * Of a day's issuance in November 2025, in 1/1,000,000; UINT64_MAX if that has no number.
     */
    uint64_t november_2025;
    /**
     * The same at height 1,292,529.
     */
    uint64_t height_1_292_529;
} ltms_price;

/**
 * The bounds of one policy with tables of one capacity. Bounds of work and memory are never below
 * what can happen, and prices never above what an attack costs.
 */
typedef struct ltms_certificate {
    /**
     * sizeof(ltms_certificate).
     */
    uint32_t struct_size;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * Bytes of the tables.
     */
    uint64_t tables;
    /**
     * Bytes of the Gate beside its tables.
     */
    uint64_t gate;
    /**
     * Connections at a time.
     */
    uint64_t connections;
    /**
     * Checks of signatures that fail or are pending, of the whole node.
     */
    struct ltms_rate checks;
    /**
     * Signatures that one check has at most.
     */
    uint64_t signatures_per_check;
    /**
     * Bytes that all connections may bring to be decoded.
     */
    struct ltms_rate bytes;
    /**
     * Bytes of unfinished frames of all connections.
     */
    uint64_t unfinished;
    /**
     * Unknown block headers asked for.
     */
    struct ltms_rate lookups;
    /**
     * Address groups that can have all inbound connections.
     */
    struct ltms_group_count inbound;
    /**
     * Address groups that drain strangers' cells, each advertising as often as it may, for one in
     * a hundred, half and 99 in a hundred of the honest groups.
     */
    struct ltms_group_count cells[3];
    /**
     * Rows of the key table that strangers may have.
     */
    uint64_t stranger_rows;
    /**
     * Address groups that can keep all of these rows taken.
     */
    struct ltms_group_count stranger_groups;
    /**
     * How long those need to take them, in milliseconds.
     */
    uint64_t stranger_fill_ms;
    /**
     * The burn that displaces the lowest of an identity table full of Basic, Verified or
     * Institutional signers.
     */
    struct ltms_price displace[3];
    /**
     * The burn for half of the key table.
     */
    struct ltms_price half_directory;
    /**
     * The burn for every row that newcomers may have in the identity table.
     */
    struct ltms_price fill_newcomers;
} ltms_certificate;

/**
 * A policy, in memory of the caller's. Only the functions look inside; copying it is fine.
 */
typedef struct ltms_policy {
    /**
     * For the library only.
     */
    uint64_t words[112];
} ltms_policy;

/**
 * How many rows each table has.
 */
typedef struct ltms_capacity {
    /**
     * sizeof(ltms_capacity).
     */
    uint32_t struct_size;
    /**
     * Peers that are connected or have something counted against them.
     */
    uint32_t peers;
    /**
     * Identities.
     */
    uint32_t identities;
    /**
     * Identities without a row of which something is remembered.
     */
    uint32_t tombstones;
    /**
     * Author keys, which is also the directory.
     */
    uint32_t keys;
    /**
     * Bans of peers; a quarter of the rows is the operator's.
     */
    uint32_t bans;
    /**
     * Address groups that peers were banned from. A quarter of `bans` is enough.
     */
    uint32_t groups;
    /**
     * Cells of strangers' windows.
     */
    uint32_t cells;
    /**
     * Pairs of signers whose outcomes were counted.
     */
    uint32_t outcomes;
} ltms_capacity;

/**
 * The hash of a block header, in internal byte order; displayed reversed
 * (ltms_block_hash_to_hex).
 */
typedef struct ltms_block_hash {
    /**
     * The bytes.
     */
    uint8_t bytes[32];
} ltms_block_hash;

/**
 * A block header. What it says is not known to be true.
 */
typedef struct ltms_header {
    /**
     * Its hash.
     */
    struct ltms_block_hash hash;
    /**
     * The block before it.
     */
    struct ltms_block_hash prev;
    /**
     * The root over its transactions.
     */
    uint8_t merkle_root[32];
    /**
     * Its time, in milliseconds since the Unix epoch.
     */
    uint64_t time_ms;
    /**
     * Its height.
     */
    uint32_t height;
    /**
     * Its target, in compact form.
     */
    uint32_t bits;
} ltms_header;

/**
 * What a proof of inclusion proved.
 */
typedef struct ltms_proved {
    /**
     * The header of the block. With LTMS_EVIDENCE_WEAK its height is only claimed.
     */
    struct ltms_header header;
    /**
     * The output's amount, in satoshis.
     */
    uint64_t value_sats;
    /**
     * The output's script, inside the proof's own bytes: good for as long as those are.
     */
    const uint8_t *script;
    /**
     * Its length.
     */
    size_t script_len;
    /**
     * The position of the transaction in its block, never 0.
     */
    uint32_t position;
    /**
     * Blocks that follow: up to the anchor, or as many as show their work.
     */
    uint32_t depth;
    /**
     * LTMS_EVIDENCE_ANCHORED or LTMS_EVIDENCE_WEAK.
     */
    uint8_t evidence;
} ltms_proved;

/**
 * A claim that lacks the check of its signatures, in memory of the caller's. It belongs to the
 * Gate that gave it, is used up by ltms_gate_settle_claim, and may be dropped.
 */
typedef struct ltms_claim_ticket {
    /**
     * For the library only.
     */
    uint64_t words[112];
} ltms_claim_ticket;

/**
 * A claim whose signatures hold and that lacks its block, in memory of the caller's. It belongs to
 * the Gate that gave it, is used up by ltms_gate_settle_burn, and may be dropped.
 */
typedef struct ltms_lookup_ticket {
    /**
     * For the library only.
     */
    uint64_t words[80];
} ltms_lookup_ticket;

/**
 * An output that burned, and the way from it to a block.
 */
typedef struct ltms_burn {
    /**
     * The whole raw transaction.
     */
    struct ltms_span transaction;
    /**
     * The hashes from the transaction to the block's root, 32 bytes each, the leaf's sibling
     * first; `len` is in bytes.
     */
    struct ltms_span branch;
    /**
     * The position of the transaction in the block.
     */
    uint32_t position;
    /**
     * The block.
     */
    struct ltms_block_hash block;
    /**
     * The index of the output.
     */
    uint8_t vout;
} ltms_burn;

/**
 * The time of a device without a clock, in memory of the caller's: the newest trusted header's
 * time plus what a counter has run since. For a policy whose "clock" is 1.
 *
 * Trust only headers that are linked to a block which the device's owner set, never just what a
 * peer brought.
 */
typedef struct ltms_chain_clock {
    /**
     * For the library only.
     */
    uint64_t words[6];
} ltms_chain_clock;

/**
 * A connection as the transport sees it.
 */
typedef struct ltms_connection {
    /**
     * The authenticated peer at the other end.
     */
    struct ltms_peer peer;
    /**
     * How many bytes the observed address has: 4 for IPv4, 16 for IPv6, 0 where a relay or a
     * proxy hides it.
     */
    uint8_t address_len;
    /**
     * The observed address, in network byte order.
     */
    uint8_t address[16];
    /**
     * LTMS_INBOUND or LTMS_OUTBOUND.
     */
    uint8_t direction;
} ltms_connection;

/**
 * A signer that was found.
 */
typedef struct ltms_found {
    /**
     * The identity's total burn, in satoshis.
     */
    uint64_t burned_sats;
    /**
     * End of the advertisement.
     */
    uint64_t expires_at_ms;
    /**
     * Its identity; zeros for a stranger.
     */
    struct ltms_identity identity;
    /**
     * The author key.
     */
    struct ltms_public_key key;
    /**
     * 0 for a stranger, else 1.
     */
    uint8_t has_identity;
    /**
     * The identity's score, 0 for a stranger.
     */
    uint8_t score;
} ltms_found;

/**
 * What a signer must offer.
 */
typedef struct ltms_criteria {
    /**
     * Transaction types, all of which are wanted: bit n for number n.
     */
    uint64_t types;
    /**
     * An amount in satoshis that must lie in the signer's range, if `has_amount` is 1.
     */
    uint64_t amount_sats;
    /**
     * 1 or 0.
     */
    uint8_t has_amount;
    /**
     * The least reputation score. Strangers have none and are found only with 0.
     */
    uint8_t min_score;
} ltms_criteria;

/**
 * An effect on somebody other than the caller. What does not belong to its kind is zero.
 */
typedef struct ltms_event {
    /**
     * sizeof(ltms_event); set it before ltms_gate_poll_event.
     */
    uint32_t struct_size;
    /**
     * The tag of an address group.
     */
    uint32_t group;
    /**
     * When it ends, or LTMS_NEVER.
     */
    uint64_t until_ms;
    /**
     * One of the LTMS_EVENT numbers. More may come: ignore unknown ones.
     */
    uint8_t kind;
    /**
     * One of the LTMS_REASON numbers.
     */
    uint8_t reason;
    /**
     * One of the LTMS_POSTURE numbers.
     */
    uint8_t posture;
    /**
     * Zeros.
     */
    uint8_t reserved[5];
    /**
     * A peer.
     */
    struct ltms_peer peer;
    /**
     * An identity.
     */
    struct ltms_identity identity;
} ltms_event;

/**
 * A registered identity.
 */
typedef struct ltms_registered {
    /**
     * How often its key was rotated.
     */
    uint64_t sequence;
    /**
     * Its total burn, in satoshis.
     */
    uint64_t burned_sats;
    /**
     * The height of its registration.
     */
    uint32_t height;
    /**
     * How well that is known: one of the LTMS_EVIDENCE numbers.
     */
    uint8_t evidence;
    /**
     * 1 if the burn is out of the chain at present.
     */
    uint8_t suspended;
    /**
     * Its reputation score, 0 to 100.
     */
    uint8_t score;
    /**
     * The identity.
     */
    struct ltms_identity identity;
    /**
     * Its current key.
     */
    struct ltms_public_key key;
} ltms_registered;

/**
 * A key that takes a slot of its identity.
 */
typedef struct ltms_owned_key {
    /**
     * When its newest advertisement ends or was withdrawn.
     */
    uint64_t ends_ms;
    /**
     * The key.
     */
    struct ltms_public_key key;
    /**
     * 1 if it is the identity's current key.
     */
    uint8_t current;
    /**
     * Zeros.
     */
    uint8_t reserved[6];
} ltms_owned_key;

/**
 * Counters and gauges.
 */
typedef struct ltms_metrics {
    /**
     * sizeof(ltms_metrics).
     */
    uint32_t struct_size;
    /**
     * Mean score of the identities, rounded down.
     */
    uint8_t average_reputation_score;
    /**
     * One of the LTMS_POSTURE numbers.
     */
    uint8_t posture;
    /**
     * 1 if the breaker is open.
     */
    uint8_t breaker_open;
    /**
     * Zero.
     */
    uint8_t reserved;
    /**
     * Window violations counted against peers and keys.
     */
    uint64_t rate_limit_violations;
    /**
     * Sanctions begun.
     */
    uint64_t peers_blocked;
    /**
     * Identities registered at present.
     */
    uint64_t identities_registered;
    /**
     * Sum of their burns, in satoshis.
     */
    uint64_t total_burned_sats;
    /**
     * The same per identity.
     */
    uint64_t average_burn_per_identity_sats;
    /**
     * Identities with a score below 30.
     */
    uint64_t peers_with_bad_reputation;
    /**
     * Expired messages refused and expired rows dropped.
     */
    uint64_t expired_entries_dropped;
    /**
     * Peers banned until lifted.
     */
    uint64_t blacklisted_peers;
    /**
     * Peers banned until a time.
     */
    uint64_t graylisted_peers;
    /**
     * Peers connected.
     */
    uint64_t active_peers;
    /**
     * Keys with a live advertisement.
     */
    uint64_t advertised_keys;
    /**
     * Signatures that were checked.
     */
    uint64_t signature_checks;
    /**
     * Bans that found no room.
     */
    uint64_t bans_not_recorded;
    /**
     * Bans that the ban of their address group stands for.
     */
    uint64_t bans_merged;
    /**
     * Address groups banned at present.
     */
    uint64_t banned_groups;
    /**
     * Rows of the ban table that the operator's bans have.
     */
    uint64_t operator_bans;
    /**
     * Rows of the ban table that all other bans have.
     */
    uint64_t automatic_bans;
    /**
     * Identities given up because their burn did not come back.
     */
    uint64_t identities_lapsed;
    /**
     * Identities whose row another took in a full table.
     */
    uint64_t identities_displaced;
    /**
     * Keys with a live advertisement whose row another took in a full table.
     */
    uint64_t keys_displaced;
    /**
     * Identities without a row of which something is remembered.
     */
    uint64_t tombstones;
    /**
     * Searches of a full table for a row that may leave.
     */
    uint64_t searches;
    /**
     * Proven faults of identities.
     */
    uint64_t identity_faults;
    /**
     * Bans of identities begun for proven faults.
     */
    uint64_t identities_banned;
    /**
     * Peers on the operator's allow-list.
     */
    uint64_t allowed_peers;
    /**
     * Sanctions for window violations that wait at present.
     */
    uint64_t sanctions_held;
    /**
     * How often the breaker has opened.
     */
    uint64_t breaker_opened;
    /**
     * How often an open breaker kept a peer from a sanction.
     */
    uint64_t sanctions_spared;
    /**
     * How often the clock stepped forward by more than an hour.
     */
    uint64_t clock_steps_forward;
    /**
     * How often the clock stepped back by more than a minute.
     */
    uint64_t clock_steps_back;
    /**
     * Messages taken only because windows are observed.
     */
    uint64_t would_windows;
    /**
     * Messages taken only because key limits are observed.
     */
    uint64_t would_keys;
    /**
     * Connections that only pass because group limits are observed.
     */
    uint64_t would_groups;
    /**
     * Automatic bans that did not begin because sanctions are observed.
     */
    uint64_t would_sanctions;
} ltms_metrics;

#if defined(LTMS_HOSTED)
/**
 * A call that was replayed.
 */
typedef struct ltms_replayed {
    /**
     * sizeof(ltms_replayed).
     */
    uint32_t struct_size;
    /**
     * The number of the call, as in docs/recording.md.
     */
    uint8_t call;
    /**
     * 1 if the answer is the recorded one.
     */
    uint8_t holds;
    /**
     * 1 if `decision` is the answer, else 0: it is of another kind.
     */
    uint8_t has_decision;
    /**
     * 1 if `recorded` was the answer.
     */
    uint8_t has_recorded;
    /**
     * The time that the Gate was given.
     */
    uint64_t now_ms;
    /**
     * What it answers now.
     */
    struct ltms_decision decision;
    /**
     * What it answered when it was recorded.
     */
    struct ltms_decision recorded;
    /**
     * What it was given: CBOR items in the record, one after another.
     */
    struct ltms_span arguments;
    /**
     * The name of the call, such as "screen_ad": text of the library's, not ended by a zero.
     */
    struct ltms_span call_name;
} ltms_replayed;
#endif

/**
 * What is known about somebody and what follows from it. What does not apply is zero, and so is a
 * time of "now" or "not at all" if not said otherwise.
 */
typedef struct ltms_standing {
    /**
     * sizeof(ltms_standing).
     */
    uint32_t struct_size;
    /**
     * The tag of the narrow address group of a peer; 0 if it has none.
     */
    uint32_t group;
    /**
     * LTMS_REASON_CLEAR, or the sanction in force.
     */
    struct ltms_decision decision;
    /**
     * When the first sanction began.
     */
    uint64_t first_sanctioned_at_ms;
    /**
     * When the last sanction began.
     */
    uint64_t last_sanctioned_at_ms;
    /**
     * The end of the group's ban, which is for strangers.
     */
    uint64_t group_until_ms;
    /**
     * Until when a peer that was let in from a banned group may prove an identity.
     */
    uint64_t prove_by_ms;
    /**
     * When a sanction for window violations, which waits, is due.
     */
    uint64_t held_until_ms;
    /**
     * When its connection may bring a message again, or a key or identity advertise.
     */
    uint64_t message_at_ms;
    /**
     * When a signature of the peer's may be checked again.
     */
    uint64_t signature_at_ms;
    /**
     * When a block header may be looked up for the peer again.
     */
    uint64_t header_at_ms;
    /**
     * How long a fault counts, from the first one counted on, in milliseconds.
     */
    uint64_t span_ms;
    /**
     * The total burn, in satoshis.
     */
    uint64_t burned_sats;
    /**
     * End of the newest advertisement; an identity's last to end.
     */
    uint64_t expires_at_ms;
    /**
     * Until when an anchored proof of the burn holds.
     */
    uint64_t proved_until_ms;
    /**
     * Confirmations of the registration.
     */
    uint32_t confirmations;
    /**
     * Completed sessions.
     */
    uint32_t sessions_completed;
    /**
     * Failed sessions.
     */
    uint32_t sessions_failed;
    /**
     * Keys that advertise.
     */
    uint16_t keys;
    /**
     * How many may.
     */
    uint16_t keys_max;
    /**
     * The identity that a key belongs to; zeros if none.
     */
    struct ltms_identity identity;
    /**
     * The first eight bytes of the SHA-256 of the evidence for the sanction.
     */
    uint8_t evidence[8];
    /**
     * 1 if there is a row at all.
     */
    uint8_t known;
    /**
     * What the sanction is for: one of the LTMS_REASON numbers.
     */
    uint8_t sanction_reason;
    /**
     * 1 if the operator made the ban.
     */
    uint8_t by_operator;
    /**
     * 1 if the operator exempts the peer from group limits and automatic sanctions.
     */
    uint8_t allowed;
    /**
     * Proven faults of an identity within the span.
     */
    uint8_t faults;
    /**
     * How many ban.
     */
    uint8_t faults_max;
    /**
     * Open connections.
     */
    uint8_t connections;
    /**
     * Window violations within the span.
     */
    uint8_t violations;
    /**
     * How many sanction.
     */
    uint8_t violations_max;
    /**
     * Invalid signatures within the span.
     */
    uint8_t invalid_signatures;
    /**
     * How many sanction.
     */
    uint8_t invalid_signatures_max;
    /**
     * Malformed items within the span.
     */
    uint8_t malformed;
    /**
     * How many sanction.
     */
    uint8_t malformed_max;
    /**
     * Faults of others passed on within the span.
     */
    uint8_t passed_on;
    /**
     * The tier in force: 1 Basic, 2 Verified, 3 Institutional; 0 for none.
     */
    uint8_t tier;
    /**
     * 1 if the burn is out of the chain at present.
     */
    uint8_t suspended;
    /**
     * Reputation score, 0 to 100.
     */
    uint8_t score;
    /**
     * 1 if the row left a full table, or the burn the chain: it can register again.
     */
    uint8_t displaced;
    /**
     * Zeros.
     */
    uint8_t reserved[6];
} ltms_standing;

/**
 * What somebody does in a session. Only the fields that the kind names are looked at.
 */
typedef struct ltms_step {
    /**
     * One of the LTMS_STEP numbers.
     */
    uint8_t kind;
    /**
     * One of the LTMS_PHASE numbers.
     */
    uint8_t phase;
    /**
     * The number of a signer: the place of its key in the announcement.
     */
    uint8_t signer;
    /**
     * 1 if `signer` is meant by LTMS_STEP_ABORT, else 0.
     */
    uint8_t has_signer;
    /**
     * One of the LTMS_OUTCOME numbers.
     */
    uint8_t cause;
    /**
     * Zeros.
     */
    uint8_t reserved[3];
    /**
     * What is announced.
     */
    const struct ltms_announcement *announcement;
} ltms_step;

/**
 * What has to be told about a session.
 */
typedef struct ltms_session_event {
    /**
     * One of the LTMS_SESSION numbers. More may come: ignore unknown ones.
     */
    uint8_t kind;
    /**
     * The phase that began.
     */
    uint8_t phase;
    /**
     * Why it ended: one of the LTMS_OUTCOME numbers.
     */
    uint8_t cause;
    /**
     * The signer whose doing it was, if `has_signer` is 1.
     */
    uint8_t signer;
    /**
     * 1 or 0.
     */
    uint8_t has_signer;
    /**
     * Zeros.
     */
    uint8_t reserved[3];
    /**
     * The session.
     */
    uint8_t session[16];
} ltms_session_event;

/**
 * A session that is open, or not yet forgotten.
 */
typedef struct ltms_session {
    /**
     * sizeof(ltms_session).
     */
    uint32_t struct_size;
    /**
     * Signers that have joined, as far as is known: bit n for number n.
     */
    uint16_t joined;
    /**
     * Signers that said that they know of the phase.
     */
    uint16_t acknowledged;
    /**
     * Signers that have contributed to the phase.
     */
    uint16_t contributed;
    /**
     * How many signers there are.
     */
    uint8_t signers;
    /**
     * Which of them announced it.
     */
    uint8_t announcer;
    /**
     * Which of them we are, if `has_own` is 1.
     */
    uint8_t own;
    /**
     * 1 if we have joined, else 0.
     */
    uint8_t has_own;
    /**
     * One of the LTMS_PHASE numbers.
     */
    uint8_t phase;
    /**
     * Why it ended: one of the LTMS_OUTCOME numbers.
     */
    uint8_t cause;
    /**
     * When it was announced here.
     */
    uint64_t opened_at_ms;
    /**
     * The end of its phase. Of a session that is over: until when it keeps the aborter's slot.
     */
    uint64_t deadline_ms;
    /**
     * The hash of what is to be signed.
     */
    uint8_t digest[32];
    /**
     * Its id.
     */
    uint8_t session[16];
} ltms_session;

/**
 * What a snapshot brought back.
 */
typedef struct ltms_restored {
    /**
     * sizeof(ltms_restored).
     */
    uint32_t struct_size;
    /**
     * Identities.
     */
    uint32_t identities;
    /**
     * Keys.
     */
    uint32_t keys;
    /**
     * Bans of peers and of address groups, with the allow-list.
     */
    uint32_t bans;
    /**
     * Identities that smaller tables had no room for: those of the lowest burns.
     */
    uint32_t dropped_identities;
    /**
     * Keys, likewise.
     */
    uint32_t dropped_keys;
    /**
     * Automatic bans, likewise: those that end first.
     */
    uint32_t dropped_bans;
    /**
     * Peers with faults, pairs of signers and windows of strangers, likewise.
     */
    uint32_t dropped_others;
    /**
     * The latest time that the Gate had been given. A device without a clock knows that it is
     * later now.
     */
    uint64_t saved_at_ms;
    /**
     * The counter of a sealed snapshot, else 0.
     */
    uint64_t counter;
} ltms_restored;

/**
 * What sessions with one identity were like, by itself and without a Gate, in memory of the
 * caller's.
 */
typedef struct ltms_reputation {
    /**
     * For the library only.
     */
    uint64_t words[8];
} ltms_reputation;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The one-call way: reads an envelope of `envelope_len` bytes, screens it, checks its signatures
 * and settles it.
 *
 * A direct frame is to pass ltms_gate_screen_frame before.
 *
 * Errors: LTMS_PEER_ID, LTMS_VALUE. Bad envelopes are decisions, not errors.
 * Threads: one at a time for a Gate. Takes a millisecond for a signature at most; to check
 * signatures on other threads, use a ticket.
 */
ltms_status ltms_gate_admit_ad(struct ltms_gate *gate,
                               struct ltms_decision *decision,
                               uint64_t now_ms,
                               const struct ltms_source *source,
                               const uint8_t *envelope,
                               size_t envelope_len);

/**
 * All checks of an envelope that are cheaper than its signatures.
 *
 * If `decision->reason` is LTMS_REASON_UNJUDGED afterwards, check the signatures of `*ticket`
 * (ltms_ad_ticket_verify, or in batches) and call ltms_gate_settle_ad; otherwise that is the
 * decision, and there is no ticket. LTMS_REASON_SIGNATURE_BUDGET and LTMS_REASON_NODE_BUSY mean:
 * hold the message and screen it again at `retry_at_ms`, for up to 4 seconds.
 *
 * Errors: LTMS_PEER_ID, LTMS_VALUE. Bad envelopes are decisions, not errors.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_screen_ad(struct ltms_gate *gate,
                                struct ltms_decision *decision,
                                struct ltms_ad_ticket *ticket,
                                uint64_t now_ms,
                                const struct ltms_source *source,
                                const uint8_t *envelope,
                                size_t envelope_len);

/**
 * Checks the signatures of a ticket one by one: `*check` becomes one of the LTMS_SIGNATURE
 * numbers.
 *
 * Errors: LTMS_EMPTY for a ticket that was never given, or was used up.
 * Threads: any, one at a time for a ticket.
 */
ltms_status ltms_ad_ticket_verify(uint8_t *check, const struct ltms_ad_ticket *ticket);

/**
 * The signatures of a ticket, for batches: writes at most two to `items` and how many they are to
 * `*count`.
 *
 * Errors: LTMS_EMPTY for a ticket that was never given, or was used up.
 * Threads: any, one at a time for a ticket.
 */
ltms_status ltms_ad_ticket_signatures(struct ltms_signed *items,
                                      size_t *count,
                                      const struct ltms_ad_ticket *ticket);

/**
 * What follows for a ticket from the checks of its signatures: `valid[i]` is 1 if the one of that
 * index, as ltms_ad_ticket_signatures gives them, holds, and 0 if not. `*check` becomes one of the
 * LTMS_SIGNATURE numbers.
 *
 * Errors: LTMS_LENGTH if `count` is not how many there are, LTMS_VALUE for another number,
 * LTMS_EMPTY for a ticket that was never given, or was used up.
 * Threads: any, one at a time for a ticket.
 */
ltms_status ltms_ad_ticket_check(uint8_t *check,
                                 const struct ltms_ad_ticket *ticket,
                                 const uint8_t *valid,
                                 size_t count);

/**
 * The verdict, once the signatures were checked; `check` is one of the LTMS_SIGNATURE numbers.
 * Everything is judged again, because another copy may have won meanwhile. Uses the ticket up.
 *
 * Errors: LTMS_EMPTY for a ticket that was never given, or was used up; LTMS_OTHER_GATE for one of
 * another Gate; LTMS_VALUE.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_settle_ad(struct ltms_gate *gate,
                                struct ltms_decision *decision,
                                uint64_t now_ms,
                                struct ltms_ad_ticket *ticket,
                                uint8_t check);

/**
 * Writes and signs an advertisement, as an envelope at the start of `envelope`, which has room for
 * `capacity` bytes (LTMS_ENVELOPE_MAX always do), and its length to `*envelope_len`. `secret_key`
 * is 32 bytes, of `ad->author`; the library keeps no copy.
 *
 * Errors: LTMS_WIRE_… and LTMS_ADDRESS_… for content that nobody would take, LTMS_KEY_OTHER,
 * LTMS_KEY_OUT_OF_RANGE, LTMS_PEER_ID, LTMS_LENGTH for too many addresses or types, LTMS_VALUE,
 * LTMS_TEXT, LTMS_STRUCT_SIZE, LTMS_BUFFER_TOO_SMALL. How long it may live is the Gate's to say.
 * Threads: any.
 */
ltms_status ltms_ad_sign(uint8_t *envelope,
                         size_t capacity,
                         size_t *envelope_len,
                         const struct ltms_ad *ad,
                         uint8_t network_number,
                         const uint8_t *secret_key);

/**
 * Reads the envelope of an advertisement, of `envelope_len` bytes. Addresses and texts lead into
 * the envelope: they are good for as long as it is. The signature was not checked.
 * `ad->struct_size` has to be set.
 *
 * Errors: LTMS_WIRE_…, LTMS_ADDRESS_…, LTMS_STRUCT_SIZE, LTMS_VALUE.
 * Threads: any.
 */
ltms_status ltms_ad_read(struct ltms_ad *ad,
                         uint8_t network_number,
                         const uint8_t *envelope,
                         size_t envelope_len);

/**
 * Writes the body of an announcement to the start of `body`, which has room for `capacity` bytes
 * (LTMS_ANNOUNCEMENT_MAX always do), its length to `*body_len`, the 16 bytes of the session's id to
 * `session`, and the signature by the secret of the announcer's key, 32 bytes. Body and signature
 * are what is sent.
 *
 * Errors: LTMS_WIRE_SIGNERS, LTMS_KEY_OTHER, LTMS_KEY_OUT_OF_RANGE, LTMS_PEER_ID, LTMS_LENGTH for
 * too many signers, LTMS_VALUE, LTMS_BUFFER_TOO_SMALL.
 * Threads: any.
 */
ltms_status ltms_announcement_sign(uint8_t *body,
                                   size_t capacity,
                                   size_t *body_len,
                                   uint8_t *session,
                                   struct ltms_signature *signature,
                                   const struct ltms_announcement *announcement,
                                   uint8_t network_number,
                                   const uint8_t *secret_key);

/**
 * Reads the body of an announcement, of `body_len` bytes, with the 16 bytes of the session's id to
 * `session`, and to `hash` the 32 bytes that the announcer signed: the key is the one of
 * `announcement->signers[announcement->announcer]`. Check that before LTMS_STEP_ANNOUNCE.
 *
 * Errors: LTMS_WIRE_…, LTMS_VALUE.
 * Threads: any.
 */
ltms_status ltms_announcement_read(struct ltms_announcement *announcement,
                                   uint8_t *session,
                                   uint8_t *hash,
                                   uint8_t network_number,
                                   const uint8_t *body,
                                   size_t body_len);

/**
 * Writes the 32 bytes that a signer signs, with ltms_schnorr_sign, to join a session of 16 bytes of
 * id. `joiner` is the peer of its connection, so that a join is good for nobody else.
 *
 * Errors: LTMS_PEER_ID, LTMS_VALUE.
 * Threads: any.
 */
ltms_status ltms_join_hash(uint8_t *hash,
                           uint8_t network_number,
                           const uint8_t *session,
                           const struct ltms_public_key *signer,
                           const struct ltms_peer *joiner);

/**
 * Writes the 32 bytes that a signer signs to contribute `data`, of `data_len` bytes, to
 * LTMS_PHASE_NONCE or LTMS_PHASE_PARTIAL_SIGNATURE of a session of 16 bytes of id.
 *
 * Errors: LTMS_VALUE.
 * Threads: any.
 */
ltms_status ltms_contribution_hash(uint8_t *hash,
                                   uint8_t network_number,
                                   const uint8_t *session,
                                   uint8_t phase,
                                   const uint8_t *data,
                                   size_t data_len);

/**
 * The bans of peers, identities, keys and address groups that are in force, all but the first
 * `skip` of them: as many as fit into `capacity`, and how many those are to `*count`. A page that
 * is not full is the last. Bans that begin or end between two pages may be met twice, or not.
 *
 * Threads: one at a time for a Gate. Passes over the tables.
 */
ltms_status ltms_gate_bans(struct ltms_gate *gate,
                           struct ltms_ban *bans,
                           size_t capacity,
                           size_t *count,
                           uint64_t now_ms,
                           size_t skip);

/**
 * The sanctions for window violations that the breaker holds back, in pages as ltms_gate_bans.
 * ltms_gate_unban lifts them, too.
 *
 * Threads: one at a time for a Gate. Passes over the peer table.
 */
ltms_status ltms_gate_held_bans(struct ltms_gate *gate,
                                struct ltms_ban *bans,
                                size_t capacity,
                                size_t *count,
                                size_t skip);

/**
 * The peers on the allow-list, in pages as ltms_gate_bans.
 *
 * Threads: one at a time for a Gate. Passes over the ban table.
 */
ltms_status ltms_gate_allowed(struct ltms_gate *gate,
                              struct ltms_peer *peers,
                              size_t capacity,
                              size_t *count,
                              size_t skip);

/**
 * Reads the transaction that `bytes_len` bytes begin with; others may follow it, as in a block.
 *
 * Errors: LTMS_TX_… for bytes that do not begin with a transaction.
 * Threads: any.
 */
ltms_status ltms_tx_read(struct ltms_tx *tx, const uint8_t *bytes, size_t bytes_len);

/**
 * The output of this index of a raw transaction, `tx_len` bytes. Its script leads into them.
 *
 * Errors: LTMS_TX_… for bytes that are not one whole transaction, LTMS_PROOF_NO_OUTPUT.
 * Threads: any.
 */
ltms_status ltms_tx_output(struct ltms_output *output,
                           const uint8_t *tx,
                           size_t tx_len,
                           uint32_t vout);

/**
 * Writes the 32 bytes that a signature of the input `input` signs. `spent` are the outputs that
 * the transaction's inputs spend, in this order, LTMS_SIGHASH_INPUTS_MAX at most; `hash_type` is
 * the byte behind the signature, and `fork_value` 0 as long as no replay protection is in force.
 * For scripts that run as they stand, such as P2PKH.
 *
 * Errors: LTMS_TX_…, LTMS_SIGHASH_…, LTMS_LENGTH for too many outputs, LTMS_VALUE for a hash type
 * that lotusd does not know, or a fork value of more than 24 bits.
 * Threads: any.
 */
ltms_status ltms_tx_sighash(uint8_t *hash,
                            const uint8_t *tx,
                            size_t tx_len,
                            uint32_t input,
                            const struct ltms_output *spent,
                            size_t spent_count,
                            uint8_t hash_type,
                            uint32_t fork_value);

/**
 * Writes the 32 bytes that a transaction is in its block's tree: a leaf. Both hashes must come
 * from the raw transaction (ltms_tx_read), because leaves and inner nodes are hashed alike.
 *
 * Threads: any.
 */
ltms_status ltms_merkle_leaf(uint8_t *leaf, const uint8_t *txhash, const struct ltms_txid *txid);

/**
 * Writes the 32 bytes of the root over `count` leaves of 32 bytes each; zeros for none.
 *
 * Threads: any.
 */
ltms_status ltms_merkle_root(uint8_t *root, const uint8_t *leaves, size_t count);

/**
 * Writes the 32 bytes of the root to which `count` siblings of 32 bytes each, from the leaves up,
 * lead from the leaf at `index`. That a block has this root is the caller's to compare.
 *
 * Errors: LTMS_BRANCH_….
 * Threads: any.
 */
ltms_status ltms_merkle_root_from_branch(uint8_t *root,
                                         const uint8_t *leaf,
                                         uint32_t index,
                                         const uint8_t *branch,
                                         size_t count);

/**
 * Reads a target in compact form, as headers have it: writes the 32 bytes of the number,
 * big-endian, and to `work` the 16 bytes of how many hashes it takes on average, little-endian.
 *
 * Errors: LTMS_TARGET_….
 * Threads: any.
 */
ltms_status ltms_target_read(uint8_t *target, uint8_t *work, uint32_t bits);

/**
 * Whether a block header of 160 bytes has the work that it says itself: `*meets` becomes 1 or 0.
 * How much that has to be is the chain's to say.
 *
 * Errors: LTMS_HEADER_….
 * Threads: any.
 */
ltms_status ltms_header_meets_target(uint8_t *meets, const uint8_t *header, size_t header_len);

/**
 * Reads the output script of a burn. Only the one form that ltms_burn_script_build writes is one.
 *
 * Errors: LTMS_SCRIPT_….
 * Threads: any.
 */
ltms_status ltms_burn_script_parse(struct ltms_burn_script *burn,
                                   const uint8_t *script,
                                   size_t script_len);

/**
 * Writes the output script of a burn to the start of `script`, which has room for `capacity`
 * bytes (LTMS_SCRIPT_MAX always do), and its length to `*script_len`.
 *
 * Errors: LTMS_SCRIPT_KEY_… for a key that is none, LTMS_SCRIPT_UNKNOWN_PURPOSE, LTMS_VALUE for a
 * flag that is neither 0 nor 1, LTMS_BUFFER_TOO_SMALL.
 * Threads: any.
 */
ltms_status ltms_burn_script_build(uint8_t *script,
                                   size_t capacity,
                                   size_t *script_len,
                                   const struct ltms_burn_script *burn);

/**
 * What a policy bounds with tables of these sizes. `certificate->struct_size` has to be set.
 *
 * Errors: LTMS_STRUCT_SIZE, LTMS_EMPTY for a policy that was never made.
 * Threads: any, while nobody sets a field.
 */
ltms_status ltms_policy_certificate(struct ltms_certificate *certificate,
                                    const struct ltms_policy *policy,
                                    const struct ltms_capacity *capacity);

/**
 * The id of a raw transaction, `tx_len` bytes. Lotus ids do not cover the unlocking scripts.
 *
 * Errors: LTMS_TX_… for bytes that are not one whole transaction.
 * Threads: any.
 */
ltms_status ltms_tx_txid(struct ltms_txid *txid, const uint8_t *tx, size_t tx_len);

/**
 * Writes a transaction id as it is displayed: 64 hexadecimal digits and a zero, 65 bytes.
 *
 * Threads: any.
 */
ltms_status ltms_txid_to_hex(char *hex, const struct ltms_txid *txid);

/**
 * Reads a transaction id as it is displayed: `hex_len` has to be 64.
 *
 * Errors: LTMS_HEX for anything but 64 hexadecimal digits, LTMS_TEXT for what is no text at all.
 * Threads: any.
 */
ltms_status ltms_txid_from_hex(struct ltms_txid *txid, const char *hex, size_t hex_len);

/**
 * Writes a block hash as it is displayed: 64 hexadecimal digits and a zero, 65 bytes.
 *
 * Threads: any.
 */
ltms_status ltms_block_hash_to_hex(char *hex, const struct ltms_block_hash *hash);

/**
 * Reads a block hash as it is displayed: `hex_len` has to be 64.
 *
 * Errors: LTMS_HEX for anything but 64 hexadecimal digits, LTMS_TEXT for what is no text at all.
 * Threads: any.
 */
ltms_status ltms_block_hash_from_hex(struct ltms_block_hash *hash, const char *hex, size_t hex_len);

/**
 * The identity that a registration burn in output `vout` of a transaction creates.
 *
 * Errors: LTMS_OUTPUT_INDEX for an index above 255, which no identity has.
 * Threads: any.
 */
ltms_status ltms_identity_id(struct ltms_identity *identity,
                             const struct ltms_txid *txid,
                             uint32_t vout);

/**
 * Reads a block header of 160 bytes. Its work is not looked at.
 *
 * Errors: LTMS_HEADER_….
 * Threads: any.
 */
ltms_status ltms_header_read(struct ltms_header *header, const uint8_t *bytes, size_t bytes_len);

/**
 * Whether a proof of lotusd's `gettxoutproof` is one of transaction `txid`: LTMS_OK if so. Then
 * `*header` is that of the proof's block and `*position` the index of the transaction in it.
 *
 * Whether that block is in the chain has to be asked somebody else: compare the hash. Ask, too,
 * that the transaction is no smaller than 100 bytes, as all are in blocks.
 *
 * Errors: LTMS_TX_OUT_PROOF_… or LTMS_HEADER_… for what is wrong.
 * Threads: any.
 */
ltms_status ltms_txoutproof_verify(struct ltms_header *header,
                                   uint32_t *position,
                                   const uint8_t *proof,
                                   size_t proof_len,
                                   const struct ltms_txid *txid);

/**
 * Whether an encoded proof of inclusion leads from output `vout` of transaction `txid` to the
 * block `anchor` of height `anchor_height`, which the owner of the device trusts. It must never
 * come from whoever brings the proof.
 *
 * The work is in proportion to `proof_len`, which the caller limits.
 *
 * Errors: LTMS_PROOF_…, LTMS_BRANCH_…, LTMS_HEADER_… or LTMS_TX_… for what is wrong.
 * Threads: any.
 */
ltms_status ltms_inclusion_verify(struct ltms_proved *proved,
                                  const uint8_t *proof,
                                  size_t proof_len,
                                  const struct ltms_txid *txid,
                                  uint32_t vout,
                                  const struct ltms_block_hash *anchor,
                                  uint32_t anchor_height);

/**
 * The same without an anchor: whether the output is in a block, and how many hashes that block and
 * those after it took on average, as 16 bytes, little-endian, at `work`. LTMS_EVIDENCE_WEAK never
 * registers: a few graphics cards make such blocks.
 *
 * Errors: as for ltms_inclusion_verify.
 * Threads: any.
 */
ltms_status ltms_inclusion_weigh(struct ltms_proved *proved,
                                 uint8_t *work,
                                 const uint8_t *proof,
                                 size_t proof_len,
                                 const struct ltms_txid *txid,
                                 uint32_t vout);

/**
 * Reads the claim of a burn: transaction, output, script, amount, identity. Asks nobody.
 *
 * If `decision->reason` is LTMS_REASON_UNJUDGED afterwards, check the signatures of `*ticket` and
 * call ltms_gate_settle_claim; otherwise that is the decision, and there is no ticket.
 *
 * Errors: LTMS_PEER_ID, LTMS_VALUE. Bad envelopes are decisions, not errors.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_screen_claim(struct ltms_gate *gate,
                                   struct ltms_decision *decision,
                                   struct ltms_claim_ticket *ticket,
                                   uint64_t now_ms,
                                   const struct ltms_source *source,
                                   const uint8_t *envelope,
                                   size_t envelope_len);

/**
 * Checks the signatures of a ticket one by one: `*check` becomes one of the LTMS_SIGNATURE
 * numbers.
 *
 * Errors: LTMS_EMPTY for a ticket that was never given, or was used up.
 * Threads: any, one at a time for a ticket.
 */
ltms_status ltms_claim_ticket_verify(uint8_t *check, const struct ltms_claim_ticket *ticket);

/**
 * The signatures of a ticket, for batches: writes at most two to `items` and how many they are to
 * `*count`.
 *
 * Errors: LTMS_EMPTY for a ticket that was never given, or was used up.
 * Threads: any, one at a time for a ticket.
 */
ltms_status ltms_claim_ticket_signatures(struct ltms_signed *items,
                                         size_t *count,
                                         const struct ltms_claim_ticket *ticket);

/**
 * What follows for a ticket from the checks of its signatures: `valid[i]` is 1 if the one of that
 * index, as ltms_claim_ticket_signatures gives them, holds, and 0 if not. `*check` becomes one of
 * the LTMS_SIGNATURE numbers.
 *
 * Errors: LTMS_LENGTH if `count` is not how many there are, LTMS_VALUE for another number,
 * LTMS_EMPTY for a ticket that was never given, or was used up.
 * Threads: any, one at a time for a ticket.
 */
ltms_status ltms_claim_ticket_check(uint8_t *check,
                                    const struct ltms_claim_ticket *ticket,
                                    const uint8_t *valid,
                                    size_t count);

/**
 * Goes on from the claim's signatures to its block. Uses `*ticket` up. If `decision->reason` is
 * LTMS_REASON_UNJUDGED afterwards, `*lookup` says which block header is wanted
 * (ltms_lookup_ticket_block); otherwise that is the decision.
 *
 * Errors: LTMS_EMPTY for a ticket that was never given, or was used up; LTMS_OTHER_GATE;
 * LTMS_VALUE.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_settle_claim(struct ltms_gate *gate,
                                   struct ltms_decision *decision,
                                   struct ltms_lookup_ticket *lookup,
                                   uint64_t now_ms,
                                   struct ltms_claim_ticket *ticket,
                                   uint8_t check);

/**
 * Which block's header is wanted, and whose burn it is.
 *
 * Errors: LTMS_EMPTY for a ticket that was never given, or was used up.
 * Threads: any, one at a time for a ticket.
 */
ltms_status ltms_lookup_ticket_block(struct ltms_block_hash *block,
                                     struct ltms_identity *identity,
                                     const struct ltms_lookup_ticket *lookup);

/**
 * Takes the tokens of one look-up of a header that is not known yet, before somebody is asked for
 * it. LTMS_REASON_CLEAR: ask. LTMS_REASON_HEADER_BUDGET: not before `retry_at_ms`.
 *
 * Errors: LTMS_EMPTY for a ticket that was never given, or was used up.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_charge_lookup(struct ltms_gate *gate,
                                    struct ltms_decision *decision,
                                    uint64_t now_ms,
                                    const struct ltms_lookup_ticket *lookup);

/**
 * The verdict on a claim: LTMS_REASON_NEW if it was accepted. `header` is the 160 bytes of the
 * block's header, if a source has it in its active chain, else NULL; `evidence` says how well that
 * is known, by one of the LTMS_EVIDENCE numbers. Uses the ticket up.
 *
 * Errors: LTMS_HEADER_… for a header that is none, LTMS_EMPTY for a ticket that was never given,
 * or was used up; LTMS_OTHER_GATE; LTMS_VALUE.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_settle_burn(struct ltms_gate *gate,
                                  struct ltms_decision *decision,
                                  uint64_t now_ms,
                                  struct ltms_lookup_ticket *lookup,
                                  const uint8_t *header,
                                  uint8_t evidence);

/**
 * Claims a new identity: writes the envelope of a registration, signed with the secret of the key
 * in the burn's script. As for ltms_ad_sign. The library for devices writes claims of at most
 * 2,048 bytes.
 *
 * Errors: LTMS_TX_…, LTMS_SCRIPT_…, LTMS_PROOF_NO_OUTPUT, LTMS_KEY_OTHER, LTMS_KEY_OUT_OF_RANGE,
 * LTMS_LENGTH for a branch that is not of whole hashes, LTMS_VALUE, LTMS_BUFFER_TOO_SMALL.
 * Threads: any.
 */
ltms_status ltms_registration_sign(uint8_t *envelope,
                                   size_t capacity,
                                   size_t *envelope_len,
                                   const struct ltms_burn *burn,
                                   uint8_t network_number,
                                   const uint8_t *secret_key);

/**
 * Claims a new current key: writes the envelope of a rotation. The new key is the one in the
 * burn's script; both keys sign. `sequence` is which of the identity's rotations it is, from 1 on.
 *
 * Errors: as for ltms_registration_sign.
 * Threads: any.
 */
ltms_status ltms_rotation_sign(uint8_t *envelope,
                               size_t capacity,
                               size_t *envelope_len,
                               const struct ltms_burn *burn,
                               const struct ltms_identity *identity,
                               uint64_t sequence,
                               uint64_t created_at_ms,
                               uint8_t network_number,
                               const uint8_t *old_secret_key,
                               const uint8_t *new_secret_key);

/**
 * Claims what else a burn is for: writes the envelope of a credit, signed with the secret of the
 * identity's current key under rotation `sequence`.
 *
 * Errors: as for ltms_registration_sign; LTMS_SCRIPT_UNKNOWN_PURPOSE for a burn without a purpose.
 * Threads: any.
 */
ltms_status ltms_credit_sign(uint8_t *envelope,
                             size_t capacity,
                             size_t *envelope_len,
                             const struct ltms_burn *burn,
                             const struct ltms_identity *identity,
                             uint64_t sequence,
                             uint8_t network_number,
                             const uint8_t *secret_key);

/**
 * A clock that has seen no header. Make a new one after a restart.
 *
 * Threads: one at a time for a clock.
 */
ltms_status ltms_chain_clock_init(struct ltms_chain_clock *clock);

/**
 * A trusted header's height and time, met when the device's counter stood at `ticks_ms`, which
 * begins at any value and only runs. `*newest` becomes 1 if it is the newest so far; others change
 * nothing and give 0.
 *
 * Errors: LTMS_EMPTY for a clock that was never made.
 * Threads: one at a time for a clock.
 */
ltms_status ltms_chain_clock_trust(struct ltms_chain_clock *clock,
                                   uint8_t *newest,
                                   uint32_t height,
                                   uint64_t time_ms,
                                   uint64_t ticks_ms);

/**
 * After a restart: it is no earlier than `saved_at_ms` of the snapshot that ltms_gate_restore
 * brought back, whatever the newest header says.
 *
 * Errors: LTMS_EMPTY for a clock that was never made.
 * Threads: one at a time for a clock.
 */
ltms_status ltms_chain_clock_resume(struct ltms_chain_clock *clock,
                                    uint64_t saved_at_ms,
                                    uint64_t ticks_ms);

/**
 * The time, in milliseconds since 1970, when the counter stands at `ticks_ms`: the now_ms of the
 * other functions. Before the first header, 1970 and what the counter has run: every message lies
 * in the future then.
 *
 * Errors: LTMS_EMPTY for a clock that was never made.
 * Threads: any, while nobody changes the clock.
 */
ltms_status ltms_chain_clock_now(uint64_t *now_ms,
                                 const struct ltms_chain_clock *clock,
                                 uint64_t ticks_ms);

/**
 * Whether a connection may be opened or kept: bans, then how many there are already. Ask before
 * ltms_gate_connected.
 *
 * Errors: LTMS_PEER_ID, LTMS_VALUE for an address or direction that is none.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_screen_connection(struct ltms_gate *gate,
                                        struct ltms_decision *decision,
                                        uint64_t now_ms,
                                        const struct ltms_connection *connection);

/**
 * Notes that a connection was established.
 *
 * Errors: LTMS_CAPACITY_PEERS if every row belongs to a connected peer: close the connection then.
 * LTMS_PEER_ID, LTMS_VALUE.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_connected(struct ltms_gate *gate,
                                uint64_t now_ms,
                                const struct ltms_connection *connection);

/**
 * Notes that a connection of this peer ended.
 *
 * Errors: LTMS_PEER_ID.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_disconnected(struct ltms_gate *gate,
                                   uint64_t now_ms,
                                   const struct ltms_peer *peer);

/**
 * Whether the narrow group of an address is banned, so that strangers from it have to prove an
 * identity: `*banned` becomes 1 or 0. The address has 4 or 16 bytes; `address` has room for 16.
 *
 * Errors: LTMS_VALUE for another length.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_is_group_banned(struct ltms_gate *gate,
                                      uint8_t *banned,
                                      uint64_t now_ms,
                                      const uint8_t *address_bytes,
                                      uint8_t address_len);

/**
 * Charges a connection for a frame of `len` bytes, before it is decoded: its sanction, the frame's
 * size, the connection's window. `kind` is one of the LTMS_FRAME numbers.
 *
 * A gossip message over the window is still to be processed (LTMS_REASON_THROTTLE), but nothing
 * more is to be read from that connection until `retry_at_ms`.
 *
 * Errors: LTMS_PEER_ID, LTMS_VALUE.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_screen_frame(struct ltms_gate *gate,
                                   struct ltms_decision *decision,
                                   uint64_t now_ms,
                                   const struct ltms_source *source,
                                   uint8_t kind,
                                   size_t len);

/**
 * Charges the connection for bytes that the caller could not read, as the LTMS_REASON number
 * `reason` says: LTMS_REASON_MALFORMED and the like. Reasons that are nobody's fault cost nothing.
 * The functions that are given whole messages do this themselves.
 *
 * Errors: LTMS_PEER_ID, LTMS_VALUE for a number that is no reason.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_malformed(struct ltms_gate *gate,
                                struct ltms_decision *decision,
                                uint64_t now_ms,
                                const struct ltms_source *source,
                                uint8_t reason,
                                const uint8_t *frame,
                                size_t frame_len);

/**
 * The best live signers that fit, best first: at most `capacity` of them, and at most 8 in the
 * library for devices. `*count` becomes how many there are.
 *
 * Errors: LTMS_VALUE, LTMS_OUT_OF_MEMORY.
 * Threads: one at a time for a Gate. Passes over the directory.
 */
ltms_status ltms_gate_find(struct ltms_gate *gate,
                           struct ltms_found *found,
                           size_t capacity,
                           size_t *count,
                           uint64_t now_ms,
                           const struct ltms_criteria *criteria);

/**
 * The live advertisement of a key.
 *
 * Errors: LTMS_CAPACITY_UNKNOWN if there is none.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_find_key(struct ltms_gate *gate,
                               struct ltms_found *found,
                               uint64_t now_ms,
                               const struct ltms_public_key *key);

/**
 * The next thing that the Gate has to tell; LTMS_EVENT_NONE if there is nothing. Ask after every
 * other call until then. To ask late costs only promptness: there is no queue that could overflow.
 * `event->struct_size` has to be set.
 *
 * Errors: LTMS_STRUCT_SIZE.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_poll_event(struct ltms_gate *gate, struct ltms_event *event, uint64_t now_ms);

/**
 * When ltms_gate_handle_timeout wants to be called next, in milliseconds since the Unix epoch, or
 * LTMS_NEVER. It may be earlier after any other call.
 *
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_next_deadline(struct ltms_gate *gate, uint64_t *deadline_ms);

/**
 * Applies the sanctions that are due and sweeps out what has ended, if it is time; calling it
 * early does nothing. `*swept` becomes 1 if rows were swept: call it again then.
 *
 * Threads: one at a time for a Gate. A sweep passes over all tables.
 */
ltms_status ltms_gate_handle_timeout(struct ltms_gate *gate, uint8_t *swept, uint64_t now_ms);

/**
 * One of the LTMS_CAPACITY presets. `capacity->struct_size` has to be set.
 *
 * Errors: LTMS_VALUE, LTMS_STRUCT_SIZE.
 * Threads: any.
 */
ltms_status ltms_capacity_preset(struct ltms_capacity *capacity, uint8_t preset);

/**
 * Bytes that a Gate with tables of these sizes needs, itself included. Its memory has to be
 * aligned to 8 bytes.
 *
 * Errors: LTMS_STRUCT_SIZE; LTMS_LENGTH if that is more than there can be.
 * Threads: any.
 */
ltms_status ltms_gate_size(size_t *bytes, const struct ltms_capacity *capacity);

/**
 * Makes a Gate in memory of the caller's: `memory_len` bytes at `memory`, aligned to 8 and as many
 * as ltms_gate_size says. Nothing is allocated, then or later. The memory is the Gate's until
 * ltms_gate_free, and may not be moved or copied.
 *
 * `seed` is 16 bytes from the system's randomness, kept secret, and the same after a restart:
 * whoever knows it can choose ids that collide, and a snapshot can be read under no other.
 *
 * Errors: LTMS_ALIGNMENT, LTMS_BUFFER_TOO_SMALL, LTMS_POLICY_INVALID, LTMS_EMPTY for a policy that
 * was never made, LTMS_STRUCT_SIZE.
 * Threads: one at a time for a memory.
 */
ltms_status ltms_gate_init(struct ltms_gate **gate,
                           void *memory,
                           size_t memory_len,
                           const struct ltms_capacity *capacity,
                           const struct ltms_policy *policy,
                           const uint8_t *seed);

#if defined(LTMS_HOSTED)
/**
 * Makes a Gate on the heap: one allocation, and none later. `seed` is as for ltms_gate_init. The
 * library for devices has no such function.
 *
 * Errors: LTMS_OUT_OF_MEMORY, LTMS_POLICY_INVALID, LTMS_EMPTY for a policy that was never made,
 * LTMS_STRUCT_SIZE.
 * Ownership: the caller's, until ltms_gate_free.
 * Threads: any.
 */
ltms_status ltms_gate_new(struct ltms_gate **gate,
                          const struct ltms_capacity *capacity,
                          const struct ltms_policy *policy,
                          const uint8_t *seed);
#endif

/**
 * Ends a Gate: wipes what is secret in it, gives back memory of the heap's, and sets `*gate` to
 * NULL. A `*gate` that is NULL already is fine. A Gate that failed (LTMS_PANIC) can be freed, too.
 *
 * Errors: LTMS_BUSY if another thread is in a call with it; nothing happens then.
 * Threads: one at a time for a Gate, and none afterwards.
 */
ltms_status ltms_gate_free(struct ltms_gate **gate);

/**
 * Answers a challenge of 32 bytes, to show on a connection that it belongs to an identity, as an
 * envelope that only `verifier` can take, and only from `prover`: the peer ids of the connection.
 *
 * Errors: LTMS_PEER_ID, LTMS_VALUE (also for an authority of kind 0), LTMS_KEY_OUT_OF_RANGE,
 * LTMS_BUFFER_TOO_SMALL.
 * Threads: any.
 */
ltms_status ltms_hello_sign(uint8_t *envelope,
                            size_t capacity,
                            size_t *envelope_len,
                            const struct ltms_peer *prover,
                            const struct ltms_peer *verifier,
                            const uint8_t *challenge,
                            const struct ltms_authority *authority,
                            uint8_t network_number,
                            const uint8_t *secret_key);

/**
 * Whether the connection of `source` belongs to the identity that its answer names: an envelope
 * of ltms_hello_sign. `verifier` is our own peer id, `challenge` the 32 bytes that we asked on this
 * connection; each is good for one answer. LTMS_REASON_CLEAR: the connection has the identity's
 * benefits until it ends.
 *
 * Errors: LTMS_PEER_ID, LTMS_VALUE. Bad envelopes are decisions, not errors.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_prove_identity(struct ltms_gate *gate,
                                     struct ltms_decision *decision,
                                     uint64_t now_ms,
                                     const struct ltms_source *source,
                                     const struct ltms_peer *verifier,
                                     const uint8_t *challenge,
                                     const uint8_t *envelope,
                                     size_t envelope_len);

/**
 * The registered identity of this id.
 *
 * Errors: LTMS_CAPACITY_UNKNOWN if there is none.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_identity(struct ltms_gate *gate,
                               struct ltms_registered *registered,
                               const struct ltms_identity *identity);

/**
 * The registered identity whose current key this is.
 *
 * Errors: LTMS_CAPACITY_UNKNOWN if there is none.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_resolve_identity(struct ltms_gate *gate,
                                       struct ltms_registered *registered,
                                       const struct ltms_public_key *key);

/**
 * The registered identities, in pages: those from the place `from` in the table on, as many as fit
 * into `capacity`. `*count` becomes how many those are, and `*next` the place from which the next
 * page goes on; the first begins at 0, and a page that is not full is the last. An identity that
 * stays meanwhile is met once.
 *
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_identities(struct ltms_gate *gate,
                                 struct ltms_registered *identities,
                                 size_t capacity,
                                 size_t *count,
                                 uint32_t *next,
                                 uint32_t from);

/**
 * The keys that take a slot of an identity, all but the first `skip`: as many as fit into
 * `capacity`, and how many those are to `*count`. None for an identity that is not known.
 *
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_owned_keys(struct ltms_gate *gate,
                                 struct ltms_owned_key *keys,
                                 size_t capacity,
                                 size_t *count,
                                 const struct ltms_identity *identity,
                                 size_t skip);

/**
 * The policy in force: as it was when the Gate was made, with the limits of the last
 * ltms_gate_set_limits.
 *
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_policy(struct ltms_gate *gate, struct ltms_policy *policy);

/**
 * Puts the "windows.…", the "enforce.…" and the "local_envelope" of a policy in force; its other
 * fields are not looked at, because rows were made by those of the Gate. What was charged stays
 * charged, as far as the new windows reach.
 *
 * Errors: LTMS_POLICY_INVALID if the Gate's policy would make no sense with them, and nothing
 * changes; LTMS_EMPTY for a policy that was never made.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_set_limits(struct ltms_gate *gate,
                                 uint64_t now_ms,
                                 const struct ltms_policy *policy);

/**
 * Takes the tokens of one signature check that no ticket asks for, before that check.
 * LTMS_REASON_CLEAR: check. LTMS_REASON_SIGNATURE_BUDGET and LTMS_REASON_NODE_BUSY: not before
 * `retry_at_ms`.
 *
 * Errors: LTMS_PEER_ID, LTMS_VALUE.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_charge_signature(struct ltms_gate *gate,
                                       struct ltms_decision *decision,
                                       uint64_t now_ms,
                                       const struct ltms_source *source);

/**
 * Writes and signs the withdrawal of an author's advertisement, as ltms_ad_sign does. `authority`
 * is that of the advertisement, or NULL for a stranger's.
 *
 * Errors: LTMS_KEY_OUT_OF_RANGE, LTMS_VALUE, LTMS_BUFFER_TOO_SMALL.
 * Threads: any.
 */
ltms_status ltms_withdrawal_sign(uint8_t *envelope,
                                 size_t capacity,
                                 size_t *envelope_len,
                                 uint64_t created_at_ms,
                                 const struct ltms_authority *authority,
                                 uint8_t network_number,
                                 const uint8_t *secret_key);

/**
 * Lets `delegated` speak for an identity until a time: the signature for `authority.delegation`.
 * `secret_key` is that of the identity's current key, `sequence` how often it was rotated.
 *
 * Errors: LTMS_KEY_OUT_OF_RANGE, LTMS_VALUE.
 * Threads: any.
 */
ltms_status ltms_delegation_sign(struct ltms_signature *signature,
                                 uint8_t network_number,
                                 const struct ltms_identity *identity,
                                 const struct ltms_public_key *delegated,
                                 uint64_t sequence,
                                 uint64_t not_after_ms,
                                 const uint8_t *secret_key);

/**
 * Counters and gauges at a time. `metrics->struct_size` has to be set.
 *
 * Errors: LTMS_STRUCT_SIZE.
 * Threads: one at a time for a Gate. Passes over all tables.
 */
ltms_status ltms_gate_metrics(struct ltms_gate *gate,
                              struct ltms_metrics *metrics,
                              uint64_t now_ms);

/**
 * How many decisions had this reason, one of the LTMS_REASON numbers.
 *
 * Errors: LTMS_VALUE.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_decisions(struct ltms_gate *gate, uint64_t *count, uint8_t reason);

/**
 * Bans somebody until a time, or until lifted (LTMS_NEVER); `reason` is one of the LTMS_REASON
 * numbers. A peer is to be disconnected then (LTMS_EVENT_SANCTIONED); an identity or key serves
 * nothing.
 *
 * Errors: LTMS_CAPACITY_BANS when the operator's quarter of the ban table is full,
 * LTMS_CAPACITY_UNKNOWN for an identity or key without a row and for address groups, LTMS_VALUE,
 * LTMS_PEER_ID.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_ban(struct ltms_gate *gate,
                          uint64_t now_ms,
                          const struct ltms_subject *subject,
                          uint64_t until_ms,
                          uint8_t reason);

/**
 * Lifts a ban, whoever made it. `*lifted` becomes 1 if there was one in force, else 0.
 *
 * Errors: LTMS_VALUE, LTMS_PEER_ID.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_unban(struct ltms_gate *gate,
                            uint8_t *lifted,
                            uint64_t now_ms,
                            const struct ltms_subject *subject);

/**
 * Puts a peer on the allow-list (`allowed` 1), or takes it off (0). An allowed peer is exempt from
 * the limits of its address group and from automatic sanctions; any ban of it is lifted.
 *
 * Errors: LTMS_CAPACITY_BANS when the operator's quarter of the ban table is full, LTMS_VALUE,
 * LTMS_PEER_ID.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_allow(struct ltms_gate *gate,
                            uint64_t now_ms,
                            const struct ltms_peer *peer,
                            uint8_t allowed);

/**
 * Pins an identity (`pinned` 1), so that its row never leaves a full table, or takes that back
 * (0). `*known` becomes 1 if there is such an identity, else 0.
 *
 * Errors: LTMS_VALUE.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_pin(struct ltms_gate *gate,
                          uint8_t *known,
                          uint64_t now_ms,
                          const struct ltms_identity *identity,
                          uint8_t pinned);

/**
 * The bans of the past cannot be known, as when a snapshot is lost: strangers keep one eighth of
 * their cells for as long as this Gate lives (LTMS_POSTURE_GUARDED).
 *
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_guard(struct ltms_gate *gate, uint64_t now_ms);

/**
 * Tells the chain's end. `fork_height` is the last block that the old and the new chain share:
 * identities burned above it are suspended until their burn is proved again.
 *
 * LTMS_REASON_CHAIN_SUSPECT: the chain stepped back further than it should, and nothing changed.
 * Ask another source, and call ltms_gate_confirm_tip if it says the same.
 *
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_set_tip(struct ltms_gate *gate,
                              struct ltms_decision *decision,
                              uint64_t now_ms,
                              uint32_t height,
                              const struct ltms_block_hash *hash,
                              uint32_t fork_height);

/**
 * Like ltms_gate_set_tip, without doubt: a second source or the operator says the same.
 *
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_confirm_tip(struct ltms_gate *gate,
                                  uint64_t now_ms,
                                  uint32_t height,
                                  const struct ltms_block_hash *hash,
                                  uint32_t fork_height);

/**
 * Makes one of the LTMS_POLICY presets for one of the LTMS_NETWORK chains.
 *
 * Errors: LTMS_VALUE.
 * Threads: one at a time for a policy.
 */
ltms_status ltms_policy_preset(struct ltms_policy *policy, uint8_t preset, uint8_t network_number);

/**
 * Sets a field by its name, of `name_len` bytes: "keys.stranger", "freshness.future" (times are
 * milliseconds), "burns.top_up" (amounts are satoshis), "windows.connection.interval_us",
 * "windows.connection.burst", "enforce.windows" (0 on, 1 observe), "clock" (0 system, 1 chain).
 * The operator's guide lists all.
 *
 * Errors: LTMS_UNKNOWN_NAME; LTMS_VALUE for a number that the field cannot have. Whether the
 * whole makes sense says ltms_policy_validate.
 * Threads: one at a time for a policy.
 */
ltms_status ltms_policy_set(struct ltms_policy *policy,
                            const char *name,
                            size_t name_len,
                            uint64_t value);

/**
 * Reads a field by its name, as ltms_policy_set sets it.
 *
 * Errors: LTMS_UNKNOWN_NAME.
 * Threads: any, while nobody sets a field.
 */
ltms_status ltms_policy_get(uint64_t *value,
                            const struct ltms_policy *policy,
                            const char *name,
                            size_t name_len);

/**
 * Whether the policy makes sense: LTMS_OK, or LTMS_POLICY_INVALID and the name of the field that
 * does not fit, ended by a zero, in the 64 bytes at `field`, which may be NULL.
 *
 * Threads: any, while nobody sets a field.
 */
ltms_status ltms_policy_validate(const struct ltms_policy *policy, char *field);

/**
 * SHA-256 of the policy's one encoding, 32 bytes: the same on every machine, another for every
 * other policy.
 *
 * Threads: any, while nobody sets a field.
 */
ltms_status ltms_policy_hash(uint8_t *hash, const struct ltms_policy *policy);

#if defined(LTMS_HOSTED)
/**
 * How many of `bytes_len` bytes of a recording the first record takes; 0 if it goes on beyond
 * them. A recording is one record after another, the header first.
 *
 * Errors: LTMS_RECORD_UNREADABLE.
 * Threads: any.
 */
ltms_status ltms_record_len(size_t *len, const uint8_t *bytes, size_t bytes_len);
#endif

#if defined(LTMS_HOSTED)
/**
 * Makes the Gate that the first record of a recording, `header_len` bytes, tells of: with tables
 * of up to 2^20 rows each, on the heap.
 *
 * Errors: LTMS_RECORD_…, LTMS_POLICY_INVALID.
 * Ownership: the caller's, until ltms_replay_free.
 * Threads: any.
 */
ltms_status ltms_replay_new(struct ltms_replay **replay, const uint8_t *header, size_t header_len);
#endif

#if defined(LTMS_HOSTED)
/**
 * Makes the call of the next record, `record_len` bytes, whatever it answered then.
 * `replayed->struct_size` has to be set; its `arguments` lead into the record.
 *
 * Errors: LTMS_RECORD_UNREADABLE, LTMS_RECORD_TICKET, LTMS_STRUCT_SIZE.
 * Threads: one at a time for a replay.
 */
ltms_status ltms_replay_step(struct ltms_replay *replay,
                             struct ltms_replayed *replayed,
                             const uint8_t *record,
                             size_t record_len);
#endif

#if defined(LTMS_HOSTED)
/**
 * What the last call was and answered, for people, and what it had answered if that is another
 * thing: UTF-8 without a zero at its end to the start of `text`, which has room for `capacity`
 * bytes, and its length to `*text_len`.
 *
 * Errors: LTMS_BUFFER_TOO_SMALL.
 * Threads: one at a time for a replay.
 */
ltms_status ltms_replay_explain(struct ltms_replay *replay,
                                char *text,
                                size_t capacity,
                                size_t *text_len);
#endif

#if defined(LTMS_HOSTED)
/**
 * As ltms_gate_standing, of the Gate as it stands after the last call.
 *
 * Errors: LTMS_STRUCT_SIZE, LTMS_VALUE, LTMS_PEER_ID.
 * Threads: one at a time for a replay.
 */
ltms_status ltms_replay_standing(struct ltms_replay *replay,
                                 struct ltms_standing *standing,
                                 uint64_t now_ms,
                                 const struct ltms_subject *subject);
#endif

#if defined(LTMS_HOSTED)
/**
 * Ends a replay and sets `*replay` to NULL. One that is NULL already is fine.
 *
 * Threads: one at a time for a replay, and none afterwards.
 */
ltms_status ltms_replay_free(struct ltms_replay **replay);
#endif

/**
 * Whether `signature` is the one of the 32 bytes at `hash` by `key`: `*valid` becomes 1 or 0. A
 * key off the curve has no signatures.
 *
 * Errors: none of its own.
 * Threads: any.
 */
ltms_status ltms_schnorr_verify(uint8_t *valid,
                                const struct ltms_public_key *key,
                                const uint8_t *hash,
                                const struct ltms_signature *signature);

/**
 * Checks `count` signatures together, for about 0.7 of what they cost one by one: `valid[i]`
 * becomes 1 or 0 for `items[i]`. The answers are those of ltms_schnorr_verify.
 *
 * `seed` is 32 bytes from the system's randomness that no signer knows; it may be used again.
 * The library for devices has no memory for batches and checks one by one.
 *
 * Errors: LTMS_OUT_OF_MEMORY.
 * Threads: any.
 */
ltms_status ltms_schnorr_verify_batch(uint8_t *valid,
                                      const struct ltms_signed *items,
                                      size_t count,
                                      const uint8_t *seed);

/**
 * Signs the 32 bytes at `hash` with the 32 bytes of a secret key. Equal input gives equal
 * signatures. The library keeps no copy of the key.
 *
 * Errors: LTMS_KEY_OUT_OF_RANGE for a key that is zero or not below the group order.
 * Threads: any.
 */
ltms_status ltms_schnorr_sign(struct ltms_signature *signature,
                              const uint8_t *secret_key,
                              const uint8_t *hash);

/**
 * The public key of the 32 bytes of a secret key.
 *
 * Errors: LTMS_KEY_OUT_OF_RANGE.
 * Threads: any.
 */
ltms_status ltms_public_key_of(struct ltms_public_key *key, const uint8_t *secret_key);

/**
 * Bytes that a table of so many sessions needs: 4 are for a device, 64 for a node, and three
 * quarters of them for sessions that others announce. Its memory has to be aligned to 8 bytes.
 *
 * Errors: LTMS_LENGTH if that is more than there can be.
 * Threads: any.
 */
ltms_status ltms_sessions_size(size_t *bytes, size_t rows);

/**
 * Makes a table of `rows` sessions in memory of the caller's: `memory_len` bytes at `memory`,
 * aligned to 8 and as many as ltms_sessions_size says. It ends with its memory: there is nothing
 * to free. Use it with one Gate only.
 *
 * Errors: LTMS_ALIGNMENT, LTMS_BUFFER_TOO_SMALL, LTMS_LENGTH.
 * Threads: one at a time for a memory.
 */
ltms_status ltms_sessions_init(struct ltms_sessions **sessions,
                               void *memory,
                               size_t memory_len,
                               size_t rows);

/**
 * Takes a step in a session of 16 bytes of id: of the connected peer `from`, or of our own node if
 * that is NULL. The caller has checked the signatures of announcements, joins and contributions.
 *
 * LTMS_REASON_CLEAR if it was taken; LTMS_REASON_UNKNOWN_SESSION, _NOT_A_SIGNER, _WRONG_PHASE,
 * _SESSION_LIMIT, _SHARED_KEY, _REPLAYED and what an announcement can be refused for.
 *
 * Errors: LTMS_VALUE, LTMS_PEER_ID, LTMS_NULL for an announcement that is none.
 * Threads: one at a time for the table and for the Gate.
 */
ltms_status ltms_sessions_step(struct ltms_sessions *sessions,
                               struct ltms_gate *gate,
                               struct ltms_decision *decision,
                               uint64_t now_ms,
                               const struct ltms_peer *from,
                               const uint8_t *session,
                               const struct ltms_step *step);

/**
 * What ltms_sessions_step would say, for before a signature is checked. Changes nothing.
 *
 * Errors: as for ltms_sessions_step.
 * Threads: one at a time for the table and for the Gate.
 */
ltms_status ltms_sessions_screen(struct ltms_sessions *sessions,
                                 struct ltms_gate *gate,
                                 struct ltms_decision *decision,
                                 uint64_t now_ms,
                                 const struct ltms_peer *from,
                                 const uint8_t *session,
                                 const struct ltms_step *step);

/**
 * A peer's last connection is gone. What it had acknowledged and owes, it pays for.
 *
 * Errors: LTMS_PEER_ID.
 * Threads: one at a time for the table and for the Gate.
 */
ltms_status ltms_sessions_disconnected(struct ltms_sessions *sessions,
                                       struct ltms_gate *gate,
                                       uint64_t now_ms,
                                       const struct ltms_peer *peer);

/**
 * Ends every session whose phase ran out of time. Who acknowledged it and owed something pays.
 *
 * Threads: one at a time for the table and for the Gate.
 */
ltms_status ltms_sessions_handle_timeout(struct ltms_sessions *sessions,
                                         struct ltms_gate *gate,
                                         uint64_t now_ms);

/**
 * When ltms_sessions_handle_timeout wants to be called next, or LTMS_NEVER.
 *
 * Threads: one at a time for the table.
 */
ltms_status ltms_sessions_next_deadline(struct ltms_sessions *sessions, uint64_t *deadline_ms);

/**
 * The next thing that has to be told; LTMS_SESSION_NONE if there is nothing. Ask after every other
 * call until then.
 *
 * Threads: one at a time for the table.
 */
ltms_status ltms_sessions_poll_event(struct ltms_sessions *sessions,
                                     struct ltms_session_event *event);

/**
 * The session of this id, 16 bytes. `info->struct_size` has to be set.
 *
 * Errors: LTMS_CAPACITY_UNKNOWN if there is none, LTMS_STRUCT_SIZE.
 * Threads: one at a time for the table.
 */
ltms_status ltms_sessions_get(struct ltms_sessions *sessions,
                              struct ltms_session *info,
                              const uint8_t *session);

/**
 * The identity that a signer of a session had when it joined, and its peer: zeros for none, and
 * for what is not known.
 *
 * Errors: LTMS_CAPACITY_UNKNOWN if there is no such session or signer.
 * Threads: one at a time for the table.
 */
ltms_status ltms_sessions_signer(struct ltms_sessions *sessions,
                                 struct ltms_identity *identity,
                                 struct ltms_peer *peer,
                                 const uint8_t *session,
                                 uint8_t signer);

/**
 * Brings back what an abort of an earlier process held until a time: a slot of `identity`, or of
 * all strangers if that is NULL. Does nothing when no row is free.
 *
 * Threads: one at a time for the table.
 */
ltms_status ltms_sessions_restore_hold(struct ltms_sessions *sessions,
                                       uint64_t now_ms,
                                       const uint8_t *session,
                                       const struct ltms_identity *identity,
                                       uint64_t until_ms);

/**
 * Everything that is known about somebody. Makes no row. `standing->struct_size` has to be set.
 *
 * Errors: LTMS_STRUCT_SIZE, LTMS_VALUE, LTMS_PEER_ID.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_standing(struct ltms_gate *gate,
                               struct ltms_standing *standing,
                               uint64_t now_ms,
                               const struct ltms_subject *subject);

/**
 * How many bytes ltms_gate_write_snapshot needs at present; a sealed one, LTMS_SEAL_LEN more.
 *
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_snapshot_len(struct ltms_gate *gate, size_t *len);

/**
 * Writes everything that has to outlive a restart to the start of `snapshot`, which has room for
 * `capacity` bytes, and its length to `*snapshot_len`: identities, keys, bans, what is counted
 * against peers, and the chain's end. Keep it after every ban.
 *
 * It can only be read with the Gate's seed, which is not in it. With a `seal_key` of 32 bytes it is
 * sealed: only who has the key can make or change it; `counter` is to grow with every snapshot.
 * NULL: no seal.
 *
 * Errors: LTMS_BUFFER_TOO_SMALL.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_write_snapshot(struct ltms_gate *gate,
                                     uint8_t *snapshot,
                                     size_t capacity,
                                     size_t *snapshot_len,
                                     const uint8_t *seal_key,
                                     uint64_t counter);

/**
 * Brings back what ltms_gate_write_snapshot wrote, into a Gate that is empty: without a seal if
 * `seal_key` is NULL, otherwise with one that `seal_key` made and a counter of `at_least` or more.
 * `restored->struct_size` has to be set.
 *
 * Errors: LTMS_SNAPSHOT_…; nothing has changed then. If a snapshot is lost, call ltms_gate_guard.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_restore(struct ltms_gate *gate,
                              struct ltms_restored *restored,
                              uint64_t now_ms,
                              const uint8_t *snapshot,
                              size_t snapshot_len,
                              const uint8_t *seal_key,
                              uint64_t at_least);

/**
 * Counts the outcome of a signing session of 16 bytes of id for `subject`. `counterparty` is the
 * identity that signed with it, or NULL for ourselves; `result` is one of the LTMS_OUTCOME
 * numbers, and `response_ms` how long a signer of a completed one took to answer.
 *
 * LTMS_REASON_CLEAR if it was counted; LTMS_REASON_NOT_COUNTED, LTMS_REASON_UNKNOWN_IDENTITY.
 *
 * Errors: LTMS_VALUE.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_record_session(struct ltms_gate *gate,
                                     struct ltms_decision *decision,
                                     uint64_t now_ms,
                                     const uint8_t *session,
                                     const struct ltms_identity *subject,
                                     const struct ltms_identity *counterparty,
                                     uint8_t result,
                                     uint64_t response_ms);

/**
 * Counts a proven fault of an identity; `fault`, one of the LTMS_REASON numbers, says in which
 * way. The caller has checked the proof, counts each fault once and keeps the evidence.
 *
 * LTMS_REASON_IDENTITY_BANNED if it is banned now, LTMS_REASON_CLEAR if not yet.
 *
 * Errors: LTMS_VALUE.
 * Threads: one at a time for a Gate.
 */
ltms_status ltms_gate_record_fault(struct ltms_gate *gate,
                                   struct ltms_decision *decision,
                                   uint64_t now_ms,
                                   const struct ltms_identity *identity,
                                   uint8_t fault);

/**
 * The reputation of somebody never met.
 *
 * Errors: LTMS_EMPTY for a policy that was never made.
 * Threads: one at a time for a reputation.
 */
ltms_status ltms_reputation_init(struct ltms_reputation *reputation,
                                 const struct ltms_policy *policy,
                                 uint64_t now_ms);

/**
 * Counts an outcome, as for ltms_gate_record_session.
 *
 * Errors: LTMS_VALUE, LTMS_EMPTY for a reputation or policy that was never made.
 * Threads: one at a time for a reputation.
 */
ltms_status ltms_reputation_record(struct ltms_reputation *reputation,
                                   const struct ltms_policy *policy,
                                   uint64_t now_ms,
                                   uint8_t result,
                                   uint64_t response_ms);

/**
 * The score, 0 to 100.
 *
 * Errors: LTMS_EMPTY for a reputation that was never made.
 * Threads: any, while nobody records.
 */
ltms_status ltms_reputation_score(uint8_t *score, const struct ltms_reputation *reputation);

/**
 * The name of a status, as in `LTMS_SCRIPT_TRUNCATED` without the prefix and in camel case:
 * "ScriptTruncated". Text of the library's, ended by a zero, never NULL; "" for a number that is
 * no status.
 *
 * Threads: any.
 */
const char *ltms_status_name(ltms_status status);

/**
 * What a status means, in a few words of English. Text of the library's, ended by a zero, never
 * NULL; "" for a number that is no status.
 *
 * Threads: any.
 */
const char *ltms_status_text(ltms_status status);

/**
 * The stable name of a reason, as in logs and metrics: "too-soon". Text of the library's, ended by
 * a zero, never NULL; "" for a number that is no reason.
 *
 * Threads: any.
 */
const char *ltms_strreason(uint8_t reason);

/**
 * The library's version, such as "0.1.0": text of the library's, ended by a zero. Compare it with
 * LTMS_VERSION to find that a program runs with another library than it was built with.
 *
 * Threads: any.
 */
const char *ltms_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LTMS_H */
