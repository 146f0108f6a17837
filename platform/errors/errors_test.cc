#include "platform/errors/errors.h"

#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"

namespace trialog {
namespace {

template <typename Detail>
Detail DetailOf(const absl::Status& status) {
  Detail detail;
  auto payload = status.GetPayload("type.googleapis.com/" + Detail::descriptor()->full_name());
  EXPECT_TRUE(payload.has_value());
  if (payload) {
    EXPECT_TRUE(detail.ParseFromString(std::string(*payload)));
  }
  return detail;
}

TEST(Errors, ARefusalCarriesItsReasonAndDomain) {
  absl::Status status = Refuse(absl::StatusCode::kAborted, "SOME_REASON", "do this");
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(status), "SOME_REASON");
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).domain(), "trialog");
}

TEST(Errors, BadFieldsNameEachField) {
  absl::Status status = BadFields("REQUIRED", {{"a.b", "is missing"}, {"c", "is too long"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  auto bad = DetailOf<google::rpc::BadRequest>(status);
  ASSERT_EQ(bad.field_violations_size(), 2);
  EXPECT_EQ(bad.field_violations(1).field(), "c");
  EXPECT_EQ(status.message(), "a.b: is missing; c: is too long");
}

TEST(Errors, ABrokenRuleNamesItsSubject) {
  auto failure = DetailOf<google::rpc::PreconditionFailure>(BrokenRule("LOCATION_FULL", "organizations/o/x", "full"));
  EXPECT_EQ(failure.violations(0).subject(), "organizations/o/x");
}

TEST(Errors, AHiddenRecordIsARefusalOnlyInHere) {
  EXPECT_EQ(NotVisible(false, "patient"), NotFound("patient"));
  EXPECT_NE(NotVisible(true, "patient"), NotFound("patient"));
  EXPECT_EQ(WithoutMark(NotVisible(true, "patient")), NotFound("patient"));
  EXPECT_TRUE(IsRefusal(NotVisible(true, "patient")));
  EXPECT_TRUE(IsRefusal(Denied("ROLE_MISSING", "no")));
  for (const absl::Status& status :
       {NotFound("patient"), NotVisible(false, "patient"), absl::OkStatus(), StaleEtag("organizations/o/x")}) {
    EXPECT_FALSE(IsRefusal(status)) << status;
  }
}

TEST(Errors, RetryLaterSaysWhen) {
  auto retry = DetailOf<google::rpc::RetryInfo>(
      RetryLater(absl::StatusCode::kUnavailable, "BUSY", "again", absl::Milliseconds(1500)));
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
  EXPECT_EQ(retry.retry_delay().nanos(), 500'000'000);
}

TEST(Errors, AStatusMadeElsewhereHasNoReason) { EXPECT_EQ(ReasonOf(absl::InternalError("x")), ""); }

}  // namespace
}  // namespace trialog
