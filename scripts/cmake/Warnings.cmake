# Every warning is an error, under gcc and clang alike.
add_compile_options(-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wnull-dereference
  -fno-strict-aliasing -fno-omit-frame-pointer -fstack-protector-strong)
add_compile_definitions(_GNU_SOURCE)
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND ABM_SANITIZE STREQUAL "")
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  # gcc's flow analysis takes inlined library code for a null dereference.
  add_compile_options(-Wno-null-dereference)
endif()
if(ABM_SANITIZE)
  add_compile_options(-fsanitize=${ABM_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ABM_SANITIZE})
endif()
if(ABM_FUZZ)
  # The layers are fuzzed, so their branches are what the fuzzer must see; the targets link its engine.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
add_link_options(-Wl,-z,relro,-z,now)
