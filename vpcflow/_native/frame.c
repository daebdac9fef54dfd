/* Separators to rows. Three levels of care, each taken only when the one before does not hold:
 *   0  every line has the plan's shape: the positions are the rows
 *   1  some lines have another number of fields: they are left out
 *   2  runs of blanks, tabs, CR, blank lines: lines are rewritten to the plain form
 */
#include "decoder.h"

static uint32_t *line_numbers(vf_decoder *decoder) { return (uint32_t *)(void *)decoder->lines.data; }

static bool every_line_fits(const uint8_t *text, const uint32_t *ends, uint32_t fields, uint32_t lines) {
    uint32_t wrong = 0;
    const uint32_t *last = ends + fields - 1;
    for (uint32_t i = 0; i < lines; i++, last += fields) wrong |= text[*last] ^ '\n';
    return !wrong;
}

/* A line with another number of fields; a header of another format ends the frame. */
static vf_status refuse_line(vf_decoder *decoder, vf_frame *frame, uint32_t line, uint32_t start,
                             uint32_t found) {
    vf_reason reason = found < decoder->plan->fields ? VF_TOO_FEW_FIELDS : VF_TOO_MANY_FIELDS;
    vf_status status = vf_refuse(decoder, frame, line, start, reason, -1);
    if (status == VF_HEADER) vf_cut_frame(frame, line, start);
    return status;
}

/* Level 1: walk the separators line by line. */
static vf_status choose_lines(vf_decoder *decoder, const vf_marks *marks, vf_frame *frame) {
    const uint32_t fields = decoder->plan->fields;
    const uint32_t *ends = vf_ends(decoder);
    const uint8_t *text = frame->text;
    decoder->fitting.length = decoder->lines.length = 0;
    if (!vf_buffer_reserve(&decoder->fitting, ((size_t)marks->count + fields + 2) * 2 * 4, NULL) ||
        !vf_buffer_reserve(&decoder->lines, (size_t)marks->newlines * 8, NULL)) {
        return VF_NO_MEMORY;
    }
    uint32_t *row = (uint32_t *)(void *)decoder->fitting.data;
    uint32_t *lines = line_numbers(decoder), *starts = lines + marks->newlines;
    frame->ends = row + 1;
    frame->stride = fields + 1;
    frame->lines = lines;
    frame->starts = starts;
    frame->count = 0;
    for (uint32_t line = 0, at = 0; line < marks->newlines; line++) {
        uint32_t next = at;
        while (text[ends[next]] != '\n') next++;
        const uint32_t found = ++next - at;
        const uint32_t start = ends[(int64_t)at - 1] + 1;
        if (found == fields) {
            row[0] = start - 1;
            memcpy(row + 1, ends + at, fields * sizeof *row);
            row += fields + 1;
            lines[frame->count] = line;
            starts[frame->count++] = start;
        } else {
            vf_status status = refuse_line(decoder, frame, line, start, found);
            if (frame->foreign_header) break;
            if (status != VF_OK) return status;
        }
        at = next;
    }
    return VF_OK;
}

/* Write the tokens of a line to `out`, one blank between them and a newline behind; count them. */
static uint32_t normalise(const uint8_t *line, const uint8_t *end, uint8_t *out, size_t *written) {
    uint8_t *to = out;
    uint32_t tokens = 0;
    if (end > line && end[-1] == '\r') end--;
    while (line < end) {
        if (*line == ' ' || *line == '\t') {
            line++;
            continue;
        }
        if (tokens++) *to++ = ' ';
        while (line < end && *line != ' ' && *line != '\t') *to++ = *line++;
    }
    *to++ = '\n';
    *written = (size_t)(to - out);
    return tokens;
}

/* Level 2: rewrite the lines that can be read. */
static vf_status rewrite_lines(vf_decoder *decoder, const vf_marks *marks, vf_frame *frame) {
    const uint32_t fields = decoder->plan->fields;
    const uint8_t *text = frame->text, *end = text + frame->length;
    decoder->normal.length = decoder->lines.length = 0;
    if (!vf_buffer_reserve(&decoder->normal, frame->length + VF_PAD * 2, NULL) ||
        !vf_buffer_reserve(&decoder->lines, (size_t)marks->newlines * 8, NULL)) {
        return VF_NO_MEMORY;
    }
    memset(decoder->normal.data, '\n', VF_PAD);
    uint8_t *const copy = decoder->normal.data + VF_PAD, *to = copy;
    uint32_t *lines = line_numbers(decoder), *starts = lines + marks->newlines;
    frame->lines = lines;
    frame->starts = starts;
    frame->count = 0;
    uint32_t line = 0;
    for (const uint8_t *at = text, *next; at < end; at = next, line++) {
        const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
        next = stop + 1;
        size_t written = 0;
        const uint32_t tokens = normalise(at, stop, to, &written);
        const uint32_t start = (uint32_t)(at - text);
        if (tokens && tokens == fields) {
            to += written;
            lines[frame->count] = line;
            starts[frame->count++] = start;
        } else {
            vf_status status = tokens ? refuse_line(decoder, frame, line, start, tokens)
                                      : vf_note(decoder, line, start, VF_BLANK_LINE, -1);
            if (frame->foreign_header) break;
            if (status != VF_OK) return status;
        }
    }
    memset(to, '\n', VF_PAD);
    vf_marks plain;
    decoder->kernel->separators(copy, (size_t)(to - copy), vf_ends(decoder), &plain);
    frame->text = copy;
    frame->copied = true;
    frame->high = plain.high;
    return VF_OK;
}

vf_status vf_frame_piece(vf_decoder *decoder, const uint8_t *text, size_t length, vf_frame *frame) {
    const uint32_t fields = decoder->plan->fields;
    decoder->ends.length = 0;
    if (!vf_buffer_reserve(&decoder->ends, VF_PAD + (length + 64) * sizeof(uint32_t), NULL)) {
        return VF_NO_MEMORY;
    }
    uint32_t *ends = vf_ends(decoder);
    ends[-1] = UINT32_MAX; /* one before position 0 */
    vf_marks marks;
    decoder->kernel->separators(text, length, ends, &marks);
    *frame = (vf_frame){
        .original = text,
        .text = text,
        .length = length,
        .consumed = length,
        .ends = ends,
        .stride = fields,
        .count = marks.newlines,
        .line_count = marks.newlines,
        .high = marks.high,
    };
    if (marks.adjacent || marks.odd) {
        return rewrite_lines(decoder, &marks, frame);
    }
    if (marks.count == marks.newlines * fields && every_line_fits(text, ends, fields, marks.newlines)) {
        return VF_OK;
    }
    return choose_lines(decoder, &marks, frame);
}
