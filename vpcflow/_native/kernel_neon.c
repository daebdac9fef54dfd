/* NEON: every arm64 processor. */
#include <arm_neon.h>

#include "kernel.h"
#include "kernel_swar.h"

#define VF_KERNEL_NAME neon

typedef uint8x16x4_t vf_block;

VF_INLINE vf_block block_load(const uint8_t *p) { return vld1q_u8_x4(p); }

/* One bit a byte of four vectors that hold 0x00 or 0xFF in each byte. */
VF_INLINE uint64_t block_mask(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d) {
    const uint8x16_t bit = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t ab = vpaddq_u8(vandq_u8(a, bit), vandq_u8(b, bit));
    const uint8x16_t cd = vpaddq_u8(vandq_u8(c, bit), vandq_u8(d, bit));
    const uint8x16_t abcd = vpaddq_u8(ab, cd);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(abcd, abcd)), 0);
}

VF_INLINE uint64_t block_equal(vf_block block, uint8_t c) {
    const uint8x16_t all = vdupq_n_u8(c);
    return block_mask(vceqq_u8(block.val[0], all), vceqq_u8(block.val[1], all),
                      vceqq_u8(block.val[2], all), vceqq_u8(block.val[3], all));
}

VF_INLINE uint64_t block_below(vf_block block, uint8_t c) {
    const uint8x16_t all = vdupq_n_u8(c);
    return block_mask(vcltq_u8(block.val[0], all), vcltq_u8(block.val[1], all),
                      vcltq_u8(block.val[2], all), vcltq_u8(block.val[3], all));
}

VF_INLINE uint64_t block_high(vf_block block) {
    const uint8x16_t ascii = vdupq_n_u8(0x7F);
    return block_mask(vcgtq_u8(block.val[0], ascii), vcgtq_u8(block.val[1], ascii),
                      vcgtq_u8(block.val[2], ascii), vcgtq_u8(block.val[3], ascii));
}

/* Eight positions at a time, whether there or not: a loop of fixed length does not mispredict. */
VF_INLINE uint32_t *emit(uint32_t *out, uint64_t mask, uint32_t base) {
    const unsigned count = vf_popcount64(mask);
    for (unsigned done = 0; done < count; done += 8) {
        for (unsigned i = 0; i < 8; i++) {
            out[done + i] = base + (mask ? vf_ctz64(mask) : 0);
            mask &= mask - 1;
        }
    }
    return out + count;
}

#include "kernel_body.h"
