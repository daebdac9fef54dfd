#include "plan_file.h"

#include <stdio.h>
#include <stdlib.h>

static void refuse(const char *what, const char *path) {
    fprintf(stderr, "%s: %s\n", what, path);
    exit(2);
}

uint8_t *read_whole_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (!file) refuse("cannot open", path);
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(*length ? *length : 1);
    if (!data || fread(data, 1, *length, file) != *length) refuse("cannot read", path);
    fclose(file);
    return data;
}

static void *room_for(size_t count, size_t size) {
    void *made = calloc(count + 1, size);
    if (!made) abort();
    return made;
}

static vf_string copy(const char *text) {
    const size_t length = strlen(text);
    vf_string made = {room_for(length, 1), length};
    memcpy(made.text, text, length);
    return made;
}

static size_t count_lines(const char *text, char kind) {
    size_t count = 0;
    for (const char *line = text; *line; line++) {
        if (*line == kind && (line == text || line[-1] == '\n')) count++;
    }
    return count;
}

static void add_column(vf_column *column, const char *line, const char *path) {
    char name[256];
    int type, field, percent;
    long long max;
    if (sscanf(line, "%255s %d %d %lld %d", name, &type, &field, &max, &percent) != 5) {
        refuse("bad column", path);
    }
    *column = (vf_column){.name = copy(name).text,
                          .type = (vf_type)type,
                          .field = field,
                          .max = max,
                          .percent = percent};
}

/* ---- filters ---------------------------------------------------------------------------------- */

static void add_filter(vf_filter *filter, const char *line, size_t alternatives, const char *path) {
    int kind, field, percent, null;
    long long max;
    if (sscanf(line, "%d %d %lld %d %d", &kind, &field, &max, &percent, &null) != 5) {
        refuse("bad filter", path);
    }
    *filter = (vf_filter){.kind = (vf_filter_kind)kind,
                          .field = field,
                          .max = max,
                          .percent = percent,
                          .match_null = null,
                          .ranges = room_for(alternatives, sizeof(vf_range)),
                          .networks = room_for(alternatives, sizeof(vf_network)),
                          .texts = room_for(alternatives, sizeof(vf_string))};
}

static size_t read_hexadecimal(const char *digits, size_t count, void *out) {
    for (size_t i = 0; i + 1 < count; i += 2) {
        unsigned byte;
        sscanf(digits + i, "%2x", &byte);
        ((uint8_t *)out)[i / 2] = (uint8_t)byte;
    }
    return count / 2;
}

static void add_alternative(vf_filter *filter, const char *line, const char *path) {
    const size_t at = filter->count++;
    const char *blank = strchr(line, ' ');
    if (filter->kind == VF_FILTER_TEXT) {
        filter->texts[at].text = room_for(strlen(line), 1);
        filter->texts[at].length = read_hexadecimal(line, strlen(line), filter->texts[at].text);
    } else if (filter->kind == VF_FILTER_ADDRESS) {
        vf_network *network = &filter->networks[at];
        const size_t digits = blank ? (size_t)(blank - line) : 0;
        if (digits != 8 && digits != 32) refuse("bad network", path);
        network->family = (uint8_t)read_hexadecimal(line, digits, network->low);
        read_hexadecimal(blank + 1, digits, network->high);
    } else {
        long long low, high;
        if (sscanf(line, "%lld %lld", &low, &high) != 2) refuse("bad range", path);
        filter->ranges[at] = (vf_range){low, high};
    }
}

/* ---- the file --------------------------------------------------------------------------------- */

vf_plan *read_plan_file(const char *path) {
    size_t length, fields = 0, known = 0, columns = 0, filters = 0;
    uint8_t *raw = read_whole_file(path, &length);
    char *text = room_for(length, 1);
    memcpy(text, raw, length);
    free(raw);
    const size_t alternatives = count_lines(text, 'A');
    vf_plan *plan = vf_plan_new(count_lines(text, 'F'), count_lines(text, 'C'), count_lines(text, 'W'),
                                count_lines(text, 'K'));
    if (!plan) abort();
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (strlen(line) < 3) continue;
        const char *rest = line + 2;
        if (line[0] == 'F') plan->names[fields++] = copy(rest);
        if (line[0] == 'K') plan->known[known++] = copy(rest);
        if (line[0] == 'C') add_column(&plan->columns[columns++], rest, path);
        if (line[0] == 'W') add_filter(&plan->filters[filters++], rest, alternatives, path);
        if (line[0] == 'A' && filters) add_alternative(&plan->filters[filters - 1], rest, path);
        if (line[0] == 'S') plan->status_field = atoi(rest);
    }
    free(text);
    vf_plan_complete(plan);
    return plan;
}
