#include "keys.h"

#include <stdlib.h>

#include "dictionary.h" /* vf_mix */

typedef struct {
    uint64_t hash;
    int32_t code; /* -1: free */
} vf_key_slot;

struct vf_keys {
    uint64_t secret[2];
    vf_key_slot *slots;
    uint64_t mask; /* slots - 1 */
    int32_t count, room;
    uint64_t *ends;  /* of each key in the arena */
    uint32_t *used;  /* the call of vf_keys_encode that used the key last */
    uint64_t *hashes;
    uint8_t *arena;
    uint64_t arena_room;
    uint32_t call;
    vf_buffer scratch; /* a key of several columns */
};

static const uint64_t FIRST_SLOTS = 1024;

static uint64_t load_tail(const uint8_t *text, size_t length) { /* below 8 bytes */
    if (length >= 4) {
        return vf_load32(text) | (uint64_t)vf_load32(text + length - 4) << 32;
    }
    if (length == 0) return 0;
    return text[0] | (uint64_t)text[length / 2] << 8 | (uint64_t)text[length - 1] << 16;
}

static uint64_t hash_key(const vf_keys *keys, const uint8_t *text, size_t length) {
    uint64_t hash = keys->secret[0] ^ length;
    while (length > 16) {
        hash = vf_mix(vf_load64(text) ^ keys->secret[1], vf_load64(text + 8) ^ hash);
        text += 16;
        length -= 16;
    }
    if (length >= 8) {
        return vf_mix(vf_load64(text) ^ keys->secret[1], vf_load64(text + length - 8) ^ hash);
    }
    return vf_mix(load_tail(text, length) ^ keys->secret[1], hash ^ 0x9E3779B97F4A7C15u);
}

static vf_key_slot *new_slots(uint64_t count) {
    vf_key_slot *slots = malloc(count * sizeof *slots);
    for (uint64_t i = 0; slots && i < count; i++) slots[i] = (vf_key_slot){0, -1};
    return slots;
}

vf_keys *vf_keys_new(uint64_t secret) {
    vf_keys *keys = calloc(1, sizeof *keys);
    if (!keys) return NULL;
    keys->secret[0] = vf_mix(secret ^ 0xA0761D6478BD642Fu, 0xE7037ED1A0B428DBu);
    keys->secret[1] = vf_mix(secret ^ 0x8EBC6AF09C88C6E3u, 0x589965CC75374CC3u);
    keys->mask = FIRST_SLOTS - 1;
    keys->slots = new_slots(FIRST_SLOTS);
    if (keys->slots) return keys;
    free(keys);
    return NULL;
}

void vf_keys_free(vf_keys *keys) {
    if (!keys) return;
    free(keys->slots);
    free(keys->ends);
    free(keys->used);
    free(keys->hashes);
    free(keys->arena);
    vf_buffer_free(&keys->scratch, NULL);
    free(keys);
}

int32_t vf_keys_count(const vf_keys *keys) { return keys->count; }

static uint64_t begin_of(const vf_keys *keys, int32_t code) { return code ? keys->ends[code - 1] : 0; }

/* The slot of a key, or the free one where it belongs. */
static vf_key_slot *find(const vf_keys *keys, uint64_t hash, const uint8_t *text, size_t length) {
    for (uint64_t i = hash & keys->mask;; i = (i + 1) & keys->mask) {
        vf_key_slot *slot = &keys->slots[i];
        if (slot->code < 0) return slot;
        if (slot->hash != hash) continue;
        const uint64_t begin = begin_of(keys, slot->code);
        if (keys->ends[slot->code] - begin == length &&
            memcmp(keys->arena + begin, text, length) == 0) {
            return slot;
        }
    }
}

static void put_slot(vf_key_slot *slots, uint64_t mask, uint64_t hash, int32_t code) {
    uint64_t i = hash & mask;
    while (slots[i].code >= 0) i = (i + 1) & mask;
    slots[i] = (vf_key_slot){hash, code};
}

static bool grow_slots(vf_keys *keys) {
    const uint64_t count = (keys->mask + 1) * 2;
    vf_key_slot *slots = new_slots(count);
    if (!slots) return false;
    for (int32_t code = 0; code < keys->count; code++) put_slot(slots, count - 1, keys->hashes[code], code);
    free(keys->slots);
    keys->slots = slots;
    keys->mask = count - 1;
    return true;
}

static bool grow(void **memory, size_t bytes) {
    void *grown = realloc(*memory, bytes);
    if (!grown) return false;
    *memory = grown;
    return true;
}

/* Room for one more key of `length` bytes, in the slots too. */
static bool reserve(vf_keys *keys, size_t length) {
    if (keys->count == INT32_MAX) return false;
    if (keys->count == keys->room) {
        const int32_t room = keys->room > INT32_MAX / 2 ? INT32_MAX : keys->room ? keys->room * 2 : 1024;
        if (!grow((void **)&keys->ends, (size_t)room * sizeof *keys->ends) ||
            !grow((void **)&keys->used, (size_t)room * sizeof *keys->used) ||
            !grow((void **)&keys->hashes, (size_t)room * sizeof *keys->hashes)) {
            return false;
        }
        keys->room = room;
    }
    const uint64_t needed = begin_of(keys, keys->count) + length;
    if (needed > keys->arena_room) {
        const uint64_t room = needed * 2 + 4096;
        if (!grow((void **)&keys->arena, room)) return false;
        keys->arena_room = room;
    }
    return (uint64_t)keys->count * 2 < keys->mask || grow_slots(keys);
}

/* The number of a key, which is added if it is new; -1 without memory. */
static int32_t code_of(vf_keys *keys, const uint8_t *text, size_t length) {
    const uint64_t hash = hash_key(keys, text, length);
    const vf_key_slot *slot = find(keys, hash, text, length);
    if (slot->code >= 0) return slot->code;
    if (!reserve(keys, length)) return -1;
    const int32_t code = keys->count;
    const uint64_t begin = begin_of(keys, code);
    if (length) memcpy(keys->arena + begin, text, length);
    keys->ends[code] = begin + length;
    keys->hashes[code] = hash;
    put_slot(keys->slots, keys->mask, hash, code);
    keys->count++;
    return code;
}

/* The bytes of a row's key. 1; 0: a column is null; -1: without memory. */
static int key_of(vf_keys *keys, const vf_reader *columns, size_t count, int64_t row, int64_t *integer,
                  const uint8_t **text, size_t *length) {
    for (size_t c = 0; c < count; c++) {
        if (vf_reader_null(&columns[c], row)) return 0;
    }
    if (count == 1 && columns->kind == VF_READ_TEXT) {
        *text = vf_reader_text(columns, row, length);
        return 1;
    }
    if (count == 1) {
        *integer = vf_reader_integer(columns, row);
        *text = (const uint8_t *)integer;
        *length = sizeof *integer;
        return 1;
    }
    keys->scratch.length = 0;
    for (size_t c = 0; c < count; c++) {
        *integer = columns[c].kind == VF_READ_TEXT ? 0 : vf_reader_integer(&columns[c], row);
        const uint8_t *part = (const uint8_t *)integer;
        size_t size = sizeof *integer;
        if (columns[c].kind == VF_READ_TEXT) part = vf_reader_text(&columns[c], row, &size);
        const uint64_t prefix = size;
        if (!vf_buffer_reserve(&keys->scratch, size + sizeof prefix, NULL)) return -1;
        memcpy(keys->scratch.data + keys->scratch.length, &prefix, sizeof prefix);
        if (size) memcpy(keys->scratch.data + keys->scratch.length + sizeof prefix, part, size);
        keys->scratch.length += sizeof prefix + size;
    }
    *text = keys->scratch.data;
    *length = keys->scratch.length;
    return 1;
}

bool vf_keys_encode(vf_keys *keys, const vf_reader *columns, size_t count, int64_t rows,
                    int32_t *codes, int32_t *new_rows, int64_t *new_count) {
    keys->call++;
    *new_count = 0;
    for (int64_t row = 0; row < rows; row++) {
        int64_t integer;
        const uint8_t *text = NULL;
        size_t length = 0;
        codes[row] = -1;
        const int found = key_of(keys, columns, count, row, &integer, &text, &length);
        if (found == 0) continue;
        const int32_t before = keys->count;
        const int32_t code = found < 0 ? -1 : code_of(keys, text, length);
        if (code < 0) return false;
        codes[row] = code;
        keys->used[code] = keys->call;
        if (code == before) new_rows[(*new_count)++] = (int32_t)row;
    }
    return true;
}

static int by_number(const void *a, const void *b) {
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

bool vf_keys_forget(vf_keys *keys, int32_t *old_codes, int32_t *kept) {
    const size_t bytes = (size_t)keys->count * sizeof *keys->used;
    uint32_t *sorted = malloc(bytes + 1);
    vf_keys *fresh = vf_keys_new(0);
    if (!sorted || !fresh) {
        free(sorted);
        vf_keys_free(fresh);
        return false;
    }
    memcpy(fresh->secret, keys->secret, sizeof fresh->secret);
    if (bytes) memcpy(sorted, keys->used, bytes);
    qsort(sorted, (size_t)keys->count, sizeof *sorted, by_number);
    const int32_t half = keys->count / 2;
    const uint32_t threshold = keys->count ? sorted[half] : 0;
    int32_t at_threshold = 0; /* how many of those that were used just then have room */
    while (half + at_threshold < keys->count && sorted[half + at_threshold] == threshold) at_threshold++;
    free(sorted);
    *kept = 0;
    for (int32_t code = 0; code < keys->count; code++) {
        if (keys->used[code] < threshold) continue;
        if (keys->used[code] == threshold && at_threshold-- <= 0) continue;
        const uint64_t begin = begin_of(keys, code);
        const int32_t fresh_code = code_of(fresh, keys->arena + begin, keys->ends[code] - begin);
        if (fresh_code < 0) {
            vf_keys_free(fresh);
            return false;
        }
        fresh->used[fresh_code] = keys->used[code];
        old_codes[(*kept)++] = code;
    }
    fresh->call = keys->call;
    const vf_keys former = *keys;
    *keys = *fresh;
    *fresh = former;
    vf_keys_free(fresh);
    return true;
}

int64_t vf_gather(const int32_t *codes, int64_t rows, const int32_t *table, int64_t size, int32_t *out,
                  uint8_t *validity) {
    int64_t nulls = 0;
    for (int64_t row = 0; row < rows; row++) {
        const int32_t code = codes[row];
        const int32_t value = code >= 0 && code < size ? table[code] : -1;
        out[row] = value < 0 ? 0 : value;
        validity[row >> 3] |= (uint8_t)((value >= 0) << (row & 7));
        nulls += value < 0;
    }
    return nulls;
}
