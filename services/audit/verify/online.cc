#include "services/audit/verify/online.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "platform/command/decision.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/audit/domain/leaf.h"
#include "services/audit/tree/proof.h"

namespace trialog::audit {
namespace {

constexpr std::string_view kService = "trialog.audit.v1.AuditService/";

std::vector<std::string> Hashes(const google::protobuf::RepeatedPtrField<std::string>& hashes) {
  return {hashes.begin(), hashes.end()};
}

absl::Status TreeChanged(std::string_view message) {
  return Refuse(absl::StatusCode::kDataLoss, "TREE_CHANGED", message);
}

absl::Status Unproven(std::string_view message) {
  return Refuse(absl::StatusCode::kDataLoss, "ENTRY_UNPROVEN", message);
}

// The old file or the new one, never a half.
absl::Status Keep(const std::string& path, std::string_view note) {
  const std::string fresh = path + ".new";
  std::ofstream(fresh, std::ios::binary | std::ios::trunc) << note << std::flush;
  std::error_code error;
  if (std::filesystem::file_size(fresh, error) == note.size() && !error) std::filesystem::rename(fresh, path, error);
  if (!error && std::filesystem::exists(path)) return absl::OkStatus();
  return Refuse(absl::StatusCode::kFailedPrecondition, "CHECKPOINT_NOT_KEPT", Cat("cannot write ", path));
}

}  // namespace

absl::StatusOr<Checkpoint> OnlineVerifier::Open(std::string_view note) const {
  auto text = sealing::OpenNote(note, {verifier_});
  if (!text.ok()) return text.status();
  auto checkpoint = ParseCheckpoint(*text);
  if (!checkpoint.ok()) return checkpoint.status();
  if (checkpoint->origin != verifier_.name()) {
    return Refuse(absl::StatusCode::kUnauthenticated, "NOTE_UNVERIFIED", "the checkpoint is of another log");
  }
  return checkpoint;
}

absl::StatusOr<Checkpoint> OnlineVerifier::CheckpointFollows(const std::string& kept_file) const {
  auto latest = client_.Call<v1::Checkpoint>(Cat(kService, "GetCheckpoint"), v1::GetCheckpointRequest(), options_);
  if (!latest.ok()) return latest.status();
  auto checkpoint = Open(latest->note());
  if (!checkpoint.ok()) return checkpoint;
  if (std::ifstream file(kept_file, std::ios::binary); file) {
    std::stringstream note;
    note << file.rdbuf();
    auto kept = Open(note.str());
    if (!kept.ok()) return kept;
    if (checkpoint->size < kept->size) {
      return TreeChanged(Cat("the server signed ", kept->size, " leaves before and shows ", checkpoint->size, " now"));
    }
    v1::GetConsistencyProofRequest request;
    request.set_from_size(kept->size);
    request.set_to_size(checkpoint->size);
    auto proof = client_.Call<v1::ConsistencyProof>(Cat(kService, "GetConsistencyProof"), request, options_);
    if (!proof.ok()) return proof.status();
    if (!VerifyConsistency(kept->size, checkpoint->size, kept->root, checkpoint->root, Hashes(proof->hashes()))) {
      return TreeChanged("the tree does not begin with the one of the kept checkpoint");
    }
  }
  if (absl::Status saved = Keep(kept_file, latest->note()); !saved.ok()) return saved;
  return checkpoint;
}

absl::StatusOr<v1::GetEntryResponse> OnlineVerifier::Entry(std::string_view name) const {
  v1::GetEntryRequest request;
  request.set_name(std::string(name));
  auto response = client_.Call<v1::GetEntryResponse>(Cat(kService, "GetEntry"), request, options_);
  if (!response.ok()) return response.status();
  const v1::AuditEntry& entry = response->entry();
  auto checkpoint = Open(response->checkpoint().note());
  if (!checkpoint.ok()) return checkpoint.status();
  const std::string own_name =
      Cat("organizations/", entry.content().organization(), "/auditEntries/", UuidText(entry.content().event_id()));
  if (own_name != name) return Unproven("the server answered with another entry");
  if (!MaterialHolds(entry)) return Unproven("the leaf is not that of the entry");
  if (entry.tree_index() != response->proof().tree_index() ||
      !VerifyInclusion(entry.tree_index(), checkpoint->size, HashLeaf(entry.material().leaf()), checkpoint->root,
                       Hashes(response->proof().hashes()))) {
    return Unproven("the leaf is not in the signed tree");
  }
  return response;
}

}  // namespace trialog::audit
