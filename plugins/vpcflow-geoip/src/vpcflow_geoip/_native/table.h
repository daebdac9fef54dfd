/* The records of a database that were met so far, decoded once each, as columns. */
#ifndef VG_TABLE_H
#define VG_TABLE_H

#include "map.h"
#include "tree.h"
#include "wants.h"

typedef enum {
    VG_KIND_TEXT,    /* int32: number of the text */
    VG_KIND_INT64,
    VG_KIND_FLOAT64,
    VG_KIND_BOOL,    /* one byte */
    VG_KIND_ASN      /* int64; also from a text such as "AS64496" */
} vg_kind;

/* Distinct places of texts, in the order of Arrow's utf8 layout. Two places may hold equal texts. */
typedef struct {
    int32_t *offsets; /* owned: count + 1 */
    uint8_t *bytes;   /* owned */
    size_t count, room, bytes_room;
    vg_map numbers;   /* by place in the data section */
} vg_texts;

typedef struct {
    vg_kind kind;
    bool strict;    /* a value of another type is an error, not nothing */
    uint8_t *values; /* owned */
    uint8_t *valid;  /* owned: one byte for each row */
    vg_texts texts;
} vg_column;

typedef struct {
    const vg_tree *tree; /* somebody else's, as are the bytes of the section */
    vg_section data;
    vg_wants wants;
    vg_column columns[VG_MAX_COLUMNS];
    int column_count;
    vg_map rows; /* by offset in the data section */
    size_t row_count, row_room;
} vg_table;

typedef struct {
    vg_fault fault;
    uint32_t place; /* of the record in the data section, or VG_NOWHERE: in the search tree */
} vg_damage;

/* False: no memory. vg_table_close frees what there is in any case. */
bool vg_table_open(vg_table *table, const vg_tree *tree, vg_section data);
void vg_table_close(vg_table *table);
/* The number of a new column, or -1: no memory, or too many. Before the first vg_table_find. */
int vg_table_add(vg_table *table, vg_kind kind, bool strict);

/* rows[i]: where the record for an address stands in the columns; -1: there is none. False: the file
 * is damaged, or (damage->fault is NULL) there is no memory; rows that are complete stay. */
bool vg_table_find(vg_table *table, const vg_address *addresses, size_t count, uint32_t skip,
                   int32_t *rows, vg_damage *damage);

/* The same for places that vg_tree_find gave. */
bool vg_table_rows(vg_table *table, const uint32_t *places, size_t count, int32_t *rows,
                   vg_damage *damage);

/* Bytes of a value of a kind. */
size_t vg_kind_size(vg_kind kind);
/* The values of a column for rows, nulls (and row -1) as zeros; `validity` has count bits, all zero.
 * Returns the number of nulls. `values`: count values; for VG_KIND_BOOL bits, all zero. */
size_t vg_table_values(const vg_table *table, int column, const int32_t *rows, size_t count,
                       void *values, uint8_t *validity);

#endif
