# trialog_library(NAME SRCS … HDRS … DEPS … [TESTS …] [TEST_DEPS …])
#   A static library of ours, and one test program NAME_test of the *_test.cc files beside it.
# trialog_binary(NAME [LIBC_MALLOC] SRCS … DEPS …)
#   A program, on jemalloc: the protobuf messages of a fold are many small allocations, freed in another order.
#   LIBC_MALLOC: for what runs under libfaketime, which cannot start beside jemalloc.
# trialog_test(NAME SRCS … DEPS …)
#   A test program of its own, found by ctest under NAME.
# trialog_golden(NAME)
#   The library's tests run in the source folder, where their golden files are.
# trialog_proto(NAME SRCS … DEPS …)
#   Messages of .proto files (paths from proto/, or ROOT), generated at -O1 without debug information: their build time
#   is most of a clean build. No service stubs: the server frame and the client work on descriptors.

# Options and time for a program under a sanitizer, which is several times slower.
function(trialog_sanitized NAME)
  if(TRIALOG_SANITIZE)
    target_sources(${NAME} PRIVATE $<TARGET_OBJECTS:trialog_sanitizer_options>)
  endif()
endfunction()
set(TRIALOG_TIMEOUT_FACTOR 1)
if(TRIALOG_SANITIZE)
  set(TRIALOG_TIMEOUT_FACTOR 10)
endif()

function(trialog_library NAME)
  cmake_parse_arguments(A "" "" "SRCS;HDRS;DEPS;TESTS;TEST_DEPS" ${ARGN})
  add_library(${NAME} STATIC ${A_SRCS} ${A_HDRS})
  target_include_directories(${NAME} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(${NAME} PUBLIC ${A_DEPS} PRIVATE trialog_warnings)
  if(TARGET trialog_pch)
    target_precompile_headers(${NAME} REUSE_FROM trialog_pch)
    target_link_libraries(${NAME} PUBLIC trialog_pch_deps)
  endif()
  if(TRIALOG_TESTS AND A_TESTS)
    trialog_test(${NAME}_test SRCS ${A_TESTS} DEPS ${NAME} ${A_TEST_DEPS})
  endif()
endfunction()

function(trialog_test NAME)
  cmake_parse_arguments(A "" "TIMEOUT" "SRCS;DEPS;ARGS" ${ARGN})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 120)
  endif()
  add_executable(${NAME} ${A_SRCS})
  target_link_libraries(${NAME} PRIVATE ${A_DEPS} GTest::gmock GTest::gtest GTest::gtest_main trialog_warnings)
  target_compile_options(${NAME} PRIVATE ${TRIALOG_TEST_OPTIONS})
  target_precompile_headers(${NAME} REUSE_FROM trialog_test_pch)
  trialog_sanitized(${NAME})
  add_test(NAME ${NAME} COMMAND ${NAME} ${A_ARGS})
  math(EXPR timeout "${A_TIMEOUT} * ${TRIALOG_TIMEOUT_FACTOR}")
  set_tests_properties(${NAME} PROPERTIES TIMEOUT ${timeout})
endfunction()

function(trialog_golden NAME)
  if(TARGET ${NAME}_test)
    set_tests_properties(${NAME}_test PROPERTIES WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  endif()
endfunction()

function(trialog_binary NAME)
  cmake_parse_arguments(A "LIBC_MALLOC" "" "SRCS;DEPS" ${ARGN})
  add_executable(${NAME} ${A_SRCS})
  target_link_libraries(${NAME} PRIVATE ${A_DEPS} trialog_warnings)
  if(NOT TRIALOG_SANITIZE AND NOT A_LIBC_MALLOC)  # The sanitizers bring their own allocator.
    target_link_options(${NAME} PRIVATE -Wl,--push-state,--no-as-needed ${JEMALLOC_LDFLAGS} -Wl,--pop-state)
  endif()
  if(TARGET trialog_pch)
    target_precompile_headers(${NAME} REUSE_FROM trialog_pch)
  endif()
  set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  trialog_sanitized(${NAME})
endfunction()

add_custom_target(generated_protos)  # All of it, for tools that read sources without building them.
set(TRIALOG_PROTO_OUT ${CMAKE_BINARY_DIR}/gen)
file(MAKE_DIRECTORY ${TRIALOG_PROTO_OUT})

function(trialog_proto NAME)
  cmake_parse_arguments(A "" "ROOT" "SRCS;DEPS" ${ARGN})
  if(NOT A_ROOT)
    set(A_ROOT ${CMAKE_SOURCE_DIR}/proto)
  endif()
  set(generated)
  foreach(src ${A_SRCS})
    string(REGEX REPLACE "\\.proto$" "" stem ${src})
    set(out ${TRIALOG_PROTO_OUT}/${stem}.pb.cc ${TRIALOG_PROTO_OUT}/${stem}.pb.h)
    add_custom_command(OUTPUT ${out}
      COMMAND protobuf::protoc -I${A_ROOT} -I${CMAKE_SOURCE_DIR}/proto -I${TRIALOG_GOOGLEAPIS} --cpp_out=${TRIALOG_PROTO_OUT} ${src}
      DEPENDS ${A_ROOT}/${src} VERBATIM)
    list(APPEND generated ${out})
  endforeach()
  add_custom_target(${NAME}_generated DEPENDS ${generated})
  add_dependencies(generated_protos ${NAME}_generated)
  add_library(${NAME} STATIC ${generated})
  target_include_directories(${NAME} SYSTEM PUBLIC ${TRIALOG_PROTO_OUT})
  target_compile_options(${NAME} PRIVATE -w -O1 -g0)
  target_link_libraries(${NAME} PUBLIC protobuf::libprotobuf ${A_DEPS})
endfunction()
