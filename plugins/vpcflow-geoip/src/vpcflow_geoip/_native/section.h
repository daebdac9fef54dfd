/* Reading a data section of a MaxMind DB file (https://maxmind.github.io/MaxMind-DB/, format 2.0).
 * Nothing in the file is believed: every offset and size is checked against the section. */
#ifndef VG_SECTION_H
#define VG_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is wrong with a file, as a text that lives for ever; NULL: nothing. */
typedef const char *vg_fault;

/* Bytes that somebody else owns. Pointers in them count from their first byte. */
typedef struct {
    const uint8_t *bytes;
    size_t size;
} vg_section;

typedef enum {
    VG_POINTER = 1,
    VG_STRING,
    VG_DOUBLE,
    VG_BYTES,
    VG_UINT16,
    VG_UINT32,
    VG_MAP,
    VG_INT32,
    VG_UINT64,
    VG_UINT128,
    VG_ARRAY,
    VG_BOOLEAN = 14,
    VG_FLOAT
} vg_type;

/* Containers nested deeper than this are refused, as by other readers. */
#define VG_MAX_DEPTH 512
/* And records of more values than this: pointers let a small file hold any number of them. */
#define VG_MAX_VALUES (1u << 20)

typedef struct {
    vg_type type;   /* never VG_POINTER: pointers are followed */
    uint32_t size;  /* bytes; entries of a map or array; the value of a boolean */
    size_t at;      /* of the payload, or of the first entry's first byte */
    size_t next;    /* behind the value, or behind the pointer that led to it; for a map or array that
                     * no pointer led to this is `at`, and its entries stand there */
    bool pointed;   /* a pointer led here */
} vg_value;

/* The value at an offset. A scalar's payload lies within the section. */
vg_fault vg_read(const vg_section *section, size_t offset, vg_value *value);
/* *next: behind the value at an offset, whatever it holds; pointers in it are not followed.
 * *budget: values that may still be looked at; VG_MAX_VALUES for each record. */
vg_fault vg_skip(const vg_section *section, size_t offset, uint32_t *budget, size_t *next);
/* Take one from a budget. */
vg_fault vg_spend(uint32_t *budget);

/* Scalars that vg_read gave. vg_unsigned: 16 to 64 bits. */
uint64_t vg_unsigned(const vg_section *section, const vg_value *value);
int32_t vg_int32(const vg_section *section, const vg_value *value);
double vg_floating(const vg_section *section, const vg_value *value);
bool vg_is_utf8(const uint8_t *text, size_t length);

#endif
