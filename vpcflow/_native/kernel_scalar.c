/* The portable kernel: 64-bit registers only. It runs anywhere. */
#include "kernel.h"
#include "kernel_swar.h"

#define VF_KERNEL_NAME scalar

typedef struct {
    uint64_t words[8];
} vf_block;

VF_INLINE vf_block block_load(const uint8_t *p) {
    vf_block block;
    memcpy(&block, p, 64);
    return block;
}

/* Gather the high bits of eight bytes into eight bits. */
VF_INLINE uint64_t high_bits(uint64_t word) {
    return (word & VF_BYTES(0x80)) * 0x0002040810204081u >> 56;
}

typedef uint64_t vf_matches;

VF_INLINE vf_matches block_equal(vf_block block, uint8_t c) {
    uint64_t mask = 0;
    for (int i = 0; i < 8; i++) {
        const uint64_t t = block.words[i] ^ VF_BYTES(c);
        const uint64_t differs = ((t & VF_BYTES(0x7F)) + VF_BYTES(0x7F)) | t;
        mask |= high_bits(~differs) << (8 * i);
    }
    return mask;
}

VF_INLINE uint64_t matches_mask(vf_matches matches) { return matches; }

typedef struct {
    uint64_t below, newlines, all; /* bytes below the blank, newlines: how many; all bytes or-ed */
} vf_watch;

VF_INLINE vf_watch watch_nothing(void) { return (vf_watch){0, 0, 0}; }

VF_INLINE vf_watch watch(vf_watch seen, vf_block block, vf_matches newlines) {
    for (int i = 0; i < 8; i++) {
        const uint64_t word = block.words[i];
        const uint64_t at_least = ((word & VF_BYTES(0x7F)) + VF_BYTES(0x80u - ' ')) | word;
        seen.below += vf_popcount64(~at_least & VF_BYTES(0x80));
        seen.all |= word;
    }
    seen.newlines += vf_popcount64(newlines);
    return seen;
}

VF_INLINE bool watch_saw_odd(vf_watch seen) { return seen.below != seen.newlines; }
VF_INLINE bool watch_saw_high(vf_watch seen) { return (seen.all & VF_BYTES(0x80)) != 0; }

VF_INLINE uint32_t *emit(uint32_t *out, uint64_t mask, uint32_t base) {
    while (mask) {
        *out++ = base + vf_ctz64(mask);
        mask &= mask - 1;
    }
    return out;
}

#include "kernel_body.h"
