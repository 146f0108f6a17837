#include "platform/sealing/sealer.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/sealing/encoding.h"
#include "platform/sealing/test_runtime.h"
#include "sealing_test.pb.h"

namespace trialog::sealing {
namespace {

using event::v1::SealedPart;
using sealing_test::v1::CreatePersonRequest;
using sealing_test::v1::Person;
using sealing_test::v1::Plain;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr char kRecord[] = "organizations/o/patients/p";

DataKey Key(std::string id = "11111111-2222-4333-8444-555555555555") {
  DataKey key;
  key.state = DataKey::State::kPresent;
  key.id = std::move(id);
  key.subject = kRecord;
  key.key = *SecretKey::FromBytes("0123456789abcdef0123456789abcdef");
  return key;
}

KeyLookup Holding(DataKey key) {
  auto held = std::make_shared<DataKey>(std::move(key));
  return [held](std::string_view id) { return id == held->id ? held.get() : nullptr; };
}

Person Ada() {
  Person person;
  person.set_name(kRecord);
  person.set_display_name("Ada Lovelace");
  person.mutable_date_of_birth()->set_year(1815);
  person.add_notes("first");
  person.add_notes("second");
  person.set_visits(3);
  person.set_age(36);
  person.set_nickname("Countess");
  person.set_fingerprint("bytes");
  person.add_holidays()->set_month(12);
  return person;
}

Person WithoutPersonal() {
  Person person = Ada();
  ClearPersonal(person);
  return person;
}

std::vector<int> Numbers(const SealedPart& sealed) {
  std::vector<int> numbers;
  for (const auto& field : sealed.fields()) numbers.push_back(field.number());
  return numbers;
}

TEST(SealResource, WhatIsSealedComesBackWhole) {
  TestRuntime runtime;
  const SealedPart sealed = SealResource(Ada(), kRecord, Key(), runtime);
  EXPECT_THAT(Numbers(sealed), ElementsAre(2, 3, 4, 6, 7, 9));
  Person person = WithoutPersonal();
  auto unsealed = Unseal(person, sealed, kRecord, Holding(Key()));
  ASSERT_TRUE(unsealed.ok()) << unsealed.status();
  EXPECT_THAT(unsealed->erased, ElementsAre());
  EXPECT_EQ(person.SerializeAsString(), Ada().SerializeAsString());
}

TEST(SealResource, LeavesTheResourceAsItWasAndTheClearTextOutOfTheResult) {
  TestRuntime runtime;
  const Person person = Ada();
  const SealedPart sealed = SealResource(person, kRecord, Key(), runtime);
  EXPECT_EQ(person.SerializeAsString(), Ada().SerializeAsString());
  EXPECT_THAT(sealed.SerializeAsString(), Not(HasSubstr("Lovelace")));
}

TEST(SealResource, UsesAFreshNonceForEachField) {
  TestRuntime runtime;
  const SealedPart sealed = SealResource(Ada(), kRecord, Key(), runtime);
  std::set<std::string> nonces;
  for (const auto& field : sealed.fields()) nonces.insert(field.value().nonce());
  EXPECT_EQ(nonces.size(), static_cast<size_t>(sealed.fields_size()));
}

TEST(SealResource, GivesTheGoldenBytesOfTheFormat) {
  // docs/formats/sealed.md, "Example": stored bytes are for ever. If this fails, the code is wrong, not the test.
  TestRuntime runtime;
  Person person;
  person.set_display_name("Ada Lovelace");
  EXPECT_EQ(Hex(SealResource(person, kRecord, Key(), runtime).SerializeAsString()),
            "0a58080212540a2431313131313131312d323232322d343333332d383434342d353535353535353535353535120c00010203040506"
            "0708090a0b"
            "1a1e3fe9fa18b8389ec3deb91ddf12aa424efcefdc920a211b3f6f8ecc8eed4f");
}

TEST(SealPatch, SaysWhichFieldsWereRemovedAndTouchesNoOther) {
  TestRuntime runtime;
  Person person;
  person.set_nickname("Ada");
  const SealedPart patch = SealPatch(person, {7, 2, 5, 7, 99}, kRecord, Key(), runtime);
  EXPECT_THAT(Numbers(patch), ElementsAre(2, 7));
  EXPECT_FALSE(patch.fields(0).has_value());
  EXPECT_TRUE(patch.fields(1).has_value());
}

TEST(Unseal, AFieldOfAnotherRecordDoesNotOpen) {
  TestRuntime runtime;
  const SealedPart sealed = SealResource(Ada(), "organizations/o/patients/other", Key(), runtime);
  Person person = WithoutPersonal();
  EXPECT_EQ(ReasonOf(Unseal(person, sealed, kRecord, Holding(Key())).status()), "SEALED_FIELD_DAMAGED");
  EXPECT_EQ(person.SerializeAsString(), WithoutPersonal().SerializeAsString());
}

TEST(Unseal, AFieldMovedToAnotherNumberDoesNotOpen) {
  TestRuntime runtime;
  Person person;
  person.set_display_name("Ada");
  SealedPart sealed = SealResource(person, kRecord, Key(), runtime);
  sealed.mutable_fields(0)->set_number(Person::kNicknameFieldNumber);
  Person target;
  EXPECT_EQ(Unseal(target, sealed, kRecord, Holding(Key())).status().code(), absl::StatusCode::kDataLoss);
}

TEST(Unseal, AFieldUnderAnotherKeyIdDoesNotOpenEvenWithTheSameKeyBytes) {
  TestRuntime runtime;
  SealedPart sealed = SealResource(Ada(), kRecord, Key(), runtime);
  sealed.mutable_fields(0)->mutable_value()->set_key_id("other");
  Person target;
  auto same_bytes = [](std::string_view id) {
    static DataKey key;
    key = Key(std::string(id));
    return &key;
  };
  EXPECT_EQ(Unseal(target, sealed, kRecord, same_bytes).status().code(), absl::StatusCode::kDataLoss);
}

TEST(Unseal, EveryChangedByteIsNoticedAndNothingIsHalfOpened) {
  TestRuntime runtime;
  const SealedPart sealed = SealResource(Ada(), kRecord, Key(), runtime);
  const int last = sealed.fields_size() - 1;
  for (size_t i = 0; i < sealed.fields(last).value().ciphertext().size(); ++i) {
    SealedPart damaged = sealed;
    (*damaged.mutable_fields(last)->mutable_value()->mutable_ciphertext())[i] ^= 1;
    Person person = WithoutPersonal();
    EXPECT_EQ(Unseal(person, damaged, kRecord, Holding(Key())).status().code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(person.SerializeAsString(), WithoutPersonal().SerializeAsString());
  }
}

TEST(Unseal, AnErasedKeyLeavesTheFieldsEmptyAndNamesThem) {
  TestRuntime runtime;
  const SealedPart sealed = SealResource(Ada(), kRecord, Key(), runtime);
  DataKey erased = Key();
  erased.state = DataKey::State::kErased;
  erased.key = SecretKey();
  Person person = WithoutPersonal();
  auto unsealed = Unseal(person, sealed, kRecord, Holding(erased));
  ASSERT_TRUE(unsealed.ok());
  EXPECT_THAT(unsealed->erased, ElementsAre(2, 3, 4, 6, 7, 9));
  EXPECT_EQ(person.SerializeAsString(), WithoutPersonal().SerializeAsString());
}

TEST(Unseal, AnUnknownKeyIsALossAndNoErasure) {
  TestRuntime runtime;
  const SealedPart sealed = SealResource(Ada(), kRecord, Key(), runtime);
  Person person;
  EXPECT_EQ(ReasonOf(Unseal(person, sealed, kRecord, Holding(Key("other"))).status()), "DATA_KEY_UNKNOWN");
}

TEST(Unseal, AFieldThatThisBuildDoesNotKnowStaysSealed) {
  TestRuntime runtime;
  SealedPart sealed = SealResource(Ada(), kRecord, Key(), runtime);
  sealed.mutable_fields(0)->set_number(4711);
  Person person;
  EXPECT_TRUE(Unseal(person, sealed, kRecord, Holding(Key())).ok());
  EXPECT_EQ(person.display_name(), "");
}

TEST(KeyIdsOf, NamesEachKeyOnce) {
  TestRuntime runtime;
  SealedPart sealed = SealResource(Ada(), kRecord, Key("b"), runtime);
  sealed.MergeFrom(SealResource(Ada(), kRecord, Key("a"), runtime));
  sealed.add_fields()->set_number(2);
  EXPECT_THAT(KeyIdsOf(sealed), ElementsAre("a", "b"));
}

TEST(HasPersonalFields, LooksIntoContainedTypesAndEndsOnCycles) {
  EXPECT_TRUE(HasPersonalFields(*Person::descriptor()));
  EXPECT_TRUE(HasPersonalFields(*CreatePersonRequest::descriptor()));
  EXPECT_FALSE(HasPersonalFields(*Plain::descriptor()));
}

CreatePersonRequest Request() {
  CreatePersonRequest request;
  request.set_parent("organizations/o");
  request.set_password("hunter2");
  *request.mutable_person() = Ada();
  *request.add_relatives() = Ada();
  return request;
}

TEST(ClearPersonal, ReachesEveryDepth) {
  CreatePersonRequest request = Request();
  ClearPersonal(request);
  EXPECT_EQ(request.person().SerializeAsString(), request.relatives(0).SerializeAsString());
  EXPECT_EQ(request.person().display_name(), "");
  EXPECT_EQ(request.person().visits(), 3);
  EXPECT_EQ(request.password(), "hunter2");
}

TEST(ClearSecrets, ClearsSecretsAlone) {
  CreatePersonRequest request = Request();
  ClearSecrets(request);
  EXPECT_EQ(request.password(), "");
  EXPECT_EQ(request.person().display_name(), "Ada Lovelace");
}

TEST(RedactedDebugString, HidesPersonalAndSecretFieldsAtEveryDepth) {
  EXPECT_EQ(
      RedactedDebugString(Request()),
      "parent: \"organizations/o\" person: { name: \"organizations/o/patients/p\" display_name: [personal] "
      "date_of_birth: [personal] notes: [personal] visits: 3 age: [personal] nickname: [personal] "
      "fingerprint: <5 bytes> holidays: [personal] } password: [secret] relatives: { name: "
      "\"organizations/o/patients/p\" display_name: [personal] date_of_birth: [personal] notes: [personal] visits: 3 "
      "age: [personal] nickname: [personal] fingerprint: <5 bytes> holidays: [personal] }");
}

TEST(RedactedDebugString, IsBounded) {
  CreatePersonRequest request;
  request.set_parent(std::string(100'000, 'x'));
  for (int i = 0; i < 10'000; ++i) *request.add_relatives() = Ada();
  EXPECT_LT(RedactedDebugString(request).size(), 4200u);
  EXPECT_EQ(RedactedDebugString(Plain()), "");
}

}  // namespace
}  // namespace trialog::sealing
