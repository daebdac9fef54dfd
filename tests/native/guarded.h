/* Memory between two pages that may not be touched: a read outside a text that stands at its edge ends
 * the program, on every processor and without sanitizers. */
#ifndef VF_GUARDED_H
#define VF_GUARDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *memory; /* the first page that may be read */
    size_t room;
} vf_guarded;

/* Room for texts of up to `length` bytes. Exits with 2 without memory. */
vf_guarded guarded_new(size_t length);
void guarded_free(vf_guarded *guarded);

/* Copy a text to the end of the room, or to its begin; what was there before is gone. */
const uint8_t *guarded_place(vf_guarded *guarded, const uint8_t *text, size_t length, bool at_end);

#endif
