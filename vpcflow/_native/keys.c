#include "keys.h"

#include <stdlib.h>

#include "dictionary.h" /* vf_mix */
#include "last_used.h"

/* Half a cache line. Up to 16 bytes are told apart by `head` and `tail` (which overlap) and `length`
 * alone; of a longer key these are hashes, and its bytes decide. */
typedef struct {
    uint64_t head, tail;
    uint32_t hash, length;
    int32_t code; /* -1: free */
    uint32_t unused;
} vf_key_slot;

#define SHORT 16u
#define FIRST_SLOTS 1024u
#define AHEAD 32 /* keys whose slots are fetched before the first of them is looked up */

struct vf_keys {
    uint64_t secret[2];
    vf_key_slot *slots;
    uint32_t mask; /* slots - 1 */
    int32_t count;
    vf_last_used used;
    uint64_t *begins; /* of each long key in the arena */
    int32_t begins_room;
    uint8_t *arena;
    uint64_t arena_length, arena_room;
};

typedef struct {
    uint64_t head, tail;
    uint32_t hash, length;
    const uint8_t *text;
} vf_probe;

static vf_key_slot *new_slots(uint32_t count) {
    vf_key_slot *slots = malloc(count * sizeof *slots);
    for (uint32_t i = 0; slots && i < count; i++) slots[i].code = -1;
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
    vf_last_used_free(&keys->used);
    free(keys->begins);
    free(keys->arena);
    free(keys);
}

int32_t vf_keys_count(const vf_keys *keys) { return keys->count; }

/* ---- hashing ----------------------------------------------------------------------------------- */

VF_INLINE uint64_t load_below_8(const uint8_t *text, uint32_t length) {
    if (length >= 4) return vf_load32(text) | (uint64_t)vf_load32(text + length - 4) << 32;
    if (length == 0) return 0;
    return text[0] | (uint64_t)text[length / 2] << 8 | (uint64_t)text[length - 1] << 16;
}

static uint64_t hash_long(const vf_keys *keys, const uint8_t *text, uint32_t length, uint64_t seed) {
    uint64_t hash = seed ^ length;
    for (; length > 16; text += 16, length -= 16) {
        hash = vf_mix(vf_load64(text) ^ keys->secret[1], vf_load64(text + 8) ^ hash);
    }
    return length < 8 ? vf_mix(load_below_8(text, length) ^ keys->secret[1], hash)
                      : vf_mix(vf_load64(text) ^ keys->secret[1], vf_load64(text + length - 8) ^ hash);
}

VF_INLINE void finish_probe(const vf_keys *keys, vf_probe *probe) {
    const uint64_t hash =
        vf_mix(probe->head ^ keys->secret[0] ^ probe->length, probe->tail ^ keys->secret[1]);
    probe->hash = (uint32_t)(hash ^ hash >> 32);
    __builtin_prefetch(&keys->slots[probe->hash & keys->mask]);
}

VF_INLINE void probe_text(const vf_keys *keys, vf_probe *probe, const uint8_t *text, size_t length) {
    probe->text = text;
    probe->length = (uint32_t)length;
    if (VF_LIKELY(length >= 8 && length <= SHORT)) {
        probe->head = vf_load64(text);
        probe->tail = vf_load64(text + length - 8);
    } else if (length < 8) {
        probe->head = load_below_8(text, (uint32_t)length);
        probe->tail = 0;
    } else {
        probe->head = hash_long(keys, text, (uint32_t)length, keys->secret[0]);
        probe->tail = hash_long(keys, text, (uint32_t)length, ~keys->secret[0]);
    }
    finish_probe(keys, probe);
}

VF_INLINE void probe_integer(const vf_keys *keys, vf_probe *probe, uint64_t value) {
    probe->head = value;
    probe->tail = 0;
    probe->length = sizeof value;
    finish_probe(keys, probe);
}

/* ---- slots ------------------------------------------------------------------------------------- */

VF_INLINE vf_key_slot *find(const vf_keys *keys, const vf_probe *probe) {
    for (uint32_t i = probe->hash & keys->mask;; i = (i + 1) & keys->mask) {
        vf_key_slot *slot = &keys->slots[i];
        if (slot->code < 0) return slot;
        if (slot->head != probe->head || slot->tail != probe->tail || slot->length != probe->length) {
            continue;
        }
        if (VF_LIKELY(probe->length <= SHORT) ||
            memcmp(keys->arena + keys->begins[slot->code], probe->text, probe->length) == 0) {
            return slot;
        }
    }
}

static void put_slot(vf_key_slot *slots, uint32_t mask, const vf_key_slot *slot) {
    uint32_t i = slot->hash & mask;
    while (slots[i].code >= 0) i = (i + 1) & mask;
    slots[i] = *slot;
}

static bool grow_slots(vf_keys *keys) {
    const uint64_t count = ((uint64_t)keys->mask + 1) * 2;
    vf_key_slot *slots = count <= UINT32_MAX ? new_slots((uint32_t)count) : NULL;
    if (!slots) return false;
    for (uint32_t i = 0; i <= keys->mask; i++) {
        if (keys->slots[i].code >= 0) put_slot(slots, (uint32_t)count - 1, &keys->slots[i]);
    }
    free(keys->slots);
    keys->slots = slots;
    keys->mask = (uint32_t)count - 1;
    return true;
}

static bool keep_text(vf_keys *keys, int32_t code, const uint8_t *text, uint32_t length) {
    if (code >= keys->begins_room) {
        const int64_t room = (int64_t)code * 2 + 1024;
        uint64_t *begins = realloc(keys->begins, (size_t)room * sizeof *begins);
        if (!begins) return false;
        keys->begins = begins;
        keys->begins_room = room > INT32_MAX ? INT32_MAX : (int32_t)room;
    }
    if (keys->arena_length + length > keys->arena_room) {
        const uint64_t room = (keys->arena_length + length) * 2 + 4096;
        uint8_t *arena = realloc(keys->arena, room);
        if (!arena) return false;
        keys->arena = arena;
        keys->arena_room = room;
    }
    memcpy(keys->arena + keys->arena_length, text, length);
    keys->begins[code] = keys->arena_length;
    keys->arena_length += length;
    return true;
}

/* The code of a key that is not in the set yet; -1 without memory. */
static VF_NOINLINE int32_t add(vf_keys *keys, const vf_probe *probe) {
    if (keys->count == INT32_MAX || !vf_last_used_reserve(&keys->used, keys->count + 1)) return -1;
    if ((uint64_t)keys->count * 2 >= keys->mask && !grow_slots(keys)) return -1;
    const int32_t code = keys->count;
    if (probe->length > SHORT && !keep_text(keys, code, probe->text, probe->length)) return -1;
    put_slot(keys->slots, keys->mask,
             &(vf_key_slot){probe->head, probe->tail, probe->hash, probe->length, code, 0});
    keys->count++;
    return code;
}

VF_INLINE bool look_up(vf_keys *keys, const vf_probe *probe, int64_t row, int32_t *code,
                       int32_t *new_rows, int64_t *new_count) {
    *code = find(keys, probe)->code;
    if (VF_UNLIKELY(*code < 0)) {
        *code = add(keys, probe);
        if (*code < 0) return false;
        new_rows[(*new_count)++] = (int32_t)row;
    }
    keys->used.at[*code] = keys->used.now;
    return true;
}

/* ---- columns ----------------------------------------------------------------------------------- */

VF_INLINE void probe_row(const vf_keys *keys, const vf_reader *column, int64_t row, vf_probe *probe) {
    if (column->kind == VF_READ_TEXT) {
        size_t length;
        const uint8_t *text = vf_reader_text(column, row, &length);
        probe_text(keys, probe, text, length);
    } else {
        probe_integer(keys, probe, (uint64_t)vf_reader_integer(column, row));
    }
}

static bool encode_plain(vf_keys *keys, const vf_reader *column, int64_t rows, int32_t *codes,
                         int32_t *new_rows, int64_t *new_count) {
    vf_probe probes[AHEAD];
    int64_t row_of[AHEAD];
    for (int64_t begin = 0; begin < rows; begin += AHEAD) {
        const int64_t end = rows - begin < AHEAD ? rows : begin + AHEAD;
        int count = 0;
        for (int64_t row = begin; row < end; row++) {
            codes[row] = -1;
            if (vf_reader_null(column, row)) continue;
            probe_row(keys, column, row, &probes[count]);
            row_of[count++] = row;
        }
        for (int i = 0; i < count; i++) {
            int32_t *code = &codes[row_of[i]];
            if (!look_up(keys, &probes[i], row_of[i], code, new_rows, new_count)) return false;
        }
    }
    return true;
}

/* Each value of the dictionary is looked up once, when a row has it. */
static bool encode_dictionary(vf_keys *keys, const vf_reader *column, int64_t rows, int32_t *codes,
                              int32_t *new_rows, int64_t *new_count) {
    int32_t *code_of = malloc((size_t)column->dictionary_length * sizeof *code_of + 1);
    if (!code_of) return false;
    for (int64_t i = 0; i < column->dictionary_length; i++) code_of[i] = -1;
    bool ok = true;
    for (int64_t row = 0; ok && row < rows; row++) {
        codes[row] = -1;
        if (vf_reader_null(column, row)) continue;
        int32_t *code = &code_of[vf_reader_index(column, row)];
        if (*code < 0) {
            vf_probe probe;
            probe_row(keys, column, row, &probe);
            ok = look_up(keys, &probe, row, code, new_rows, new_count);
        }
        codes[row] = *code;
    }
    free(code_of);
    return ok;
}

bool vf_keys_encode(vf_keys *keys, const vf_reader *column, int64_t rows, int32_t *codes,
                    int32_t *new_rows, int64_t *new_count) {
    keys->used.now++;
    *new_count = 0;
    return (column->index_layout ? encode_dictionary : encode_plain)(keys, column, rows, codes,
                                                                    new_rows, new_count);
}

bool vf_keys_pair(vf_keys *keys, const int32_t *first, const int32_t *second, int64_t rows,
                  int32_t *codes, int32_t *new_rows, int64_t *new_count) {
    vf_probe probes[AHEAD];
    keys->used.now++;
    *new_count = 0;
    for (int64_t begin = 0; begin < rows; begin += AHEAD) {
        const int64_t end = rows - begin < AHEAD ? rows : begin + AHEAD;
        for (int64_t row = begin; row < end; row++) {
            const uint64_t pair = (uint32_t)first[row] | (uint64_t)(uint32_t)second[row] << 32;
            probe_integer(keys, &probes[row - begin], pair);
        }
        for (int64_t row = begin; row < end; row++) {
            codes[row] = -1;
            if (first[row] < 0 || second[row] < 0) continue;
            if (!look_up(keys, &probes[row - begin], row, &codes[row], new_rows, new_count)) return false;
        }
    }
    return true;
}

/* ---- forgetting -------------------------------------------------------------------------------- */

bool vf_keys_forget(vf_keys *keys, int32_t *old_codes, int32_t *kept) {
    int32_t *new_codes = malloc((size_t)keys->count * sizeof *new_codes + 1);
    vf_keys *fresh = vf_keys_new(0);
    if (!new_codes || !fresh || !vf_last_used_choose(&keys->used, keys->count, old_codes, kept)) {
        free(new_codes);
        vf_keys_free(fresh);
        return false;
    }
    memcpy(fresh->secret, keys->secret, sizeof fresh->secret);
    fresh->used.now = keys->used.now;
    for (int32_t code = 0; code < keys->count; code++) new_codes[code] = -1;
    for (int32_t i = 0; i < *kept; i++) new_codes[old_codes[i]] = i;
    bool ok = vf_last_used_reserve(&fresh->used, *kept);
    while (ok && (uint64_t)*kept * 2 >= fresh->mask) ok = grow_slots(fresh);
    for (uint32_t i = 0; ok && i <= keys->mask; i++) {
        vf_key_slot slot = keys->slots[i];
        if (slot.code < 0 || new_codes[slot.code] < 0) continue;
        const int32_t old = slot.code;
        slot.code = new_codes[old];
        if (slot.length > SHORT) {
            ok = keep_text(fresh, slot.code, keys->arena + keys->begins[old], slot.length);
        }
        fresh->used.at[slot.code] = keys->used.at[old];
        put_slot(fresh->slots, fresh->mask, &slot);
    }
    free(new_codes);
    if (ok) {
        fresh->count = *kept;
        const vf_keys former = *keys;
        *keys = *fresh;
        *fresh = former;
    }
    vf_keys_free(fresh);
    return ok;
}
