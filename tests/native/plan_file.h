/* A plan as a small text file, so that C programs can decode what Python tests describe. One item a line:
 *   F aws-name                          a field of the line, in order
 *   K aws-name                          a name that headers are told by, sorted
 *   C name type field max percent       a column (type: number of vf_type)
 *   W kind field max percent null       a filter, in line order (kind: number of vf_filter_kind)
 *   A low high                          an alternative of the filter above: an inclusive range,
 *   A low high                            two addresses as 8 or 32 hexadecimal digits each,
 *   A text                                or a text in hexadecimal
 *   S field                             where log-status stands
 */
#ifndef VF_PLAN_FILE_H
#define VF_PLAN_FILE_H

#include "plan.h"

/* Prints what is wrong and exits with 2 when the file cannot be used. */
vf_plan *read_plan_file(const char *path);
/* The whole file, in memory of exactly its size; the caller frees it. */
uint8_t *read_whole_file(const char *path, size_t *length);

#endif
