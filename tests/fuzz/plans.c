#include "plans.h"

#include <stdio.h>
#include <stdlib.h>

/* A format is names with their kinds: i int32, l int64, p port, r protocol, t time; d text of few values,
 * v other text, g percent-encoded text. */
#define DEFAULT                                                                                        \
    "version:i account-id:d interface-id:d srcaddr:v dstaddr:v srcport:p dstport:p protocol:r "        \
    "packets:l bytes:l start:t end:t action:d log-status:d"
#define TEXTS "vpc-id:d srcaddr:v log-status:d ecs-task-arn:v"
#define TAGS "instance-tag:g bytes:l asg-tag:g"

/* Filters are separated by semicolons: a field, then what passes (any of them): LOW..HIGH (integers, times
 * in milliseconds, addresses), a text, or null. */
static const struct {
    const char *name, *format;
    const char *columns; /* NULL: all fields */
    char layout;         /* of text: v view, u utf8, d dictionary */
    const char *filters;
} plans[] = {
    {"default, view", DEFAULT, NULL, 'v', ""},
    {"default, utf8", DEFAULT, NULL, 'u', ""},
    {"default, dictionary", DEFAULT, NULL, 'd', ""},
    {"two columns", DEFAULT, "bytes action", 'v', ""},
    {"one column of text", DEFAULT, "dstaddr", 'u', ""},
    {"texts, view", TEXTS, NULL, 'v', ""},
    {"texts, utf8", TEXTS, NULL, 'u', ""},
    {"texts, dictionary", TEXTS, NULL, 'd', ""},
    {"tags, view", TAGS, NULL, 'v', ""},
    {"tags, utf8", TAGS, NULL, 'u', ""},
    {"tags, dictionary", TAGS, NULL, 'd', ""},
    {"integer filters", DEFAULT, NULL, 'v', "dstport 20..443 null;bytes 0..9223372036854775807"},
    {"time filter", DEFAULT, "srcaddr start", 'u', "start 1400000000000..1500000000000 null"},
    {"text filters", DEFAULT, NULL, 'd', "account-id 123456789010 unknown;action ACCEPT null"},
    {"address filters", DEFAULT, "interface-id dstport", 'v',
     "srcaddr 10.0.0.0..10.255.255.255 172.16.0.0..172.31.255.255 2001:db8::..2001:db8:ffff::;"
     "dstaddr 0.0.0.0..255.255.255.255 ::..ffff::"},
    {"tag filter", TAGS, NULL, 'v', "asg-tag caf\xC3\xA9 - web"},
    {"status filter", DEFAULT, "log-status end", 'd', "log-status NODATA SKIPDATA null"},
    {"fields that are not there", DEFAULT, "tcp-flags region bytes pkt-srcaddr", 'v', "vpc-id null"},
    {"nothing passes", TEXTS, NULL, 'v', "tcp-flags 1..1;vpc-id x"},
    {"one port", "dstport:p", NULL, 'v', ""},
    {"one int32", "tcp-flags:i", NULL, 'v', ""},
    {"one int64", "bytes:l", NULL, 'v', ""},
    {"one time", "start:t", NULL, 'v', ""},
    {"one text, view", "srcaddr:v", NULL, 'v', ""},
    {"one text, utf8", "srcaddr:v", NULL, 'u', ""},
    {"one text, dictionary", "srcaddr:v", NULL, 'd', ""},
    {"one tag, view", "instance-tag:g", NULL, 'v', ""},
    {"one tag, utf8", "instance-tag:g", NULL, 'u', ""},
    {"one tag, dictionary", "instance-tag:g", NULL, 'd', ""},
    {"one status", "log-status:d", NULL, 'v', ""},
    {"integers and text filters", "dstport:p srcaddr:v end:t", NULL, 'u',
     "dstport 1..65535;srcaddr 0.0.0.0..127.255.255.255;end 0..9223372036854775807"},
};

const size_t plan_count = sizeof plans / sizeof *plans;

const char *plan_name(size_t number) { return plans[number].name; }

/* ---- words ------------------------------------------------------------------------------------ */

static void *room_for(size_t count, size_t size) {
    void *made = calloc(count + 1, size);
    if (!made) abort();
    return made;
}

static char *copy(const char *text, size_t length) {
    char *made = room_for(length, 1);
    memcpy(made, text, length);
    return made;
}

/* The next word of *text, which moves on behind it; NULL at the end. */
static const char *next_word(const char **text, char separator, size_t *length) {
    const char *word = *text;
    if (!*word) return NULL;
    const char *end = strchr(word, separator);
    *length = end ? (size_t)(end - word) : strlen(word);
    *text = word + *length + (end != NULL);
    return word;
}

static size_t count_words(const char *text, char separator) {
    size_t count = 0, length;
    while (next_word(&text, separator, &length)) count++;
    return count;
}

/* ---- fields ----------------------------------------------------------------------------------- */

/* The kind of a field of some format in which it occurs, and its place in this one, or -1. */
static char kind_of(const char *format, const char *name, size_t length, int32_t *place) {
    size_t word_length;
    *place = 0;
    for (const char *word; (word = next_word(&format, ' ', &word_length)); ++*place) {
        if (word_length == length + 2 && memcmp(word, name, length) == 0) return word[length + 1];
    }
    *place = -1;
    for (size_t i = 0; i < plan_count; i++) {
        const char *other = plans[i].format;
        while ((format = next_word(&other, ' ', &word_length))) {
            if (word_length == length + 2 && memcmp(format, name, length) == 0) return format[length + 1];
        }
    }
    return 'v'; /* nowhere: text, as any unknown name */
}

static int64_t max_of(char kind) {
    return kind == 'p' ? 65535 : kind == 'r' ? 255 : kind == 'i' ? INT32_MAX : INT64_MAX;
}

static vf_type type_of(char kind, char layout) {
    if (strchr("ipr", kind)) return VF_INT32;
    if (kind == 'l') return VF_INT64;
    if (kind == 't') return VF_TIME;
    if (layout == 'd' || (layout == 'v' && kind == 'd')) return VF_DICTIONARY;
    return layout == 'u' ? VF_UTF8 : VF_VIEW;
}

static void add_column(vf_column *column, const char *format, const char *name, size_t length,
                       char layout) {
    const char kind = kind_of(format, name, length, &column->field);
    column->name = copy(name, length);
    column->type = type_of(kind, layout);
    column->max = max_of(kind);
    column->percent = kind == 'g';
}

/* ---- filters ---------------------------------------------------------------------------------- */

static void add_range(vf_filter *filter, char *low, char *high) {
    if (filter->kind == VF_FILTER_ADDRESS) {
        vf_network *network = &filter->networks[filter->count++];
        network->family = (uint8_t)vf_read_address((uint8_t *)low, strlen(low), network->low);
        const int family = vf_read_address((uint8_t *)high, strlen(high), network->high);
        if (!network->family || network->family != family) abort();
    } else {
        filter->ranges[filter->count++] = (vf_range){strtoll(low, NULL, 10), strtoll(high, NULL, 10)};
    }
}

static void add_alternative(vf_filter *filter, const char *word, size_t length) {
    char *text = copy(word, length);
    char *dots = strstr(text, "..");
    if (strcmp(text, "null") == 0) {
        filter->match_null = true;
    } else if (dots) {
        *dots = '\0';
        add_range(filter, text, dots + 2);
    } else {
        filter->texts[filter->count++] = (vf_string){text, length};
        return;
    }
    free(text);
}

static void add_filter(vf_filter *filter, const char *format, const char *spec) {
    const size_t room = count_words(spec, ' ');
    size_t length = 0;
    const char *name = next_word(&spec, ' ', &length);
    const char kind = kind_of(format, name, length, &filter->field);
    const bool address = length == 7 && memcmp(name + 3, "addr", 4) == 0;
    filter->kind = address                ? VF_FILTER_ADDRESS
                   : kind == 't'          ? VF_FILTER_TIME
                   : strchr("iprl", kind) ? VF_FILTER_INTEGER
                                          : VF_FILTER_TEXT;
    filter->max = max_of(kind);
    filter->percent = kind == 'g';
    filter->ranges = room_for(room, sizeof *filter->ranges);
    filter->networks = room_for(room, sizeof *filter->networks);
    filter->texts = room_for(room, sizeof *filter->texts);
    for (const char *word; (word = next_word(&spec, ' ', &length));) add_alternative(filter, word, length);
}

/* ---- plans ------------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b) {
    return strcmp(((const vf_string *)a)->text, ((const vf_string *)b)->text);
}

vf_plan *make_plan(size_t number) {
    const char *const format = plans[number].format;
    const char *rest = format, *known = DEFAULT, *word;
    const char *columns = plans[number].columns ? plans[number].columns : format;
    const char *filters = plans[number].filters;
    size_t length;
    vf_plan *plan = vf_plan_new(count_words(format, ' '), count_words(columns, ' '),
                                count_words(filters, ';'), count_words(known, ' '));
    if (!plan) abort();
    for (size_t i = 0; (word = next_word(&rest, ' ', &length)); i++) {
        plan->names[i] = (vf_string){copy(word, length - 2), length - 2};
    }
    for (size_t i = 0; (word = next_word(&known, ' ', &length)); i++) {
        plan->known[i] = (vf_string){copy(word, length - 2), length - 2};
    }
    qsort(plan->known, plan->known_count, sizeof *plan->known, by_name);
    for (size_t i = 0; (word = next_word(&columns, ' ', &length)); i++) {
        const size_t kind = plans[number].columns ? 0 : 2; /* a format tells kinds */
        add_column(&plan->columns[i], format, word, length - kind, plans[number].layout);
    }
    for (size_t i = 0; (word = next_word(&filters, ';', &length)); i++) {
        char *spec = copy(word, length);
        add_filter(&plan->filters[i], format, spec);
        free(spec);
    }
    kind_of(format, "log-status", 10, &plan->status_field);
    vf_plan_complete(plan);
    return plan;
}
