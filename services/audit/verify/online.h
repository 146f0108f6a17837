// Verification from outside, with nothing but a server's answers and the log's public key: for
// `trialogctl verify --server`.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "platform/rpc/client.h"
#include "platform/sealing/note.h"
#include "services/audit/tree/checkpoint.h"
#include "trialog/audit/v1/service.pb.h"

namespace trialog::audit {

// Blocks; for tools. Everything outlives it.
class OnlineVerifier {
 public:
  OnlineVerifier(const rpc::Client& client, rpc::ClientOptions options, sealing::NoteVerifier verifier)
      : client_(client), options_(std::move(options)), verifier_(std::move(verifier)) {}

  // The server's latest checkpoint, if it is rightly signed and its tree begins with the one of the checkpoint kept in
  // `kept_file`; it is kept there from then on. Without such a file it is the first to be kept.
  // UNAUTHENTICATED NOTE_UNVERIFIED: not signed by the log. DATA_LOSS TREE_CHANGED: the server shows another history
  // than before, or a shorter one; the kept checkpoint stays, it is the evidence. Other errors are the server's.
  absl::StatusOr<Checkpoint> CheckpointFollows(const std::string& kept_file) const;

  // The entry of this name, if it is the one that its leaf commits to and the leaf is in a signed tree. DATA_LOSS
  // ENTRY_UNPROVEN otherwise.
  absl::StatusOr<v1::GetEntryResponse> Entry(std::string_view name) const;

 private:
  absl::StatusOr<Checkpoint> Open(std::string_view note) const;

  const rpc::Client& client_;
  const rpc::ClientOptions options_;
  const sealing::NoteVerifier verifier_;
};

}  // namespace trialog::audit
