// From a record of a service's private log to entries of the audit log and leaves of its tree. Pure: the same record
// gives the same leaves on every replica and at every rebuild. Format: docs/formats/leaf.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/sealing/secret_key.h"
#include "trialog/audit/v1/entry.pb.h"

namespace trialog::audit {

// An admitted record where it stands.
struct SourceRecord {
  std::string_view source;  // Service whose log it is, for example "inventory".
  int32_t partition = 0;
  int64_t offset = 0;
  std::string_view bytes;  // As stored: a serialised LogRecord.
};

// The entries of one record, in order, each with its material; no tree index yet. None for claims, releases, and
// audit's own Sequenced and CheckpointSigned. A command without events gives one entry that says so. An event kind that
// this build does not know is an entry all the same, of the event message's type. DATA_LOSS when the bytes are no
// LogRecord.
absl::StatusOr<std::vector<v1::AuditEntry>> EntriesOf(const SourceRecord& record, const sealing::SecretKey& salt_key);
// The same for a reader that has parsed and hashed (SHA-256) the record already.
std::vector<v1::AuditEntry> EntriesOf(const SourceRecord& record, const event::v1::Data& data,
                                      std::string_view record_hash, const sealing::SecretKey& salt_key);

// HMAC-SHA-256 under the salt key of source, partition, offset and index: never drawn, so that a rebuild repeats it.
std::string LeafSalt(const sealing::SecretKey& salt_key, std::string_view source, int32_t partition, int64_t offset,
                     int32_t index);

// The leaf for committed content: place and keyed commitment. It tells a stranger nothing about the event.
std::string LeafOf(std::string_view source, int32_t partition, int64_t offset, int32_t index, std::string_view content,
                   std::string_view salt, std::string_view record_hash);

// What a client does with an entry it was given: whether the material's content is the entry's, and its leaf follows
// from it.
bool MaterialHolds(const v1::AuditEntry& entry);

}  // namespace trialog::audit
