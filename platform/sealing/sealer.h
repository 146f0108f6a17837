// Personal fields, marked once by (trialog.personal) in the proto: sealing, opening, clearing and redaction all follow
// from that mark by reflection. Pure but for the nonces; thread safe. Format: docs/formats/sealed.md.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "platform/runtime/runtime.h"
#include "platform/sealing/data_keys.h"
#include "trialog/event/v1/sealed.pb.h"

namespace trialog::sealing {

// Whether the message type, or one it contains, has a personal field.
bool HasPersonalFields(const google::protobuf::Descriptor& type);
// The same for fields marked (trialog.secret).
bool HasSecretFields(const google::protobuf::Descriptor& type);

// Clears each personal field, at any depth: what may go into an event, a row or the public stream.
void ClearPersonal(google::protobuf::Message& message);

// Clears each field marked (trialog.secret), at any depth: what may be hashed into a request's fingerprint.
void ClearSecrets(google::protobuf::Message& message);

// Seals each personal top-level field that is set: one entry a field, by ascending number. `record_name` is the
// resource name of the record, `key` a present data key. The resource keeps its values; ClearPersonal comes next.
event::v1::SealedPart SealResource(const google::protobuf::Message& resource, std::string_view record_name,
                                   const DataKey& key, Runtime& runtime);

// The same for the personal fields among `field_numbers` only, as a patch for MergeSealed: one that is not set becomes
// an entry without value, which removes it.
event::v1::SealedPart SealPatch(const google::protobuf::Message& resource, const std::vector<int>& field_numbers,
                                std::string_view record_name, const DataKey& key, Runtime& runtime);

// The ids of the keys that Unseal will ask for, each once.
std::vector<std::string> KeyIdsOf(const event::v1::SealedPart& sealed);

// The key of an id, erased ones included; null or a missing key when there is none.
using KeyLookup = std::function<const DataKey*(std::string_view key_id)>;

struct Unsealed {
  std::vector<int> erased;  // Numbers of the fields whose key was destroyed: left empty in the resource.
};

// Puts the sealed fields back into `resource`. Fields that this build does not know stay sealed. DATA_LOSS, and the
// resource unchanged, when a value is damaged, was sealed for another record or field, or its key is unknown.
absl::StatusOr<Unsealed> Unseal(google::protobuf::Message& resource, const event::v1::SealedPart& sealed,
                                std::string_view record_name, const KeyLookup& key_of);

// The message as one line for logs: personal and secret fields hidden, bytes shown as their length, cut at 4 KiB.
std::string RedactedDebugString(const google::protobuf::Message& message);

}  // namespace trialog::sealing
