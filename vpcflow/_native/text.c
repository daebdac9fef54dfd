#include "text.h"

static bool is_digit(uint8_t c) { return (uint8_t)(c - '0') <= 9; }

vf_verdict vf_read_integer(const uint8_t *text, size_t length, int64_t max, int64_t *value,
                           vf_reason *reason) {
    if (vf_is_null(text, length)) return VF_NULL;
    *reason = VF_NOT_AN_INTEGER;
    if (length == 0 || (text[0] == '0' && length > 1)) return VF_BAD;
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(text[i])) return VF_BAD;
    }
    *reason = VF_OUT_OF_RANGE;
    if (length > 19) return VF_BAD;
    uint64_t sum = 0; /* 19 digits stay below 10^19 < 2^64 */
    for (size_t i = 0; i < length; i++) sum = sum * 10 + (uint64_t)(text[i] - '0');
    if (sum > (uint64_t)max) return VF_BAD;
    *value = (int64_t)sum;
    return VF_VALUE;
}

vf_verdict vf_read_time(const uint8_t *text, size_t length, int64_t *value, vf_reason *reason) {
    vf_verdict verdict = vf_read_integer(text, length, INT64_MAX, value, reason);
    if (verdict != VF_VALUE) return verdict;
    if (length == 10) {
        *value *= 1000;
        return VF_VALUE;
    }
    if (length == 13) return VF_VALUE;
    *reason = VF_OUT_OF_RANGE;
    return VF_BAD;
}

static bool is_continuation(uint8_t c) { return (c & 0xC0) == 0x80; }

bool vf_is_utf8(const uint8_t *text, size_t length) {
    size_t i = 0;
    while (i < length) {
        if (length - i >= 8 && !(vf_load64(text + i) & 0x8080808080808080u)) {
            i += 8;
            continue;
        }
        uint8_t c = text[i];
        if (c < 0x80) {
            i += 1;
        } else if (c < 0xC2) {
            return false;
        } else if (c < 0xE0) {
            if (length - i < 2 || !is_continuation(text[i + 1])) return false;
            i += 2;
        } else if (c < 0xF0) {
            if (length - i < 3 || !is_continuation(text[i + 1]) || !is_continuation(text[i + 2])) {
                return false;
            }
            if ((c == 0xE0 && text[i + 1] < 0xA0) || (c == 0xED && text[i + 1] > 0x9F)) return false;
            i += 3;
        } else if (c < 0xF5) {
            if (length - i < 4 || !is_continuation(text[i + 1]) || !is_continuation(text[i + 2]) ||
                !is_continuation(text[i + 3])) {
                return false;
            }
            if ((c == 0xF0 && text[i + 1] < 0x90) || (c == 0xF4 && text[i + 1] > 0x8F)) return false;
            i += 4;
        } else {
            return false;
        }
    }
    return true;
}

static int hex_value(uint8_t c) {
    if (is_digit(c)) return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool vf_percent_decode(const uint8_t *text, size_t length, uint8_t *out, size_t *out_length) {
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '%') {
            out[n++] = text[i];
            continue;
        }
        if (length - i < 3) return false;
        int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
        if (high < 0 || low < 0) return false;
        out[n++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    *out_length = n;
    return true;
}

static bool read_ipv4(const uint8_t *text, size_t length, uint8_t out[4]) {
    size_t i = 0;
    for (int part = 0; part < 4; part++) {
        if (part && (i >= length || text[i++] != '.')) return false;
        size_t first = i;
        unsigned sum = 0;
        while (i < length && is_digit(text[i]) && i - first < 3) sum = sum * 10 + (text[i++] - '0');
        if (i == first || sum > 255 || (text[first] == '0' && i - first > 1)) return false;
        out[part] = (uint8_t)sum;
    }
    return i == length;
}

static bool read_ipv6(const uint8_t *text, size_t length, uint8_t out[16]) {
    uint8_t words[16] = {0};
    int filled = 0, gap = -1;
    size_t i = 0;
    if (length >= 2 && text[0] == ':' && text[1] == ':') {
        gap = 0;
        i = 2;
    }
    while (i < length) {
        if (filled == 16) return false;
        size_t first = i;
        unsigned sum = 0;
        int digit;
        while (i < length && i - first < 4 && (digit = hex_value(text[i])) >= 0) {
            sum = sum << 4 | (unsigned)digit;
            i++;
        }
        if (i < length && text[i] == '.') {
            if (filled > 12 || !read_ipv4(text + first, length - first, words + filled)) return false;
            filled += 4;
            i = length;
            break;
        }
        if (i == first) return false;
        words[filled++] = (uint8_t)(sum >> 8);
        words[filled++] = (uint8_t)sum;
        if (i == length) break;
        if (text[i++] != ':' || i == length) return false;
        if (text[i] == ':') {
            if (gap >= 0) return false;
            gap = filled;
            i++;
        }
    }
    /* "::" stands for at least one group of zeros */
    if (gap < 0 ? filled != 16 : filled > 14) return false;
    if (gap < 0) gap = filled;
    memset(out, 0, 16);
    memcpy(out, words, (size_t)gap);
    memcpy(out + 16 - (filled - gap), words + gap, (size_t)(filled - gap));
    return true;
}

int vf_read_address(const uint8_t *text, size_t length, uint8_t out[16]) {
    if (length < 2 || length > 45) return 0;
    if (memchr(text, ':', length)) return read_ipv6(text, length, out) ? 16 : 0;
    return read_ipv4(text, length, out) ? 4 : 0;
}
