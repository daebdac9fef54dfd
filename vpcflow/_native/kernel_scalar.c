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

VF_INLINE uint64_t block_equal(vf_block block, uint8_t c) {
    uint64_t mask = 0;
    for (int i = 0; i < 8; i++) {
        const uint64_t t = block.words[i] ^ VF_BYTES(c);
        const uint64_t differs = ((t & VF_BYTES(0x7F)) + VF_BYTES(0x7F)) | t;
        mask |= high_bits(~differs) << (8 * i);
    }
    return mask;
}

/* `c` is below 0x80. */
VF_INLINE uint64_t block_below(vf_block block, uint8_t c) {
    uint64_t mask = 0;
    for (int i = 0; i < 8; i++) {
        const uint64_t word = block.words[i];
        const uint64_t at_least = ((word & VF_BYTES(0x7F)) + VF_BYTES(0x80u - c)) | word;
        mask |= high_bits(~at_least) << (8 * i);
    }
    return mask;
}

VF_INLINE uint64_t block_high(vf_block block) {
    uint64_t mask = 0;
    for (int i = 0; i < 8; i++) mask |= high_bits(block.words[i]) << (8 * i);
    return mask;
}

VF_INLINE uint32_t *emit(uint32_t *out, uint64_t mask, uint32_t base) {
    while (mask) {
        *out++ = base + vf_ctz64(mask);
        mask &= mask - 1;
    }
    return out;
}

#include "kernel_body.h"
