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
    uint8_t *data = malloc(*length + 1);
    if (!data || fread(data, 1, *length, file) != *length) refuse("cannot read", path);
    data[*length] = 0;
    fclose(file);
    return data;
}

static char *copy(const char *text) {
    char *made = malloc(strlen(text) + 1);
    if (!made) abort();
    return strcpy(made, text);
}

static size_t count_lines(const char *text, char kind) {
    size_t count = 0;
    for (const char *line = text; *line; line++) {
        if (*line == kind && (line == text || line[-1] == '\n')) count++;
    }
    return count;
}

static void add_column(vf_plan *plan, size_t at, const char *line, const char *path) {
    char name[256];
    int type, field, percent;
    long long max;
    if (sscanf(line, "%255s %d %d %lld %d", name, &type, &field, &max, &percent) != 5) {
        refuse("bad column", path);
    }
    plan->columns[at] = (vf_column){
        .name = copy(name), .type = (vf_type)type, .field = field, .max = max, .percent = percent};
}

vf_plan *read_plan_file(const char *path) {
    size_t length, fields = 0, known = 0, columns = 0;
    char *text = (char *)read_whole_file(path, &length);
    vf_plan *plan = vf_plan_new(count_lines(text, 'F'), count_lines(text, 'C'), 0, count_lines(text, 'K'));
    if (!plan) abort();
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (strlen(line) < 3) continue;
        const char *rest = line + 2;
        if (line[0] == 'F') plan->names[fields++] = (vf_string){copy(rest), strlen(rest)};
        if (line[0] == 'K') plan->known[known++] = (vf_string){copy(rest), strlen(rest)};
        if (line[0] == 'C') add_column(plan, columns++, rest, path);
        if (line[0] == 'S') plan->status_field = atoi(rest);
    }
    free(text);
    vf_plan_complete(plan);
    return plan;
}
