#include "keys.h"

#include <stdlib.h>

#include "dictionary.h" /* vf_mix */
#include "last_used.h"

/* Small, so that the slots of tens of thousands of keys stay in the second-level cache. */
typedef struct {
    uint32_t hash;
    int32_t code; /* -1: free */
} vf_key_slot;

/* A key by its code. Up to 16 bytes are told apart by `head` and `tail` (which overlap) and `length`
 * alone; of a longer key these are hashes, and its bytes, which begin at `begin` of the arena, decide. */
typedef struct {
    uint64_t head, tail, begin;
    uint32_t length, hash;
} vf_key;

#define SHORT 16u
#define FIRST_SLOTS 1024u
#define AHEAD 32 /* keys whose slots are fetched before the first of them is looked up */

struct vf_keys {
    uint64_t secret[2];
    vf_key_slot *slots;
    uint32_t mask; /* slots - 1 */
    int32_t count, room;
    vf_key *keys;
    vf_last_used used;
    uint8_t *arena;
    uint64_t arena_length, arena_room;
    /* Of pairs: what is known of those with the same first code. Most logs are of one VPC. */
    int32_t first, *of_second, seconds;
};

typedef struct {
    vf_key key;
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
    free(keys->keys);
    free(keys->arena);
    free(keys->of_second);
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

VF_INLINE void finish_probe(const vf_keys *keys, vf_key *key) {
    const uint64_t hash = vf_mix(key->head ^ keys->secret[0] ^ key->length, key->tail ^ keys->secret[1]);
    key->hash = (uint32_t)(hash ^ hash >> 32);
    __builtin_prefetch(&keys->slots[key->hash & keys->mask]);
}

VF_INLINE void probe_text(const vf_keys *keys, vf_probe *probe, const uint8_t *text, size_t length) {
    vf_key *key = &probe->key;
    probe->text = text;
    key->length = (uint32_t)length;
    if (VF_LIKELY(length >= 8 && length <= SHORT)) {
        key->head = vf_load64(text);
        key->tail = vf_load64(text + length - 8);
    } else if (length < 8) {
        key->head = load_below_8(text, (uint32_t)length);
        key->tail = 0;
    } else {
        key->head = hash_long(keys, text, (uint32_t)length, keys->secret[0]);
        key->tail = hash_long(keys, text, (uint32_t)length, ~keys->secret[0]);
    }
    finish_probe(keys, key);
}

VF_INLINE void probe_integer(const vf_keys *keys, vf_probe *probe, uint64_t value) {
    probe->key.head = value;
    probe->key.tail = 0;
    probe->key.length = sizeof value;
    finish_probe(keys, &probe->key);
}

/* ---- slots ------------------------------------------------------------------------------------- */

VF_INLINE vf_key_slot *find(const vf_keys *keys, const vf_probe *probe) {
    const vf_key *wanted = &probe->key;
    for (uint32_t i = wanted->hash & keys->mask;; i = (i + 1) & keys->mask) {
        vf_key_slot *slot = &keys->slots[i];
        if (slot->code < 0) return slot;
        if (slot->hash != wanted->hash) continue;
        const vf_key *key = &keys->keys[slot->code];
        if (key->head != wanted->head || key->tail != wanted->tail || key->length != wanted->length) {
            continue;
        }
        if (VF_LIKELY(key->length <= SHORT) ||
            memcmp(keys->arena + key->begin, probe->text, key->length) == 0) {
            return slot;
        }
    }
}

static void put_slot(vf_key_slot *slots, uint32_t mask, uint32_t hash, int32_t code) {
    uint32_t i = hash & mask;
    while (slots[i].code >= 0) i = (i + 1) & mask;
    slots[i] = (vf_key_slot){hash, code};
}

static bool grow_slots(vf_keys *keys) {
    const uint64_t count = ((uint64_t)keys->mask + 1) * 2;
    vf_key_slot *slots = count <= UINT32_MAX ? new_slots((uint32_t)count) : NULL;
    if (!slots) return false;
    for (int32_t code = 0; code < keys->count; code++) {
        put_slot(slots, (uint32_t)count - 1, keys->keys[code].hash, code);
    }
    free(keys->slots);
    keys->slots = slots;
    keys->mask = (uint32_t)count - 1;
    return true;
}

/* Room for one more key, of `length` bytes. */
static bool reserve(vf_keys *keys, uint32_t length) {
    if (keys->count == INT32_MAX || !vf_last_used_reserve(&keys->used, keys->count + 1)) return false;
    if (keys->count == keys->room) {
        const int64_t room = keys->room ? (int64_t)keys->room * 2 : 1024;
        vf_key *grown = realloc(keys->keys, (size_t)room * sizeof *grown);
        if (!grown) return false;
        keys->keys = grown;
        keys->room = room > INT32_MAX ? INT32_MAX : (int32_t)room;
    }
    if (length > SHORT && keys->arena_length + length > keys->arena_room) {
        const uint64_t room = (keys->arena_length + length) * 2 + 4096;
        uint8_t *arena = realloc(keys->arena, room);
        if (!arena) return false;
        keys->arena = arena;
        keys->arena_room = room;
    }
    return (uint64_t)keys->count * 2 < keys->mask || grow_slots(keys);
}

/* The code of a key that is not in the set yet; -1 without memory. */
static VF_NOINLINE int32_t add(vf_keys *keys, const vf_key *key, const uint8_t *text) {
    if (!reserve(keys, key->length)) return -1;
    const int32_t code = keys->count++;
    keys->keys[code] = *key;
    if (key->length > SHORT) {
        keys->keys[code].begin = keys->arena_length;
        memcpy(keys->arena + keys->arena_length, text, key->length);
        keys->arena_length += key->length;
    }
    put_slot(keys->slots, keys->mask, key->hash, code);
    return code;
}

VF_INLINE bool look_up(vf_keys *keys, const vf_probe *probe, int64_t row, int32_t *code,
                       int32_t *new_rows, int64_t *new_count) {
    *code = find(keys, probe)->code;
    if (VF_UNLIKELY(*code < 0)) {
        *code = add(keys, &probe->key, probe->text);
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

/* Pairs of any codes. */
static bool pair_each(vf_keys *keys, const int32_t *first, const int32_t *second, int64_t rows,
                      int32_t *codes, int32_t *new_rows, int64_t *new_count) {
    vf_probe probes[AHEAD];
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

/* The codes of pairs that begin with `first`, as far as `of_second` is to know them. */
static bool know_seconds(vf_keys *keys, int32_t first, int32_t most) {
    if (keys->of_second && keys->first == first && most < keys->seconds) return true;
    const bool same = keys->of_second && keys->first == first;
    const int64_t wanted = (int64_t)most * 2 + 1024;
    const int32_t seconds = wanted > INT32_MAX ? INT32_MAX : (int32_t)wanted;
    int32_t *of_second = malloc((size_t)seconds * sizeof *of_second);
    if (!of_second) return false;
    for (int32_t i = 0; i < seconds; i++) {
        of_second[i] = same && i < keys->seconds ? keys->of_second[i] : -1;
    }
    free(keys->of_second);
    keys->of_second = of_second;
    keys->seconds = seconds;
    keys->first = first;
    return true;
}

/* Pairs with the same first code: what was met before is found by the second alone. */
static bool pair_with(vf_keys *keys, int32_t first, const int32_t *second, int64_t rows, int32_t *codes,
                      int32_t *new_rows, int64_t *new_count) {
    int32_t most = 0;
    for (int64_t row = 0; row < rows; row++) most = second[row] > most ? second[row] : most;
    if (!know_seconds(keys, first, most)) return false;
    for (int64_t row = 0; row < rows; row++) {
        codes[row] = -1;
        if (second[row] < 0) continue;
        int32_t *code = &keys->of_second[second[row]];
        if (VF_UNLIKELY(*code < 0)) {
            vf_probe probe = {.text = NULL};
            probe_integer(keys, &probe, (uint32_t)first | (uint64_t)(uint32_t)second[row] << 32);
            if (!look_up(keys, &probe, row, code, new_rows, new_count)) return false;
        }
        codes[row] = *code;
        keys->used.at[*code] = keys->used.now;
    }
    return true;
}

bool vf_keys_pair(vf_keys *keys, const int32_t *first, const int32_t *second, int64_t rows,
                  int32_t *codes, int32_t *new_rows, int64_t *new_count) {
    keys->used.now++;
    *new_count = 0;
    int32_t differ = 0;
    for (int64_t row = 1; row < rows; row++) differ |= first[row] ^ first[0];
    if (rows > 0 && !differ && first[0] >= 0) {
        return pair_with(keys, first[0], second, rows, codes, new_rows, new_count);
    }
    return pair_each(keys, first, second, rows, codes, new_rows, new_count);
}

/* ---- forgetting -------------------------------------------------------------------------------- */

bool vf_keys_forget(vf_keys *keys, int32_t *old_codes, int32_t *kept) {
    vf_keys *fresh = vf_keys_new(0);
    if (!fresh || !vf_last_used_choose(&keys->used, keys->count, old_codes, kept)) {
        vf_keys_free(fresh);
        return false;
    }
    memcpy(fresh->secret, keys->secret, sizeof fresh->secret);
    fresh->used.now = keys->used.now;
    for (int32_t i = 0; i < *kept; i++) {
        const vf_key *key = &keys->keys[old_codes[i]];
        const uint8_t *text = key->length > SHORT ? keys->arena + key->begin : NULL;
        if (add(fresh, key, text) < 0) {
            vf_keys_free(fresh);
            return false;
        }
        fresh->used.at[i] = keys->used.at[old_codes[i]];
    }
    const vf_keys former = *keys;
    *keys = *fresh;
    *fresh = former;
    vf_keys_free(fresh);
    return true;
}
