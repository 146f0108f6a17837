// What a fuzzer needs beside libFuzzer's own main. With TRIALOG_FUZZ_WRITE_SEEDS in the environment it writes its seeds
// to that folder and ends.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "google/protobuf/stubs/logging.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);  // Bad UTF-8 is what it is fed.
  const char* folder = std::getenv("TRIALOG_FUZZ_WRITE_SEEDS");
  if (folder == nullptr) return 0;
  const std::vector<std::string> seeds = trialog::fuzz::Seeds();
  for (size_t i = 0; i < seeds.size(); ++i) {
    std::ofstream(std::filesystem::path(folder) / ("seed-" + std::to_string(i)), std::ios::binary) << seeds[i];
  }
  std::exit(0);
}
