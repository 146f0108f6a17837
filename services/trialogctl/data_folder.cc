#include "services/trialogctl/data_folder.h"

#include <filesystem>

#include "platform/errors/errors.h"
#include "platform/sealing/encoding.h"
#include "platform/sealing/master_key.h"
#include "platform/text/text.h"
#include "services/trialogctl/secret_files.h"

namespace trialog::ctl {
namespace {

constexpr size_t kTokenBytes = 32;

absl::Status KeepOld(const absl::Status& status) { return absl::IsAlreadyExists(status) ? absl::OkStatus() : status; }

}  // namespace

std::string InitTokenPath(const std::string& data) { return Cat(data, "/keys/init.token"); }

absl::Status MakeDataFolder(const std::string& data, Runtime& runtime) {
  const std::filesystem::path keys = std::filesystem::path(data) / "keys";
  std::error_code error;
  std::filesystem::create_directories(keys, error);
  if (!error) std::filesystem::permissions(keys, std::filesystem::perms::owner_all, error);
  if (error)
    return Refuse(absl::StatusCode::kFailedPrecondition, "DATA_FOLDER", Cat(keys.string(), ": ", error.message()));
  for (const char* name : {"master.key", "service.key", "audit.key"}) {
    const auto made = sealing::MasterKey::CreateFile(keys / name, runtime);
    if (absl::Status kept = KeepOld(made.status()); !kept.ok()) return kept;
  }
  return KeepOld(
      CreateSecretFile(InitTokenPath(data), Cat(sealing::Base64Url(runtime.RandomBytes(kTokenBytes)), "\n")));
}

}  // namespace trialog::ctl
