// Sealed fields and sealed secrets: what was not sealed under the key, for this record and field, never opens.
#include "google/protobuf/util/message_differencer.h"
#include "platform/command/decision.h"
#include "platform/errors/errors.h"
#include "platform/sealing/aead.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/sealer.h"
#include "platform/sealing/test_runtime.h"
#include "services/auth/app/sealed_secret.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"
#include "tests/support/filled_message.h"
#include "trialog/trials/v1/patient.pb.h"

namespace trialog::fuzz {
namespace {

using event::v1::SealedPart;
using google::protobuf::Message;
using sealing::DataKey;
using trials::v1::Patient;

constexpr std::string_view kRecord = "organizations/o/patients/p";

const DataKey& Key() {
  static const DataKey key{DataKey::State::kPresent, "11111111-2222-4333-8444-555555555555", std::string(kRecord),
                           *sealing::SecretKey::FromBytes(std::string(32, 'k'))};
  return key;
}
const DataKey* KeyOf(std::string_view id) { return id == Key().id ? &Key() : nullptr; }

Patient Filled() {
  Patient patient;
  testing::Fill(patient);
  return patient;
}
const SealedPart& Good() {
  static const auto* sealed = [] {
    sealing::TestRuntime runtime;
    return new SealedPart(sealing::SealResource(Filled(), kRecord, Key(), runtime));
  }();
  return *sealed;
}
bool IsGood(const event::v1::SealedField& field) {
  for (const auto& good : Good().fields()) {
    if (field.SerializeAsString() == good.SerializeAsString()) return true;
  }
  return false;
}

// Unsealing anything on top of a row.
void CheckUnseal(const SealedPart& sealed) {
  Patient resource;
  resource.set_name(std::string(kRecord));
  const std::string before = resource.SerializeAsString();
  const auto unsealed = sealing::Unseal(resource, sealed, kRecord, KeyOf);
  if (!unsealed.ok()) {
    Require(absl::IsDataLoss(unsealed.status()), "what does not open is DATA_LOSS");
    Require(resource.SerializeAsString() == before, "what does not open changes nothing");
    return;
  }
  for (const auto& field : sealed.fields()) {
    const bool known = Patient::descriptor()->FindFieldByNumber(field.number()) != nullptr;
    Require(!known || !field.has_value() || IsGood(field), "only what was sealed so opens");
  }
}

void CheckPart(std::string_view bytes) {
  SealedPart sealed;
  if (!sealed.ParseFromString(std::string(bytes))) return;
  CheckUnseal(sealed);
  sealing::KeyIdsOf(sealed);
  const SealedPart merged = MergeSealed(Good(), sealed), again = MergeSealed(merged, sealed);
  Require(merged.SerializeAsString() == again.SerializeAsString(), "a patch twice is a patch once");
  for (int i = 1; i < merged.fields_size(); ++i)
    Require(merged.fields(i - 1).number() < merged.fields(i).number(), "each field is sealed once, in order");
}

// Any plaintext, properly sealed: by a build with a fault, say.
void CheckPlaintext(Input input) {
  const int number = static_cast<int>(input.Byte());
  const auto* field = Patient::descriptor()->FindFieldByNumber(number);
  if (field == nullptr) return;
  std::string context;
  for (std::string_view part : {std::string_view(Key().id), kRecord, std::string_view(field->full_name())})
    sealing::AppendLengthPrefixed(context, part);
  SealedPart sealed;
  auto& entry = *sealed.add_fields();
  entry.set_number(number);
  entry.mutable_value()->set_key_id(Key().id);
  entry.mutable_value()->set_nonce(std::string(sealing::kNonceSize, 'n'));
  entry.mutable_value()->set_ciphertext(sealing::AeadSeal(Key().key, entry.value().nonce(), context, input.Rest()));
  Patient resource;
  const auto unsealed = sealing::Unseal(resource, sealed, kRecord, KeyOf);
  std::vector<const google::protobuf::FieldDescriptor*> set;
  resource.GetReflection()->ListFields(resource, &set);
  Require(unsealed.ok() ? set == std::vector{field} : set.empty(), "a sealed value is its own field, or damaged");
}

// Any resource: sealed, cleared and unsealed it is what it was.
void CheckRoundTrip(std::string_view bytes) {
  Patient patient;
  if (!patient.ParseFromString(std::string(bytes))) return;
  sealing::TestRuntime runtime;
  const SealedPart sealed = sealing::SealResource(patient, kRecord, Key(), runtime);
  Patient row = patient;
  sealing::ClearPersonal(row);
  Require(sealing::SealResource(row, kRecord, Key(), runtime).fields().empty(), "nothing personal is left");
  Require(sealing::Unseal(row, sealed, kRecord, KeyOf).ok(), "what was sealed opens");
  Require(google::protobuf::util::MessageDifferencer::Equals(row, patient), "it is what it was");
}

void CheckSecret(std::string_view bytes) {
  event::v1::Sealed sealed;
  if (!sealed.ParseFromString(std::string(bytes))) return;
  sealing::TestRuntime runtime;
  const auto good = auth::SealSecret("secret", kRecord, auth::kPasswordHashField, Key(), runtime);
  const bool same = sealed.SerializeAsString() == good.SerializeAsString();
  Require(auth::OpenSecret(sealed, kRecord, auth::kPasswordHashField, Key()).has_value() == same,
          "one value alone opens");
  Require(!auth::OpenSecret(sealed, kRecord, auth::kPrivateKeyField, Key()), "a secret opens as what it is");
}

// The type behind the first two bytes: each mode has its own, the plaintext has none.
const std::vector<const Message*>& Types() {
  static const std::vector<const Message*> types = {&SealedPart::default_instance(), &Patient::default_instance(),
                                                    &event::v1::Sealed::default_instance(),
                                                    &Patient::default_instance()};
  return types;
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = ChosenMessageSeeds(Types(), 2);
  seeds.push_back(Big(0, 2) + Good().SerializeAsString());
  for (const auto& field : Good().fields()) {
    SealedPart one;
    *one.add_fields() = field;
    seeds.push_back(Big(0, 2) + one.SerializeAsString());
    seeds.push_back(Big(3, 2) + Big(static_cast<uint64_t>(field.number()), 1) + Filled().SerializeAsString());
  }
  Patient named;
  named.set_display_name("Ada");
  seeds.push_back(Big(3, 2) + Big(Patient::kDisplayNameFieldNumber, 1) + named.SerializeAsString());
  sealing::TestRuntime runtime;
  seeds.push_back(Big(2, 2) +
                  auth::SealSecret("secret", kRecord, auth::kPasswordHashField, Key(), runtime).SerializeAsString());
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  Input input(data, size);
  switch (input.Number(2) % Types().size()) {
    case 0:
      CheckPart(input.Rest());
      break;
    case 1:
      CheckRoundTrip(input.Rest());
      break;
    case 2:
      CheckSecret(input.Rest());
      break;
    case 3:
      CheckPlaintext(input);
      break;
  }
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  using namespace trialog::fuzz;
  if (Input(data, size).Number(2) % Types().size() == 3) return LLVMFuzzerMutate(data, size, max_size);
  return MutateChosenMessage(data, size, max_size, seed, Types());
}
