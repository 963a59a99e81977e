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

#endif
