// The trials service as it runs: embedded log, keys, store, host and gRPC server in a temporary folder, and clients.
// Only who calls is said by the test, since sign-in is another service.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/rpc/client.h"
#include "platform/rpc/server.h"
#include "platform/runtime/real_runtime.h"
#include "platform/sealing/key_store.h"
#include "platform/sealing/master_key.h"
#include "platform/text/text.h"
#include "services/trials/app/trials_app.h"
#include "trialog/trials/v1/data_capture.pb.h"
#include "trialog/trials/v1/enrollment.pb.h"
#include "trialog/trials/v1/medication.pb.h"
#include "trialog/trials/v1/messaging.pb.h"
#include "trialog/trials/v1/notification.pb.h"
#include "trialog/trials/v1/patient.pb.h"
#include "trialog/trials/v1/researcher.pb.h"
#include "trialog/trials/v1/scheduling.pb.h"
#include "trialog/trials/v1/trial.pb.h"

namespace trialog::trials {

inline constexpr char kOrg[] = "organizations/o";

inline std::string User(std::string_view id, std::string_view organization = kOrg) {
  return Cat(organization, "/users/", id);
}

// The token is the user's id; who that is, this table says.
class Callers final : public rpc::Authenticator {
 public:
  Callers() {
    Add("provider", ROLE_PROVIDER);
    Add("second-provider", ROLE_PROVIDER);
    Add("coordinator", ROLE_COORDINATOR);
    Add("researcher", ROLE_TRIAL_RESEARCHER);
    Add("reviewer", ROLE_TRIAL_RESEARCHER);
    Add("custodian", ROLE_DATA_CUSTODIAN);
    Add("patient", ROLE_PARTICIPANT);
    Add("other-patient", ROLE_PARTICIPANT);
    Add("foreign-provider", ROLE_PROVIDER, "organizations/elsewhere");
  }
  void Authenticate(const rpc::CallInfo& call, Done done) override {
    const auto caller = callers_.find(std::string(call.bearer_token()));
    if (caller == callers_.end()) return done(Refuse(absl::StatusCode::kUnauthenticated, "TOKEN_MISSING", "sign in"));
    done(caller->second);
  }

 private:
  void Add(const std::string& id, Role role, std::string_view organization = kOrg) {
    auto principal = std::make_shared<Principal>();
    principal->caller.set_kind(event::v1::Caller::KIND_USER);
    principal->caller.set_name(User(id, organization));
    principal->organization = std::string(IdOf(organization));
    principal->grants.push_back({role, std::string(organization)});
    callers_[id] = std::move(principal);
  }
  std::map<std::string, std::shared_ptr<const Principal>> callers_;
};

// An open stream of changes; read by the test as they come.
template <typename Response>
class Changes {
 public:
  explicit Changes(std::unique_ptr<rpc::AnyReader> reader) : reader_(std::move(reader)) {}
  // What there was when the stream began.
  int Initial() {
    int count = 0;
    for (Response response; reader_->Read(response); response.Clear()) {
      count += response.changes_size();
      resume_token_ = response.resume_token();
      if (response.initial_done()) return count;
    }
    ADD_FAILURE() << "the stream ended: " << reader_->Finish();
    return count;
  }
  // To go on with after the last answer that was read.
  const std::string& resume_token() const { return resume_token_; }
  // The reason it ends with, which is not for want of time; changes before that are a failure.
  std::string End() {
    for (Response response; reader_->Read(response); response.Clear()) EXPECT_EQ(response.changes_size(), 0);
    return ReasonOf(reader_->Finish());
  }
  // The next change; an empty one and a failure when the stream ends.
  auto Next() {
    using Change = std::decay_t<decltype(std::declval<Response>().changes(0))>;
    while (waiting_.changes_size() <= taken_) {
      waiting_.Clear();
      taken_ = 0;
      if (!reader_->Read(waiting_)) {
        ADD_FAILURE() << "the stream ended: " << reader_->Finish();
        return Change();
      }
      resume_token_ = waiting_.resume_token();
    }
    return Change(waiting_.changes(taken_++));
  }

 private:
  std::unique_ptr<rpc::AnyReader> reader_;
  Response waiting_;
  std::string resume_token_;
  int taken_ = 0;
};

class TrialsServer : public testing::Test {
 protected:
  TrialsServer() {
    folder_ = std::filesystem::path(testing::TempDir()) /
              Cat("trials-", getpid(), "-", testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    Open();
  }
  ~TrialsServer() override {
    Close();
    std::filesystem::remove_all(folder_);
  }

  void Open() {
    auto log = log::EmbeddedLog::Open({.path = folder_ / "log", .min_free_bytes = 0, .compress = false});
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
    const std::string key_file = folder_ / "master.key";
    auto master = std::filesystem::exists(key_file) ? sealing::MasterKey::FromFile(key_file)
                                                    : sealing::MasterKey::CreateFile(key_file, RealRuntime());
    ASSERT_TRUE(master.ok()) << master.status();
    auto keys = sealing::KeyStore::Open(folder_ / "keys", *std::move(master), &RealRuntime());
    ASSERT_TRUE(keys.ok()) << keys.status();
    key_store_ = *std::move(keys);
    keys_ = std::make_unique<sealing::KeyStoreProvider>(key_store_.get(), &RealRuntime());
    service::Environment environment;
    environment.runtime = &RealRuntime();
    environment.log = log_.get();
    environment.keys = keys_.get();
    environment.store_path = folder_ / "store";
    environment.request_key = std::string(32, 'r');
    environment.tokens = &tokens_;
    environment.compress = false;
    environment.authenticator = std::make_shared<Callers>();
    auto host = service::Host::Open(TrialsDefinition(), environment);
    ASSERT_TRUE(host.ok()) << host.status();
    host_ = *std::move(host);
    auto frame = host_->MakeFrame();
    ASSERT_TRUE(frame.ok()) << frame.status();
    std::vector<std::unique_ptr<rpc::Frame>> frames;
    frames.push_back(*std::move(frame));
    auto server = rpc::Server::Start(std::move(frames));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    client_ = std::make_unique<rpc::Client>(rpc::Connect(Cat("127.0.0.1:", server_->port())));
  }

  void Close() {
    client_.reset();
    if (host_) host_->backend().owner().Stop();
    server_.reset();
    host_.reset();
    keys_.reset();
    key_store_.reset();
    log_.reset();
  }

  // Ends the streams and takes nothing more, as a server that is told to stop does.
  void Leave() {
    for (const auto& frame : server_->frames()) frame->Drain();
    host_->backend().Drain(absl::InfiniteFuture());
  }

  // `method`: "PatientService/GetPatient".
  template <typename Response>
  absl::StatusOr<Response> Try(std::string_view who, std::string_view method,
                               const google::protobuf::Message& request) {
    return client_->Call<Response>(Cat("trialog.trials.v1.", method), request, {.token = std::string(who)});
  }
  // The same, expected to succeed.
  template <typename Response>
  Response Do(std::string_view who, std::string_view method, const google::protobuf::Message& request) {
    auto response = Try<Response>(who, method, request);
    EXPECT_TRUE(response.ok()) << method << ": " << response.status();
    return response.ok() ? *std::move(response) : Response();
  }
  // A method that only names a record.
  template <typename Response, typename Request>
  Response Name(std::string_view who, std::string_view method, std::string_view name) {
    Request request;
    request.set_name(std::string(name));
    return Do<Response>(who, method, request);
  }
  // A list below a parent.
  template <typename Response, typename Request>
  Response Below(std::string_view who, std::string_view method, std::string_view parent) {
    Request request;
    request.set_parent(std::string(parent));
    return Do<Response>(who, method, request);
  }
  template <typename Response, typename Request>
  Changes<Response> Watch(std::string_view who, std::string_view method, std::string_view parent,
                          const std::string& resume_token = "") {
    Request request;
    request.set_parent(std::string(parent));
    request.set_resume_token(resume_token);
    return Changes<Response>(client_->Open(Cat("trialog.trials.v1.", method), request, {.token = std::string(who)}));
  }
  std::unique_ptr<rpc::AnyReader> Stream(std::string_view method, std::string_view who,
                                         const google::protobuf::Message& request) {
    return client_->Open(Cat("trialog.trials.v1.", method), request,
                         {.token = std::string(who), .timeout = absl::Seconds(100)});
  }
  Changes<v1::WatchNotificationsResponse> WatchAlerts(std::string_view who) {
    auto changes = Watch<v1::WatchNotificationsResponse, v1::WatchNotificationsRequest>(
        who, "NotificationService/WatchNotifications", User(who));
    EXPECT_EQ(changes.Initial(), 0);
    return changes;
  }

  // Access records in the log of personal fields shown by a method of this full name.
  std::vector<event::v1::Access> Shown(std::string_view method) {
    std::vector<event::v1::Access> accesses;
    const int partition = log::PartitionOf("o");
    for (int64_t from = 0;;) {
      const auto records = log_->Read("trials", partition, from, 1 << 20).value();
      if (records.empty()) return accesses;
      for (const log::StoredRecord& stored : records) {
        const auto record = log::ParseRecord(stored.bytes, stored.offset).value();
        for (const auto& event : record.data().events()) {
          const bool shown = event.has_access() && event.access().outcome() == event::v1::Access::OUTCOME_SHOWN;
          if (shown && event.access().method() == method) accesses.push_back(event.access());
        }
      }
      from = records.back().offset + 1;
    }
  }

  // ---- What most tests begin with. ----

  v1::CreatePatientRequest NewPatient(std::string_view id, std::string_view user, std::string_view mrn) {
    v1::CreatePatientRequest request;
    request.set_parent(kOrg);
    request.set_patient_id(std::string(id));
    request.mutable_patient()->set_medical_record_number(std::string(mrn));
    request.mutable_patient()->set_display_name("Ada Quintessa Marbleworth");
    request.mutable_patient()->mutable_date_of_birth()->set_year(1951);
    request.mutable_patient()->mutable_date_of_birth()->set_month(3);
    request.mutable_patient()->mutable_date_of_birth()->set_day(17);
    if (!user.empty()) request.mutable_patient()->set_user(User(user));
    return request;
  }
  void GivenPatients() {
    Do<v1::Patient>("provider", "PatientService/CreatePatient", NewPatient("p", "patient", "MRN-4711-Q"));
    Do<v1::Patient>("second-provider", "PatientService/CreatePatient", NewPatient("q", "other-patient", "MRN-4712-Q"));
  }
  void GivenActiveTrial() {
    v1::CreateTrialRequest request;
    request.set_parent(kOrg);
    request.set_trial_id("t");
    request.mutable_trial()->set_title("Lung");
    request.mutable_trial()->set_description("A study of the lung");
    request.mutable_trial()->set_study_type(v1::STUDY_TYPE_OBSERVATIONAL);
    Do<v1::Trial>("researcher", "TrialService/CreateTrial", request);
    Name<v1::Trial, v1::SubmitTrialRequest>("researcher", "TrialService/SubmitTrial", trial);
    Name<v1::Trial, v1::ApproveTrialRequest>("reviewer", "TrialService/ApproveTrial", trial);
    Name<v1::Trial, v1::ActivateTrialRequest>("researcher", "TrialService/ActivateTrial", trial);
  }
  void GivenSubject() {
    GivenPatients();
    GivenActiveTrial();
    v1::EnrollSubjectRequest request;
    request.set_parent(trial);
    request.set_subject_id("s");
    request.mutable_subject()->set_patient(patient);
    auto& consent = *request.mutable_subject()->mutable_consent();
    consent.set_state(v1::CONSENT_STATE_GIVEN);
    consent.set_form_version("1.0");
    Do<v1::Subject>("provider", "EnrollmentService/EnrollSubject", request);
  }
  static v1::CreateDataCaptureRequest NewCapture(std::string_view id, std::string_view text) {
    v1::CreateDataCaptureRequest request;
    request.set_parent("organizations/o/trials/t");
    request.set_data_capture_id(std::string(id));
    request.mutable_data_capture()->set_subject("organizations/o/trials/t/subjects/s");
    auto& value = *request.mutable_data_capture()->add_data_value();
    value.set_name("note");
    value.mutable_value()->set_text(std::string(text));
    request.set_submit(true);
    return request;
  }

  const std::string patient = Cat(kOrg, "/patients/p");
  const std::string other_patient = Cat(kOrg, "/patients/q");
  const std::string trial = Cat(kOrg, "/trials/t");
  std::filesystem::path folder_;
  std::unique_ptr<service::Host> host_;

 private:
  const rpc::TokenSigner tokens_{{std::string(32, 't')}};
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<sealing::KeyStore> key_store_;
  std::unique_ptr<sealing::KeyStoreProvider> keys_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::Client> client_;
};

}  // namespace trialog::trials
