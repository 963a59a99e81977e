/* Bytes of the vectors, compared and cast. */
#ifndef SPANS_H
#define SPANS_H

static inline int same(ltms_span expected, const void *bytes, size_t len)
{
    return expected.len == len && (len == 0 || memcmp(expected.data, bytes, len) == 0);
}

/* The bytes as one of the structs that are nothing but bytes. */
#define AS(type, span) (*(const type *)exactly(sizeof(type), span))
static inline const void *exactly(size_t len, ltms_span span)
{
    if (span.len != len)
        abort();
    return span.data;
}

#endif
