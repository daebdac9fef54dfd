/* An enricher's numbers for codes, and its answers by number: see keys.h. */
#include <stdlib.h>

#include "keys.h"
#include "last_used.h"

struct vf_numbers {
    int32_t *of_code; /* -1: none */
    int32_t codes;    /* of which of_code knows */
    int32_t count;
    vf_last_used used;
};

vf_numbers *vf_numbers_new(void) { return calloc(1, sizeof(vf_numbers)); }

void vf_numbers_free(vf_numbers *numbers) {
    if (!numbers) return;
    free(numbers->of_code);
    vf_last_used_free(&numbers->used);
    free(numbers);
}

int32_t vf_numbers_count(const vf_numbers *numbers) { return numbers->count; }

static bool know_code(vf_numbers *numbers, int32_t code) {
    if (code < numbers->codes) return true;
    const int64_t wanted = (int64_t)code * 2 + 1024;
    const int32_t codes = wanted > INT32_MAX ? INT32_MAX : (int32_t)wanted;
    int32_t *of_code = realloc(numbers->of_code, (size_t)codes * sizeof *of_code);
    if (!of_code) return false;
    for (int32_t i = numbers->codes; i < codes; i++) of_code[i] = -1;
    numbers->of_code = of_code;
    numbers->codes = codes;
    return true;
}

bool vf_numbers_find(vf_numbers *numbers, const int32_t *codes, int64_t rows, int32_t *found,
                     int32_t *new_rows, int64_t *new_count) {
    numbers->used.now++;
    *new_count = 0;
    for (int64_t row = 0; row < rows; row++) {
        const int32_t code = codes[row];
        int32_t number = -1;
        if (code >= 0) {
            if (VF_UNLIKELY(code >= numbers->codes) && !know_code(numbers, code)) return false;
            number = numbers->of_code[code];
            if (VF_UNLIKELY(number < 0)) {
                if (!vf_last_used_reserve(&numbers->used, numbers->count + 1)) return false;
                number = numbers->of_code[code] = numbers->count++;
                new_rows[(*new_count)++] = (int32_t)row;
            }
            numbers->used.at[number] = numbers->used.now;
        }
        found[row] = number;
    }
    return true;
}

bool vf_numbers_forget(vf_numbers *numbers, int32_t *old_numbers, int32_t *kept) {
    int32_t *new_numbers = malloc((size_t)numbers->count * sizeof *new_numbers + 1);
    if (!new_numbers || !vf_last_used_choose(&numbers->used, numbers->count, old_numbers, kept)) {
        free(new_numbers);
        return false;
    }
    for (int32_t i = 0; i < numbers->count; i++) new_numbers[i] = -1;
    for (int32_t i = 0; i < *kept; i++) {
        new_numbers[old_numbers[i]] = i;
        numbers->used.at[i] = numbers->used.at[old_numbers[i]]; /* i <= old_numbers[i] */
    }
    for (int32_t code = 0; code < numbers->codes; code++) {
        const int32_t number = numbers->of_code[code];
        if (number >= 0) numbers->of_code[code] = new_numbers[number];
    }
    numbers->count = *kept;
    free(new_numbers);
    return true;
}

bool vf_numbers_recode(vf_numbers *numbers, const int32_t *old_codes, int32_t kept) {
    int32_t *of_code = malloc((size_t)kept * sizeof *of_code + 1);
    if (!of_code) return false;
    for (int32_t i = 0; i < kept; i++) {
        of_code[i] = old_codes[i] < numbers->codes ? numbers->of_code[old_codes[i]] : -1;
    }
    free(numbers->of_code);
    numbers->of_code = of_code;
    numbers->codes = kept;
    return true;
}

/* ---- gather ------------------------------------------------------------------------------------ */

static int64_t gather_each(const int32_t *numbers, int64_t from, int64_t rows, const int32_t *table,
                           int32_t size, int32_t *out, uint8_t *validity) {
    int64_t nulls = 0;
    for (int64_t row = from; row < rows; row++) {
        const int32_t number = numbers[row];
        const int32_t value = number >= 0 && number < size ? table[number] : -1;
        if (row % 8 == 0) validity[row / 8] = 0;
        out[row] = value < 0 ? 0 : value;
        validity[row / 8] |= (uint8_t)((value >= 0) << (row % 8));
        nulls += value < 0;
    }
    return nulls;
}

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f"))) static int64_t gather_avx512(const int32_t *numbers, int64_t rows,
                                                                const int32_t *table, int32_t size,
                                                                int32_t *out, uint8_t *validity) {
    const __m512i limit = _mm512_set1_epi32(size), none = _mm512_set1_epi32(-1);
    int64_t row = 0, nulls = 0;
    for (; row + 16 <= rows; row += 16) {
        const __m512i number = _mm512_loadu_si512(numbers + row);
        const __mmask16 known = _mm512_cmplt_epu32_mask(number, limit); /* unsigned: -1 is not */
        const __m512i value = _mm512_mask_i32gather_epi32(none, known, number, table, 4);
        const __mmask16 valid = _mm512_cmpge_epi32_mask(value, _mm512_setzero_si512());
        _mm512_storeu_si512(out + row, _mm512_maskz_mov_epi32(valid, value));
        memcpy(validity + row / 8, &valid, 2);
        nulls += 16 - __builtin_popcount(valid);
    }
    return nulls + gather_each(numbers, row, rows, table, size, out, validity);
}

__attribute__((target("avx2"))) static int64_t gather_avx2(const int32_t *numbers, int64_t rows,
                                                           const int32_t *table, int32_t size,
                                                           int32_t *out, uint8_t *validity) {
    const __m256i limit = _mm256_set1_epi32(size), none = _mm256_set1_epi32(-1);
    int64_t row = 0, nulls = 0;
    for (; row + 8 <= rows; row += 8) {
        const __m256i number = _mm256_loadu_si256((const __m256i *)(const void *)(numbers + row));
        const __m256i known =
            _mm256_and_si256(_mm256_cmpgt_epi32(number, none), _mm256_cmpgt_epi32(limit, number));
        const __m256i value = _mm256_mask_i32gather_epi32(none, table, number, known, 4);
        const __m256i valid = _mm256_cmpgt_epi32(value, none);
        _mm256_storeu_si256((__m256i *)(void *)(out + row), _mm256_and_si256(value, valid));
        const uint8_t bits = (uint8_t)_mm256_movemask_ps(_mm256_castsi256_ps(valid));
        validity[row / 8] = bits;
        nulls += 8 - __builtin_popcount(bits);
    }
    return nulls + gather_each(numbers, row, rows, table, size, out, validity);
}
#endif

int64_t vf_gather(const int32_t *numbers, int64_t rows, const int32_t *table, int32_t size,
                  int32_t *out, uint8_t *validity) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        return gather_avx512(numbers, rows, table, size, out, validity);
    }
    if (__builtin_cpu_supports("avx2")) return gather_avx2(numbers, rows, table, size, out, validity);
#endif
    return gather_each(numbers, 0, rows, table, size, out, validity);
}

/* Written without branches: which rows are null is not to be foreseen. */
int64_t vf_gather_values(const int32_t *numbers, int64_t rows, const void *table, const uint8_t *known,
                         int32_t size, int width, void *out, uint8_t *validity) {
    static const uint64_t nothing = 0;
    static const uint8_t all = 0xFF;
    int64_t valid_rows = 0;
    if (size <= 0) table = &nothing;
    memset(validity, 0, (size_t)(rows + 7) / 8);
    for (int64_t row = 0; row < rows; row++) {
        const uint32_t number = (uint32_t)numbers[row];
        uint32_t valid = number < (uint32_t)(size > 0 ? size : 0); /* -1 is the largest of all */
        const uint32_t from = number & (0u - valid);
        valid &= (known ? known[from >> 3] : all) >> (known ? from & 7 : 0) & 1;
        if (width == 8) {
            uint64_t value;
            memcpy(&value, (const uint8_t *)table + (size_t)from * 8, 8);
            value &= 0 - (uint64_t)valid;
            memcpy((uint8_t *)out + row * 8, &value, 8);
        } else {
            uint32_t value;
            memcpy(&value, (const uint8_t *)table + (size_t)from * 4, 4);
            value &= 0u - valid;
            memcpy((uint8_t *)out + row * 4, &value, 4);
        }
        validity[row >> 3] |= (uint8_t)(valid << (row & 7));
        valid_rows += valid;
    }
    return rows - valid_rows;
}
