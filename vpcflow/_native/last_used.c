#include "last_used.h"

#include <stdlib.h>

bool vf_last_used_reserve(vf_last_used *used, int32_t count) {
    if (count <= used->room) return true;
    const int64_t room = (int64_t)count * 2 > 1024 ? (int64_t)count * 2 : 1024;
    uint32_t *at = realloc(used->at, (size_t)room * sizeof *at);
    if (!at) return false;
    used->at = at;
    used->room = room > INT32_MAX ? INT32_MAX : (int32_t)room;
    return true;
}

void vf_last_used_free(vf_last_used *used) {
    free(used->at);
    *used = (vf_last_used){0};
}

static int by_number(const void *a, const void *b) {
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

bool vf_last_used_choose(const vf_last_used *used, int32_t count, int32_t *kept, int32_t *kept_count) {
    *kept_count = 0;
    if (count == 0) return true;
    uint32_t *sorted = malloc((size_t)count * sizeof *sorted);
    if (!sorted) return false;
    memcpy(sorted, used->at, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, by_number);
    const int32_t half = count / 2;
    const uint32_t threshold = sorted[half];
    int32_t room = 0; /* for so many of those that were used just at the threshold */
    while (half + room < count && sorted[half + room] == threshold) room++;
    free(sorted);
    for (int32_t number = 0; number < count; number++) {
        if (used->at[number] < threshold) continue;
        if (used->at[number] == threshold && room-- <= 0) continue;
        kept[(*kept_count)++] = number;
    }
    return true;
}
