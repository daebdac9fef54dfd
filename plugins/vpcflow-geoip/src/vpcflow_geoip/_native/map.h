/* A hash table from 64-bit numbers to row numbers. */
#ifndef VG_MAP_H
#define VG_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t key;
    int64_t value; /* -1: empty */
} vg_entry;

typedef struct {
    vg_entry *entries; /* owned */
    size_t size, used;
    unsigned shift;
} vg_map;

/* False: no memory; nothing is to be freed then. Otherwise vg_map_close frees it. */
bool vg_map_open(vg_map *map);
void vg_map_close(vg_map *map);

/* Where a key stands if no other is in its way. */
static inline size_t vg_map_first(const vg_map *map, uint64_t key) {
    return (size_t)(key * 0x9E3779B97F4A7C15u >> map->shift);
}

static inline size_t vg_map_place(const vg_map *map, uint64_t key) {
    size_t place = vg_map_first(map, key);
    while (map->entries[place].value >= 0 && map->entries[place].key != key) {
        place = (place + 1) & (map->size - 1);
    }
    return place;
}

/* -1: not there. */
static inline int32_t vg_map_get(const vg_map *map, uint64_t key) {
    return (int32_t)map->entries[vg_map_place(map, key)].value;
}

/* Add a key that is not there; value is not negative. False: no memory, and the map is as before. */
bool vg_map_add(vg_map *map, uint64_t key, int32_t value);

#endif
