/* What is wanted of a record: paths into its maps and arrays, and the columns that they fill.
 * All paths are kept as one tree, so that a record is read once for all of them. */
#ifndef VG_WANTS_H
#define VG_WANTS_H

#include "section.h"

/* Steps of a path at most, and columns of a table at most. */
#define VG_MAX_STEPS 32
#define VG_MAX_COLUMNS 64

#define VG_MANY ((uint64_t)1 << 63)

typedef struct {
    char *key;      /* owned: of a map's entry */
    size_t length;
    int64_t index;  /* of an array's element, if the key is a number; else -1 */
    int takers;     /* first of the columns that this path fills, or -1 */
    int child, sibling;
    uint64_t bit;      /* its own among its siblings; 0 from the 64th on */
    uint64_t children; /* all of its children's, and VG_MANY if one has none */
} vg_want;

typedef struct {
    int column;
    uint8_t rank; /* a column's paths in their order: the first that a record has fills it */
    int next;
} vg_taker;

typedef struct {
    vg_want *wants; /* owned; wants[0] is the record itself */
    int want_count;
    vg_taker *takers; /* owned */
    int taker_count;
} vg_wants;

typedef struct {
    const char *key;
    size_t length;
} vg_step;

/* False: no memory. vg_wants_close frees what there is in any case. */
bool vg_wants_open(vg_wants *wants);
/* Copies the steps; at most VG_MAX_STEPS of them. */
bool vg_wants_add(vg_wants *wants, int column, uint8_t rank, const vg_step *steps, size_t count);
void vg_wants_close(vg_wants *wants);

/* Called for every value that a record has for a path. Once a map has given all that is wanted of it,
 * the rest of it may be left unread. */
typedef vg_fault (*vg_take)(void *context, const vg_taker *taker, const vg_value *value);
vg_fault vg_wants_gather(const vg_wants *wants, const vg_section *section, size_t offset, vg_take take,
                         void *context);

#endif
