// Pages of a list and of a history: no longer than an answer can be, without loss or doubles, each sight recorded.
#include <set>

#include "gmock/gmock.h"
#include "services/trials/app/trials_server.h"

namespace trialog::trials {
namespace {

using testing::ElementsAreArray;
using testing::SizeIs;

constexpr int kValues = 430;  // Of 1000 letters: nearly as large as a record may be.
constexpr char kListCaptures[] = "trialog.trials.v1.DataCaptureService/ListDataCaptures";

class Pages : public TrialsServer {
 protected:
  static void Fill(v1::DataCapture& capture, int number) {
    capture.clear_data_value();
    for (int i = 0; i < kValues; ++i) {
      auto& value = *capture.add_data_value();
      value.set_name(Cat("note-", i));
      value.mutable_value()->set_text(std::string(1000, static_cast<char>('a' + number)));
    }
  }
  // The names of the captures, in the order of their list.
  std::vector<std::string> GivenLargeCaptures(int count) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) {
      auto request = NewCapture(Cat("d", i), "");
      Fill(*request.mutable_data_capture(), i);
      request.mutable_data_capture()->mutable_track_time()->set_seconds(1'600'000'000 - i);
      names.push_back(Do<v1::DataCapture>("provider", "DataCaptureService/CreateDataCapture", request).name());
    }
    return names;
  }
  v1::ListDataCapturesResponse ListPage(const std::string& token) {
    v1::ListDataCapturesRequest request;
    request.set_parent(trial);
    request.set_page_size(1000);
    request.set_page_token(token);
    return Do<v1::ListDataCapturesResponse>("provider", "DataCaptureService/ListDataCaptures", request);
  }
};

TEST_F(Pages, OfLargeRecordsHoldWhatAnAnswerMayAndNoneIsLostOrDoubled) {
  GivenSubject();
  const auto names = GivenLargeCaptures(11);
  std::vector<std::string> listed;
  std::string token;
  do {
    const auto before = Shown(kListCaptures).size();
    const auto page = ListPage(token);
    std::vector<std::string> shown;
    for (const auto& capture : page.data_captures()) {
      EXPECT_THAT(capture.data_value(), SizeIs(kValues));
      shown.push_back(capture.name());
    }
    ASSERT_FALSE(shown.empty());
    listed.insert(listed.end(), shown.begin(), shown.end());
    // The access record names the page's records, and whose they are.
    const auto accesses = Shown(kListCaptures);
    ASSERT_EQ(accesses.size(), before + 1);
    EXPECT_EQ(accesses.back().count(), static_cast<int64_t>(shown.size()));
    shown.insert(shown.begin() + 1, patient);
    EXPECT_THAT(accesses.back().subjects(), ElementsAreArray(shown));
    token = page.next_page_token();
  } while (!token.empty());
  EXPECT_EQ(listed, names);
}

TEST_F(Pages, OfAHistoryOfLargeVersionsHoldWhatAnAnswerMayAndNoneIsLostOrDoubled) {
  constexpr int kVersions = 11;
  GivenSubject();
  v1::AmendDataCaptureRequest amend;
  amend.mutable_update_mask()->add_paths("data_value");
  amend.mutable_data_capture()->set_name(GivenLargeCaptures(1)[0]);
  std::string etag = Name<v1::DataCapture, v1::GetDataCaptureRequest>("provider", "DataCaptureService/GetDataCapture",
                                                                      amend.data_capture().name())
                         .etag();
  for (int version = 2; version <= kVersions; ++version) {
    amend.mutable_data_capture()->set_etag(etag);
    amend.mutable_data_capture()->set_amend_reason("corrected");
    Fill(*amend.mutable_data_capture(), version);
    etag = Do<v1::DataCapture>("provider", "DataCaptureService/AmendDataCapture", amend).etag();
  }
  v1::GetDataCaptureHistoryRequest request;
  request.set_name(amend.data_capture().name());
  request.set_page_size(200);
  std::vector<int64_t> versions, expected;
  do {
    const auto page =
        Do<v1::GetDataCaptureHistoryResponse>("provider", "DataCaptureService/GetDataCaptureHistory", request);
    ASSERT_FALSE(page.data_captures().empty());
    for (const auto& capture : page.data_captures()) versions.push_back(capture.version());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  for (int version = kVersions; version > 0; --version) expected.push_back(version);
  EXPECT_EQ(versions, expected);
}

TEST_F(Pages, OfMoreThanAnAccessRecordNamesAreAllNamed) {
  constexpr int kPatients = 130;
  std::set<std::string> names;
  for (int i = 0; i < kPatients; ++i) {
    const auto made =
        Do<v1::Patient>("provider", "PatientService/CreatePatient", NewPatient(Cat("p", i), "", Cat("MRN-", i)));
    names.insert(made.name());
  }
  v1::ListPatientsRequest request;
  request.set_parent(kOrg);
  request.set_page_size(1000);
  EXPECT_THAT(Do<v1::ListPatientsResponse>("provider", "PatientService/ListPatients", request).patients(),
              SizeIs(kPatients));
  const auto accesses = Shown("trialog.trials.v1.PatientService/ListPatients");
  ASSERT_THAT(accesses, SizeIs(2));
  std::set<std::string> named;
  for (const auto& access : accesses) named.insert(access.subjects().begin(), access.subjects().end());
  EXPECT_EQ(named, names);
  EXPECT_EQ(accesses[0].count() + accesses[1].count(), kPatients);
}

TEST_F(Pages, OfThePastGoOnAtTheTimeTheyWereBegunWith) {
  for (int i = 0; i < 4; ++i)
    Do<v1::Patient>("provider", "PatientService/CreatePatient", NewPatient(Cat("p", i), "", Cat("MRN-", i)));
  const auto now = absl::ToUnixSeconds(absl::Now());
  v1::ListPatientsRequest request;
  request.set_parent(kOrg);
  request.set_page_size(2);
  request.mutable_as_of()->set_seconds(now + 60);
  const auto first = Do<v1::ListPatientsResponse>("provider", "PatientService/ListPatients", request);
  ASSERT_FALSE(first.next_page_token().empty());
  request.set_page_token(first.next_page_token());
  EXPECT_THAT(Do<v1::ListPatientsResponse>("provider", "PatientService/ListPatients", request).patients(), SizeIs(2));
  const auto refusal = [&] {
    const auto page = Try<v1::ListPatientsResponse>("provider", "PatientService/ListPatients", request);
    EXPECT_TRUE(absl::IsInvalidArgument(page.status())) << page.status();
    return ReasonOf(page.status());
  };
  request.mutable_as_of()->set_seconds(now + 61);
  EXPECT_EQ(refusal(), "BAD_PAGE_TOKEN");
  request.clear_as_of();
  EXPECT_EQ(refusal(), "BAD_PAGE_TOKEN");
  request.clear_page_token();
  request.set_page_token(
      Do<v1::ListPatientsResponse>("provider", "PatientService/ListPatients", request).next_page_token());
  request.mutable_as_of()->set_seconds(now + 60);
  EXPECT_EQ(refusal(), "BAD_PAGE_TOKEN");
}

}  // namespace
}  // namespace trialog::trials
