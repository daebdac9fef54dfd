#include "kernel.h"

size_t vf_kernels(const vf_kernel **out, size_t room) {
    const vf_kernel *all[4] = {&vf_kernel_scalar};
    size_t count = 1;
#if defined(__x86_64__) || defined(_M_X64)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                      __builtin_cpu_supports("bmi2");
    if (avx2) all[count++] = &vf_kernel_avx2;
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512vbmi") &&
        __builtin_cpu_supports("avx512vbmi2")) {
        all[count++] = &vf_kernel_avx512;
    }
#elif defined(__aarch64__) || defined(_M_ARM64)
    all[count++] = &vf_kernel_neon;
#endif
    if (count > room) count = room;
    for (size_t i = 0; i < count; i++) out[i] = all[i];
    return count;
}
