#include "wants.h"

#include <stdlib.h>
#include <string.h>

bool vg_wants_open(vg_wants *wants) {
    *wants = (vg_wants){calloc(1, sizeof(vg_want)), 1, NULL, 0};
    if (!wants->wants) return false;
    wants->wants[0] = (vg_want){NULL, 0, -1, -1, -1, -1, 0, 0};
    return true;
}

void vg_wants_close(vg_wants *wants) {
    for (int i = 0; wants->wants && i < wants->want_count; i++) free(wants->wants[i].key);
    free(wants->wants);
    free(wants->takers);
    *wants = (vg_wants){NULL, 0, NULL, 0};
}

static int64_t index_of(const vg_step *step) {
    int64_t index = 0;
    for (size_t i = 0; i < step->length; i++) {
        const unsigned digit = (unsigned char)step->key[i] - (unsigned)'0';
        if (digit > 9 || step->length > 9) return -1;
        index = index * 10 + digit;
    }
    return step->length ? index : -1;
}

/* The child of a want for a step, made if it is new; -1: no memory. */
static int child_of(vg_wants *wants, int parent, const vg_step *step) {
    for (int at = wants->wants[parent].child; at >= 0; at = wants->wants[at].sibling) {
        const vg_want *want = &wants->wants[at];
        if (want->length == step->length && memcmp(want->key, step->key, step->length) == 0) return at;
    }
    vg_want *more = realloc(wants->wants, ((size_t)wants->want_count + 1) * sizeof *more);
    char *key = malloc(step->length + 1);
    if (more) wants->wants = more;
    if (!more || !key) {
        free(key);
        return -1;
    }
    memcpy(key, step->key, step->length);
    const int made = wants->want_count++;
    const uint64_t next_bit = more[parent].children + 1; /* they are given out from the lowest on */
    const uint64_t bit = next_bit < VG_MANY ? next_bit : 0;
    more[made] = (vg_want){key, step->length, index_of(step), -1, -1, more[parent].child, bit, 0};
    more[parent].child = made;
    more[parent].children |= bit ? bit : VG_MANY;
    return made;
}

bool vg_wants_add(vg_wants *wants, int column, uint8_t rank, const vg_step *steps, size_t count) {
    int want = 0;
    for (size_t i = 0; i < count && want >= 0; i++) want = child_of(wants, want, &steps[i]);
    vg_taker *more = realloc(wants->takers, ((size_t)wants->taker_count + 1) * sizeof *more);
    if (more) wants->takers = more;
    if (want < 0 || !more) return false;
    more[wants->taker_count] = (vg_taker){column, rank, wants->wants[want].takers};
    wants->wants[want].takers = wants->taker_count++;
    return true;
}

typedef struct {
    const vg_wants *wants;
    const vg_section *section;
    vg_take take;
    void *context;
    uint32_t *budget;
} gathering;

static vg_fault gather(const gathering *what, int want, size_t offset, bool last, size_t *next);

/* The child that an entry of a map or an element of an array is for, or -1. */
static int child_for(const gathering *what, int parent, const vg_value *key, uint32_t element) {
    const vg_want *wants = what->wants->wants;
    for (int at = wants[parent].child; at >= 0; at = wants[at].sibling) {
        if (!key) {
            if (wants[at].index == (int64_t)element) return at;
        } else if (wants[at].length == key->size &&
                   memcmp(wants[at].key, what->section->bytes + key->at, key->size) == 0) {
            return at;
        }
    }
    return -1;
}

/* The entries of a container that is on the way of a path. last: nobody asks where it ends. */
static vg_fault gather_entries(const gathering *what, int want, const vg_value *container, bool last,
                               size_t *next) {
    size_t at = container->at;
    uint64_t missing = what->wants->wants[want].children;
    for (uint32_t i = 0; i < container->size && (missing || !last); i++) {
        vg_value key;
        vg_fault fault = vg_spend(what->budget);
        if (fault) return fault;
        if (container->type == VG_MAP) {
            fault = vg_read(what->section, at, &key);
            if (fault) return fault;
            if (key.type != VG_STRING) return "a key of a map is not a string";
            at = key.next;
        }
        const int child = child_for(what, want, container->type == VG_MAP ? &key : NULL, i);
        if (child >= 0) missing &= ~what->wants->wants[child].bit;
        fault = child >= 0 ? gather(what, child, at, last && !missing, &at)
                           : vg_skip(what->section, at, what->budget, &at);
        if (fault) return fault;
    }
    *next = at;
    return NULL;
}

/* *next: behind the value at the offset, unless it is the last that anybody asks for. The depth of
 * calls is bounded by the length of the paths. */
static vg_fault gather(const gathering *what, int want, size_t offset, bool last, size_t *next) {
    vg_value value;
    vg_fault fault = vg_read(what->section, offset, &value);
    if (fault) return fault;
    const vg_want *wanted = &what->wants->wants[want];
    for (int at = wanted->takers; at >= 0 && !fault; at = what->wants->takers[at].next) {
        fault = what->take(what->context, &what->wants->takers[at], &value);
    }
    if (fault) return fault;
    const bool container = value.type == VG_MAP || value.type == VG_ARRAY;
    if (!container) {
        *next = value.next;
        return NULL;
    }
    if (wanted->child < 0) {
        if (value.pointed) *next = value.next;
        return value.pointed ? NULL : vg_skip(what->section, offset, what->budget, next);
    }
    size_t end;
    fault = gather_entries(what, want, &value, last || value.pointed, &end);
    if (!fault) *next = value.pointed ? value.next : end;
    return fault;
}

vg_fault vg_wants_gather(const vg_wants *wants, const vg_section *section, size_t offset, vg_take take,
                         void *context) {
    size_t next;
    uint32_t budget = VG_MAX_VALUES;
    return gather(&(gathering){wants, section, take, context, &budget}, 0, offset, true, &next);
}
