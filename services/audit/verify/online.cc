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
constexpr int kPage = 1000;

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

template <typename Response>
absl::StatusOr<Response> OnlineVerifier::Call(std::string_view method, const google::protobuf::Message& request) const {
  auto token = token_();
  if (!token.ok()) return token.status();
  return client_.Call<Response>(Cat(kService, method), request, {.token = *std::move(token)});
}

absl::StatusOr<std::string> OnlineVerifier::LatestNote(Checkpoint& checkpoint) const {
  auto latest = Call<v1::Checkpoint>("GetCheckpoint", v1::GetCheckpointRequest());
  if (!latest.ok()) return latest.status();
  auto opened = Open(latest->note());
  if (!opened.ok()) return opened.status();
  checkpoint = *std::move(opened);
  return latest->note();
}

absl::StatusOr<Checkpoint> OnlineVerifier::Latest() const {
  Checkpoint checkpoint;
  const auto note = LatestNote(checkpoint);
  if (!note.ok()) return note.status();
  return checkpoint;
}

absl::Status OnlineVerifier::Continues(const Checkpoint& earlier, const Checkpoint& later) const {
  if (later.size < earlier.size) {
    return TreeChanged(Cat("the server signed ", earlier.size, " leaves before and shows ", later.size, " now"));
  }
  v1::GetConsistencyProofRequest request;
  request.set_from_size(earlier.size);
  request.set_to_size(later.size);
  auto proof = Call<v1::ConsistencyProof>("GetConsistencyProof", request);
  if (!proof.ok()) return proof.status();
  if (VerifyConsistency(earlier.size, later.size, earlier.root, later.root, Hashes(proof->hashes()))) {
    return absl::OkStatus();
  }
  return TreeChanged(Cat("the tree of ", later.size, " leaves does not begin with the signed one of ", earlier.size));
}

absl::StatusOr<Checkpoint> OnlineVerifier::CheckpointFollows(const std::string& kept_file) const {
  Checkpoint checkpoint;
  const auto latest = LatestNote(checkpoint);
  if (!latest.ok()) return latest.status();
  if (std::ifstream file(kept_file, std::ios::binary); file) {
    std::stringstream note;
    note << file.rdbuf();
    auto kept = Open(note.str());
    if (!kept.ok()) return kept;
    if (absl::Status continues = Continues(*kept, checkpoint); !continues.ok()) return continues;
  }
  if (absl::Status saved = Keep(kept_file, *latest); !saved.ok()) return saved;
  return checkpoint;
}

absl::StatusOr<ProvenEntry> OnlineVerifier::Entry(std::string_view name) const {
  v1::GetEntryRequest request;
  request.set_name(std::string(name));
  auto response = Call<v1::GetEntryResponse>("GetEntry", request);
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
  return ProvenEntry{*std::move(response), *std::move(checkpoint)};
}

absl::Status OnlineVerifier::ForEachEntry(const std::string& organization, const Checkpoint& checkpoint,
                                          const std::function<absl::Status(const std::string& name)>& visit) const {
  v1::ListEntriesRequest request;
  request.set_parent(organization);
  request.set_page_size(kPage);
  do {
    auto page = Call<v1::ListEntriesResponse>("ListEntries", request);
    if (!page.ok()) return page.status();
    for (const v1::AuditEntry& entry : page->entries()) {
      if (entry.tree_index() >= checkpoint.size) continue;  // Came since, this very reading among them.
      if (absl::Status visited = visit(entry.name()); !visited.ok()) return visited;
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

absl::StatusOr<EntriesReport> OnlineVerifier::Entries(const std::string& organization, const Checkpoint& checkpoint,
                                                      const uint64_t* sample,
                                                      const std::function<uint64_t(uint64_t below)>& random,
                                                      const std::function<void(const EntriesReport&)>& progress) const {
  EntriesReport report;
  Checkpoint last = checkpoint;
  const auto prove = [&](const std::string& name) -> absl::Status {
    auto proven = Entry(name);
    if (!proven.ok()) return proven.status();
    if (proven->checkpoint != last) {  // One log to all questions: no fork shown to some and not to others.
      if (absl::Status continues = Continues(last, proven->checkpoint); !continues.ok()) return continues;
      last = proven->checkpoint;
    }
    ++report.proven;
    if (progress) progress(report);
    return absl::OkStatus();
  };
  std::vector<std::string> chosen;
  absl::Status walked = ForEachEntry(organization, checkpoint, [&](const std::string& name) -> absl::Status {
    ++report.listed;
    if (sample == nullptr) return prove(name);
    // Each entry has the same chance, however many there are (reservoir sampling).
    if (chosen.size() < *sample) {
      chosen.push_back(name);
    } else if (const uint64_t place = random(report.listed); place < *sample) {
      chosen[place] = name;
    }
    return absl::OkStatus();
  });
  for (auto name = chosen.begin(); walked.ok() && name != chosen.end(); ++name) walked = prove(*name);
  if (!walked.ok()) return walked;
  return report;
}

}  // namespace trialog::audit
