/* When things that have numbers were used last: to keep those and forget the others. */
#ifndef VF_LAST_USED_H
#define VF_LAST_USED_H

#include "common.h"

typedef struct {
    uint32_t *at; /* of each number: the value of `now` when it was used last */
    uint32_t now;
    int32_t room;
} vf_last_used;

/* Room for `count` numbers. False without memory: it is as before then. */
bool vf_last_used_reserve(vf_last_used *used, int32_t count);
void vf_last_used_free(vf_last_used *used);
/* The half of `count` numbers that was used last, in order, into kept[0 .. *kept_count). False without
 * memory. */
bool vf_last_used_choose(const vf_last_used *used, int32_t count, int32_t *kept, int32_t *kept_count);

#endif
