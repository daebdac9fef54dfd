#include "reader.h"

static bool bit(const uint8_t *bits, int64_t i) { return !bits || (bits[i >> 3] >> (i & 7) & 1); }

static int64_t load_integer(char layout, const uint8_t *data, int64_t i) {
    int64_t l;
    int32_t n;
    int16_t s;
    switch (layout) {
    case 'c': return (int8_t)data[i];
    case 'C': return data[i];
    case 's': memcpy(&s, data + i * 2, 2); return s;
    case 'S': memcpy(&s, data + i * 2, 2); return (uint16_t)s;
    case 'i': memcpy(&n, data + i * 4, 4); return n;
    case 'I': memcpy(&n, data + i * 4, 4); return (uint32_t)n;
    default: memcpy(&l, data + i * 8, 8); return l;
    }
}

static bool is_integer(const char *format) {
    return format[0] && strchr("cCsSiIlL", format[0]) && !format[1];
}

static bool init_plain(vf_reader *reader, const char *format, const struct ArrowArray *array) {
    reader->validity = array->n_buffers ? array->buffers[0] : NULL;
    reader->data = array->n_buffers > 1 ? array->buffers[1] : NULL;
    reader->layout = format[0];
    if (is_integer(format)) {
        reader->kind = VF_READ_INTEGER;
        return true;
    }
    if ((format[0] == 'f' || format[0] == 'g' || format[0] == 'b') && !format[1]) {
        reader->kind = format[0] == 'b' ? VF_READ_BOOL : VF_READ_FLOAT;
        return true;
    }
    if (strcmp(format, "u") == 0 || strcmp(format, "U") == 0) {
        reader->kind = VF_READ_TEXT;
        reader->text = array->buffers[2];
        return true;
    }
    if (strcmp(format, "vu") == 0) {
        reader->kind = VF_READ_TEXT;
        reader->texts = array->buffers + 2;
        return true;
    }
    if (format[0] == 't' && format[1] == 's') {
        const char *unit = strchr("smun", format[2]);
        if (!format[2] || !unit) return false;
        reader->kind = VF_READ_TIME;
        reader->layout = 'l';
        reader->to_ms_multiply = format[2] == 's' ? 1000 : 1;
        reader->to_ms_divide = format[2] == 'u' ? 1000 : format[2] == 'n' ? 1000000 : 1;
        return true;
    }
    return false;
}

bool vf_reader_init(vf_reader *reader, const struct ArrowSchema *schema,
                    const struct ArrowArray *array, int64_t parent_offset) {
    memset(reader, 0, sizeof *reader);
    if (!schema->dictionary) {
        reader->offset = array->offset + parent_offset;
        return init_plain(reader, schema->format, array);
    }
    if (!is_integer(schema->format) || !array->dictionary) return false;
    if (!init_plain(reader, schema->dictionary->format, array->dictionary)) return false;
    reader->offset = array->dictionary->offset;
    reader->index_layout = schema->format[0];
    reader->index_validity = array->buffers[0];
    reader->indices = array->buffers[1];
    reader->index_offset = array->offset + parent_offset;
    reader->dictionary_length = array->dictionary->length;
    return true;
}

/* The position in the value buffers of a row. */
static int64_t place(const vf_reader *reader, int64_t row) {
    if (reader->index_layout) row = vf_reader_index(reader, row);
    return row + reader->offset;
}

int64_t vf_reader_index(const vf_reader *reader, int64_t row) {
    if (!reader->index_layout) return -1;
    return load_integer(reader->index_layout, reader->indices, row + reader->index_offset);
}

bool vf_reader_null(const vf_reader *reader, int64_t row) {
    if (reader->index_layout) {
        if (!bit(reader->index_validity, row + reader->index_offset)) return true;
        int64_t index = vf_reader_index(reader, row);
        if (index < 0 || index >= reader->dictionary_length) return true;
    }
    return reader->validity && !bit(reader->validity, place(reader, row));
}

int64_t vf_reader_integer(const vf_reader *reader, int64_t row) {
    int64_t value = load_integer(reader->layout, reader->data, place(reader, row));
    if (reader->kind != VF_READ_TIME) return value;
    if (reader->to_ms_divide == 1) return value * reader->to_ms_multiply;
    int64_t quotient = value / reader->to_ms_divide;
    return quotient - (value % reader->to_ms_divide < 0);
}

bool vf_reader_bool(const vf_reader *reader, int64_t row) {
    return bit(reader->data, place(reader, row));
}

double vf_reader_float(const vf_reader *reader, int64_t row) {
    const int64_t i = place(reader, row);
    if (reader->layout == 'f') {
        float narrow;
        memcpy(&narrow, reader->data + i * 4, 4);
        return narrow;
    }
    double wide;
    memcpy(&wide, reader->data + i * 8, 8);
    return wide;
}

const uint8_t *vf_reader_text(const vf_reader *reader, int64_t row, size_t *length) {
    const int64_t i = place(reader, row);
    if (reader->layout == 'u') {
        int32_t ends[2];
        memcpy(ends, reader->data + i * 4, 8);
        *length = (size_t)(ends[1] - ends[0]);
        return reader->text + ends[0];
    }
    if (reader->layout == 'U') {
        int64_t ends[2];
        memcpy(ends, reader->data + i * 8, 16);
        *length = (size_t)(ends[1] - ends[0]);
        return reader->text + ends[0];
    }
    const uint8_t *view = reader->data + i * 16;
    *length = vf_load32(view);
    if (*length <= 12) return view + 4;
    return (const uint8_t *)reader->texts[vf_load32(view + 8)] + vf_load32(view + 12);
}
