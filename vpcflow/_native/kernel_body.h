/* The loops of a kernel, written once. The including file defines, before it includes this one:
 *
 *   VF_KERNEL_NAME            avx2, for example
 *   VF_LANES                  integers decoded at a time (1, 4 or 8)
 *   vf_lanes                  VF_LANES 64-bit integers
 *   vf_block                  what block_load(p) makes of 64 bytes
 *   block_equal(b, c), block_below(b, c), block_high(b)    bit masks of 64 bytes
 *   emit(out, mask, base)     write base + the position of each set bit, return out + their number;
 *                             may write up to 64 positions
 *   int_lanes(windows, before, max, &value, &null) -> mask of lanes decided
 *   time_lanes(high, low, before, &value, &null) -> mask of lanes decided
 *   lanes_store32(out, value), lanes_store64(out, value)
 *
 * A window is the 8 bytes that end where a field ends, as a little-endian number: its last character is
 * the highest byte. In it, the digits of a number are those above the highest byte that is not a
 * digit; when that byte is the separator `before`, they are the whole field. */

VF_INLINE void gather_windows(const vf_rows *rows, uint32_t field, uint32_t back, uint64_t *out) {
    const uint8_t *text = rows->text - back;
    const uint32_t *end = rows->ends + field;
    const size_t stride = rows->stride;
    const uint32_t count = rows->count;
    for (uint32_t i = 0; i < count; i++, end += stride) out[i] = vf_load64(text + *end);
}

/* Rows beyond the count look like " 0", so that whole vectors can be decoded. */
VF_INLINE void fill_windows(uint64_t *windows, uint32_t count, uint64_t filler) {
    for (uint32_t i = count; i < ((count + 7) & ~7u); i++) windows[i] = filler;
}

VF_INLINE void note_undecided(vf_outcome *outcome, uint32_t row, uint32_t mask) {
    while (mask) {
        outcome->undecided[outcome->undecided_count++] = row + vf_ctz64(mask);
        mask &= mask - 1;
    }
}

#define VF_ALL_LANES ((1u << VF_LANES) - 1)
#define VF_FIELD_BEFORE(field) ((uint8_t)((field) ? ' ' : '\n'))
/* `before`, then digits: what fill_windows needs in the high and in the low window */
#define VF_FILL_ZERO(before) ((uint64_t)'0' << 56 | (uint64_t)(before) << 48)

/* One loop for the three integer kinds; `kind` is a constant at each call. */
VF_INLINE void decode_integers(const vf_rows *rows, uint32_t field, uint64_t max, void *out, int kind,
                               vf_outcome *outcome) {
    uint64_t high[VF_GROUP + 8], low[VF_GROUP + 8];
    const uint8_t before = VF_FIELD_BEFORE(field);
    const uint32_t count = rows->count;
    gather_windows(rows, field, 8, high);
    if (kind == 2) {
        gather_windows(rows, field, 16, low);
        fill_windows(high, count, 0x3030303030303030u);
        fill_windows(low, count, (uint64_t)'1' << 56 | (uint64_t)'1' << 48 | (uint64_t)before << 40);
    } else {
        fill_windows(high, count, VF_FILL_ZERO(before));
    }
    outcome->undecided_count = 0;
    for (uint32_t i = 0; i < count; i += 8) {
        uint32_t nulls = 0;
        for (uint32_t j = 0; j < 8; j += VF_LANES) {
            vf_lanes value;
            uint32_t null;
            uint32_t decided = kind == 2 ? time_lanes(high + i + j, low + i + j, before, &value, &null)
                                         : int_lanes(high + i + j, before, max, &value, &null);
            if (kind == 0) {
                lanes_store32((int32_t *)out + i + j, value);
            } else {
                lanes_store64((int64_t *)out + i + j, value);
            }
            if (VF_UNLIKELY(decided != VF_ALL_LANES)) {
                note_undecided(outcome, i + j, ~decided & VF_ALL_LANES);
            }
            nulls |= null << j;
        }
        outcome->valid[i / 8] = (uint8_t)~nulls;
    }
}

static void int32s(const vf_rows *rows, uint32_t field, uint32_t max, int32_t *out,
                   vf_outcome *outcome) {
    decode_integers(rows, field, max, out, 0, outcome);
}

static void int64s(const vf_rows *rows, uint32_t field, uint32_t max, int64_t *out,
                   vf_outcome *outcome) {
    decode_integers(rows, field, max, out, 1, outcome);
}

static void times(const vf_rows *rows, uint32_t field, int64_t *out, vf_outcome *outcome) {
    decode_integers(rows, field, 0, out, 2, outcome);
}

static void separators(const uint8_t *text, size_t length, uint32_t *ends, vf_marks *marks) {
    uint32_t *out = ends;
    uint64_t touching = 0, odd = 0, high = 0, newlines = 0;
    uint64_t carry = 1; /* a separator before the first byte: a piece begins behind a newline */
    size_t at = 0;
    for (; at < length; at += 64) {
        const uint64_t inside = length - at >= 64 ? ~0ull : ~0ull >> (64 - (length - at));
        const vf_block block = block_load(text + at);
        const uint64_t newline = block_equal(block, '\n') & inside;
        const uint64_t separator = (block_equal(block, ' ') & inside) | newline;
        odd |= (block_below(block, ' ') & inside) ^ newline;
        high |= block_high(block) & inside;
        touching |= separator & (separator << 1 | carry);
        carry = separator >> 63;
        newlines += vf_popcount64(newline);
        out = emit(out, separator, (uint32_t)at);
    }
    marks->count = (uint32_t)(out - ends);
    marks->newlines = (uint32_t)newlines;
    marks->adjacent = touching != 0;
    marks->odd = odd != 0;
    marks->high = high != 0;
}

static int32_t dictionary(const vf_rows *rows, uint32_t field, vf_dictionary *dict, int32_t *out,
                          vf_pool *pool) {
    const uint8_t *text = rows->text;
    const uint32_t *end = rows->ends + field;
    const size_t stride = rows->stride;
    int32_t least = 0;
    for (uint32_t i = 0; i < rows->count; i++, end += stride) {
        const uint32_t length = end[0] - end[-1] - 1;
        uint64_t key[4];
        const uint64_t hash = vf_dictionary_key(dict, text + end[0], length, key);
        const vf_slot *slot = &dict->slots[hash & dict->mask];
        const uint64_t differs = (key[0] ^ slot->key[0]) | (key[1] ^ slot->key[1]) |
                                 (key[2] ^ slot->key[2]) | (key[3] ^ slot->key[3]) |
                                 (length ^ slot->length);
        int32_t index = slot->index;
        if (VF_UNLIKELY(differs || length > 32)) {
            index = vf_dictionary_add(dict, text + end[0] - length, length, key, hash, pool);
        }
        out[i] = index;
        least = index < least ? index : least;
        if (VF_UNLIKELY(index <= VF_INDEX_FULL)) break;
    }
    return least;
}

static void views(const vf_rows *rows, uint32_t field, vf_view *out, vf_view_target *target,
                  uint8_t *valid) {
    const uint8_t *text = rows->text;
    const uint32_t *end = rows->ends + field;
    const size_t stride = rows->stride;
    uint8_t *const own = target->own;
    uint32_t own_length = target->own_length;
    uint32_t valid_bits = 0;
    for (uint32_t i = 0; i < rows->count; i++, end += stride) {
        const uint32_t start = end[-1] + 1;
        const uint32_t length = end[0] - start;
        const uint8_t *value = text + start;
        /* the inline form keeps up to 12 bytes and zeros; the masks are right-aligned, so shift */
        const uint32_t shown = length < 12 ? length : 12;
        const uint64_t first = vf_load32(value) & (uint32_t)(0xFFFFFFFFull >> (shown < 4 ? 32 - 8 * shown : 0));
        const uint32_t tail = shown < 4 ? 0 : shown - 4;
        const uint64_t rest = tail ? vf_load64(value + 4) & ~0ull >> (64 - 8 * tail) : 0;
        const bool is_long = length > 12;
        uint64_t place;
        if (own) {
            place = (uint64_t)own_length << 32;
            uint32_t copied = 0; /* whole 16 bytes: an address is one or three of them */
            do {
                memcpy(own + own_length + copied, value + copied, 16);
                copied += 16;
            } while (VF_UNLIKELY(copied < length));
            own_length += is_long ? length : 0;
        } else {
            place = (uint64_t)(target->offset + start) << 32 | target->buffer;
        }
        const uint64_t head = first << 32 | length;
        vf_store64(&out[i], head);
        vf_store64((uint8_t *)&out[i] + 8, is_long ? place : rest);
        valid_bits |= (uint32_t)(head != ((uint64_t)'-' << 32 | 1)) << (i & 7);
        if ((i & 7) == 7) {
            valid[i / 8] = (uint8_t)valid_bits;
            valid_bits = 0;
        }
    }
    if (rows->count & 7) valid[rows->count / 8] = (uint8_t)valid_bits;
    target->own_length = own_length;
}

#define VF_CONCAT2(a, b) a##b
#define VF_CONCAT(a, b) VF_CONCAT2(a, b)
#define VF_STRING2(a) #a
#define VF_STRING(a) VF_STRING2(a)

const vf_kernel VF_CONCAT(vf_kernel_, VF_KERNEL_NAME) = {
    .name = VF_STRING(VF_KERNEL_NAME),
    .separators = separators,
    .int32s = int32s,
    .int64s = int64s,
    .times = times,
    .dictionary = dictionary,
    .views = views,
};
