// Verification from outside, with nothing but a server's answers and the log's public key: for
// `trialogctl verify --server`.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "platform/rpc/client.h"
#include "platform/sealing/note.h"
#include "services/audit/tree/checkpoint.h"
#include "trialog/audit/v1/service.pb.h"

namespace trialog::audit {

// An entry with what proves it.
struct ProvenEntry {
  v1::GetEntryResponse response;
  Checkpoint checkpoint;  // The signed state that the proof leads to.
};

// What was found of entries.
struct EntriesReport {
  uint64_t listed = 0;  // That the caller may read, under the checkpoint.
  uint64_t proven = 0;
};

// Blocks; for tools. Everything outlives it.
class OnlineVerifier {
 public:
  // `token` gives an access token with some life left; it is asked before each call.
  using Token = std::function<absl::StatusOr<std::string>()>;
  OnlineVerifier(const rpc::Client& client, Token token, sealing::NoteVerifier verifier)
      : client_(client), token_(std::move(token)), verifier_(std::move(verifier)) {}

  // The server's latest checkpoint, if it is rightly signed. UNAUTHENTICATED NOTE_UNVERIFIED: not signed by the log.
  absl::StatusOr<Checkpoint> Latest() const;

  // As Latest, if its tree begins with the one of the checkpoint kept in `kept_file`; it is kept there from then on.
  // Without such a file it is the first to be kept.
  // DATA_LOSS TREE_CHANGED: the server shows another history than before, or a shorter one; the kept checkpoint stays,
  // it is the evidence. Other errors are the server's.
  absl::StatusOr<Checkpoint> CheckpointFollows(const std::string& kept_file) const;

  // The entry of this name, if it is the one that its leaf commits to and the leaf is in a signed tree. DATA_LOSS
  // ENTRY_UNPROVEN otherwise.
  absl::StatusOr<ProvenEntry> Entry(std::string_view name) const;

  // Proves entries that the caller may read and `checkpoint` covers: `sample` of them, chosen by `random`, or all when
  // it is null. Every signed state that the server shows on the way must continue `checkpoint`. The first fault is the
  // error, as above. `progress` hears of each entry; it may be null.
  absl::StatusOr<EntriesReport> Entries(const std::string& organization, const Checkpoint& checkpoint,
                                        const uint64_t* sample, const std::function<uint64_t(uint64_t below)>& random,
                                        const std::function<void(const EntriesReport&)>& progress) const;

 private:
  template <typename Response>
  absl::StatusOr<Response> Call(std::string_view method, const google::protobuf::Message& request) const;
  absl::StatusOr<Checkpoint> Open(std::string_view note) const;
  // The note of the latest checkpoint, which `checkpoint` is set to.
  absl::StatusOr<std::string> LatestNote(Checkpoint& checkpoint) const;
  // Whether the later tree begins with the earlier one.
  absl::Status Continues(const Checkpoint& earlier, const Checkpoint& later) const;
  absl::Status ForEachEntry(const std::string& organization, const Checkpoint& checkpoint,
                            const std::function<absl::Status(const std::string& name)>& visit) const;

  const rpc::Client& client_;
  const Token token_;
  const sealing::NoteVerifier verifier_;
};

}  // namespace trialog::audit
