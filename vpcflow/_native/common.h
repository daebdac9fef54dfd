/* What every file of the kernel shares: sizes, unaligned loads, bit counting.
 * Little-endian machines only (x86-64, arm64); CMakeLists.txt refuses others. */
#ifndef VF_COMMON_H
#define VF_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Readable bytes that must lie before and after any text handed to a vf_kernel function. */
#define VF_PAD 64
/* Text is taken in pieces of this size, so that text, positions and the outputs of a piece share
 * the first-level cache. A longer line makes a piece of its own. */
#define VF_PIECE (32u * 1024u)
/* Columns are decoded for at most this many rows at a time: the size of the scratch arrays. */
#define VF_GROUP 512u
#define VF_MAX_LINE (1u << 20)
#define VF_MAX_REJECT_TEXT 4096u
#define VF_MAX_REJECTS 1000u
#define VF_DICT_LIMIT 65536u
#define VF_PROBE_LIMIT 32u

#if defined(__GNUC__) || defined(__clang__)
#define VF_LIKELY(x) __builtin_expect(!!(x), 1)
#define VF_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define VF_INLINE static inline __attribute__((always_inline))
#define VF_NOINLINE __attribute__((noinline))
#if defined(__clang__)
#define VF_UNROLL _Pragma("unroll 4")
#else
#define VF_UNROLL _Pragma("GCC unroll 4")
#endif
#else
#error "vpcflow's kernel needs GCC or Clang (on Windows: clang-cl)"
#endif

VF_INLINE uint64_t vf_load64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

VF_INLINE uint32_t vf_load32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

VF_INLINE void vf_store64(void *p, uint64_t v) { memcpy(p, &v, 8); }

VF_INLINE unsigned vf_ctz64(uint64_t v) { return (unsigned)__builtin_ctzll(v); }
VF_INLINE unsigned vf_clz64(uint64_t v) { return (unsigned)__builtin_clzll(v); }
VF_INLINE unsigned vf_popcount64(uint64_t v) { return (unsigned)__builtin_popcountll(v); }

/* Why a line is set aside; the order is that of vpcflow.errors.REASONS. */
typedef enum {
    VF_TOO_FEW_FIELDS,
    VF_TOO_MANY_FIELDS,
    VF_NOT_AN_INTEGER,
    VF_OUT_OF_RANGE,
    VF_NOT_UTF8,
    VF_BAD_PERCENT_ENCODING,
    VF_LINE_TOO_LONG,
    VF_TRUNCATED,
    VF_REASONS
} vf_reason;

/* What an operation came to. */
typedef enum {
    VF_OK,
    VF_FULL,      /* the batch is complete: take it, then go on */
    VF_HEADER,    /* the next line is a header with other fields */
    VF_NO_MEMORY,
    VF_TOO_BIG    /* a text column would pass 2^31-1 bytes in one batch */
} vf_status;

#endif
