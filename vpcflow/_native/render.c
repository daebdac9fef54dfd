#include "render.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    vf_reader reader;
    uint8_t *label; /* JSON: "name": */
    size_t label_length;
    const char *name;
} vf_output;

struct vf_renderer {
    vf_render_format format;
    size_t columns;
    size_t fixed; /* bytes of a row besides text values, at the most */
    vf_output *outputs;
};

#define NUMBER_ROOM 32 /* digits of an int64, or "YYYY-MM-DDTHH:MM:SS.mmmZ" in quotes, and a comma */

/* ---- values ----------------------------------------------------------------------------------- */

static uint8_t *put_digits(uint8_t *to, uint64_t value, int width) {
    for (int i = width - 1; i >= 0; i--, value /= 10) to[i] = (uint8_t)('0' + value % 10);
    return to + width;
}

static uint8_t *put_integer(uint8_t *to, int64_t value) {
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint8_t digits[20];
    int count = 0;
    if (value < 0) *to++ = '-';
    do {
        digits[count++] = (uint8_t)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    while (count) *to++ = digits[--count];
    return to;
}

/* RFC 3339 in UTC. Days to civil dates: the proleptic Gregorian calendar in eras of 400 years that
 * begin on 1 March. Years outside 0000-9999 cannot come from a log (13 digits end in 2286). */
static uint8_t *put_time(uint8_t *to, int64_t ms) {
    int64_t days = ms / 86400000, rest = ms % 86400000;
    if (rest < 0) {
        rest += 86400000;
        days--;
    }
    const int64_t shifted = days + 719468;
    const int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    const uint64_t day_of_era = (uint64_t)(shifted - era * 146097);
    const uint64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const uint64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const uint64_t month_index = (5 * day_of_year + 2) / 153; /* 0 is March */
    const uint64_t day = day_of_year - (153 * month_index + 2) / 5 + 1;
    const uint64_t month = month_index < 10 ? month_index + 3 : month_index - 9;
    const uint64_t year = year_of_era + (uint64_t)(era * 400) + (month <= 2);
    to = put_digits(to, year, 4);
    *to++ = '-';
    to = put_digits(to, month, 2);
    *to++ = '-';
    to = put_digits(to, day, 2);
    *to++ = 'T';
    const uint64_t seconds = (uint64_t)rest / 1000, milliseconds = (uint64_t)rest % 1000;
    to = put_digits(to, seconds / 3600, 2);
    *to++ = ':';
    to = put_digits(to, seconds / 60 % 60, 2);
    *to++ = ':';
    to = put_digits(to, seconds % 60, 2);
    if (milliseconds) {
        *to++ = '.';
        to = put_digits(to, milliseconds, 3);
    }
    *to++ = 'Z';
    return to;
}

/* The shortest decimal that reads back as the same double. What is no number is null in JSON, and
 * empty in CSV. */
static uint8_t *put_float(uint8_t *to, double value, bool json) {
    char text[NUMBER_ROOM];
    if (!isfinite(value)) {
        if (json) memcpy(to, "null", 4);
        return to + (json ? 4 : 0);
    }
    int length = 0;
    for (int digits = 6; digits <= 17; digits++) {
        length = snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    for (int i = 0; i < length; i++) {
        *to++ = (uint8_t)(text[i] == ',' ? '.' : text[i]); /* some locales write a comma */
    }
    return to;
}

static bool needs_json_escape(uint8_t c) { return c < 0x20 || c == '"' || c == '\\' || c == 0x7F; }

/* At most 6 bytes for each of the text. Control characters never appear as they are. */
static uint8_t *put_json_text(uint8_t *to, const uint8_t *text, size_t length) {
    static const char hex[] = "0123456789abcdef";
    *to++ = '"';
    for (size_t i = 0; i < length; i++) {
        const uint8_t c = text[i];
        if (VF_LIKELY(!needs_json_escape(c))) {
            *to++ = c;
        } else if (c == '"' || c == '\\') {
            *to++ = '\\';
            *to++ = c;
        } else {
            memcpy(to, "\\u00", 4);
            to[4] = (uint8_t)hex[c >> 4];
            to[5] = (uint8_t)hex[c & 15];
            to += 6;
        }
    }
    *to++ = '"';
    return to;
}

/* RFC 4180: quoted when it must be, quotes doubled. */
static uint8_t *put_csv_text(uint8_t *to, const uint8_t *text, size_t length) {
    bool quoted = length == 0;
    for (size_t i = 0; i < length; i++) {
        quoted |= text[i] == ',' || text[i] == '"' || text[i] == '\r' || text[i] == '\n';
    }
    if (!quoted) {
        memcpy(to, text, length);
        return to + length;
    }
    *to++ = '"';
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"') *to++ = '"';
        *to++ = text[i];
    }
    *to++ = '"';
    return to;
}

/* ---- rows ------------------------------------------------------------------------------------- */

static uint8_t *end_of(vf_buffer *out) { return out->data + out->length; }

static bool put_value(const vf_renderer *renderer, const vf_output *output, int64_t row,
                      vf_buffer *out) {
    uint8_t *to = end_of(out);
    if (output->reader.kind == VF_READ_INTEGER) {
        to = put_integer(to, vf_reader_integer(&output->reader, row));
    } else if (output->reader.kind == VF_READ_TIME) {
        const bool quoted = renderer->format == VF_JSONL;
        if (quoted) *to++ = '"';
        to = put_time(to, vf_reader_integer(&output->reader, row));
        if (quoted) *to++ = '"';
    } else if (output->reader.kind == VF_READ_BOOL) {
        const bool yes = vf_reader_bool(&output->reader, row);
        memcpy(to, yes ? "true" : "false", 5);
        to += yes ? 4 : 5;
    } else if (output->reader.kind == VF_READ_FLOAT) {
        to = put_float(to, vf_reader_float(&output->reader, row), renderer->format == VF_JSONL);
    } else {
        size_t length;
        const uint8_t *text = vf_reader_text(&output->reader, row, &length);
        if (!vf_buffer_reserve(out, length * 6 + renderer->fixed, NULL)) return false;
        to = renderer->format == VF_JSONL ? put_json_text(end_of(out), text, length)
                                          : put_csv_text(end_of(out), text, length);
    }
    out->length = (size_t)(to - out->data);
    return true;
}

static bool render_json_row(const vf_renderer *renderer, int64_t row, vf_buffer *out) {
    bool first = true;
    out->data[out->length++] = '{';
    for (size_t c = 0; c < renderer->columns; c++) {
        const vf_output *output = &renderer->outputs[c];
        if (vf_reader_null(&output->reader, row)) continue;
        if (!first) out->data[out->length++] = ',';
        first = false;
        memcpy(end_of(out), output->label, output->label_length);
        out->length += output->label_length;
        if (!put_value(renderer, output, row, out)) return false;
    }
    memcpy(end_of(out), "}\n", 2);
    out->length += 2;
    return true;
}

static bool render_csv_row(const vf_renderer *renderer, int64_t row, vf_buffer *out) {
    for (size_t c = 0; c < renderer->columns; c++) {
        if (c) out->data[out->length++] = ',';
        if (vf_reader_null(&renderer->outputs[c].reader, row)) continue;
        if (!put_value(renderer, &renderer->outputs[c], row, out)) return false;
    }
    memcpy(end_of(out), "\r\n", 2);
    out->length += 2;
    return true;
}

bool vf_render_rows(const vf_renderer *renderer, int64_t first, int64_t count, vf_buffer *out) {
    for (int64_t row = first; row < first + count; row++) {
        if (!vf_buffer_reserve(out, renderer->fixed, NULL)) return false;
        bool rendered = renderer->format == VF_JSONL ? render_json_row(renderer, row, out)
                                                     : render_csv_row(renderer, row, out);
        if (!rendered) return false;
    }
    return true;
}

bool vf_render_header(const vf_renderer *renderer, vf_buffer *out) {
    for (size_t c = 0; c < renderer->columns; c++) {
        const char *name = renderer->outputs[c].name;
        const size_t length = strlen(name);
        if (!vf_buffer_reserve(out, length * 2 + 8, NULL)) return false;
        if (c) out->data[out->length++] = ',';
        out->length = (size_t)(put_csv_text(end_of(out), (const uint8_t *)name, length) - out->data);
    }
    if (!vf_buffer_reserve(out, 2, NULL)) return false;
    memcpy(end_of(out), "\r\n", 2);
    out->length += 2;
    return true;
}

/* ---- life ------------------------------------------------------------------------------------- */

vf_renderer *vf_renderer_new(const vf_batch *batch, vf_render_format format, int64_t *unsupported) {
    const struct ArrowSchema *schema = vf_batch_schema(batch);
    const struct ArrowArray *array = vf_batch_array(batch);
    const size_t columns = (size_t)schema->n_children;
    *unsupported = -1;
    vf_renderer *renderer = calloc(1, sizeof *renderer);
    if (!renderer) return NULL;
    renderer->format = format;
    renderer->fixed = 8;
    renderer->outputs = calloc(columns + 1, sizeof *renderer->outputs);
    bool ready = renderer->outputs != NULL;
    for (size_t c = 0; ready && c < columns; c++) {
        vf_output *output = &renderer->outputs[renderer->columns++];
        output->name = schema->children[c]->name;
        const size_t length = strlen(output->name);
        if (!vf_reader_init(&output->reader, schema->children[c], array->children[c], array->offset)) {
            *unsupported = (int64_t)c;
            ready = false;
        }
        output->label = malloc(length * 6 + 3);
        ready = ready && output->label;
        if (!ready) break;
        uint8_t *to = put_json_text(output->label, (const uint8_t *)output->name, length);
        *to++ = ':';
        output->label_length = (size_t)(to - output->label);
        renderer->fixed += output->label_length + NUMBER_ROOM;
    }
    if (ready) return renderer;
    vf_renderer_free(renderer);
    return NULL;
}

void vf_renderer_free(vf_renderer *renderer) {
    if (!renderer) return;
    for (size_t c = 0; renderer->outputs && c < renderer->columns; c++) free(renderer->outputs[c].label);
    free(renderer->outputs);
    free(renderer);
}
