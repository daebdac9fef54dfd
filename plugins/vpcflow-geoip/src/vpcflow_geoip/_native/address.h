/* IP addresses as text (RFC 4291 section 2.2, RFC 5952) to numbers, and what range they lie in. */
#ifndef VG_ADDRESS_H
#define VG_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ranges with a purpose of their own: IANA's special-purpose address registries (RFC 6890 and its
 * successors), and multicast. Everything else is public. The order is that of SCOPES in module.c. */
typedef enum {
    VG_PUBLIC,
    VG_PRIVATE,       /* RFC 1918, RFC 4193, RFC 3879, RFC 8215 */
    VG_SHARED,        /* RFC 6598: carrier-grade NAT */
    VG_LOOPBACK,
    VG_LINK_LOCAL,
    VG_MULTICAST,
    VG_DOCUMENTATION, /* RFC 5737, RFC 3849, RFC 9637 */
    VG_BENCHMARKING,  /* RFC 2544, RFC 5180 */
    VG_RESERVED,
    VG_SCOPES
} vg_scope;

/* The bits of an address stand at the top: an IPv4 address is high >> 32. */
typedef struct {
    uint64_t high, low;
    uint8_t family; /* 4, 6; 0: the text is no address */
    uint8_t scope;  /* a vg_scope; of family 0 it means nothing */
} vg_address;

/* What inet_pton(3) takes is an address, and nothing else: no zone (%eth0), no leading zeros in
 * decimal parts, no blanks. An IPv4 address inside an IPv6 one, mapped (::ffff:0:0/96) or behind
 * NAT64 (64:ff9b::/96, which is what DNS64 in a VPC gives out), comes out as the IPv4 address. */
vg_address vg_parse_address(const char *text, size_t length);

/* The scope of an address of family 4 or 6. */
vg_scope vg_scope_of(uint64_t high, uint64_t low, unsigned family);

#endif
