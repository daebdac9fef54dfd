#include "address.h"

static bool parse_ipv4(const uint8_t *at, const uint8_t *end, uint32_t *out) {
    uint32_t address = 0;
    for (int part = 0; part < 4; part++) {
        if (part && (at == end || *at++ != '.')) return false;
        const uint8_t *first = at;
        unsigned number = 0;
        while (at < end && at - first < 4 && (unsigned)*at - '0' <= 9) number = number * 10 + (*at++ - '0');
        if (at == first || number > 255 || (at - first > 1 && *first == '0')) return false;
        address = address << 8 | number;
    }
    *out = address;
    return at == end;
}

/* Hexadecimal digits plus one; 0: not a digit. */
static const uint8_t hex_digits[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/* The groups of an IPv6 address; *gap: before which of them "::" stands, or -1. */
static bool parse_groups(const uint8_t *at, const uint8_t *end, uint16_t *groups, int *count, int *gap) {
    *count = 0;
    *gap = -1;
    if (at < end && *at == ':') {
        if (end - at < 2 || at[1] != ':') return false;
        *gap = 0;
        at += 2;
    }
    while (at < end) {
        if (*count == 8) return false;
        const uint8_t *first = at;
        unsigned group = 0;
        for (unsigned digit; at < end && at - first < 5 && (digit = hex_digits[*at]); at++) {
            group = group << 4 | (digit - 1);
        }
        if (at < end && *at == '.') {
            uint32_t tail;
            if (*count > 6 || !parse_ipv4(first, end, &tail)) return false;
            groups[(*count)++] = (uint16_t)(tail >> 16);
            groups[(*count)++] = (uint16_t)tail;
            return true;
        }
        if (at == first || at - first > 4) return false;
        groups[(*count)++] = (uint16_t)group;
        if (at == end) return true;
        if (*at++ != ':' || at == end) return false;
        if (*at == ':') {
            if (*gap >= 0) return false;
            *gap = *count;
            at++;
        }
    }
    return true;
}

static bool parse_ipv6(const uint8_t *at, const uint8_t *end, uint64_t *high, uint64_t *low) {
    uint16_t groups[8];
    int count, gap;
    if (!parse_groups(at, end, groups, &count, &gap)) return false;
    if (gap < 0 ? count != 8 : count > 7) return false;
    uint64_t halves[2] = {0, 0};
    const int zeros = 8 - count;
    for (int i = 0; i < count; i++) {
        const int place = gap >= 0 && i >= gap ? i + zeros : i;
        halves[place >> 2] |= (uint64_t)groups[i] << (48 - 16 * (place & 3));
    }
    *high = halves[0];
    *low = halves[1];
    return true;
}

static bool holds_ipv4(uint64_t high, uint64_t low) {
    return (high == 0 && low >> 32 == 0xFFFF) || (high == 0x0064FF9B00000000 && low >> 32 == 0);
}

/* Only an IPv6 address has a colon, and it has one behind four digits at the latest. */
static bool has_early_colon(const uint8_t *at, size_t length) {
    bool colon = false;
    for (size_t i = 0; i < 5 && i < length; i++) colon |= at[i] == ':';
    return colon;
}

vg_address vg_parse_address(const char *text, size_t length) {
    const uint8_t *at = (const uint8_t *)text, *end = at + length;
    vg_address address = {0, 0, 0, 0};
    if (length > 45) return address; /* INET6_ADDRSTRLEN without its zero byte */
    if (!has_early_colon(at, length)) {
        uint32_t ipv4;
        if (!parse_ipv4(at, end, &ipv4)) return address;
        address.high = (uint64_t)ipv4 << 32;
        address.family = 4;
    } else if (parse_ipv6(at, end, &address.high, &address.low)) {
        address.family = 6;
        if (holds_ipv4(address.high, address.low)) {
            address = (vg_address){address.low << 32, 0, 4, 0};
        }
    } else {
        return address;
    }
    address.scope = (uint8_t)vg_scope_of(address.high, address.low, address.family);
    return address;
}
