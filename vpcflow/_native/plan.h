/* What to read from the lines of one format: columns, filters, and how headers are told apart.
 * A plan is made once, counted by reference, and never changes: any number of decoders share it. */
#ifndef VF_PLAN_H
#define VF_PLAN_H

#include "text.h"

typedef enum { VF_INT32, VF_INT64, VF_TIME, VF_VIEW, VF_UTF8, VF_DICTIONARY } vf_type;

typedef struct {
    char *name;
    vf_type type;
    int32_t field; /* position in the line; -1: the format does not have it, all null */
    int64_t max;   /* integers */
    bool percent;  /* text is percent-encoded */
} vf_column;

typedef enum { VF_FILTER_INTEGER, VF_FILTER_TIME, VF_FILTER_TEXT, VF_FILTER_ADDRESS } vf_filter_kind;

typedef struct {
    int64_t low, high; /* inclusive */
} vf_range;

typedef struct {
    uint8_t family; /* 4 or 16 */
    uint8_t low[16], high[16];
} vf_network;

typedef struct {
    char *text;
    size_t length;
} vf_string;

/* Passes when any of its alternatives matches. */
typedef struct {
    vf_filter_kind kind;
    int32_t field; /* -1: the format does not have it; null for every line */
    int64_t max;
    bool percent;
    bool match_null;
    size_t count;
    vf_range *ranges;
    vf_network *networks;
    vf_string *texts;
} vf_filter;

typedef struct vf_plan {
    int references; /* atomic */
    uint32_t fields; /* in a line */
    size_t column_count, filter_count, known_count;
    vf_column *columns;
    vf_filter *filters; /* in line order */
    vf_string *names;   /* AWS's name of each field of the line */
    vf_string *known;   /* AWS's names, sorted by memcmp, then length */
    int32_t status_field; /* log-status in the line, or -1 */
    bool headers_fail;    /* the first thing asked of a line is an integer: a header shows there */
} vf_plan;

/* An empty plan with room for the given numbers, one reference; NULL without memory. */
vf_plan *vf_plan_new(size_t fields, size_t columns, size_t filters, size_t known);
vf_plan *vf_plan_retain(vf_plan *plan);
void vf_plan_release(vf_plan *plan);

/* To be called once columns and filters are filled in. */
void vf_plan_complete(vf_plan *plan);

typedef enum { VF_NOT_HEADER, VF_SAME_HEADER, VF_OTHER_HEADER } vf_header_kind;

/* Whether a line (without its newline) names fields: those of the plan, or others. */
vf_header_kind vf_plan_header(const vf_plan *plan, const uint8_t *line, size_t length);

/* Judge one field of one line for a filter. VF_VALUE: *pass says whether it matches; VF_BAD: *reason. */
vf_verdict vf_filter_judge(const vf_filter *filter, const uint8_t *text, size_t length, bool *pass,
                           vf_reason *reason);

#endif
