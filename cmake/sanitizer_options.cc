// What the sanitizers' runtimes ask a program for. Linked into every program of the presets asan and tsan, so that a
// run outside scripts/test.sh (ctest, a debugger, a server that a client test starts) has the same options.

extern "C" const char* __asan_default_options() {
  // A request for memory that is refused must be answered with null, as production does (password hashes ask for much).
  return "allocator_may_return_null=1:detect_stack_use_after_return=1";
}

extern "C" const char* __ubsan_default_options() { return "print_stacktrace=1"; }

extern "C" const char* __tsan_default_options() { return "halt_on_error=1:second_deadlock_stack=1"; }

// Libraries of Debian are not instrumented: what they synchronise by atomics of their own looks like a race. What gRPC,
// RocksDB or librdkafka has a part in is left out for that, so also what our code does on their threads; owner, folds,
// views, log, reactions and their tests are looked at whole.
extern "C" const char* __tsan_default_suppressions() {
  return "race:libgrpc\n"
         "race:grpc::\n"
         "race:grpc_core::\n"
         "race:rocksdb::\n"
         "race:librocksdb\n"
         "race:librdkafka\n"
         "race:status_internal\n"  // References to a status's payload are counted in the library.
         "race_top:libabsl_\n";    // The lock's own search for cycles.
}
