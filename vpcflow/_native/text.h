/* The careful, scalar readings of one field: what the fast loops cannot prove valid is decided here.
 * Nothing reads outside [text, text + length). */
#ifndef VF_TEXT_H
#define VF_TEXT_H

#include "common.h"

typedef enum { VF_VALUE, VF_NULL, VF_BAD } vf_verdict;

VF_INLINE bool vf_is_null(const uint8_t *text, size_t length) {
    return length == 1 && text[0] == '-';
}

/* Plain decimal digits, no sign, no leading zero, at most `max`; "-" is VF_NULL. On VF_BAD *reason
 * is VF_NOT_AN_INTEGER or VF_OUT_OF_RANGE. */
vf_verdict vf_read_integer(const uint8_t *text, size_t length, int64_t max, int64_t *value,
                           vf_reason *reason);
/* A time: 10 digits are seconds, 13 are milliseconds since 1970 UTC; *value is in milliseconds. */
vf_verdict vf_read_time(const uint8_t *text, size_t length, int64_t *value, vf_reason *reason);

/* Strict UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). */
bool vf_is_utf8(const uint8_t *text, size_t length);

/* Decode %XX into `out` (room for `length` bytes; may not overlap). False: a '%' without two
 * hexadecimal digits behind it. */
bool vf_percent_decode(const uint8_t *text, size_t length, uint8_t *out, size_t *out_length);

/* 4 or 16 for an IPv4 or IPv6 address (bytes in network order in `out`), 0 for anything else.
 * The grammar of RFC 4291 section 2.2 and dotted decimal without leading zeros; no zone ids. */
int vf_read_address(const uint8_t *text, size_t length, uint8_t out[16]);

#endif
