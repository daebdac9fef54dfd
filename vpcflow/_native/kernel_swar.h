/* Integers one at a time in a 64-bit register ("SIMD within a register"): for the kernels of
 * instruction sets whose vectors would not be faster. */

#define VF_LANES 1
typedef uint64_t vf_lanes;

#define VF_BYTES(c) (0x0101010101010101u * (c))

VF_INLINE void lanes_store32(int32_t *out, vf_lanes value) { *out = (int32_t)value; }
VF_INLINE void lanes_store64(int64_t *out, vf_lanes value) { *out = (int64_t)value; }

/* The high bit of each byte that is not a digit. */
VF_INLINE uint64_t not_digits(uint64_t window) {
    const uint64_t t = window ^ VF_BYTES('0');
    return (((t & VF_BYTES(0x7F)) + VF_BYTES(0x76)) | t) & VF_BYTES(0x80);
}

/* The number that eight bytes 0..9 make, the lowest byte first. */
VF_INLINE uint64_t eight_digits(uint64_t digits) {
    digits = digits * 10 + (digits >> 8);
    return (((digits & 0x000000FF000000FFu) * 0x000F424000000064u) +
            ((digits >> 16 & 0x000000FF000000FFu) * 0x0000271000000001u)) >>
           32;
}

VF_INLINE uint32_t int_lanes(const uint64_t *windows, uint8_t before, uint64_t max, vf_lanes *value,
                             uint32_t *null) {
    const uint64_t window = *windows;
    const uint64_t bad = not_digits(window);
    *null = window >> 48 == ((uint64_t)'-' << 8 | before);
    *value = 0;
    if (VF_UNLIKELY(!bad || bad >> 63)) return *null;
    const unsigned bits = vf_clz64(bad); /* 8 a digit */
    const uint64_t digits = (window ^ VF_BYTES('0')) & ~0ull << (64 - bits);
    *value = eight_digits(digits);
    const bool leading_zero = (window >> (64 - bits) & 0xFF) == '0' && bits > 8;
    return (window << bits) >> 56 == before && !leading_zero && *value <= max;
}

VF_INLINE uint32_t time_lanes(const uint64_t *pair, uint8_t before, vf_lanes *value, uint32_t *null) {
    const uint64_t window = pair[1], first = pair[0] >> 40; /* separator and two digits */
    const uint64_t a = (first >> 8 & 0xFF) - '0', b = (first >> 16) - '0';
    *null = window >> 48 == ((uint64_t)'-' << 8 | before);
    *value = (eight_digits(window ^ VF_BYTES('0')) + (a * 10 + b) * 100000000u) * 1000;
    return *null || (!not_digits(window) && (first & 0xFF) == before && a - 1 <= 8 && b <= 9);
}
