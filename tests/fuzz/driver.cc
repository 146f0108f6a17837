// Runs a fuzzer without libFuzzer: its seeds, the inputs kept in its corpus folder, then changes of them until the time
// is over. The same seed gives the same inputs in the same order.
//
// usage: fuzz_… [--corpus FOLDER] [--seconds S] [--seed N] [FILE | FOLDER]…      with files: just those
// TRIALOG_FUZZ_SECONDS and TRIALOG_FUZZ_SEED in the environment do the same for a run under ctest.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "google/protobuf/stubs/logging.h"
#include "platform/text/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

// Defined by the fuzzers whose inputs have a structure.
extern "C" __attribute__((weak)) size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                                                unsigned seed);
// Of the sanitizers' runtime, where there is one.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace trialog::fuzz {
namespace {

constexpr size_t kMaxInput = 64 * 1024;
constexpr unsigned kSlowSeconds = 60;  // An input that takes longer hangs; sanitizers and shared machines are slow.

struct Options {
  double seconds = 1;
  uint64_t seed = 1;
  std::string corpus;
  std::vector<std::string> paths;
};

// What runs now, for the handler of a crash.
std::string current;
char crash_file[256];

void KeepCurrent() {
  const int file = ::open(crash_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file >= 0) {
    [[maybe_unused]] const ssize_t written = ::write(file, current.data(), current.size());
    ::close(file);
  }
  constexpr char kNote[] = "\nthe input is kept in ";
  for (const char* text : {kNote, static_cast<const char*>(crash_file), "\n"}) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
  }
}

void OnSignal(int signal) {
  KeepCurrent();
  std::signal(signal, SIG_DFL);
  ::raise(signal);
}

void CatchCrashes(const char* program) {
  const std::string name = std::filesystem::path(program).filename();
  std::snprintf(crash_file, sizeof crash_file, "%s.crash", name.c_str());
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(KeepCurrent);
  for (const int signal : {SIGABRT, SIGALRM, SIGFPE, SIGILL, SIGSEGV, SIGBUS}) std::signal(signal, OnSignal);
}

void Run(const std::string& input) {
  current = input;
  ::alarm(kSlowSeconds);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(current.data()), current.size());
  ::alarm(0);
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  Require(file.good(), Cat("a file at ", path.string()));
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

std::vector<std::string> ReadInputs(const std::string& path) {
  if (!std::filesystem::is_directory(path)) return {ReadFile(path)};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> inputs;
  for (const auto& file : files) inputs.push_back(ReadFile(file));
  return inputs;
}

Random mutator;
std::vector<std::string> pool;

std::string Next() {
  std::string input = pool[Pick(mutator, pool.size())];
  for (size_t rounds = 1 + Pick(mutator, 3); rounds > 0; --rounds) {
    input.resize(std::min(input.size(), kMaxInput));
    const size_t size = input.size();
    input.resize(kMaxInput);
    auto* data = reinterpret_cast<uint8_t*>(input.data());
    input.resize(LLVMFuzzerCustomMutator != nullptr
                     ? LLVMFuzzerCustomMutator(data, size, kMaxInput, static_cast<unsigned>(mutator()))
                     : LLVMFuzzerMutate(data, size, kMaxInput));
  }
  return input;
}

Options ParseOptions(int argc, char** argv) {
  Options options;
  if (const char* seconds = std::getenv("TRIALOG_FUZZ_SECONDS")) options.seconds = std::strtod(seconds, nullptr);
  if (const char* seed = std::getenv("TRIALOG_FUZZ_SEED")) options.seed = std::strtoull(seed, nullptr, 10);
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--seconds" && i + 1 < argc) {
      options.seconds = std::strtod(argv[++i], nullptr);
    } else if (flag == "--seed" && i + 1 < argc) {
      options.seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (flag == "--corpus" && i + 1 < argc) {
      options.corpus = argv[++i];
    } else {
      options.paths.emplace_back(flag);
    }
  }
  return options;
}

int Main(int argc, char** argv) {
  google::protobuf::SetLogHandler(nullptr);  // Bad UTF-8 is what it is fed.
  CatchCrashes(argv[0]);
  const Options options = ParseOptions(argc, argv);
  if (!options.paths.empty()) {
    size_t inputs = 0;
    for (const std::string& path : options.paths) {
      for (const std::string& input : ReadInputs(path)) Run(input), ++inputs;
    }
    if (TrialogFuzzerFinish != nullptr) TrialogFuzzerFinish();
    std::printf("%zu inputs held\n", inputs);
    return 0;
  }
  std::printf("seed %llu\n", static_cast<unsigned long long>(options.seed));
  std::fflush(stdout);
  pool = Seeds();
  if (std::filesystem::is_directory(options.corpus)) {
    for (std::string& input : ReadInputs(options.corpus)) pool.push_back(std::move(input));
  }
  Require(!pool.empty(), "there is an input to begin with");
  for (const std::string& input : pool) Run(input);
  mutator.seed(options.seed);
  size_t runs = 0;
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < std::chrono::duration<double>(options.seconds)) {
    Run(Next());
    ++runs;
  }
  if (TrialogFuzzerFinish != nullptr) TrialogFuzzerFinish();
  std::printf("%zu inputs to begin with, %zu changes of them: all held\n", pool.size(), runs);
  return 0;
}

}  // namespace
}  // namespace trialog::fuzz

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size) {
  using namespace trialog::fuzz;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  MutateBytes(bytes, mutator, pool);
  bytes.resize(std::min(bytes.size(), max_size));
  return GiveBack(bytes, data, max_size);
}

int main(int argc, char** argv) { return trialog::fuzz::Main(argc, argv); }
