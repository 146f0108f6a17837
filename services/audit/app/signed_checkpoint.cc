#include "services/audit/app/signed_checkpoint.h"

#include "services/audit/tree/checkpoint.h"

namespace trialog::audit {

absl::StatusOr<v1::Checkpoint> SignedCheckpoint(const AuditStore& store, const sealing::NoteSigner& signer,
                                                uint64_t size) {
  auto checkpoint = store.Checkpoint(size);
  if (!checkpoint.ok()) return checkpoint.status();
  const std::string& origin = signer.verifier().name();
  checkpoint->set_origin(origin);
  auto note = sealing::SignNote(CheckpointText({origin, checkpoint->tree_size(), checkpoint->root(), {}}), {&signer});
  if (!note.ok()) return note.status();
  checkpoint->set_note(*std::move(note));
  return checkpoint;
}

}  // namespace trialog::audit
