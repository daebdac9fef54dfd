/* The loops of a kernel, written once. The including file defines, before it includes this one:
 *
 *   VF_KERNEL_NAME            avx2, for example
 *   VF_LANES                  integers decoded at a time (1, 4 or 8)
 *   vf_lanes                  VF_LANES 64-bit integers
 *   vf_block                  what block_load(p) makes of 64 bytes
 *   vf_matches                what block_equal(b, c) makes of a block, and matches_mask of that: a bit a byte
 *   vf_watch                  which bytes have been seen: watch_nothing(), watch(w, block, newlines),
 *                             watch_saw_odd(w) below the blank but newlines, watch_saw_high(w) above 0x7F
 *   emit(out, mask, base)     write base + the position of each set bit, return out + their number;
 *                             may write up to 64 positions
 *   int_lanes(windows, before, max, &value, &null) -> mask of lanes decided
 *   time_lanes(pairs, before, &value, &null) -> mask of lanes decided
 *   lanes_store32(out, value), lanes_store64(out, value)
 *   with VF_HAS_FEW_LANES: few_lanes(windows or pairs, wide, before, few, out) -> mask of lanes not found
 *
 * A window is the 8 bytes that end where a field ends, as a little-endian number: its last character is
 * the highest byte. In it, the digits of a number are those above the highest byte that is not a
 * digit; when that byte is the separator `before`, they are the whole field. */

/* ---- integers --------------------------------------------------------------------------------- */

VF_INLINE void gather_windows(const vf_rows *rows, uint32_t field, uint64_t *out) {
    const uint8_t *text = rows->text - 8;
    const uint32_t *end = rows->ends + field;
    const size_t stride = rows->stride;
    const uint32_t count = rows->count;
    VF_UNROLL
    for (uint32_t i = 0; i < count; i++, end += stride) out[i] = vf_load64(text + *end);
}

/* The 16 bytes that end where a field ends: a low window, then the high one. */
VF_INLINE void gather_pairs(const vf_rows *rows, uint32_t field, uint64_t *out) {
    const uint8_t *text = rows->text - 16;
    const uint32_t *end = rows->ends + field;
    const size_t stride = rows->stride;
    const uint32_t count = rows->count;
    VF_UNROLL
    for (uint32_t i = 0; i < count; i++, end += stride) memcpy(out + 2 * (size_t)i, text + *end, 16);
}

/* So that whole vectors can be decoded, the rows beyond the count look like valid ones. */
VF_INLINE void fill_windows(uint64_t *windows, uint32_t count, uint64_t filler) {
    for (uint32_t i = count; i < ((count + 7) & ~7u); i++) windows[i] = filler;
}

VF_INLINE void fill_pairs(uint64_t *pairs, uint32_t count, uint64_t low, uint64_t high) {
    for (uint32_t i = count; i < ((count + 7) & ~7u); i++) {
        pairs[2 * i] = low;
        pairs[2 * i + 1] = high;
    }
}

VF_INLINE void note_undecided(vf_outcome *outcome, uint32_t row, uint32_t mask) {
    while (mask) {
        outcome->undecided[outcome->undecided_count++] = row + vf_ctz64(mask);
        mask &= mask - 1;
    }
}

#define VF_ALL_LANES ((1u << VF_LANES) - 1)
#define VF_FIELD_BEFORE(field) ((uint8_t)((field) ? ' ' : '\n'))

/* One loop for the three integer kinds; `kind` is a constant at each call. */
VF_INLINE void decode_integers(const vf_rows *rows, uint32_t field, uint64_t max, void *out, int kind,
                               vf_outcome *outcome) {
    uint64_t windows[2 * (VF_GROUP + 8)];
    const uint8_t before = VF_FIELD_BEFORE(field);
    const uint32_t count = rows->count;
    if (kind == 2) {
        gather_pairs(rows, field, windows);
        fill_pairs(windows, count, 0x3131000000000000u | (uint64_t)before << 40, 0x3030303030303030u);
    } else {
        gather_windows(rows, field, windows);
        fill_windows(windows, count, (uint64_t)'0' << 56 | (uint64_t)before << 48);
    }
    outcome->undecided_count = 0;
    for (uint32_t i = 0; i < count; i += 8) {
        uint32_t nulls = 0;
        for (uint32_t j = 0; j < 8; j += VF_LANES) {
            vf_lanes value;
            uint32_t null;
            uint32_t decided = kind == 2 ? time_lanes(windows + 2 * (i + j), before, &value, &null)
                                         : int_lanes(windows + i + j, before, max, &value, &null);
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

/* ---- separators ------------------------------------------------------------------------------- */

typedef struct {
    uint64_t touching, newlines;
    uint64_t carry; /* the block before ended with a separator */
    uint32_t *out;
    vf_watch watch;
} vf_scan;

VF_INLINE void scan_block(vf_scan *scan, const uint8_t *block_text, uint32_t at) {
    const vf_block block = block_load(block_text);
    const vf_matches newlines = block_equal(block, '\n');
    const uint64_t newline = matches_mask(newlines);
    const uint64_t separator = matches_mask(block_equal(block, ' ')) | newline;
    scan->watch = watch(scan->watch, block, newlines);
    scan->touching |= separator & (separator << 1 | scan->carry);
    scan->carry = separator >> 63;
    scan->newlines += vf_popcount64(newline);
    scan->out = emit(scan->out, separator, at);
}

static void separators(const uint8_t *text, size_t length, uint32_t *ends, vf_marks *marks) {
    /* a piece begins behind a newline */
    vf_scan scan = {.carry = 1, .out = ends, .watch = watch_nothing()};
    uint32_t at = 0;
    for (; at + 64 <= length; at += 64) {
        /* the next piece comes into the cache while the columns of this one are decoded */
        __builtin_prefetch(text + at + VF_PIECE, 0, 2);
        scan_block(&scan, text + at, at);
    }
    if (at < length) {
        uint8_t rest[64];
        memset(rest, 'x', sizeof rest);
        memcpy(rest, text + at, length - at);
        scan_block(&scan, rest, at);
    }
    marks->count = (uint32_t)(scan.out - ends);
    marks->newlines = (uint32_t)scan.newlines;
    marks->adjacent = scan.touching != 0;
    marks->odd = watch_saw_odd(scan.watch);
    marks->high = watch_saw_high(scan.watch);
}

/* ---- dictionaries ----------------------------------------------------------------------------- */

/* Look one value up by its hash. What is not in its first slot, or longer than the words looked at,
 * goes to vf_dictionary_index. */
VF_INLINE int32_t look_up(vf_dictionary *dict, const uint8_t *text, const uint32_t *end, uint32_t words,
                          vf_pool *pool) {
    const uint32_t length = end[0] - end[-1] - 1;
    uint64_t key[4];
    vf_load_key(text + end[0], length, words, key);
    const uint64_t hash = vf_hash_key(dict->secret, key, length);
    const vf_slot *slot = &dict->slots[hash & dict->mask];
    uint64_t differs = (key[0] ^ slot->key[0]) | (key[1] ^ slot->key[1]) | (length ^ slot->length);
    if (words > 2) differs |= key[2] ^ slot->key[2];
    if (words > 3) differs |= key[3] ^ slot->key[3];
    if (VF_LIKELY(!differs && length <= 8 * words)) return slot->index;
    return vf_dictionary_index(dict, text + end[0], length, pool);
}

VF_INLINE int32_t look_up_all(const vf_rows *rows, uint32_t field, vf_dictionary *dict, uint32_t words,
                              int32_t *out, vf_pool *pool) {
    const uint32_t *end = rows->ends + field;
    int32_t least = 0;
    for (uint32_t i = 0; i < rows->count; i++, end += rows->stride) {
        const int32_t index = look_up(dict, rows->text, end, words, pool);
        out[i] = index;
        least = index < least ? index : least;
        if (VF_UNLIKELY(index <= VF_INDEX_FULL)) break;
    }
    return least;
}

#ifdef VF_HAS_FEW_LANES
/* Compare with the few values that the column is known to have; others are looked up one by one.
 * `wide` is a constant at each call: without it, values are up to 7 bytes. */
VF_INLINE int32_t look_up_few(const vf_rows *rows, uint32_t field, vf_dictionary *dict, bool wide,
                              int32_t *out, vf_pool *pool) {
    uint64_t windows[2 * (VF_GROUP + 8)];
    const uint8_t before = VF_FIELD_BEFORE(field);
    const uint32_t count = rows->count;
    if (wide) gather_pairs(rows, field, windows);
    else gather_windows(rows, field, windows);
    int32_t least = 0;
    uint32_t others = 0;
    for (uint32_t i = 0; i < count; i += VF_LANES) {
        uint32_t unknown = few_lanes(windows + (wide ? 2 * i : i), wide, before, &dict->few, out + i);
        if (count - i < VF_LANES) unknown &= (1u << (count - i)) - 1;
        for (; VF_UNLIKELY(unknown); unknown &= unknown - 1, others++) {
            const uint32_t row = i + vf_ctz64(unknown);
            const uint32_t *end = rows->ends + (size_t)row * rows->stride + field;
            out[row] = vf_dictionary_index(dict, rows->text + end[0], end[0] - end[-1] - 1, pool);
            if (VF_UNLIKELY(out[row] <= VF_INDEX_FULL)) return out[row];
        }
    }
    for (uint32_t i = 0; i < count; i++) least = out[i] < least ? out[i] : least;
    /* values may only have been too long for the short way: the wide one comes first then */
    dict->many = others > 16 + count / 8 && wide == dict->few.wide;
    return least;
}
#endif

/* One function for each constant: together in one they would not keep their values in registers. */
#define VF_LOOK_UP(name, call)                                                                         \
    static VF_NOINLINE int32_t name(const vf_rows *rows, uint32_t field, vf_dictionary *dict,          \
                                    int32_t *out, vf_pool *pool) {                                     \
        return call;                                                                                   \
    }
VF_LOOK_UP(look_up_2_words, look_up_all(rows, field, dict, 2, out, pool))
VF_LOOK_UP(look_up_3_words, look_up_all(rows, field, dict, 3, out, pool))
VF_LOOK_UP(look_up_4_words, look_up_all(rows, field, dict, 4, out, pool))
#ifdef VF_HAS_FEW_LANES
VF_LOOK_UP(look_up_few_short, look_up_few(rows, field, dict, false, out, pool))
VF_LOOK_UP(look_up_few_wide, look_up_few(rows, field, dict, true, out, pool))
#endif

static int32_t dictionary(const vf_rows *rows, uint32_t field, vf_dictionary *dict, int32_t *out,
                          vf_pool *pool) {
#ifdef VF_HAS_FEW_LANES
    if (!dict->many && !dict->few.wide) return look_up_few_short(rows, field, dict, out, pool);
    if (!dict->many) return look_up_few_wide(rows, field, dict, out, pool);
#endif
    if (dict->words == 2) return look_up_2_words(rows, field, dict, out, pool);
    if (dict->words == 3) return look_up_3_words(rows, field, dict, out, pool);
    return look_up_4_words(rows, field, dict, out, pool);
}

/* ---- views ------------------------------------------------------------------------------------ */

/* For a text of min(length, 13) bytes: which bytes of the view come from the text, and which from its
 * place. Up to 12 bytes stand in the view itself. */
static const struct {
    uint64_t head, tail, place, unused;
} view_masks[14] = {
#define VF_HEAD(n) ((n) >= 4 ? 0xFFFFFFFF00000000u : ((1ull << ((8 * (n)) & 63)) - 1) << 32)
#define VF_TAIL(n) ((n) <= 4 ? 0 : (n) >= 12 ? ~0ull : (1ull << ((8 * ((n) - 4)) & 63)) - 1)
#define VF_SHORT(n) {VF_HEAD(n), VF_TAIL(n), 0, 0}
    VF_SHORT(0), VF_SHORT(1), VF_SHORT(2), VF_SHORT(3),  VF_SHORT(4),  VF_SHORT(5),  VF_SHORT(6),
    VF_SHORT(7), VF_SHORT(8), VF_SHORT(9), VF_SHORT(10), VF_SHORT(11), VF_SHORT(12), {VF_HEAD(4), 0, ~0ull, 0},
};

VF_INLINE uint32_t copy_text(uint8_t *to, const uint8_t *text, uint32_t length) {
    uint32_t copied = 0; /* whole 16 bytes: an address is one or three of them */
    do {
        memcpy(to + copied, text + copied, 16);
        copied += 16;
    } while (VF_UNLIKELY(copied < length));
    return length > 12 ? length : 0;
}

/* `own` is a constant at each call. Returns the least length. */
VF_INLINE uint32_t write_views(const vf_rows *rows, uint32_t field, vf_view *out,
                               vf_view_target *target, bool own) {
    const uint8_t *text = rows->text;
    const uint32_t *end = rows->ends + field;
    uint32_t own_length = target->own_length, least = UINT32_MAX;
    for (uint32_t i = 0; i < rows->count; i++, end += rows->stride) {
        const uint32_t start = end[-1] + 1;
        const uint32_t length = end[0] - start;
        const uint32_t shown = length < 13 ? length : 13;
        const uint64_t place = own ? (uint64_t)own_length << 32
                                   : (uint64_t)(target->offset + start) << 32 | target->buffer;
        if (own) own_length += copy_text(target->own + own_length, text + start, length);
        /* the text begins in the middle of the first word, behind the length */
        const uint64_t head = (vf_load64(text + start - 4) & view_masks[shown].head) | length;
        const uint64_t tail = (vf_load64(text + start + 4) & view_masks[shown].tail) |
                              (place & view_masks[shown].place);
        vf_store64(&out[i], head);
        vf_store64((uint8_t *)&out[i] + 8, tail);
        least = length < least ? length : least;
    }
    target->own_length = own_length;
    return least;
}

static void views(const vf_rows *rows, uint32_t field, vf_view *out, vf_view_target *target,
                  uint8_t *valid) {
    const uint32_t least = target->own ? write_views(rows, field, out, target, true)
                                       : write_views(rows, field, out, target, false);
    memset(valid, 0xFF, (rows->count + 7) / 8);
    if (least > 1) return;
    for (uint32_t i = 0; i < rows->count; i++) {
        const uint32_t null = out[i].length == 1 && out[i].prefix[0] == '-';
        valid[i / 8] = (uint8_t)(valid[i / 8] & ~(null << (i & 7)));
    }
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
