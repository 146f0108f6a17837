#include "platform/sealing/sealer.h"

#include <algorithm>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/text_format.h"
#include "platform/errors/errors.h"
#include "platform/sealing/aead.h"
#include "platform/sealing/digest.h"
#include "platform/text/text.h"
#include "trialog/options.pb.h"

namespace trialog::sealing {
namespace {

using event::v1::Sealed;
using event::v1::SealedPart;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr size_t kMaxDebugBytes = 4096;

bool IsPersonal(const FieldDescriptor& field) { return field.options().GetExtension(personal); }
bool IsSecret(const FieldDescriptor& field) { return field.options().GetExtension(secret); }

std::vector<const FieldDescriptor*> SetFields(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  return fields;
}

using Marked = bool (*)(const FieldDescriptor&);

bool FindMarked(const Descriptor& type, Marked marked, std::set<const Descriptor*>& seen) {
  if (!seen.insert(&type).second) return false;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (marked(field)) return true;
    if (field.message_type() != nullptr && FindMarked(*field.message_type(), marked, seen)) return true;
  }
  return false;
}

// Whether a type has marked fields at any depth; asked of every request, so each thread remembers.
bool HasMarked(const Descriptor& type, Marked marked) {
  thread_local absl::flat_hash_map<std::pair<const Descriptor*, Marked>, bool> known;
  const auto [it, first] = known.try_emplace({&type, marked}, false);
  if (first) {
    std::set<const Descriptor*> seen;
    it->second = FindMarked(type, marked, seen);
  }
  return it->second;
}

void ClearMarked(Message& message, Marked marked) {
  if (!HasMarked(*message.GetDescriptor(), marked)) return;
  const Reflection& reflection = *message.GetReflection();
  for (const FieldDescriptor* field : SetFields(message)) {
    if (marked(*field)) {
      reflection.ClearField(&message, field);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (field->is_repeated()) {
        for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
          ClearMarked(*reflection.MutableRepeatedMessage(&message, field, i), marked);
        }
      } else {
        ClearMarked(*reflection.MutableMessage(&message, field), marked);
      }
    }
  }
}

std::string AssociatedData(std::string_view key_id, std::string_view record_name, const FieldDescriptor& field) {
  std::string out;
  AppendLengthPrefixed(out, key_id);
  AppendLengthPrefixed(out, record_name);
  AppendLengthPrefixed(out, field.full_name());
  return out;
}

std::string SerializeDeterministic(const Message& message) {
  std::string out;
  {
    google::protobuf::io::StringOutputStream stream(&out);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return out;
}

Sealed SealField(Message& source, const FieldDescriptor& field, std::string_view record_name, const DataKey& key,
                 Runtime& runtime) {
  std::unique_ptr<Message> only(source.New());
  source.GetReflection()->SwapFields(&source, only.get(), {&field});
  std::string plaintext = SerializeDeterministic(*only);

  Sealed sealed;
  sealed.set_key_id(key.id);
  sealed.set_nonce(runtime.RandomBytes(kNonceSize));
  sealed.set_ciphertext(AeadSeal(key.key, sealed.nonce(), AssociatedData(key.id, record_name, field), plaintext));
  Wipe(plaintext);
  return sealed;
}

absl::Status Damaged(std::string_view record_name, int number) {
  return Refuse(
      absl::StatusCode::kDataLoss, "SEALED_FIELD_DAMAGED",
      Cat("field ", number, " of ", record_name, " does not open; restore the store or rebuild it from the log"));
}

// Opens one value into `target`, a message of the resource's type.
absl::Status OpenField(Message& target, const FieldDescriptor& field, const Sealed& sealed, const DataKey& key,
                       std::string_view record_name) {
  auto plaintext =
      AeadOpen(key.key, sealed.nonce(), AssociatedData(sealed.key_id(), record_name, field), sealed.ciphertext());
  if (!plaintext) return Damaged(record_name, field.number());
  std::unique_ptr<Message> only(target.New());
  const bool parsed = only->ParseFromString(*plaintext);
  Wipe(*plaintext);
  if (!parsed || SetFields(*only) != std::vector<const FieldDescriptor*>{&field}) {
    return Damaged(record_name, field.number());
  }
  target.GetReflection()->SwapFields(&target, only.get(), {&field});
  return absl::OkStatus();
}

void PrintRedacted(const Message& message, std::string& out);

void PrintValue(const Message& message, const FieldDescriptor& field, int index, std::string& out) {
  const Reflection& reflection = *message.GetReflection();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    out += "{ ";
    PrintRedacted(field.is_repeated() ? reflection.GetRepeatedMessage(message, &field, index)
                                      : reflection.GetMessage(message, &field),
                  out);
    out += "}";
  } else if (field.type() == FieldDescriptor::TYPE_BYTES) {
    std::string scratch;
    const std::string& bytes = field.is_repeated()
                                   ? reflection.GetRepeatedStringReference(message, &field, index, &scratch)
                                   : reflection.GetStringReference(message, &field, &scratch);
    Append(out, "<", bytes.size(), " bytes>");
  } else {
    std::string value;
    google::protobuf::TextFormat::PrintFieldValueToString(message, &field, index, &value);
    out += value;
  }
}

void PrintRedacted(const Message& message, std::string& out) {
  for (const FieldDescriptor* field : SetFields(message)) {
    if (IsPersonal(*field) || IsSecret(*field)) {
      Append(out, field->name(), IsSecret(*field) ? ": [secret] " : ": [personal] ");
      continue;
    }
    const int count = field->is_repeated() ? message.GetReflection()->FieldSize(message, field) : 1;
    for (int i = 0; i < count && out.size() < kMaxDebugBytes; ++i) {
      Append(out, field->name(), ": ");
      PrintValue(message, *field, field->is_repeated() ? i : -1, out);
      out += ' ';
    }
    if (out.size() >= kMaxDebugBytes) return;
  }
}

}  // namespace

bool HasPersonalFields(const Descriptor& type) { return HasMarked(type, IsPersonal); }

bool HasSecretFields(const Descriptor& type) { return HasMarked(type, IsSecret); }

void ClearPersonal(Message& message) { ClearMarked(message, IsPersonal); }

void ClearSecrets(Message& message) { ClearMarked(message, IsSecret); }

SealedPart SealResource(const Message& resource, std::string_view record_name, const DataKey& key, Runtime& runtime) {
  std::vector<int> numbers;
  for (const FieldDescriptor* field : SetFields(resource)) numbers.push_back(field->number());
  return SealPatch(resource, numbers, record_name, key, runtime);
}

SealedPart SealPatch(const Message& resource, const std::vector<int>& field_numbers, std::string_view record_name,
                     const DataKey& key, Runtime& runtime) {
  SealedPart sealed;
  std::unique_ptr<Message> source(resource.New());  // Fields are swapped out of it one by one.
  source->CopyFrom(resource);
  std::vector<int> numbers = field_numbers;
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  const std::vector<const FieldDescriptor*> set = SetFields(resource);
  for (int number : numbers) {
    const FieldDescriptor* field = resource.GetDescriptor()->FindFieldByNumber(number);
    if (field == nullptr || !IsPersonal(*field)) continue;
    auto* entry = sealed.add_fields();
    entry->set_number(number);
    if (std::find(set.begin(), set.end(), field) != set.end()) {
      *entry->mutable_value() = SealField(*source, *field, record_name, key, runtime);
    }
  }
  return sealed;
}

std::vector<std::string> KeyIdsOf(const SealedPart& sealed) {
  std::set<std::string> ids;
  for (const auto& field : sealed.fields()) {
    if (field.has_value()) ids.insert(field.value().key_id());
  }
  return {ids.begin(), ids.end()};
}

absl::StatusOr<Unsealed> Unseal(Message& resource, const SealedPart& sealed, std::string_view record_name,
                                const KeyLookup& key_of) {
  Unsealed result;
  std::unique_ptr<Message> opened(resource.New());
  std::vector<const FieldDescriptor*> fields;
  for (const auto& entry : sealed.fields()) {
    const FieldDescriptor* field = resource.GetDescriptor()->FindFieldByNumber(entry.number());
    if (field == nullptr || !entry.has_value()) continue;
    const DataKey* key = key_of(entry.value().key_id());
    if (key == nullptr || key->state == DataKey::State::kMissing) {
      return Refuse(absl::StatusCode::kDataLoss, "DATA_KEY_UNKNOWN",
                    Cat("the data key of field ", entry.number(), " of ", record_name, " is not in the key store"));
    }
    if (key->state == DataKey::State::kErased) {
      result.erased.push_back(entry.number());
      continue;
    }
    if (absl::Status status = OpenField(*opened, *field, entry.value(), *key, record_name); !status.ok()) return status;
    fields.push_back(field);
  }
  resource.GetReflection()->SwapFields(&resource, opened.get(), fields);
  return result;
}

std::string RedactedDebugString(const Message& message) {
  std::string out;
  PrintRedacted(message, out);
  if (out.size() > kMaxDebugBytes) {
    out.resize(kMaxDebugBytes);
    out += "…";
  } else if (!out.empty()) {
    out.pop_back();  // The last separator.
  }
  return out;
}

}  // namespace trialog::sealing
