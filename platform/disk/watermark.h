// How much of a disk is kept free: README.md.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace trialog::disk {

// Bytes that this process may still use on the disk of `path`; none when it cannot be asked.
struct Space {
  bool known = false;
  uint64_t free = 0;
};
Space SpaceAt(const std::string& path);

// RESOURCE_EXHAUSTED, reason DISK_WATERMARK, when fewer bytes are free than are to be kept.
absl::Status CheckFree(uint64_t free, uint64_t keep);
// The same for the disk of `path`. OK when it cannot be asked: the write will tell. One system call.
absl::Status CheckWatermark(const std::string& path, uint64_t keep);

}  // namespace trialog::disk
