#include "map.h"

#include <stdlib.h>

#define FIRST_BITS 10

static bool allocate(vg_map *map, unsigned bits) {
    map->size = (size_t)1 << bits;
    map->used = 0;
    map->shift = 64 - bits;
    map->keys = malloc(map->size * sizeof *map->keys);
    map->values = malloc(map->size * sizeof *map->values);
    if (!map->keys || !map->values) {
        vg_map_close(map);
        return false;
    }
    for (size_t i = 0; i < map->size; i++) map->values[i] = -1;
    return true;
}

bool vg_map_open(vg_map *map) { return allocate(map, FIRST_BITS); }

void vg_map_close(vg_map *map) {
    free(map->keys);
    free(map->values);
    map->keys = NULL;
    map->values = NULL;
}

static void put(vg_map *map, uint64_t key, int32_t value) {
    const size_t place = vg_map_place(map, key);
    map->keys[place] = key;
    map->values[place] = value;
    map->used++;
}

bool vg_map_add(vg_map *map, uint64_t key, int32_t value) {
    if (2 * map->used >= map->size) {
        vg_map larger;
        if (!allocate(&larger, 64 - map->shift + 1)) return false;
        for (size_t i = 0; i < map->size; i++) {
            if (map->values[i] >= 0) put(&larger, map->keys[i], map->values[i]);
        }
        vg_map_close(map);
        *map = larger;
    }
    put(map, key, value);
    return true;
}
