#include <stdlib.h>

#include "plan.h"

vf_plan *vf_plan_new(size_t fields, size_t columns, size_t filters, size_t known) {
    vf_plan *plan = calloc(1, sizeof *plan);
    if (!plan) return NULL;
    plan->references = 1;
    plan->fields = (uint32_t)fields;
    plan->column_count = columns;
    plan->filter_count = filters;
    plan->known_count = known;
    plan->status_field = -1;
    plan->columns = calloc(columns + 1, sizeof *plan->columns);
    plan->filters = calloc(filters + 1, sizeof *plan->filters);
    plan->names = calloc(fields + 1, sizeof *plan->names);
    plan->known = calloc(known + 1, sizeof *plan->known);
    if (!plan->columns || !plan->filters || !plan->names || !plan->known) {
        vf_plan_release(plan);
        return NULL;
    }
    return plan;
}

vf_plan *vf_plan_retain(vf_plan *plan) {
    __atomic_fetch_add(&plan->references, 1, __ATOMIC_RELAXED);
    return plan;
}

static void free_strings(vf_string *strings, size_t count) {
    for (size_t i = 0; strings && i < count; i++) free(strings[i].text);
    free(strings);
}

void vf_plan_release(vf_plan *plan) {
    if (!plan || __atomic_fetch_sub(&plan->references, 1, __ATOMIC_ACQ_REL) != 1) return;
    for (size_t i = 0; plan->columns && i < plan->column_count; i++) free(plan->columns[i].name);
    for (size_t i = 0; plan->filters && i < plan->filter_count; i++) {
        free(plan->filters[i].ranges);
        free(plan->filters[i].networks);
        free_strings(plan->filters[i].texts, plan->filters[i].count);
    }
    free(plan->columns);
    free(plan->filters);
    free_strings(plan->names, plan->fields);
    free_strings(plan->known, plan->known_count);
    free(plan);
}

void vf_plan_complete(vf_plan *plan) {
    plan->headers_fail = false;
    for (size_t f = 0; f < plan->filter_count; f++) {
        const vf_filter *filter = &plan->filters[f];
        plan->headers_fail |= filter->field >= 0 && filter->kind <= VF_FILTER_TIME;
    }
    /* a filter on text or on a column that is not there would drop a header unseen */
    for (size_t c = 0; !plan->filter_count && c < plan->column_count; c++) {
        plan->headers_fail |= plan->columns[c].field >= 0 && plan->columns[c].type <= VF_TIME;
    }
}

/* ---- headers --------------------------------------------------------------------------------- */

static uint8_t name_byte(uint8_t c) { return c == '_' ? '-' : c; }

static bool is_name(const uint8_t *text, size_t length) {
    if (text[0] < 'a' || text[0] > 'z') return false;
    for (size_t i = 1; i < length; i++) {
        uint8_t c = name_byte(text[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
    }
    return true;
}

/* memcmp order of the hyphenated spelling. */
static int compare_name(const uint8_t *text, size_t length, const vf_string *name) {
    size_t common = length < name->length ? length : name->length;
    for (size_t i = 0; i < common; i++) {
        int difference = (int)name_byte(text[i]) - (int)(uint8_t)name->text[i];
        if (difference) return difference;
    }
    return length == name->length ? 0 : length < name->length ? -1 : 1;
}

static bool is_known(const vf_plan *plan, const uint8_t *text, size_t length) {
    size_t low = 0, high = plan->known_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_name(text, length, &plan->known[middle]);
        if (order == 0) return true;
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return false;
}

vf_header_kind vf_plan_header(const vf_plan *plan, const uint8_t *line, size_t length) {
    size_t at = length >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    if (length > at && line[length - 1] == '\r') length--;
    bool known = false, same = true;
    uint32_t tokens = 0;
    while (at < length) {
        if (line[at] == ' ' || line[at] == '\t') {
            at++;
            continue;
        }
        size_t start = at;
        while (at < length && line[at] != ' ' && line[at] != '\t') at++;
        if (!is_name(line + start, at - start)) return VF_NOT_HEADER;
        known = known || is_known(plan, line + start, at - start);
        same = same && tokens < plan->fields &&
               compare_name(line + start, at - start, &plan->names[tokens]) == 0;
        tokens++;
    }
    if (!known) return VF_NOT_HEADER;
    return same && tokens == plan->fields ? VF_SAME_HEADER : VF_OTHER_HEADER;
}

/* ---- filters --------------------------------------------------------------------------------- */

static bool in_ranges(const vf_filter *filter, int64_t value) {
    for (size_t i = 0; i < filter->count; i++) {
        if (value >= filter->ranges[i].low && value <= filter->ranges[i].high) return true;
    }
    return false;
}

static bool in_texts(const vf_filter *filter, const uint8_t *text, size_t length) {
    for (size_t i = 0; i < filter->count; i++) {
        if (filter->texts[i].length == length && memcmp(filter->texts[i].text, text, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool in_networks(const vf_filter *filter, const uint8_t *text, size_t length) {
    uint8_t address[16];
    int family = vf_read_address(text, length, address);
    if (!family) return false;
    for (size_t i = 0; i < filter->count; i++) {
        const vf_network *network = &filter->networks[i];
        if (network->family == family && memcmp(address, network->low, (size_t)family) >= 0 &&
            memcmp(address, network->high, (size_t)family) <= 0) {
            return true;
        }
    }
    return false;
}

static vf_verdict judge_text(const vf_filter *filter, const uint8_t *text, size_t length, bool *pass,
                             vf_reason *reason) {
    if (vf_is_null(text, length)) {
        *pass = filter->match_null;
        return VF_VALUE;
    }
    uint8_t small[256];
    uint8_t *decoded = NULL;
    if (filter->percent && memchr(text, '%', length)) {
        decoded = length <= sizeof small ? small : malloc(length);
        *reason = VF_BAD_PERCENT_ENCODING;
        if (!decoded || !vf_percent_decode(text, length, decoded, &length)) {
            if (decoded != small) free(decoded);
            return VF_BAD;
        }
        text = decoded;
    }
    vf_verdict verdict = VF_VALUE;
    if (!vf_is_utf8(text, length)) {
        *reason = VF_NOT_UTF8;
        verdict = VF_BAD;
    } else {
        *pass = filter->kind == VF_FILTER_ADDRESS ? in_networks(filter, text, length)
                                                  : in_texts(filter, text, length);
    }
    if (decoded != small) free(decoded);
    return verdict;
}

vf_verdict vf_filter_judge(const vf_filter *filter, const uint8_t *text, size_t length, bool *pass,
                           vf_reason *reason) {
    if (filter->kind == VF_FILTER_TEXT || filter->kind == VF_FILTER_ADDRESS) {
        return judge_text(filter, text, length, pass, reason);
    }
    int64_t value = 0;
    vf_verdict verdict = filter->kind == VF_FILTER_TIME
                             ? vf_read_time(text, length, &value, reason)
                             : vf_read_integer(text, length, filter->max, &value, reason);
    if (verdict == VF_BAD) return VF_BAD;
    *pass = verdict == VF_NULL ? filter->match_null : in_ranges(filter, value);
    return VF_VALUE;
}
