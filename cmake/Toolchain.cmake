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
  # Of enums gRPC's status codes alone are closed, and hold whatever a peer sent: what we make of that is tested.
  add_compile_options(-fsanitize=${TRIALOG_SANITIZE} -fno-sanitize-recover=all -fno-sanitize=enum)
  add_link_options(-fsanitize=${TRIALOG_SANITIZE})
  add_library(trialog_sanitizer_options OBJECT ${CMAKE_SOURCE_DIR}/cmake/sanitizer_options.cc)
endif()
if(TRIALOG_SANITIZE STREQUAL "thread")
  target_sources(trialog_sanitizer_options PRIVATE ${CMAKE_SOURCE_DIR}/cmake/tsan_absl.cc
                                                      ${CMAKE_SOURCE_DIR}/cmake/tsan_threads.cc)
  foreach(symbol 5Mutex4LockEv 5Mutex7TryLockEv 5Mutex6UnlockEv 5Mutex10ReaderLockEv 5Mutex12ReaderUnlockEv 5Mutex5AwaitERKNS0_9ConditionE
          5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE 7CondVar4WaitEPNS0_5MutexE
          7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE
          5MutexD1Ev 19ReleasableMutexLock7ReleaseEv 12Notification6NotifyEv 15BlockingCounter14DecrementCountEv
          15BlockingCounter4WaitEv)
    add_link_options(-Wl,--wrap=_ZN4absl7debian3${symbol})
  endforeach()
  add_link_options(-Wl,--wrap=_ZNK4absl7debian312Notification19WaitForNotificationEv)
endif()
if(TRIALOG_LIBFUZZER)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# A warning in our code is an error; generated code and system headers are exempt.
add_library(trialog_warnings INTERFACE)
target_compile_options(trialog_warnings INTERFACE
  -Wall -Wextra -Werror -Wswitch -Wnon-virtual-dtor -Wimplicit-fallthrough -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-stringop-overflow -Wno-array-bounds -Wno-maybe-uninitialized>
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${TRIALOG_UNITY}>>:-Wno-subobject-linkage>  # No file is the main one then.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-builtins -Wno-deprecated-declarations -Wno-unused-private-field>)
