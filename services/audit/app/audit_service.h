// The methods of AuditService over the tree's store. Every call that shows entries is recorded in audit's own log
// before it is answered; checkpoints and proofs show none.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/sealing/note.h"
#include "platform/service/backend.h"
#include "services/audit/views/audit_store.h"
#include "trialog/audit/v1/service.pb.h"

namespace trialog::audit {

// Thread safe. Registered before the store is open; no call comes before UseStore.
class AuditService {
 public:
  explicit AuditService(sealing::NoteSigner signer) : signer_(std::move(signer)) {}

  void Register(service::Backend& backend);
  // The store outlives the service.
  void UseStore(const AuditStore* store) { store_ = store; }

 private:
  using CallPtr = std::shared_ptr<rpc::Call>;

  void GetEntry(const CallPtr& call);
  void ListEntries(const CallPtr& call);
  void GetCheckpoint(const CallPtr& call);
  void GetInclusionProof(const CallPtr& call);
  void GetConsistencyProof(const CallPtr& call);
  void ListAccesses(const CallPtr& call);

  // An entry that the caller may see; NOT_FOUND for every other.
  absl::StatusOr<v1::AuditEntry> VisibleEntry(const Principal& principal, uint64_t tree_index) const;
  absl::StatusOr<v1::InclusionProof> Prove(uint64_t tree_index, uint64_t tree_size) const;
  // Answers once the read stands in audit's own log.
  template <typename Response>
  void AnswerRecorded(const CallPtr& call, std::string_view entity, int64_t count, Response response);

  const sealing::NoteSigner signer_;
  const AuditStore* store_ = nullptr;
  service::Backend* backend_ = nullptr;
};

}  // namespace trialog::audit
