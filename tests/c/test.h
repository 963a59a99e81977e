/* What every test program needs. */
#ifndef TEST_H
#define TEST_H

#include "ltms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

/* Says which line, and goes on. */
#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            failures++; \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
        } \
    } while (0)

/* The same for a status, with its name. */
#define GIVES(expected, call) \
    do { \
        ltms_status given_ = (call); \
        if (given_ != (expected)) { \
            failures++; \
            fprintf(stderr, "%s:%d: %s gives %s\n", __FILE__, __LINE__, #call, \
                    ltms_status_name(given_)); \
        } \
    } while (0)

#define OK(call) GIVES(LTMS_OK, call)

#define LEN(table) (sizeof(table) / sizeof(table)[0])
/* Where to begin in every table: only the check that skipping is noticed has another number. */
#ifndef FIRST
#define FIRST 0
#endif
/* Runs the block for every entry of a table, and says for how many. */
#define EACH(table) \
    for (size_t i = FIRST; i < LEN(table) || (printf("%s %zu\n", #table, i - FIRST), 0); i++)

#ifdef LTMS_BARE
/* The library for devices has no heap: the tests lend it theirs. */
static inline ltms_status lend_gate(ltms_gate **gate, const ltms_capacity *capacity,
                                    const ltms_policy *policy, const uint8_t *seed)
{
    size_t size = 0;
    ltms_status status = ltms_gate_size(&size, capacity);
    return status ? status
                  : ltms_gate_init(gate, malloc(size), size, capacity, policy, seed);
}
#define ltms_gate_new lend_gate
#endif

/* Ends a Gate, and gives back what was lent to it. */
static inline void drop_gate(ltms_gate **gate)
{
    void *memory = *gate;
    OK(ltms_gate_free(gate));
#ifdef LTMS_BARE
    free(memory);
#else
    (void)memory;
#endif
}

#endif
