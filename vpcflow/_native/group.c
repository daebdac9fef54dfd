/* Rows to columns, VF_GROUP rows at a time: filters first, then the columns that may refuse a line
 * (integers, times, dictionaries), then text, which is only written for lines that stay. */
#include "decoder.h"

/* Rows of one group. `row_of` maps them to the rows of the frame once some have been dropped. */
typedef struct {
    vf_decoder *decoder;
    vf_frame *frame;
    uint32_t first;         /* row of the frame that the group begins with */
    const uint32_t *row_of; /* NULL: row i is first + i */
    vf_rows rows;
    bool any_bad;
} vf_group;

static uint32_t frame_row(const vf_group *group, uint32_t i) {
    return group->row_of ? group->row_of[i] : group->first + i;
}

static uint32_t line_of(const vf_group *group, uint32_t i) {
    uint32_t row = frame_row(group, i);
    return group->frame->lines ? group->frame->lines[row] : row;
}

static uint32_t start_of(const vf_group *group, uint32_t i) {
    if (group->frame->starts) return group->frame->starts[frame_row(group, i)];
    return group->rows.ends[(int64_t)i * group->rows.stride - 1] + 1;
}

static const uint8_t *field_text(const vf_group *group, uint32_t i, uint32_t field, size_t *length) {
    const uint32_t *end = group->rows.ends + (size_t)i * group->rows.stride + field;
    const uint32_t start = end[-1] + 1;
    *length = end[0] - start;
    return group->rows.text + start;
}

/* ---- lines that are refused or left out ------------------------------------------------------- */

static void clear_marks(vf_group *group) {
    memset(group->decoder->bad_field, 0xFF, group->rows.count * sizeof(int32_t));
    memset(group->decoder->pass, 1, group->rows.count);
    group->any_bad = false;
}

/* The first bad field of a line, in line order, names the reason. */
static void mark_bad(vf_group *group, uint32_t i, uint32_t field, vf_reason reason) {
    vf_decoder *decoder = group->decoder;
    if (decoder->bad_field[i] >= 0 && decoder->bad_field[i] <= (int32_t)field) return;
    decoder->bad_field[i] = (int32_t)field;
    decoder->bad_reason[i] = (uint8_t)reason;
    group->any_bad = true;
}

/* Drop the rows whose pass[] is 0: later loops see rows without gaps. */
static vf_status keep_passing(vf_group *group) {
    vf_decoder *decoder = group->decoder;
    const uint32_t fields = decoder->plan->fields, stride = group->rows.stride;
    const uint32_t *ends = group->rows.ends;
    decoder->kept.length = 0;
    if (!vf_buffer_reserve(&decoder->kept, (size_t)VF_GROUP * (fields + 1) * 4, NULL)) {
        return VF_NO_MEMORY;
    }
    uint32_t *to = (uint32_t *)(void *)decoder->kept.data;
    uint32_t count = 0;
    for (uint32_t i = 0; i < group->rows.count; i++) {
        if (!decoder->pass[i]) continue;
        decoder->chosen[count++] = frame_row(group, i);
        /* rows that were chosen before move down in place */
        memmove(to, ends + (int64_t)i * stride - 1, (fields + 1) * sizeof *to);
        to += fields + 1;
    }
    group->row_of = decoder->chosen;
    group->rows.ends = (uint32_t *)(void *)decoder->kept.data + 1;
    group->rows.stride = fields + 1;
    group->rows.count = count;
    return VF_OK;
}

/* A header with other fields ends the frame before row i. */
static void cut_group(vf_group *group, uint32_t i) {
    vf_cut_frame(group->frame, line_of(group, i), start_of(group, i));
    group->frame->count = frame_row(group, i);
    group->rows.count = i;
}

/* Refuse the bad rows, count the filtered ones, and keep the rest. */
static vf_status settle(vf_group *group) {
    vf_decoder *decoder = group->decoder;
    bool dropped = false;
    for (uint32_t i = 0; i < group->rows.count; i++) {
        if (group->any_bad && decoder->bad_field[i] >= 0) {
            vf_status status = vf_refuse(decoder, group->frame, line_of(group, i), start_of(group, i),
                                         (vf_reason)decoder->bad_reason[i], decoder->bad_field[i]);
            if (status == VF_HEADER) cut_group(group, i);
            else if (status != VF_OK) return status;
            decoder->pass[i] = 0;
            dropped = true;
        } else if (!decoder->pass[i]) {
            decoder->counts.filtered++;
            dropped = true;
        }
    }
    return dropped ? keep_passing(group) : VF_OK;
}

/* ---- log-status: NODATA and SKIPDATA are counted; a header shows here ------------------------- */

static const uint64_t NODATA = 0x415441444F4E;      /* as the last 6 bytes of a window */
static const uint64_t SKIPDATA = 0x4154414450494B53; /* all 8 */

static void count_statuses(vf_group *group) {
    const int32_t field = group->decoder->plan->status_field;
    if (field < 0) return;
    const uint8_t *text = group->rows.text - 8;
    const uint32_t *end = group->rows.ends + field;
    const uint64_t nodata = NODATA << 8 | (field ? ' ' : '\n'); /* with the separator before it */
    uint64_t without = 0, skipped = 0;
    for (uint32_t i = 0; i < group->rows.count; i++, end += group->rows.stride) {
        const uint64_t window = vf_load64(text + *end);
        without += window >> 8 == nodata;
        if (VF_UNLIKELY(window == SKIPDATA)) skipped += end[0] - end[-1] == 9;
    }
    group->decoder->counts.nodata += without;
    group->decoder->counts.skipdata += skipped;
}

/* Where no integer stands in its way a header would pass for data, or be filtered: look at every line
 * that might be one. */
static vf_status drop_headers(vf_group *group) {
    vf_decoder *decoder = group->decoder;
    if (decoder->plan->headers_fail) return VF_OK;
    const int32_t status_field = decoder->plan->status_field;
    bool dropped = false;
    for (uint32_t i = 0; i < group->rows.count; i++) {
        size_t length;
        decoder->pass[i] = 1;
        const uint32_t field = status_field < 0 ? 0 : (uint32_t)status_field;
        const uint8_t *text = field_text(group, i, field, &length);
        const bool marked = text[0] == 0xEF; /* a byte-order mark, maybe */
        if ((uint8_t)(text[0] - 'a') > 'z' - 'a' && !marked) continue;
        const uint8_t *line = group->frame->original + start_of(group, i);
        const uint8_t *stop = memchr(line, '\n', VF_MAX_LINE + 1);
        vf_header_kind kind = vf_plan_header(decoder->plan, line, (size_t)(stop - line));
        if (kind == VF_OTHER_HEADER) {
            cut_group(group, i);
            break;
        }
        if (kind == VF_SAME_HEADER) {
            decoder->counts.header++;
            decoder->pass[i] = 0;
            dropped = true;
        }
    }
    return dropped ? keep_passing(group) : VF_OK;
}

/* ---- filters ---------------------------------------------------------------------------------- */

static vf_outcome outcome_of(vf_decoder *decoder, size_t column) {
    return (vf_outcome){.valid = decoder->valid + column * VF_VALID_BYTES,
                        .undecided = decoder->undecided};
}

/* The kernels decode up to seven digits; what is longer goes the careful way in any case. */
static uint32_t fast_max(int64_t max) { return max < 9999999 ? (uint32_t)max : 9999999; }

static void filter_carefully(vf_group *group, const vf_filter *filter, uint32_t field, uint32_t i,
                             uint8_t *pass) {
    size_t length;
    bool matches = false;
    vf_reason reason;
    const uint8_t *text = field_text(group, i, field, &length);
    if (vf_filter_judge(filter, text, length, &matches, &reason) == VF_BAD) {
        mark_bad(group, i, field, reason);
    }
    pass[i] = matches;
}

/* Integers and times: the kernel decodes, the careful path decides the rest. */
static void filter_integers(vf_group *group, const vf_filter *filter, uint32_t field, uint8_t *pass) {
    vf_decoder *decoder = group->decoder;
    vf_outcome outcome = outcome_of(decoder, decoder->plan->column_count);
    if (filter->kind == VF_FILTER_TIME) {
        decoder->kernel->times(&group->rows, field, decoder->values, &outcome);
    } else {
        decoder->kernel->int64s(&group->rows, field, fast_max(filter->max), decoder->values, &outcome);
    }
    for (uint32_t i = 0; i < group->rows.count; i++) {
        const int64_t value = decoder->values[i];
        bool any = false;
        for (size_t r = 0; r < filter->count; r++) {
            any |= value >= filter->ranges[r].low && value <= filter->ranges[r].high;
        }
        pass[i] = outcome.valid[i / 8] >> (i & 7) & 1 ? any : filter->match_null;
    }
    for (uint32_t u = 0; u < outcome.undecided_count; u++) {
        filter_carefully(group, filter, field, decoder->undecided[u], pass);
    }
}

static vf_status apply_filters(vf_group *group) {
    vf_decoder *decoder = group->decoder;
    const vf_plan *plan = decoder->plan;
    uint8_t pass[VF_GROUP];
    if (!plan->filter_count) return VF_OK;
    clear_marks(group);
    for (size_t f = 0; f < plan->filter_count; f++) {
        const vf_filter *filter = &plan->filters[f];
        if (filter->field < 0) {
            memset(pass, filter->match_null, sizeof pass);
        } else if (filter->kind == VF_FILTER_INTEGER || filter->kind == VF_FILTER_TIME) {
            filter_integers(group, filter, (uint32_t)filter->field, pass);
        } else {
            for (uint32_t i = 0; i < group->rows.count; i++) {
                filter_carefully(group, filter, (uint32_t)filter->field, i, pass);
            }
        }
        for (uint32_t i = 0; i < group->rows.count; i++) decoder->pass[i] &= pass[i];
    }
    return settle(group);
}

/* ---- columns that may refuse a line ----------------------------------------------------------- */

static void decide_integer(vf_group *group, const vf_column *column, uint32_t i, void *out,
                           uint8_t *valid) {
    size_t length;
    int64_t value = 0;
    vf_reason reason;
    const uint8_t *text = field_text(group, i, (uint32_t)column->field, &length);
    vf_verdict verdict = column->type == VF_TIME
                             ? vf_read_time(text, length, &value, &reason)
                             : vf_read_integer(text, length, column->max, &value, &reason);
    if (verdict == VF_BAD) mark_bad(group, i, (uint32_t)column->field, reason);
    if (verdict == VF_NULL) valid[i / 8] &= (uint8_t)~(1u << (i & 7));
    if (column->type == VF_INT32) ((int32_t *)out)[i] = (int32_t)value;
    else ((int64_t *)out)[i] = value;
}

static void read_integers(vf_group *group, const vf_column *column, void *out, vf_outcome *outcome) {
    const vf_kernel *kernel = group->decoder->kernel;
    const uint32_t field = (uint32_t)column->field;
    if (column->type == VF_INT32) {
        kernel->int32s(&group->rows, field, fast_max(column->max), out, outcome);
    } else if (column->type == VF_INT64) {
        kernel->int64s(&group->rows, field, fast_max(column->max), out, outcome);
    } else {
        kernel->times(&group->rows, field, out, outcome);
    }
    for (uint32_t u = 0; u < outcome->undecided_count; u++) {
        decide_integer(group, column, outcome->undecided[u], out, outcome->valid);
    }
}

static vf_status read_dictionary(vf_group *group, const vf_column *column, vf_builder *builder,
                                 int32_t *out, uint8_t *valid) {
    vf_decoder *decoder = group->decoder;
    const uint32_t count = group->rows.count;
    /* rewritten lines may hold NUL, which the comparison with the few takes for nothing */
    builder->dictionary.many |= group->frame->copied;
    int32_t least = decoder->kernel->dictionary(&group->rows, (uint32_t)column->field,
                                                &builder->dictionary, out, decoder->pool);
    if (least == VF_INDEX_NO_MEMORY) return VF_NO_MEMORY;
    if (least == VF_INDEX_FULL) return VF_FULL;
    memset(valid, 0xFF, VF_VALID_BYTES);
    if (least == 0) return VF_OK;
    for (uint32_t i = 0; i < count; i++) {
        if (out[i] >= 0) continue;
        if (out[i] != VF_INDEX_NULL) {
            mark_bad(group, i, (uint32_t)column->field,
                     out[i] == VF_INDEX_NOT_UTF8 ? VF_NOT_UTF8 : VF_BAD_PERCENT_ENCODING);
        }
        valid[i / 8] &= (uint8_t)~(1u << (i & 7));
        out[i] = 0;
    }
    return VF_OK;
}

static void check_utf8(vf_group *group, const vf_column *column) {
    for (uint32_t i = 0; i < group->rows.count; i++) {
        size_t length;
        const uint8_t *text = field_text(group, i, (uint32_t)column->field, &length);
        if (!vf_is_utf8(text, length)) mark_bad(group, i, (uint32_t)column->field, VF_NOT_UTF8);
    }
}

static vf_status judge_columns(vf_group *group) {
    vf_decoder *decoder = group->decoder;
    const vf_plan *plan = decoder->plan;
    clear_marks(group);
    for (size_t c = 0; c < plan->column_count; c++) {
        const vf_column *column = &plan->columns[c];
        vf_builder *builder = &decoder->builders[c];
        vf_outcome outcome = outcome_of(decoder, c);
        vf_status status = VF_OK;
        if (column->field < 0) continue;
        switch (column->type) {
        case VF_INT32:
        case VF_INT64:
        case VF_TIME:
            read_integers(group, column, builder->data.data + builder->data.length, &outcome);
            break;
        case VF_DICTIONARY:
            status = read_dictionary(group, column, builder,
                                     (int32_t *)(void *)(builder->data.data + builder->data.length),
                                     outcome.valid);
            break;
        case VF_VIEW:
        case VF_UTF8:
            if (column->percent) {
                status = read_dictionary(group, column, builder, decoder->indices, outcome.valid);
            } else if (group->frame->high) {
                check_utf8(group, column);
            }
            break;
        }
        if (status != VF_OK) return status;
    }
    return VF_OK;
}

/* ---- text, for the rows that stay ------------------------------------------------------------- */

/* An upper bound for the bytes of any one field of the rows. */
static size_t text_bound(const vf_group *group) {
    const vf_rows *rows = &group->rows;
    if (!rows->count) return 0;
    const uint32_t *last = rows->ends + (size_t)(rows->count - 1) * rows->stride;
    return last[group->decoder->plan->fields - 1] - (rows->ends[-1] + 1);
}

static vf_status write_views(vf_group *group, const vf_column *column, vf_builder *builder,
                             const vf_view_target *direct, uint8_t *valid) {
    vf_decoder *decoder = group->decoder;
    vf_view *out = (vf_view *)(void *)(builder->data.data + builder->data.length);
    vf_view_target target = *direct;
    if (group->frame->copied || !direct->buffer) {
        size_t bound = text_bound(group);
        if (builder->own.length + bound > INT32_MAX) return VF_TOO_BIG;
        if (!vf_buffer_reserve(&builder->own, bound, decoder->pool)) return VF_NO_MEMORY;
        target = (vf_view_target){.own = builder->own.data, .own_length = (uint32_t)builder->own.length};
    }
    decoder->kernel->views(&group->rows, (uint32_t)column->field, out, &target, valid);
    if (target.own) builder->own.length = target.own_length;
    return VF_OK;
}

static vf_status write_utf8(vf_group *group, const vf_column *column, vf_builder *builder,
                            uint8_t *valid) {
    size_t bound = text_bound(group);
    if (!vf_buffer_reserve(&builder->own, bound, group->decoder->pool)) return VF_NO_MEMORY;
    int32_t *offsets = (int32_t *)(void *)(builder->data.data + builder->data.length);
    uint8_t *const bytes = builder->own.data;
    size_t at = builder->own.length;
    memset(valid, 0xFF, VF_VALID_BYTES);
    for (uint32_t i = 0; i < group->rows.count; i++) {
        size_t length;
        const uint8_t *text = field_text(group, i, (uint32_t)column->field, &length);
        if (vf_is_null(text, length)) {
            valid[i / 8] &= (uint8_t)~(1u << (i & 7));
            length = 0;
        }
        for (size_t copied = 0; copied < length; copied += 16) memcpy(bytes + at + copied, text + copied, 16);
        at += length;
        offsets[i + 1] = (int32_t)at;
    }
    builder->own.length = at;
    return at > INT32_MAX ? VF_TOO_BIG : VF_OK;
}

/* Percent-encoded text has been looked up in a dictionary of decoded values: write those. */
static vf_status write_decoded(vf_group *group, const vf_column *column, vf_builder *builder,
                               uint8_t *valid) {
    vf_decoder *decoder = group->decoder;
    vf_status status = read_dictionary(group, column, builder, decoder->indices, valid);
    if (status != VF_OK) return status;
    const vf_dictionary *values = vf_dictionary_values(&builder->dictionary);
    const int32_t *starts = (const int32_t *)(const void *)values->offsets.data;
    uint8_t *out = builder->data.data + builder->data.length;
    for (uint32_t i = 0; i < group->rows.count; i++) {
        const bool null = !(valid[i / 8] >> (i & 7) & 1);
        const int32_t index = decoder->indices[i];
        const size_t length = null ? 0 : (size_t)(starts[index + 1] - starts[index]);
        const uint8_t *text = null ? NULL : values->values.data + starts[index];
        if (builder->own.length + length > INT32_MAX) return VF_TOO_BIG;
        if (!vf_buffer_reserve(&builder->own, length, decoder->pool)) return VF_NO_MEMORY;
        if (column->type == VF_VIEW) {
            vf_view view = {.length = (uint32_t)length};
            if (length <= 12) {
                if (length) memcpy(view.prefix, text, length);
            } else {
                memcpy(view.prefix, text, 4);
                view.offset = (uint32_t)builder->own.length;
            }
            memcpy(out + i * sizeof view, &view, sizeof view);
        }
        if (length > 12 || column->type == VF_UTF8) {
            if (length) memcpy(builder->own.data + builder->own.length, text, length);
            builder->own.length += length;
        }
        if (column->type == VF_UTF8) ((int32_t *)(void *)out)[i + 1] = (int32_t)builder->own.length;
    }
    return VF_OK;
}

static vf_status write_text(vf_group *group, const vf_view_target *direct) {
    vf_decoder *decoder = group->decoder;
    for (size_t c = 0; c < decoder->plan->column_count; c++) {
        const vf_column *column = &decoder->plan->columns[c];
        vf_builder *builder = &decoder->builders[c];
        uint8_t *valid = decoder->valid + c * VF_VALID_BYTES;
        if (column->field < 0 || (column->type != VF_VIEW && column->type != VF_UTF8)) continue;
        vf_status status = column->percent          ? write_decoded(group, column, builder, valid)
                           : column->type == VF_VIEW ? write_views(group, column, builder, direct, valid)
                                                     : write_utf8(group, column, builder, valid);
        if (status != VF_OK) return status;
    }
    return VF_OK;
}

/* ---- the group as a whole --------------------------------------------------------------------- */

static size_t width_of(vf_type type) {
    return type == VF_VIEW ? sizeof(vf_view) : type == VF_INT64 || type == VF_TIME ? 8 : 4;
}

static vf_status reserve_columns(vf_decoder *decoder, uint32_t count) {
    for (size_t c = 0; c < decoder->plan->column_count; c++) {
        const vf_column *column = &decoder->plan->columns[c];
        vf_buffer *data = &decoder->builders[c].data;
        if (column->field < 0) continue;
        const size_t width = width_of(column->type);
        size_t extra = ((size_t)count + 8) * width;
        if (data->length + extra + VF_PAD > data->capacity && decoder->row_hint > decoder->rows + count) {
            extra = (decoder->row_hint - decoder->rows + 8) * width;
        }
        /* offsets are one more than rows: the last one moves with the others */
        const size_t last = column->type == VF_UTF8 && data->data ? 4 : 0;
        data->length += last;
        const bool reserved = vf_buffer_reserve(data, extra, decoder->pool);
        data->length -= last;
        if (!reserved) return VF_NO_MEMORY;
        if (column->type == VF_UTF8 && !decoder->rows) memset(data->data, 0, 4);
    }
    return VF_OK;
}

/* Append `count` validity bits; the bitmap begins to exist with the first null. */
static vf_status append_validity(vf_decoder *decoder, vf_builder *builder, const uint8_t *bits,
                                 uint32_t count) {
    uint32_t nulls = 0;
    for (uint32_t i = 0; i < count; i += 64) {
        uint64_t invalid = ~vf_load64(bits + i / 8);
        if (count - i < 64) invalid &= ~(~0ull << (count - i));
        nulls += vf_popcount64(invalid);
    }
    if (!nulls && !builder->nulls) return VF_OK;
    const uint64_t rows = decoder->rows;
    builder->validity.length = builder->nulls ? (size_t)(rows + 7) / 8 : 0;
    uint64_t room = decoder->row_hint > rows + count ? decoder->row_hint : rows + count;
    if (!vf_buffer_reserve(&builder->validity, (size_t)room / 8 + 24, decoder->pool)) return VF_NO_MEMORY;
    if (!builder->nulls) memset(builder->validity.data, 0xFF, (size_t)(rows + 7) / 8);
    builder->nulls += nulls;
    uint8_t *to = builder->validity.data + rows / 8;
    const unsigned shift = (unsigned)(rows & 7);
    for (uint32_t i = 0; i < count; i += 64, to += 8) {
        const uint64_t word = vf_load64(bits + i / 8);
        vf_store64(to, word << shift | (*to & ((1u << shift) - 1)));
        if (shift) to[8] = (uint8_t)(word >> (64 - shift));
    }
    return VF_OK;
}

static vf_status commit(vf_group *group) {
    vf_decoder *decoder = group->decoder;
    const uint32_t count = group->rows.count;
    count_statuses(group);
    for (size_t c = 0; c < decoder->plan->column_count; c++) {
        const vf_column *column = &decoder->plan->columns[c];
        vf_builder *builder = &decoder->builders[c];
        if (column->field < 0) continue;
        builder->data.length += (size_t)count * width_of(column->type);
        vf_status status =
            append_validity(decoder, builder, decoder->valid + c * VF_VALID_BYTES, count);
        if (status != VF_OK) return status;
    }
    decoder->rows += count;
    decoder->counts.records += count;
    return VF_OK;
}

static vf_status decode_group(vf_group *group, const vf_view_target *direct) {
    vf_status status = drop_headers(group);
    if (status == VF_OK) status = apply_filters(group);
    if (status == VF_OK) status = reserve_columns(group->decoder, group->rows.count);
    if (status == VF_OK) status = judge_columns(group);
    if (status == VF_OK && group->any_bad) {
        /* the rows close up; what was decoded is decoded again, and nothing is bad now */
        status = settle(group);
        if (status == VF_OK) status = judge_columns(group);
    }
    if (status == VF_OK) status = write_text(group, direct);
    return status == VF_OK ? commit(group) : status;
}

vf_status vf_decode_rows(vf_decoder *decoder, vf_frame *frame, const vf_view_target *direct) {
    for (uint32_t first = 0; first < frame->count; first += VF_GROUP) {
        const uint32_t left = frame->count - first;
        vf_group group = {
            .decoder = decoder,
            .frame = frame,
            .first = first,
            .rows = {.text = frame->text,
                     .ends = frame->ends + (size_t)first * frame->stride,
                     .stride = frame->stride,
                     .count = left < VF_GROUP ? left : VF_GROUP},
        };
        vf_view_target target = *direct;
        vf_status status = decode_group(&group, &target);
        if (status != VF_OK) return status;
    }
    return VF_OK;
}
