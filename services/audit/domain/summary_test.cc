#include "services/audit/domain/summary.h"

#include "gtest/gtest.h"

namespace trialog::audit {
namespace {

TEST(Summarize, SaysTheEventInWordsAndWhichRecord) {
  EXPECT_EQ(Summarize("trialog.inventory.v1.SampleMoved", "organizations/o/biobanks/b/samples/S-1"),
            "Sample moved: S-1");
  EXPECT_EQ(Summarize("trialog.trials.v1.ProtocolAdherenceRecorded", "organizations/o/patients/p"),
            "Protocol adherence recorded: p");
  EXPECT_EQ(Summarize("trialog.auth.v1.TOTPEnrolled", ""), "TOTP enrolled");
  EXPECT_EQ(Summarize("", "organizations/o/patients/p"), "Event of an unknown kind: p");
}

TEST(Words, SplitsCamelCase) {
  EXPECT_EQ(Words(""), "");
  EXPECT_EQ(Words("Moved"), "Moved");
  EXPECT_EQ(Words("MoveSample"), "Move sample");
}

TEST(SummarizeAccess, NamesTheMethodButNoSubject) {
  event::v1::Access access;
  access.set_method("/trialog.trials.v1.PatientService/GetPatient");
  access.add_subjects("organizations/o/patients/p");
  access.set_count(1);
  access.set_outcome(event::v1::Access::OUTCOME_SHOWN);
  EXPECT_EQ(SummarizeAccess(access), "Personal fields of 1 record shown by GetPatient");
  access.set_count(20);
  EXPECT_EQ(SummarizeAccess(access), "Personal fields of 20 records shown by GetPatient");
  access.set_outcome(event::v1::Access::OUTCOME_REFUSED);
  EXPECT_EQ(SummarizeAccess(access), "Access to GetPatient refused");
  access.set_outcome(event::v1::Access::OUTCOME_SIGN_IN_FAILED);
  EXPECT_EQ(SummarizeAccess(access), "Sign-in failed");
  access.set_outcome(static_cast<event::v1::Access::Outcome>(77));
  EXPECT_EQ(SummarizeAccess(access), "Access by GetPatient");
}

TEST(ActionOf, IsTheLastPartOfAMethod) {
  EXPECT_EQ(ActionOf("/trialog.trials.v1.PatientService/GetPatient"), "GetPatient");
  EXPECT_EQ(ActionOf("expire-holds"), "expire-holds");
}

}  // namespace
}  // namespace trialog::audit
