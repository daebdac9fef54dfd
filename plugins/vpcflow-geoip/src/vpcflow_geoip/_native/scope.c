/* The special-purpose address registries, as of 2024:
 * https://www.iana.org/assignments/iana-ipv4-special-registry
 * https://www.iana.org/assignments/iana-ipv6-special-registry
 * The first range of the list that holds an address decides, so exceptions stand before their block.
 * Ranges that the registries call globally reachable are public. IPv6 space that is not handed out
 * yet is public too: a list of it would be wrong on the day when it is. */
#include "address.h"

typedef struct {
    uint32_t network;
    uint8_t length, scope;
} ipv4_range;

typedef struct {
    uint64_t high, low;
    uint8_t length, scope;
} ipv6_range;

#define IPV4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))
#define GROUPS(a, b, c, d) ((uint64_t)(a) << 48 | (uint64_t)(b) << 32 | (uint64_t)(c) << 16 | (d))

static const ipv4_range ipv4_ranges[] = {
    {IPV4(10, 0, 0, 0), 8, VG_PRIVATE},            /* RFC 1918 */
    {IPV4(172, 16, 0, 0), 12, VG_PRIVATE},         /* RFC 1918 */
    {IPV4(192, 168, 0, 0), 16, VG_PRIVATE},        /* RFC 1918 */
    {IPV4(100, 64, 0, 0), 10, VG_SHARED},          /* RFC 6598 */
    {IPV4(127, 0, 0, 0), 8, VG_LOOPBACK},          /* RFC 1122 */
    {IPV4(169, 254, 0, 0), 16, VG_LINK_LOCAL},     /* RFC 3927; AWS's metadata and DNS addresses */
    {IPV4(224, 0, 0, 0), 4, VG_MULTICAST},         /* RFC 5771 */
    {IPV4(192, 0, 2, 0), 24, VG_DOCUMENTATION},    /* RFC 5737 */
    {IPV4(198, 51, 100, 0), 24, VG_DOCUMENTATION}, /* RFC 5737 */
    {IPV4(203, 0, 113, 0), 24, VG_DOCUMENTATION},  /* RFC 5737 */
    {IPV4(198, 18, 0, 0), 15, VG_BENCHMARKING},    /* RFC 2544 */
    {IPV4(0, 0, 0, 0), 8, VG_RESERVED},            /* RFC 791: this network */
    {IPV4(192, 0, 0, 9), 32, VG_PUBLIC},           /* RFC 7723: port control anycast */
    {IPV4(192, 0, 0, 10), 32, VG_PUBLIC},          /* RFC 8155: TURN anycast */
    {IPV4(192, 0, 0, 0), 24, VG_RESERVED},         /* RFC 6890: protocol assignments */
    {IPV4(240, 0, 0, 0), 4, VG_RESERVED},          /* RFC 1112; 255.255.255.255: RFC 8190 */
};

static const ipv6_range ipv6_ranges[] = {
    {GROUPS(0xfc00, 0, 0, 0), 0, 7, VG_PRIVATE},                /* RFC 4193 */
    {GROUPS(0xfec0, 0, 0, 0), 0, 10, VG_PRIVATE},               /* RFC 3879: site-local, given up */
    {GROUPS(0x64, 0xff9b, 1, 0), 0, 48, VG_PRIVATE},            /* RFC 8215: local NAT64 */
    {0, 1, 128, VG_LOOPBACK},                                   /* RFC 4291 */
    {GROUPS(0xfe80, 0, 0, 0), 0, 10, VG_LINK_LOCAL},            /* RFC 4291 */
    {GROUPS(0xff00, 0, 0, 0), 0, 8, VG_MULTICAST},              /* RFC 4291 */
    {GROUPS(0x2001, 0xdb8, 0, 0), 0, 32, VG_DOCUMENTATION},     /* RFC 3849 */
    {GROUPS(0x3fff, 0, 0, 0), 0, 20, VG_DOCUMENTATION},         /* RFC 9637 */
    {GROUPS(0x2001, 2, 0, 0), 0, 48, VG_BENCHMARKING},          /* RFC 5180 */
    {0, 0, 128, VG_RESERVED},                                   /* RFC 4291: unspecified */
    {GROUPS(0x100, 0, 0, 0), 0, 64, VG_RESERVED},               /* RFC 6666: discard */
    {GROUPS(0x100, 0, 0, 1), 0, 64, VG_RESERVED},               /* RFC 9780: dummy prefix */
    {GROUPS(0x5f00, 0, 0, 0), 0, 16, VG_RESERVED},              /* RFC 9602: segment identifiers */
    {GROUPS(0x2001, 1, 0, 0), 1, 128, VG_PUBLIC},               /* RFC 7723: port control anycast */
    {GROUPS(0x2001, 1, 0, 0), 2, 128, VG_PUBLIC},               /* RFC 8155: TURN anycast */
    {GROUPS(0x2001, 1, 0, 0), 3, 128, VG_PUBLIC},               /* RFC 9665: service registration */
    {GROUPS(0x2001, 3, 0, 0), 0, 32, VG_PUBLIC},                /* RFC 7450: AMT */
    {GROUPS(0x2001, 4, 0x112, 0), 0, 48, VG_PUBLIC},            /* RFC 7535: AS112 */
    {GROUPS(0x2001, 0x20, 0, 0), 0, 28, VG_PUBLIC},             /* RFC 7343: ORCHIDv2 */
    {GROUPS(0x2001, 0x30, 0, 0), 0, 28, VG_PUBLIC},             /* RFC 9374: drone identifiers */
    {GROUPS(0x2001, 0, 0, 0), 0, 23, VG_RESERVED},              /* RFC 2928: protocol assignments */
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Most addresses are told to be public by their first byte, or first group. */
static bool may_be_special_ipv4(uint32_t address) {
    switch (address >> 24) {
    case 0:
    case 10:
    case 100:
    case 127:
    case 169:
    case 172:
    case 192:
    case 198:
    case 203:
        return true;
    default:
        return address >> 24 >= 224;
    }
}

static bool may_be_special_ipv6(uint64_t high) {
    const uint64_t group = high >> 48;
    return group >> 13 != 1 || group == 0x2001 || group == 0x3fff;
}

vg_scope vg_scope_of(uint64_t high, uint64_t low, unsigned family) {
    if (family == 4) {
        const uint32_t address = (uint32_t)(high >> 32);
        if (!may_be_special_ipv4(address)) return VG_PUBLIC;
        for (size_t i = 0; i < COUNT(ipv4_ranges); i++) {
            const ipv4_range *range = &ipv4_ranges[i];
            if ((address ^ range->network) >> (32 - range->length) == 0) return (vg_scope)range->scope;
        }
        return VG_PUBLIC;
    }
    if (!may_be_special_ipv6(high)) return VG_PUBLIC;
    for (size_t i = 0; i < COUNT(ipv6_ranges); i++) {
        const ipv6_range *range = &ipv6_ranges[i];
        const unsigned bits = range->length < 64 ? range->length : 64;
        if ((high ^ range->high) >> (64 - bits) != 0) continue;
        if (range->length < 128 || low == range->low) return (vg_scope)range->scope;
    }
    return VG_PUBLIC;
}
