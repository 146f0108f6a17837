#include "platform/service/sight.h"

#include <set>

#include "gmock/gmock.h"
#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "platform/service/fields.h"
#include "platform/text/text.h"
#include "trialog/auth/v1/user.pb.h"

namespace trialog::service {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

const view::Table kThings{1, "things/*", &google::protobuf::StringValue::default_instance(), nullptr};
const view::Table kUsers{2, "users/*", &auth::v1::User::default_instance(), nullptr};
std::string Sealer(std::string_view, const google::protobuf::Message& resource) {
  return StringField(resource, "value");
}
std::string Place(std::string_view, const google::protobuf::Message&) { return "places/1"; }
const ResourceType kThing{.table = &kThings, .may_see = nullptr, .key_subject = Sealer};
const ResourceType kUser{.table = &kUsers, .may_see = nullptr, .key_subject = Place};

view::Row Thing(std::string_view subject) {
  auto text = std::make_shared<google::protobuf::StringValue>();
  text->set_value(std::string(subject));
  view::Row row;
  row.resource = std::move(text);
  return row;
}

TEST(Sight, NamesARecordWithTheSubjectOfItsKeyAndItsPatientOnceEach) {
  Sight sight;
  EXPECT_TRUE(sight.empty());
  for (int twice = 0; twice < 2; ++twice) {
    sight.Add(kThing, "things/1", Thing("people/a"));
    sight.Add(kThing, "things/2", Thing("people/a"));
  }
  sight.Add(kThing, "people/a", Thing("people/a"));
  sight.Add(kThing, "things/3", Thing(""));
  auto user = std::make_shared<auth::v1::User>();
  user->set_patient("people/b");
  view::Row row;
  row.resource = std::move(user);
  sight.Add(kUser, "users/1", row);
  const auto accesses = sight.Take();
  ASSERT_THAT(accesses, SizeIs(1));
  EXPECT_THAT(accesses[0].subjects(),
              ElementsAre("things/1", "people/a", "things/2", "things/3", "users/1", "places/1", "people/b"));
  EXPECT_EQ(accesses[0].count(), 5);
  EXPECT_EQ(accesses[0].outcome(), event::v1::Access::OUTCOME_SHOWN);
  EXPECT_TRUE(sight.empty());
  EXPECT_THAT(sight.Take(), SizeIs(0));
}

TEST(Sight, NamesEveryRecordOfALargePageInBoundedAccessRecords) {
  Sight sight;
  for (int i = 0; i < 1000; ++i) sight.Add(kThing, Cat("things/", i), Thing(Cat("people/", i / 7)));
  EXPECT_TRUE(sight.full());
  std::vector<std::string> things;
  int64_t count = 0;
  for (const auto& access : sight.Take()) {
    ASSERT_LE(access.subjects_size(), static_cast<int>(Sight::kMaxNames));
    const std::set<std::string> names(access.subjects().begin(), access.subjects().end());
    EXPECT_THAT(names, SizeIs(access.subjects_size()));
    count += access.count();
    for (const std::string& name : access.subjects()) {
      if (HasPrefix(name, "people/")) continue;
      things.push_back(name);
      EXPECT_TRUE(names.contains(Cat("people/", std::stoi(name.substr(7)) / 7))) << name;
    }
  }
  EXPECT_EQ(count, 1000);
  ASSERT_THAT(things, SizeIs(1000));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(things[static_cast<size_t>(i)], Cat("things/", i));
  EXPECT_FALSE(sight.full());
}

}  // namespace
}  // namespace trialog::service
