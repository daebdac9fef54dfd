/* NEON: every arm64 processor. */
#include <arm_neon.h>

#include "kernel.h"
#include "kernel_swar.h"

#define VF_KERNEL_NAME neon

typedef uint8x16x4_t vf_block;

VF_INLINE vf_block block_load(const uint8_t *p) { return vld1q_u8_x4(p); }

typedef uint8x16x4_t vf_matches; /* 0xFF in each byte that matches */

VF_INLINE vf_matches block_equal(vf_block block, uint8_t c) {
    const uint8x16_t all = vdupq_n_u8(c);
    return (vf_matches){{vceqq_u8(block.val[0], all), vceqq_u8(block.val[1], all),
                         vceqq_u8(block.val[2], all), vceqq_u8(block.val[3], all)}};
}

VF_INLINE uint64_t matches_mask(vf_matches matches) {
    const uint8x16_t bit = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t ab = vpaddq_u8(vandq_u8(matches.val[0], bit), vandq_u8(matches.val[1], bit));
    const uint8x16_t cd = vpaddq_u8(vandq_u8(matches.val[2], bit), vandq_u8(matches.val[3], bit));
    const uint8x16_t abcd = vpaddq_u8(ab, cd);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(abcd, abcd)), 0);
}

typedef struct {
    uint8x16_t least, all; /* the least of all bytes, newlines made larger; all bytes or-ed */
} vf_watch;

VF_INLINE vf_watch watch_nothing(void) { return (vf_watch){vdupq_n_u8(' '), vdupq_n_u8(0)}; }

VF_INLINE vf_watch watch(vf_watch seen, vf_block block, vf_matches newlines) {
    for (int i = 0; i < 4; i++) {
        seen.least = vminq_u8(seen.least, vorrq_u8(block.val[i], newlines.val[i]));
        seen.all = vorrq_u8(seen.all, block.val[i]);
    }
    return seen;
}

VF_INLINE bool watch_saw_odd(vf_watch seen) { return vminvq_u8(seen.least) < ' '; }
VF_INLINE bool watch_saw_high(vf_watch seen) { return vmaxvq_u8(seen.all) > 0x7F; }

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
