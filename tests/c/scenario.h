/* An operation of a scenario of tests/vectors: what a Gate is given, and what has to come out. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "ltms.h"

enum {
    OP_SCREEN, OP_CONNECTED, OP_DISCONNECTED, OP_FRAME, OP_MALFORMED, OP_AD, OP_CLAIM, OP_SETTLE,
    OP_HELLO, OP_TIP, OP_CONFIRM, OP_PIN, OP_SESSION, OP_BAN, OP_UNBAN, OP_ALLOW, OP_FAULT,
    OP_SWEEP, OP_EVENTS, OP_STANDING, OP_IDENTITY, OP_FIND, OP_UNSENDABLE
};

enum { WANT_NOTHING, WANT_DECISION, WANT_HELD, WANT_NUMBER, WANT_ROWS };

/* Peers, keys and identities by their numbers in the scenario; 0 for none. */
typedef struct {
    int op;
    uint64_t now, number, until;
    uint32_t peer, publisher, key, identity, counterparty, hold;
    uint8_t channel, kind, reason, flag, evidence;
    ltms_span bytes, header;
    int want;
    uint64_t wanted;
    uint8_t wanted_reason;
    /* The wanted rows, in the table of their kind. */
    size_t first, count;
} step;

typedef struct {
    uint8_t kind, reason;
    uint32_t number;
    uint64_t until;
} wanted_event;

typedef struct {
    uint32_t identity;
    ltms_standing standing;
} wanted_standing;

typedef struct {
    uint32_t key;
    uint64_t sequence;
    uint32_t height;
    uint8_t evidence;
} wanted_identity;

typedef struct {
    const char *name;
    uint64_t value;
} policy_field;

typedef struct {
    const char *name;
    size_t first_field, fields, first, steps;
    /* The identities' ids. */
    ltms_span ids;
} scenario;

#endif
