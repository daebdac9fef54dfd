# The part of the kernel that knows nothing of Python, as the static library vf_kernel.
set(VF_DIR ${CMAKE_CURRENT_LIST_DIR})
set(VF_SOURCES
    batch.c buffer.c decoder.c dictionary.c frame.c group.c kernel_scalar.c kernels.c keys.c
    last_used.c numbers.c plan.c reader.c render.c schema.c text.c)
set(VF_AVX2 -mavx2 -mbmi -mbmi2 -mlzcnt -mpopcnt)
set(VF_AVX512 ${VF_AVX2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mavx512vbmi
    -mavx512vbmi2 -mprefer-vector-width=512)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  list(APPEND VF_SOURCES kernel_avx2.c kernel_avx512.c)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
  list(APPEND VF_SOURCES kernel_neon.c)
endif()

list(TRANSFORM VF_SOURCES PREPEND ${VF_DIR}/)
add_library(vf_kernel STATIC ${VF_SOURCES})
target_include_directories(vf_kernel PUBLIC ${VF_DIR})
target_compile_options(vf_kernel PUBLIC -Wall -Wextra -fvisibility=hidden)
if(VF_WERROR) # not for those who build from source with a compiler that knows more warnings
  target_compile_options(vf_kernel PUBLIC -Werror)
endif()
set_target_properties(vf_kernel PROPERTIES POSITION_INDEPENDENT_CODE ON)
set_source_files_properties(${VF_DIR}/kernel_avx2.c PROPERTIES COMPILE_OPTIONS "${VF_AVX2}")
set_source_files_properties(${VF_DIR}/kernel_avx512.c PROPERTIES COMPILE_OPTIONS "${VF_AVX512}")
