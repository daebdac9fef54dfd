/* AVX-512 F, BW, DQ, VL, CD, VBMI, VBMI2: Ice Lake (2019), Zen 4 (2022) and later. */
#include <immintrin.h>

#include "kernel.h"

#define VF_KERNEL_NAME avx512
#define VF_LANES 8
typedef __m512i vf_lanes;
typedef __m512i vf_block;

VF_INLINE vf_block block_load(const uint8_t *p) { return _mm512_loadu_si512(p); }

typedef __mmask64 vf_matches;

VF_INLINE vf_matches block_equal(vf_block block, char c) {
    return _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(c));
}

VF_INLINE uint64_t matches_mask(vf_matches matches) { return matches; }

typedef struct {
    __m512i least, all; /* the least of all bytes but newlines; all bytes or-ed */
} vf_watch;

VF_INLINE vf_watch watch_nothing(void) {
    return (vf_watch){_mm512_set1_epi8(' '), _mm512_setzero_si512()};
}

VF_INLINE vf_watch watch(vf_watch seen, vf_block block, vf_matches newlines) {
    return (vf_watch){_mm512_mask_min_epu8(seen.least, ~newlines, seen.least, block),
                      _mm512_or_si512(seen.all, block)};
}

VF_INLINE bool watch_saw_odd(vf_watch seen) {
    return _mm512_cmplt_epu8_mask(seen.least, _mm512_set1_epi8(' ')) != 0;
}

VF_INLINE bool watch_saw_high(vf_watch seen) { return _mm512_movepi8_mask(seen.all) != 0; }

/* Compress in a register and store whole: compressing stores are slow on several processors. */
VF_INLINE uint32_t *emit(uint32_t *out, uint64_t mask, uint32_t base) {
    const __m512i iota = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40,
        39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16,
        15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const unsigned count = vf_popcount64(mask);
    const __m512i offset = _mm512_set1_epi32((int)base);
    const __m512i found = _mm512_maskz_compress_epi8(mask, iota);
    _mm512_storeu_si512(out, _mm512_add_epi32(offset, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(found))));
    if (VF_UNLIKELY(count > 16)) {
        const __m128i second = _mm512_extracti32x4_epi32(found, 1);
        const __m128i third = _mm512_extracti32x4_epi32(found, 2);
        const __m128i fourth = _mm512_extracti32x4_epi32(found, 3);
        _mm512_storeu_si512(out + 16, _mm512_add_epi32(offset, _mm512_cvtepu8_epi32(second)));
        _mm512_storeu_si512(out + 32, _mm512_add_epi32(offset, _mm512_cvtepu8_epi32(third)));
        _mm512_storeu_si512(out + 48, _mm512_add_epi32(offset, _mm512_cvtepu8_epi32(fourth)));
    }
    return out + count;
}

VF_INLINE void lanes_store32(int32_t *out, vf_lanes value) {
    _mm256_storeu_si256((__m256i *)(void *)out, _mm512_cvtepi64_epi32(value));
}

VF_INLINE void lanes_store64(int64_t *out, vf_lanes value) { _mm512_storeu_si512(out, value); }

/* The number that the eight bytes 0..9 of each lane make, the lowest byte first. */
VF_INLINE __m512i eight_digits(__m512i digits) {
    const __m512i two = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010A));
    const __m512i four = _mm512_madd_epi16(two, _mm512_set1_epi32(0x00010064));
    return _mm512_add_epi64(_mm512_mul_epu32(four, _mm512_set1_epi64(10000)), _mm512_srli_epi64(four, 32));
}

VF_INLINE __mmask8 is_null(__m512i window, uint8_t before) {
    return _mm512_cmpeq_epi64_mask(_mm512_srli_epi64(window, 48),
                                   _mm512_set1_epi64((int64_t)'-' << 8 | before));
}

VF_INLINE uint32_t int_lanes(const uint64_t *windows, uint8_t before, uint64_t max, vf_lanes *value,
                             uint32_t *null) {
    const __m512i window = _mm512_loadu_si512(windows);
    const __m512i bytes = _mm512_sub_epi8(window, _mm512_set1_epi8('0'));
    const __mmask64 other = _mm512_cmpgt_epu8_mask(bytes, _mm512_set1_epi8(9));
    const __m512i bits = _mm512_lzcnt_epi64(_mm512_movm_epi8(other)); /* 8 a digit */
    const __m512i below = _mm512_sub_epi64(_mm512_set1_epi64(64), bits);
    /* counts of 64 and more shift everything out */
    const __m512i digits = _mm512_and_si512(bytes, _mm512_sllv_epi64(_mm512_set1_epi64(-1), below));
    *value = eight_digits(digits);

    const __m512i edge = _mm512_srli_epi64(_mm512_sllv_epi64(window, bits), 56);
    const __mmask8 framed = _mm512_cmpeq_epi64_mask(edge, _mm512_set1_epi64(before));
    const __m512i first = _mm512_srlv_epi64(digits, below);
    const __mmask8 several = _mm512_cmpgt_epi64_mask(bits, _mm512_set1_epi64(8));
    const __mmask8 leading_zero = _mm512_mask_testn_epi64_mask(several, first, _mm512_set1_epi64(0xFF));
    const __mmask8 some = _mm512_test_epi64_mask(bits, bits);
    const __mmask8 in_range = _mm512_cmple_epu64_mask(*value, _mm512_set1_epi64((int64_t)max));
    const __mmask8 none = is_null(window, before);
    *null = none;
    return (uint32_t)((framed & some & in_range & ~leading_zero) | none) & 0xFF;
}

/* The low and the high windows of eight pairs. */
VF_INLINE void load_pairs(const uint64_t *pairs, __m512i *low, __m512i *high) {
    const __m512i front = _mm512_loadu_si512(pairs), back = _mm512_loadu_si512(pairs + 8);
    *low = _mm512_permutex2var_epi64(front, _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0), back);
    *high = _mm512_permutex2var_epi64(front, _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1), back);
}

VF_INLINE uint32_t time_lanes(const uint64_t *pairs, uint8_t before, vf_lanes *value, uint32_t *null) {
    __m512i window, first;
    load_pairs(pairs, &first, &window);
    const __m512i zeros = _mm512_set1_epi8('0');
    const __m512i eight = _mm512_sub_epi8(window, zeros);
    const __m512i two =
        _mm512_and_si512(_mm512_sub_epi8(first, zeros), _mm512_set1_epi64((int64_t)0xFFFF000000000000u));
    /* (two * 10^8 + eight) * 1000, in factors below 2^32 */
    const __m512i seconds = _mm512_mul_epu32(eight_digits(eight), _mm512_set1_epi64(1000));
    const __m512i rest = _mm512_mul_epu32(_mm512_mul_epu32(eight_digits(two), _mm512_set1_epi64(100000)),
                                          _mm512_set1_epi64(1000000));
    *value = _mm512_add_epi64(seconds, rest);

    const __m512i odd = _mm512_movm_epi8(_mm512_cmpgt_epu8_mask(eight, _mm512_set1_epi8(9)) |
                                         _mm512_cmpgt_epu8_mask(two, _mm512_set1_epi8(9)));
    const __mmask8 numeric = _mm512_testn_epi64_mask(odd, odd);
    const __m512i edge = _mm512_and_si512(_mm512_srli_epi64(first, 40), _mm512_set1_epi64(0xFF));
    const __mmask8 framed = _mm512_cmpeq_epi64_mask(edge, _mm512_set1_epi64(before));
    const __mmask8 significant = _mm512_test_epi64_mask(two, _mm512_set1_epi64(0x00FF000000000000));
    const __mmask8 none = is_null(window, before);
    *null = none;
    return (uint32_t)((numeric & framed & significant) | none) & 0xFF;
}

/* All bytes of a window above the highest one that is `before`. */
VF_INLINE __m512i field_bytes(__m512i window, uint8_t before, __m512i *bits) {
    const __mmask64 edge = _mm512_cmpeq_epi8_mask(window, _mm512_set1_epi8((char)before));
    *bits = _mm512_lzcnt_epi64(_mm512_movm_epi8(edge)); /* 8 a byte; 64: no separator in sight */
    const __m512i below = _mm512_sub_epi64(_mm512_set1_epi64(64), *bits);
    return _mm512_and_si512(window, _mm512_sllv_epi64(_mm512_set1_epi64(-1), below));
}

#define VF_HAS_FEW_LANES
VF_INLINE uint32_t few_lanes(const uint64_t *windows, bool wide, uint8_t before, const vf_few *few,
                             int32_t *out) {
    const __m512i none = _mm512_set1_epi64(64);
    __m512i bits, low, high;
    if (wide) load_pairs(windows, &low, &high);
    else high = _mm512_loadu_si512(windows);
    const __m512i last = field_bytes(high, before, &bits);
    const __mmask8 longer = _mm512_cmpeq_epi64_mask(bits, none);
    __mmask8 too_long = longer;
    __m512i front = _mm512_setzero_si512();
    if (wide) {
        const __m512i first = field_bytes(low, before, &bits);
        too_long = _mm512_mask_cmpeq_epi64_mask(longer, bits, none);
        front = _mm512_maskz_mov_epi64(longer, first);
    }
    __mmask8 found = 0;
    __m512i index = _mm512_setzero_si512();
    for (uint32_t k = 0; k < VF_FEW; k++) {
        const __mmask8 same =
            _mm512_cmpeq_epi64_mask(last, _mm512_set1_epi64((int64_t)few->high[k])) &
            _mm512_cmpeq_epi64_mask(front, _mm512_set1_epi64((int64_t)few->low[k]));
        index = _mm512_mask_mov_epi64(index, same, _mm512_set1_epi64(few->index[k]));
        found |= same;
    }
    lanes_store32(out, index);
    return (uint32_t)~(found & ~too_long) & 0xFF;
}

#include "kernel_body.h"
