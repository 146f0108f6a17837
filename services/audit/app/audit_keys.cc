#include "services/audit/app/audit_keys.h"

#include "platform/sealing/digest.h"
#include "platform/sealing/master_key.h"

namespace trialog::audit {
namespace {

// Part of the stored format: the tree and its signatures follow from them.
constexpr std::string_view kDerivation = "trialog.audit.keys.v1";
constexpr std::string_view kSigningPurpose = "checkpoint signing";
constexpr std::string_view kSaltPurpose = "leaf salts";

}  // namespace

absl::StatusOr<AuditKeys> LoadAuditKeys(const std::string& path, std::string_view origin) {
  auto seed = sealing::MasterKey::FromFile(path);
  if (!seed.ok()) return seed.status();
  auto signer = sealing::NoteSigner::FromSeed(origin, sealing::HkdfSha256(seed->key(), kDerivation, kSigningPurpose));
  if (!signer.ok()) return signer.status();
  return AuditKeys{*std::move(signer), sealing::HkdfSha256(seed->key(), kDerivation, kSaltPurpose)};
}

absl::Status CreateAuditKeyFile(const std::string& path, Runtime& runtime) {
  return sealing::MasterKey::CreateFile(path, runtime).status();
}

}  // namespace trialog::audit
