/* AVX2, BMI1, BMI2 and LZCNT: x86-64 processors since 2013 (Haswell) and 2015 (Excavator). */
#include <immintrin.h>

#include "kernel.h"

#define VF_KERNEL_NAME avx2
#define VF_LANES 4
typedef __m256i vf_lanes;

typedef struct {
    __m256i low, high;
} vf_block;

VF_INLINE vf_block block_load(const uint8_t *p) {
    return (vf_block){_mm256_loadu_si256((const __m256i *)(const void *)p),
                      _mm256_loadu_si256((const __m256i *)(const void *)(p + 32))};
}

typedef vf_block vf_matches; /* 0xFF in each byte that matches */

VF_INLINE vf_matches block_equal(vf_block block, char c) {
    const __m256i all = _mm256_set1_epi8(c);
    return (vf_matches){_mm256_cmpeq_epi8(block.low, all), _mm256_cmpeq_epi8(block.high, all)};
}

VF_INLINE uint64_t matches_mask(vf_matches matches) {
    return (uint32_t)_mm256_movemask_epi8(matches.low) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(matches.high) << 32;
}

typedef struct {
    __m256i least, all; /* the least of all bytes, newlines made larger; all bytes or-ed */
} vf_watch;

VF_INLINE vf_watch watch_nothing(void) {
    return (vf_watch){_mm256_set1_epi8(' '), _mm256_setzero_si256()};
}

VF_INLINE vf_watch watch(vf_watch seen, vf_block block, vf_matches newlines) {
    const __m256i low = _mm256_or_si256(block.low, newlines.low);
    const __m256i high = _mm256_or_si256(block.high, newlines.high);
    return (vf_watch){_mm256_min_epu8(seen.least, _mm256_min_epu8(low, high)),
                      _mm256_or_si256(seen.all, _mm256_or_si256(block.low, block.high))};
}

VF_INLINE bool watch_saw_odd(vf_watch seen) {
    const __m256i blank = _mm256_set1_epi8(' ');
    return _mm256_movemask_epi8(_mm256_cmpeq_epi8(seen.least, blank)) != -1;
}

VF_INLINE bool watch_saw_high(vf_watch seen) { return _mm256_movemask_epi8(seen.all) != 0; }

/* Eight positions at a time, whether there or not: a loop of fixed length does not mispredict. */
VF_INLINE uint32_t *emit(uint32_t *out, uint64_t mask, uint32_t base) {
    const unsigned count = vf_popcount64(mask);
    uint32_t *at = out;
    unsigned left = count;
    while (left) {
        for (int i = 0; i < 8; i++) {
            at[i] = base + (uint32_t)_tzcnt_u64(mask);
            mask = _blsr_u64(mask);
        }
        at += 8;
        left = left > 8 ? left - 8 : 0;
    }
    return out + count;
}

VF_INLINE void lanes_store32(int32_t *out, vf_lanes value) {
    const __m256i packed =
        _mm256_permutevar8x32_epi32(value, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
    _mm_storeu_si128((__m128i *)(void *)out, _mm256_castsi256_si128(packed));
}

VF_INLINE void lanes_store64(int64_t *out, vf_lanes value) {
    _mm256_storeu_si256((__m256i *)(void *)out, value);
}

VF_INLINE uint32_t lane_mask(__m256i lanes) {
    return (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(lanes));
}

/* The number that the eight bytes 0..9 of each lane make, the lowest byte first. */
VF_INLINE __m256i eight_digits(__m256i digits) {
    const __m256i two = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(0x010A));
    const __m256i four = _mm256_madd_epi16(two, _mm256_set1_epi32(0x00010064));
    return _mm256_add_epi64(_mm256_mul_epu32(four, _mm256_set1_epi64x(10000)),
                            _mm256_srli_epi64(four, 32));
}

VF_INLINE __m256i is_null(__m256i window, uint8_t before) {
    return _mm256_cmpeq_epi64(_mm256_srli_epi64(window, 48),
                              _mm256_set1_epi64x((int64_t)'-' << 8 | before));
}

/* 0xFF in each byte that is not a digit; `digits` are the bytes less '0'. */
VF_INLINE __m256i not_digits(__m256i digits) {
    return _mm256_cmpeq_epi8(_mm256_max_epu8(digits, _mm256_set1_epi8(10)), digits);
}

VF_INLINE uint32_t int_lanes(const uint64_t *windows, uint8_t before, uint64_t max, vf_lanes *value,
                             uint32_t *null) {
    const __m256i window = _mm256_loadu_si256((const __m256i *)(const void *)windows);
    const __m256i bytes = _mm256_sub_epi8(window, _mm256_set1_epi8('0'));
    /* everything up to the highest byte that is not a digit */
    __m256i other = not_digits(bytes);
    other = _mm256_or_si256(other, _mm256_srli_epi64(other, 8));
    other = _mm256_or_si256(other, _mm256_srli_epi64(other, 16));
    other = _mm256_or_si256(other, _mm256_srli_epi64(other, 32));
    const __m256i digits = _mm256_andnot_si256(other, bytes);
    *value = eight_digits(digits);

    /* the byte before the digits is the separator; eight digits show no such byte */
    const __m256i edge = _mm256_xor_si256(other, _mm256_srli_epi64(other, 8));
    const __m256i framed = _mm256_cmpeq_epi64(
        _mm256_and_si256(window, edge), _mm256_and_si256(edge, _mm256_set1_epi8((char)before)));
    const __m256i eight = _mm256_cmpeq_epi64(other, _mm256_setzero_si256());
    /* the first of several digits is not 0 */
    const __m256i low_bytes = _mm256_set1_epi64x(0x00FFFFFFFFFFFFFF);
    const __m256i first = _mm256_and_si256(_mm256_slli_epi64(edge, 8), low_bytes);
    const __m256i zero_first = _mm256_cmpeq_epi64(_mm256_and_si256(digits, first), _mm256_setzero_si256());
    const __m256i one_digit = _mm256_cmpeq_epi64(first, _mm256_setzero_si256());
    const __m256i leading_zero = _mm256_andnot_si256(one_digit, zero_first);
    const __m256i above = _mm256_cmpgt_epi64(*value, _mm256_set1_epi64x((int64_t)max));

    const __m256i wrong = _mm256_or_si256(_mm256_or_si256(eight, leading_zero), above);
    const __m256i none = is_null(window, before);
    *null = lane_mask(none);
    return lane_mask(_mm256_or_si256(_mm256_andnot_si256(wrong, framed), none));
}

VF_INLINE __m256i load_lanes(const uint64_t *windows) {
    return _mm256_loadu_si256((const __m256i *)(const void *)windows);
}

/* The low and the high windows of four pairs. */
VF_INLINE void load_pairs(const uint64_t *pairs, __m256i *low, __m256i *high) {
    const __m256i front = load_lanes(pairs), back = load_lanes(pairs + 4);
    *low = _mm256_permute4x64_epi64(_mm256_unpacklo_epi64(front, back), 0xD8);
    *high = _mm256_permute4x64_epi64(_mm256_unpackhi_epi64(front, back), 0xD8);
}

VF_INLINE uint32_t time_lanes(const uint64_t *pairs, uint8_t before, vf_lanes *value, uint32_t *null) {
    __m256i window, first;
    load_pairs(pairs, &first, &window);
    const __m256i zeros = _mm256_set1_epi8('0');
    const __m256i top = _mm256_set1_epi64x((int64_t)0xFFFF000000000000u);
    const __m256i eight = _mm256_sub_epi8(window, zeros);
    const __m256i two = _mm256_and_si256(_mm256_sub_epi8(first, zeros), top);
    /* (two * 10^8 + eight) * 1000, in factors below 2^32 */
    const __m256i seconds = _mm256_mul_epu32(eight_digits(eight), _mm256_set1_epi64x(1000));
    const __m256i rest = _mm256_mul_epu32(
        _mm256_mul_epu32(eight_digits(two), _mm256_set1_epi64x(100000)), _mm256_set1_epi64x(1000000));
    *value = _mm256_add_epi64(seconds, rest);

    const __m256i odd = _mm256_or_si256(not_digits(eight), not_digits(two));
    const __m256i numeric = _mm256_cmpeq_epi64(odd, _mm256_setzero_si256());
    const __m256i framed =
        _mm256_cmpeq_epi64(_mm256_and_si256(_mm256_srli_epi64(first, 40), _mm256_set1_epi64x(0xFF)),
                           _mm256_set1_epi64x(before));
    const __m256i leading_zero =
        _mm256_cmpeq_epi64(_mm256_and_si256(two, _mm256_set1_epi64x(0x00FF000000000000)),
                           _mm256_setzero_si256());
    const __m256i none = is_null(window, before);
    *null = lane_mask(none);
    return lane_mask(_mm256_or_si256(
        _mm256_andnot_si256(leading_zero, _mm256_and_si256(numeric, framed)), none));
}

/* All bytes of a window above the highest one that is `before`; *all where there is no such byte. */
VF_INLINE __m256i field_bytes(__m256i window, uint8_t before, __m256i *all) {
    __m256i edge = _mm256_cmpeq_epi8(window, _mm256_set1_epi8((char)before));
    edge = _mm256_or_si256(edge, _mm256_srli_epi64(edge, 8));
    edge = _mm256_or_si256(edge, _mm256_srli_epi64(edge, 16));
    edge = _mm256_or_si256(edge, _mm256_srli_epi64(edge, 32));
    *all = _mm256_cmpeq_epi64(edge, _mm256_setzero_si256());
    return _mm256_andnot_si256(edge, window);
}

#define VF_HAS_FEW_LANES
VF_INLINE uint32_t few_lanes(const uint64_t *windows, bool wide, uint8_t before, const vf_few *few,
                             int32_t *out) {
    __m256i longer, too_long, low, high, front = _mm256_setzero_si256();
    if (wide) load_pairs(windows, &low, &high);
    else high = load_lanes(windows);
    const __m256i last = field_bytes(high, before, &longer);
    if (wide) {
        const __m256i first = field_bytes(low, before, &too_long);
        front = _mm256_and_si256(longer, first);
    } else {
        too_long = longer;
    }
    __m256i found = _mm256_setzero_si256(), index = _mm256_setzero_si256();
    for (uint32_t k = 0; k < VF_FEW; k++) {
        const __m256i same =
            _mm256_and_si256(_mm256_cmpeq_epi64(last, _mm256_set1_epi64x((int64_t)few->high[k])),
                             _mm256_cmpeq_epi64(front, _mm256_set1_epi64x((int64_t)few->low[k])));
        index = _mm256_blendv_epi8(index, _mm256_set1_epi64x(few->index[k]), same);
        found = _mm256_or_si256(found, same);
    }
    lanes_store32(out, index);
    return ~lane_mask(_mm256_andnot_si256(_mm256_and_si256(longer, too_long), found)) & 0xF;
}

#include "kernel_body.h"
