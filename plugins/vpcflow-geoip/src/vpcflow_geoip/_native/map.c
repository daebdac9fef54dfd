#include "map.h"

#include <stdlib.h>

#define FIRST_BITS 10

static bool allocate(vg_map *map, unsigned bits) {
    map->size = (size_t)1 << bits;
    map->used = 0;
    map->shift = 64 - bits;
    map->entries = malloc(map->size * sizeof *map->entries);
    if (!map->entries) return false;
    for (size_t i = 0; i < map->size; i++) map->entries[i].value = -1;
    return true;
}

bool vg_map_open(vg_map *map) { return allocate(map, FIRST_BITS); }

void vg_map_close(vg_map *map) {
    free(map->entries);
    map->entries = NULL;
}

static void put(vg_map *map, uint64_t key, int32_t value) {
    const size_t place = vg_map_place(map, key);
    map->entries[place] = (vg_entry){key, value};
    map->used++;
}

bool vg_map_add(vg_map *map, uint64_t key, int32_t value) {
    if (2 * map->used >= map->size) {
        vg_map larger;
        if (!allocate(&larger, 64 - map->shift + 1)) return false;
        for (size_t i = 0; i < map->size; i++) {
            const vg_entry *entry = &map->entries[i];
            if (entry->value >= 0) put(&larger, entry->key, (int32_t)entry->value);
        }
        vg_map_close(map);
        *map = larger;
    }
    put(map, key, value);
    return true;
}
