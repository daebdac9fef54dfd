#include "section.h"

#include <string.h>

static const vg_fault ends_early = "a value reaches past the end of the data section";

/* `count` bytes, most significant first; the caller has checked that they are there. */
static uint64_t big_endian(const uint8_t *bytes, size_t count) {
    uint64_t number = 0;
    for (size_t i = 0; i < count; i++) number = number << 8 | bytes[i];
    return number;
}

/* The control bytes at an offset: type, size and where the payload starts. */
static vg_fault read_control(const vg_section *section, size_t offset, vg_value *value) {
    if (offset >= section->size) return ends_early;
    const uint8_t *bytes = section->bytes + offset, *end = section->bytes + section->size;
    const uint8_t control = *bytes++;
    unsigned type = control >> 5;
    if (type == VG_POINTER) {
        const unsigned length = (control >> 3 & 3) + 1;
        static const uint32_t bases[] = {0, 2048, 526336, 0};
        if ((size_t)(end - bytes) < length) return ends_early;
        uint32_t target = (uint32_t)big_endian(bytes, length);
        if (length < 4) target += bases[length - 1] + ((uint32_t)(control & 7) << (8 * length));
        *value = (vg_value){VG_POINTER, target, 0, (size_t)(bytes - section->bytes) + length, true};
        return NULL;
    }
    if (type == 0) {
        if (bytes == end) return ends_early;
        type = *bytes++ + 7u;
        if (type < VG_INT32 || type > VG_FLOAT || type == 12 || type == 13) {
            return "a value has a type that format 2.0 does not know";
        }
    }
    uint32_t size = control & 31;
    if (size >= 29) {
        static const uint32_t bases[] = {29, 285, 65821};
        const unsigned length = size - 28;
        if ((size_t)(end - bytes) < length) return ends_early;
        size = bases[length - 1] + (uint32_t)big_endian(bytes, length);
        bytes += length;
    }
    const size_t at = (size_t)(bytes - section->bytes);
    *value = (vg_value){(vg_type)type, size, at, at, false};
    return NULL;
}

/* Whether a scalar has a size that its type can have, and lies within the section. */
static vg_fault check_payload(const vg_section *section, vg_value *value) {
    size_t most;
    switch (value->type) {
    case VG_MAP:
    case VG_ARRAY:
        return NULL;
    case VG_BOOLEAN:
        return value->size <= 1 ? NULL : "a boolean is neither 0 nor 1";
    case VG_DOUBLE:
        if (value->size != 8) return "a double is not of 8 bytes";
        most = 8;
        break;
    case VG_FLOAT:
        if (value->size != 4) return "a float is not of 4 bytes";
        most = 4;
        break;
    case VG_UINT16:
        most = 2;
        break;
    case VG_UINT32:
    case VG_INT32:
        most = 4;
        break;
    case VG_UINT64:
        most = 8;
        break;
    case VG_UINT128:
        most = 16;
        break;
    default:
        most = SIZE_MAX;
    }
    if (value->size > most) return "an integer has more bytes than its type can have";
    if (value->size > section->size - value->at) return ends_early;
    value->next = value->at + value->size;
    return NULL;
}

vg_fault vg_read(const vg_section *section, size_t offset, vg_value *value) {
    vg_fault fault = read_control(section, offset, value);
    if (fault) return fault;
    if (value->type != VG_POINTER) return check_payload(section, value);
    const size_t next = value->next;
    fault = read_control(section, value->size, value);
    if (fault) return fault;
    if (value->type == VG_POINTER) return "a pointer leads to a pointer";
    fault = check_payload(section, value);
    value->next = next;
    value->pointed = true;
    return fault;
}

vg_fault vg_spend(uint32_t *budget) {
    if (!*budget) return "a record holds more than a million values";
    --*budget;
    return NULL;
}

vg_fault vg_skip(const vg_section *section, size_t offset, uint32_t *budget, size_t *next) {
    for (uint64_t left = 1; left; left--) {
        vg_value value;
        vg_fault fault = vg_spend(budget);
        if (!fault) fault = read_control(section, offset, &value);
        if (fault) return fault;
        if (value.type != VG_POINTER) fault = check_payload(section, &value);
        if (fault) return fault;
        if (value.type == VG_MAP) left += 2 * (uint64_t)value.size;
        if (value.type == VG_ARRAY) left += value.size;
        offset = value.next;
    }
    *next = offset;
    return NULL;
}

uint64_t vg_unsigned(const vg_section *section, const vg_value *value) {
    return big_endian(section->bytes + value->at, value->size);
}

int32_t vg_int32(const vg_section *section, const vg_value *value) {
    return (int32_t)(uint32_t)vg_unsigned(section, value);
}

double vg_floating(const vg_section *section, const vg_value *value) {
    const uint64_t bits = vg_unsigned(section, value);
    if (value->type == VG_FLOAT) {
        const uint32_t narrow_bits = (uint32_t)bits;
        float narrow;
        memcpy(&narrow, &narrow_bits, sizeof narrow);
        return (double)narrow;
    }
    double wide;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

/* Bytes that follow a first byte of UTF-8 (RFC 3629), and the range of the first of them; -1: no
 * first byte. Overlong forms and surrogates are outside the ranges. */
static int follows(uint8_t first, uint8_t *low, uint8_t *high) {
    *low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    *high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (first < 0x80) return 0;
    if (first < 0xC2 || first > 0xF4) return -1;
    return first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
}

bool vg_is_utf8(const uint8_t *text, size_t length) {
    const uint8_t *end = text + length;
    while (text < end) {
        uint8_t low, high;
        int more = follows(*text++, &low, &high);
        if (more < 0 || end - text < more) return false;
        for (; more > 0; more--, text++) {
            if (*text < low || *text > high) return false;
            low = 0x80;
            high = 0xBF;
        }
    }
    return true;
}
