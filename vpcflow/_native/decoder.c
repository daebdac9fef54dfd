#include <stdlib.h>

#include "decoder.h"

vf_decoder *vf_decoder_new(vf_plan *plan, const vf_kernel *kernel, vf_pool *pool, uint64_t secret,
                           bool bounded, uint64_t max_rows, bool keep_rejects) {
    vf_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder) return NULL;
    decoder->plan = vf_plan_retain(plan);
    decoder->kernel = kernel;
    decoder->pool = vf_pool_retain(pool);
    decoder->bounded = bounded;
    decoder->max_rows = max_rows;
    decoder->keep_rejects = keep_rejects;
    decoder->line = 1;
    decoder->builders = calloc(plan->column_count + 1, sizeof *decoder->builders);
    decoder->valid = calloc(plan->column_count + 1, VF_VALID_BYTES);
    bool ready = decoder->builders && decoder->valid;
    for (size_t c = 0; ready && c < plan->column_count; c++) {
        const vf_column *column = &plan->columns[c];
        if (column->type == VF_DICTIONARY || column->percent) {
            ready = vf_dictionary_init(&decoder->builders[c].dictionary, secret + c, column->percent);
        }
    }
    if (ready) return decoder;
    vf_decoder_free(decoder);
    return NULL;
}

static void free_rejects(vf_decoder *decoder) {
    for (size_t i = 0; i < decoder->reject_count; i++) free(decoder->rejects[i].text);
    free(decoder->rejects);
    decoder->rejects = NULL;
    decoder->reject_room = 0;
    decoder->reject_count = 0;
}

void vf_decoder_free(vf_decoder *decoder) {
    if (!decoder) return;
    for (size_t c = 0; decoder->builders && c < decoder->plan->column_count; c++) {
        vf_builder *builder = &decoder->builders[c];
        vf_buffer_free(&builder->data, decoder->pool);
        vf_buffer_free(&builder->own, decoder->pool);
        vf_buffer_free(&builder->validity, decoder->pool);
        vf_dictionary_free(&builder->dictionary, decoder->pool);
    }
    free_rejects(decoder);
    vf_buffer *scratch[] = {&decoder->carry, &decoder->ends, &decoder->fitting, &decoder->lines,
                            &decoder->kept,  &decoder->edge, &decoder->normal};
    for (size_t i = 0; i < sizeof scratch / sizeof *scratch; i++) vf_buffer_free(scratch[i], NULL);
    free(decoder->pending);
    free(decoder->builders);
    free(decoder->valid);
    vf_pool_release(decoder->pool);
    vf_plan_release(decoder->plan);
    free(decoder);
}

bool vf_decoder_reset(vf_decoder *decoder) {
    for (size_t c = 0; c < decoder->plan->column_count; c++) {
        vf_builder *builder = &decoder->builders[c];
        builder->data.length = builder->own.length = builder->validity.length = 0;
        builder->nulls = 0;
        if (builder->dictionary.slots && !vf_dictionary_reset(&builder->dictionary)) return false;
    }
    free_rejects(decoder);
    memset(&decoder->counts, 0, sizeof decoder->counts);
    decoder->rows = 0;
    return true;
}

/* ---- lines that are no records ---------------------------------------------------------------- */

vf_status vf_note(vf_decoder *decoder, uint32_t line, uint32_t start, int what, int32_t field) {
    if (decoder->pending_count == decoder->pending_room) {
        size_t room = decoder->pending_room ? decoder->pending_room * 2 : 256;
        vf_pending *grown = realloc(decoder->pending, room * sizeof *grown);
        if (!grown) return VF_NO_MEMORY;
        decoder->pending = grown;
        decoder->pending_room = room;
    }
    decoder->pending[decoder->pending_count++] =
        (vf_pending){.line = line, .start = start, .field = field, .what = what};
    return VF_OK;
}

vf_status vf_refuse(vf_decoder *decoder, const vf_frame *frame, uint32_t line, uint32_t start,
                    vf_reason reason, int32_t field) {
    const uint8_t *text = frame->original + start;
    const uint8_t *stop = memchr(text, '\n', frame->length - start);
    switch (vf_plan_header(decoder->plan, text, (size_t)(stop - text))) {
    case VF_SAME_HEADER:
        return vf_note(decoder, line, start, VF_HEADER_LINE, -1);
    case VF_OTHER_HEADER:
        return VF_HEADER;
    default:
        return vf_note(decoder, line, start, reason, field);
    }
}

static bool more_rejects(vf_decoder *decoder) {
    const size_t room = decoder->reject_room ? decoder->reject_room * 2 : 64;
    vf_reject *rejects = realloc(decoder->rejects, room * sizeof *rejects);
    if (!rejects) return false;
    decoder->rejects = rejects;
    decoder->reject_room = room;
    return true;
}

/* A bounded batch keeps every line that it rejects: it ends soon after VF_MAX_REJECTS of them. */
static vf_status add_reject(vf_decoder *decoder, uint64_t line, uint64_t offset, vf_reason reason,
                            int32_t field, const uint8_t *text, size_t length) {
    decoder->counts.rejected++;
    decoder->counts.reasons[reason]++;
    if (!decoder->keep_rejects) return VF_OK;
    if (!decoder->bounded && decoder->reject_count == VF_MAX_REJECTS) return VF_OK;
    if (decoder->reject_count == decoder->reject_room && !more_rejects(decoder)) return VF_NO_MEMORY;
    if (length > VF_MAX_REJECT_TEXT) length = VF_MAX_REJECT_TEXT;
    uint8_t *copy = malloc(length + 1);
    if (!copy) return VF_NO_MEMORY;
    memcpy(copy, text, length);
    decoder->rejects[decoder->reject_count++] = (vf_reject){
        .line = line,
        .offset = offset,
        .reason = reason,
        .field = field,
        .length = (uint32_t)length,
        .text = copy,
    };
    return VF_OK;
}

static int by_line(const void *a, const void *b) {
    const vf_pending *x = a, *y = b;
    return (x->line > y->line) - (x->line < y->line);
}

/* The piece stands: count its lines, and report the refused ones in their order. */
static vf_status settle_piece(vf_decoder *decoder, const vf_frame *frame) {
    if (decoder->pending_count > 1) {
        qsort(decoder->pending, decoder->pending_count, sizeof *decoder->pending, by_line);
    }
    for (size_t i = 0; i < decoder->pending_count; i++) {
        const vf_pending *note = &decoder->pending[i];
        vf_status status = VF_OK;
        if (note->line >= frame->line_count) break;
        if (note->what == VF_BLANK_LINE) {
            decoder->counts.blank++;
        } else if (note->what == VF_HEADER_LINE) {
            decoder->counts.header++;
        } else {
            const uint8_t *text = frame->original + note->start;
            const uint8_t *stop = memchr(text, '\n', frame->length - note->start);
            status = add_reject(decoder, decoder->line + note->line, decoder->offset + note->start,
                                (vf_reason)note->what, note->field, text, (size_t)(stop - text));
        }
        if (status != VF_OK) return status;
    }
    decoder->counts.lines += frame->line_count;
    decoder->line += frame->line_count;
    return VF_OK;
}

/* ---- pieces ----------------------------------------------------------------------------------- */

/* What undoing a piece needs. While the batch is empty there is nothing to end before the piece, so
 * dictionaries may grow past their bounds for its length. */
static void save(vf_decoder *decoder) {
    const bool bounded = decoder->bounded && decoder->rows > 0;
    for (size_t c = 0; c < decoder->plan->column_count; c++) {
        vf_builder *builder = &decoder->builders[c];
        builder->saved.data = builder->data.length;
        builder->saved.own = builder->own.length;
        builder->saved.nulls = builder->nulls;
        builder->dictionary.bounded = bounded;
    }
    decoder->pending_count = 0;
}

static void undo(vf_decoder *decoder, const vf_counts *counts, uint64_t rows) {
    for (size_t c = 0; c < decoder->plan->column_count; c++) {
        vf_builder *builder = &decoder->builders[c];
        builder->data.length = builder->saved.data;
        builder->own.length = builder->saved.own;
        builder->nulls = builder->saved.nulls;
    }
    decoder->counts = *counts;
    decoder->rows = rows;
}

/* Whole lines, padded. *consumed is less than length only before a foreign header (VF_HEADER). */
static vf_status take_piece(vf_decoder *decoder, const uint8_t *text, size_t length,
                            const vf_view_target *direct, size_t *consumed) {
    const vf_counts counts = decoder->counts;
    const uint64_t rows = decoder->rows;
    vf_frame frame;
    *consumed = 0;
    if (decoder->bounded && (rows >= decoder->max_rows || decoder->reject_count >= VF_MAX_REJECTS)) {
        return VF_FULL;
    }
    save(decoder);
    vf_status status = vf_frame_piece(decoder, text, length, &frame);
    if (status == VF_OK) status = vf_decode_rows(decoder, &frame, direct);
    if (status != VF_OK) {
        undo(decoder, &counts, rows);
        return status;
    }
    status = settle_piece(decoder, &frame);
    if (status != VF_OK) return status;
    decoder->offset += frame.consumed;
    *consumed = frame.consumed;
    return frame.foreign_header ? VF_HEADER : VF_OK;
}

static bool reserve_padded(vf_buffer *buffer, size_t length) {
    return vf_buffer_reserve(buffer, length + 2 * VF_PAD, NULL);
}

/* The line in `carry` is complete: take it. `ended`: by a newline, which the source counts too. */
static vf_status take_carry(vf_decoder *decoder, bool ended) {
    const vf_view_target none = {0};
    uint8_t *line = decoder->carry.data + VF_PAD;
    const uint64_t length = decoder->carried;
    vf_status status = VF_OK;
    if (length > VF_MAX_LINE) {
        status = add_reject(decoder, decoder->line, decoder->offset, VF_LINE_TOO_LONG, -1, line,
                            VF_MAX_REJECT_TEXT);
        decoder->counts.lines++;
        decoder->line++;
        decoder->offset += length + ended;
    } else {
        size_t consumed;
        memset(decoder->carry.data, '\n', VF_PAD);
        memset(line + length, '\n', VF_PAD);
        status = take_piece(decoder, line, (size_t)length + 1, &none, &consumed);
        if (status == VF_OK && !ended) decoder->offset--;
    }
    if (status == VF_OK) decoder->carried = 0;
    return status;
}

/* Keep what may be the begin of a line. Of a line too long only the head is kept. */
static bool carry(vf_decoder *decoder, const uint8_t *text, size_t length) {
    const uint64_t before = decoder->carried;
    decoder->carried += length;
    if (before > VF_MAX_LINE) return true;
    if (before + length > VF_MAX_LINE) length = (size_t)(VF_MAX_LINE + 1 - before);
    decoder->carry.length = VF_PAD + (size_t)before;
    if (!reserve_padded(&decoder->carry, length)) return false;
    memcpy(decoder->carry.data + VF_PAD + before, text, length);
    decoder->carry.length = VF_PAD + (size_t)before + length;
    return true;
}

/* The end of the last whole line within [at, at + VF_PIECE), or of a longer first line; `at` when no
 * line ends in the text. */
static size_t end_of_piece(const uint8_t *text, size_t at, size_t length) {
    size_t end = length - at > VF_PIECE ? at + VF_PIECE : length;
    size_t look = end;
    while (look > at && text[look - 1] != '\n') look--;
    if (look > at || end == length) return look;
    const uint8_t *stop = memchr(text + end, '\n', length - end);
    return stop ? (size_t)(stop - text) + 1 : at;
}

/* A piece of the caller's text, which is copied where too little can be read around it. */
static vf_status take_direct(vf_decoder *decoder, const uint8_t *text, size_t at, size_t end,
                             size_t length, const vf_view_target *target, size_t *consumed) {
    if (end - at > (size_t)VF_MAX_LINE + 1) { /* a single line */
        if (!carry(decoder, text + at, end - at - 1)) return VF_NO_MEMORY;
        *consumed = end - at;
        return take_carry(decoder, true);
    }
    bool readable = at >= VF_PAD && length - end >= VF_PAD;
#ifdef VF_PLANTED_BUG /* tests/system builds with it, to see that sanitizers report such a bug */
    readable = true;
#endif
    if (readable) return take_piece(decoder, text + at, end - at, target, consumed);
    decoder->edge.length = 0;
    if (!reserve_padded(&decoder->edge, end - at)) return VF_NO_MEMORY;
    uint8_t *copy = decoder->edge.data + VF_PAD;
    memset(decoder->edge.data, '\n', VF_PAD);
    memcpy(copy, text + at, end - at);
    memset(copy + (end - at), '\n', VF_PAD);
    return take_piece(decoder, copy, end - at, target, consumed);
}

/* Once the first rows show how long lines are, room is made for all rows that the text may hold. */
static void expect_rows(vf_decoder *decoder, uint64_t taken, uint64_t left) {
    if (!taken || !decoder->rows) return;
    const uint64_t line = taken / decoder->rows + 1;
    uint64_t hint = decoder->rows + left / line * 33 / 32 + VF_GROUP;
    const uint64_t most = decoder->max_rows + VF_PIECE / line + VF_GROUP;
    if (decoder->bounded && hint > most) hint = most;
    if (hint > decoder->row_hint) decoder->row_hint = hint;
}

/* A byte-order mark at the start of the source is no part of its first line. The bytes of `text` that
 * belong to one are passed over; what only looked like one is put back as the begin of the line. */
static bool skip_mark(vf_decoder *decoder, const uint8_t *text, size_t length, size_t *at) {
    static const uint8_t MARK[] = {0xEF, 0xBB, 0xBF};
    if (decoder->offset) decoder->mark = 3;
    while (decoder->mark < 3 && *at < length) {
        if (text[*at] != MARK[decoder->mark]) {
            const uint32_t seen = decoder->mark;
            decoder->mark = 3;
            return carry(decoder, MARK, seen);
        }
        ++*at;
        if (++decoder->mark == 3) decoder->offset = 3;
    }
    return true;
}

vf_status vf_decoder_feed(vf_decoder *decoder, const uint8_t *text, size_t length, bool direct,
                          uint64_t base, size_t *consumed) {
    size_t at = 0;
    if (!skip_mark(decoder, text, length, &at)) return VF_NO_MEMORY;
    *consumed = at;
    if (decoder->carried && at < length) {
        const uint8_t *stop = memchr(text + at, '\n', length - at);
        if (!stop) {
            *consumed = length;
            return carry(decoder, text + at, length - at) ? VF_OK : VF_NO_MEMORY;
        }
        const uint64_t before = decoder->carried;
        if (!carry(decoder, text + at, (size_t)(stop - text) - at)) return VF_NO_MEMORY;
        vf_status status = take_carry(decoder, true);
        if (status != VF_OK) {
            decoder->carried = before; /* as if nothing had been fed */
            return status;
        }
        at = (size_t)(stop - text) + 1;
    }
    while (at < length) {
        const size_t end = end_of_piece(text, at, length);
        if (end == at) break;
        const uint64_t place = base + at;
        const vf_view_target target = {.buffer = direct ? 1 + (uint32_t)(place >> 30) : 0,
                                       .offset = (uint32_t)(place & ((1u << 30) - 1))};
        size_t taken;
        vf_status status = take_direct(decoder, text, at, end, length, &target, &taken);
        at += taken;
        if (status != VF_OK) {
            *consumed = at;
            return status;
        }
        if (decoder->row_hint <= decoder->rows) expect_rows(decoder, at, length - at);
    }
    *consumed = length;
    return at == length || carry(decoder, text + at, length - at) ? VF_OK : VF_NO_MEMORY;
}

vf_status vf_decoder_finish(vf_decoder *decoder, bool damaged) {
    size_t at = 0;
    /* one byte that goes on no mark: what has been seen of one is put back */
    if (decoder->mark && !skip_mark(decoder, (const uint8_t *)"\n", 1, &at)) return VF_NO_MEMORY;
    if (!decoder->carried) return VF_OK;
    if (!damaged) return take_carry(decoder, false);
    const size_t length = decoder->carried > VF_MAX_LINE ? VF_MAX_LINE : (size_t)decoder->carried;
    vf_status status = add_reject(decoder, decoder->line, decoder->offset, VF_TRUNCATED, -1,
                                  decoder->carry.data + VF_PAD, length);
    decoder->counts.lines++;
    decoder->line++;
    decoder->offset += decoder->carried;
    decoder->carried = 0;
    return status;
}
