// A state of the tree as it is shown: signed, as third parties verify it.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "platform/sealing/note.h"
#include "services/audit/views/audit_store.h"
#include "trialog/audit/v1/entry.pb.h"

namespace trialog::audit {

// With origin and note; size 0: the latest. A note is made anew each time: Ed25519 gives the same signature for ever.
// NOT_FOUND for a size that was never signed. Thread safe.
absl::StatusOr<v1::Checkpoint> SignedCheckpoint(const AuditStore& store, const sealing::NoteSigner& signer,
                                                uint64_t size);

}  // namespace trialog::audit
