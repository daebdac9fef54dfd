#include <time.h>

#include "require.h"
#include "result.h"

#define MARK "\xEF\xBB\xBF"

typedef struct {
    const uint8_t *text;
    size_t length;
} token;

/* A line, and where it stands. */
typedef struct {
    const uint8_t *text;
    size_t length;
    uint64_t number, offset;
    bool ended; /* by a newline */
} line;

static void reject(result *out, const line *at, vf_reason reason, int32_t field) {
    const vf_reject facts = {.line = at->number,
                             .offset = at->offset,
                             .reason = reason,
                             .field = field,
                             .length = (uint32_t)at->length,
                             .text = (uint8_t *)at->text};
    out->counts.rejected++;
    out->counts.reasons[reason]++;
    keep_reject(out, &facts);
}

/* ---- values as JSON --------------------------------------------------------------------------- */

static void write_time(vf_buffer *row, int64_t ms) {
    char text[64];
    const time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    REQUIRE(gmtime_r(&seconds, &parts), "%lld", (long long)ms);
    size_t length = strftime(text, sizeof text, "\"%Y-%m-%dT%H:%M:%S", &parts);
    if (ms % 1000) length += (size_t)sprintf(text + length, ".%03d", (int)(ms % 1000));
    append(row, text, length);
    append(row, "Z\"", 2);
}

static void write_text(vf_buffer *row, const uint8_t *text, size_t length) {
    append(row, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        char escape[8];
        if (text[i] == '"' || text[i] == '\\') append(row, "\\", 1);
        if (text[i] >= ' ' && text[i] != 0x7F) append(row, text + i, 1);
        else append(row, escape, (size_t)sprintf(escape, "\\u%04x", text[i]));
    }
    append(row, "\"", 1);
}

static void write_name(vf_buffer *row, const char *name) {
    if (row->length > 1) append(row, ",", 1);
    append(row, "\"", 1);
    append(row, name, strlen(name));
    append(row, "\":", 2);
}

/* ---- one value --------------------------------------------------------------------------------
 * Judge it and append it, with its name, to the row; null appends nothing. */

static vf_verdict read_number(const vf_column *column, token value, vf_buffer *row, vf_reason *reason) {
    const bool time = column->type == VF_TIME;
    int64_t number;
    char digits[32];
    const vf_verdict verdict =
        time ? vf_read_time(value.text, value.length, &number, reason)
             : vf_read_integer(value.text, value.length, column->max, &number, reason);
    if (verdict != VF_VALUE) return verdict;
    write_name(row, column->name);
    if (time) write_time(row, number);
    else append(row, digits, (size_t)sprintf(digits, "%lld", (long long)number));
    return VF_VALUE;
}

static vf_verdict read_text(const vf_column *column, token value, vf_buffer *row, vf_reason *reason) {
    uint8_t *decoded = NULL;
    bool good = true;
    if (vf_is_null(value.text, value.length)) return VF_NULL;
    *reason = VF_BAD_PERCENT_ENCODING;
    if (column->percent) {
        decoded = malloc(value.length);
        REQUIRE(decoded, "without memory");
        good = vf_percent_decode(value.text, value.length, decoded, &value.length);
        value.text = decoded;
    }
    if (good) {
        *reason = VF_NOT_UTF8;
        good = vf_is_utf8(value.text, value.length);
    }
    if (good) {
        write_name(row, column->name);
        write_text(row, value.text, value.length);
    }
    free(decoded);
    return good ? VF_VALUE : VF_BAD;
}

/* ---- one line --------------------------------------------------------------------------------- */

/* Blanks and tabs separate, and one carriage return at the very end; returns the number of tokens, of
 * which `room` are noted. */
static size_t split(const line *at, token *tokens, size_t room) {
    size_t count = 0, length = at->length;
    if (length && at->text[length - 1] == '\r') length--;
    for (size_t i = 0; i < length;) {
        const size_t start = i;
        while (i < length && at->text[i] != ' ' && at->text[i] != '\t') i++;
        if (i > start && count < room) tokens[count] = (token){at->text + start, i - start};
        count += i > start;
        i += i == start;
    }
    return count;
}

/* Judge all filters before any is heeded. The field at fault, or -1; *pass then says what they say. */
static int32_t filter(const vf_plan *plan, const token *tokens, bool *pass, vf_reason *reason) {
    *pass = true;
    for (size_t f = 0; f < plan->filter_count; f++) {
        const vf_filter *one = &plan->filters[f];
        const token value = tokens[one->field < 0 ? 0 : one->field];
        bool passes = one->match_null;
        if (one->field >= 0 &&
            vf_filter_judge(one, value.text, value.length, &passes, reason) == VF_BAD) {
            return one->field; /* filters are in line order */
        }
        *pass = *pass && passes;
    }
    return -1;
}

/* The first field in line order that cannot be read, or -1 and the row is appended. */
static int32_t read_columns(const vf_plan *plan, const token *tokens, result *out, vf_reason *reason) {
    vf_buffer row = {0};
    int32_t bad = -1;
    append(&row, "{", 1);
    for (size_t c = 0; c < plan->column_count; c++) {
        const vf_column *column = &plan->columns[c];
        vf_reason why;
        if (column->field < 0) continue;
        const token value = tokens[column->field];
        const vf_verdict verdict = column->type <= VF_TIME ? read_number(column, value, &row, &why)
                                                           : read_text(column, value, &row, &why);
        if (verdict != VF_BAD) continue;
        if (bad >= 0 && bad < column->field) continue;
        bad = column->field;
        *reason = why;
    }
    append(&row, "}\n", 2);
    if (bad < 0) append(&out->rows, row.data, row.length);
    vf_buffer_free(&row, NULL);
    return bad;
}

static bool is(token value, const char *text) {
    return value.length == strlen(text) && memcmp(value.text, text, value.length) == 0;
}

static void read_record(const vf_plan *plan, const line *at, const token *tokens, result *out) {
    bool pass;
    vf_reason reason = VF_REASONS;
    int32_t bad = filter(plan, tokens, &pass, &reason);
    if (bad < 0 && !pass) {
        out->counts.filtered++;
        return;
    }
    if (bad < 0) bad = read_columns(plan, tokens, out, &reason);
    if (bad >= 0) {
        reject(out, at, reason, bad);
        return;
    }
    out->counts.records++;
    if (plan->status_field < 0) return;
    out->counts.nodata += is(tokens[plan->status_field], "NODATA");
    out->counts.skipdata += is(tokens[plan->status_field], "SKIPDATA");
}

/* False: a header with other fields. */
static bool read_line(const input *in, const line *at, result *out) {
    const vf_plan *plan = in->plan;
    token tokens[64];
    REQUIRE(plan->fields <= 64, "%u fields", plan->fields);
    const size_t count = split(at, tokens, 64);
    const vf_header_kind header = vf_plan_header(plan, at->text, at->length);
    if (!at->ended && in->damaged) {
        reject(out, at, VF_TRUNCATED, -1);
    } else if (at->length > VF_MAX_LINE) {
        reject(out, at, VF_LINE_TOO_LONG, -1);
    } else if (!count) {
        out->counts.blank++;
    } else if (header != VF_NOT_HEADER) {
        out->counts.header += header == VF_SAME_HEADER;
        if (header == VF_OTHER_HEADER) return false;
    } else if (count != plan->fields) {
        reject(out, at, count < plan->fields ? VF_TOO_FEW_FIELDS : VF_TOO_MANY_FIELDS, -1);
    } else {
        read_record(plan, at, tokens, out);
    }
    return true;
}

result read_slowly(const input *in) {
    result out = new_result("the slow reader");
    size_t at = !in->later && in->length >= 3 && memcmp(in->text, MARK, 3) == 0 ? 3 : 0;
    out.line = first_line(in);
    while (at < in->length) {
        const uint8_t *text = in->text + at, *stop = memchr(text, '\n', in->length - at);
        const size_t length = stop ? (size_t)(stop - text) : in->length - at;
        const line one = {text, length, out.line, first_offset(in) + at, stop != NULL};
        out.header = !read_line(in, &one, &out);
        if (out.header) break;
        out.counts.lines++;
        out.line++;
        at += length + (stop != NULL);
    }
    out.offset = first_offset(in) + at;
    return out;
}
