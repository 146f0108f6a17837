#include "platform/disk/watermark.h"

#include <filesystem>

#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::disk {

Space SpaceAt(const std::string& path) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(path, error);
  return error ? Space() : Space{true, space.available};
}

absl::Status CheckFree(uint64_t free, uint64_t keep) {
  if (free >= keep) return absl::OkStatus();
  return RetryLater(absl::StatusCode::kResourceExhausted, "DISK_WATERMARK",
                    Cat("the disk has ", free, " bytes left and keeps ", keep, " free; make room, reads go on"),
                    absl::Seconds(10));
}

absl::Status CheckWatermark(const std::string& path, uint64_t keep) {
  if (keep == 0) return absl::OkStatus();
  const Space space = SpaceAt(path);
  return space.known ? CheckFree(space.free, keep) : absl::OkStatus();
}

}  // namespace trialog::disk
