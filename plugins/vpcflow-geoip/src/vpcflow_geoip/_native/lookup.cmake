# The part that knows nothing of Python, as the static library vg_lookup.
set(VG_DIR ${CMAKE_CURRENT_LIST_DIR})
set(VG_SOURCES address.c map.c scope.c section.c table.c tree.c wants.c)
list(TRANSFORM VG_SOURCES PREPEND ${VG_DIR}/)
add_library(vg_lookup STATIC ${VG_SOURCES})
target_include_directories(vg_lookup PUBLIC ${VG_DIR})
target_compile_options(vg_lookup PUBLIC -Wall -Wextra -fvisibility=hidden)
if(VG_WERROR) # not for those who build from source with a compiler that knows more warnings
  target_compile_options(vg_lookup PUBLIC -Werror)
endif()
set_target_properties(vg_lookup PROPERTIES POSITION_INDEPENDENT_CODE ON)
