# Compiler settings that hold for every target of ours; generated code relaxes them in Targets.cmake.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# -O3 costs half as much build time again and no figure of ours showed a gain.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

add_compile_options(-fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fpch-preprocess)  # Not -fpch-deps: with it gcc 12 cannot preprocess alone, which ccache does.
else()
  # Debian's Abseil was built by a compiler that mangles one template otherwise.
  add_compile_options(-fclang-abi-compat=17)
endif()
if(TRIALOG_SANITIZE)
  add_compile_options(-fsanitize=${TRIALOG_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TRIALOG_SANITIZE})
endif()
if(TRIALOG_LIBFUZZER)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# A warning in our code is an error; generated code and system headers are exempt.
add_library(trialog_warnings INTERFACE)
target_compile_options(trialog_warnings INTERFACE
  -Wall -Wextra -Werror -Wswitch -Wnon-virtual-dtor -Wimplicit-fallthrough -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-stringop-overflow -Wno-array-bounds -Wno-maybe-uninitialized>
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-builtins -Wno-unused-private-field>)
