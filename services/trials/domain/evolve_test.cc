#include "services/trials/domain/evolve.h"

#include <set>

#include "services/trials/domain/clinical_world.h"
#include "trialog/options.pb.h"

namespace trialog::trials {
namespace {

const google::protobuf::OneofDescriptor& Kinds() { return *v1::TrialsEvent::descriptor()->oneof_decl(0); }

TEST(Evolve, TakesEveryKindOnAnEmptyState) {
  for (int i = 0; i < Kinds().field_count(); ++i) {
    SCOPED_TRACE(Kinds().field(i)->name());
    v1::TrialsEvent event;
    event.GetReflection()->MutableMessage(&event, Kinds().field(i));
    view::ChangeSet state(view::EmptyState());
    state.Begin({std::string(16, 'e'), "o", {}, {}});
    TrialsDomain().evolve(state, event);
    TrialsDomain().evolve(state, event);
  }
  view::ChangeSet state(view::EmptyState());
  TrialsDomain().evolve(state, v1::TrialsEvent());
  EXPECT_TRUE(state.empty());
}

TEST(Evolve, AnEventAboutARecordThatIsNotThereChangesNothing) {
  v1::TrialsEvent event;
  event.mutable_trial_locked()->set_trial("organizations/o/trials/t");
  view::ChangeSet state(view::EmptyState());
  Evolve(state, event);
  EXPECT_TRUE(state.empty());
}

TEST(Events, KeepTheirNumbersInTheirOwnRange) {
  for (int i = 0; i < Kinds().field_count(); ++i) {
    const auto* field = Kinds().field(i);
    const bool clinical = field->message_type()->file()->name() == "trialog/trials/v1/clinical_events.proto";
    EXPECT_EQ(field->number() <= 99, clinical) << field->name();
    EXPECT_LE(field->number(), 199) << field->name();
  }
}

TEST(Events, ThatOthersFoldArePublic) {
  for (const auto* kind : {"PatientCreated", "ProviderAssigned", "TrialApproved", "TrialActivated", "SubjectEnrolled",
                           "SubjectTransitioned", "ConsentWithdrawn", "DataCaptureFinalized", "DataCaptureAcknowledged",
                           "DataCaptureAmended", "TrialEventPublished"}) {
    const auto* descriptor =
        v1::TrialsEvent::descriptor()->file()->pool()->FindMessageTypeByName(Cat("trialog.trials.v1.", kind));
    ASSERT_NE(descriptor, nullptr) << kind;
    EXPECT_TRUE(descriptor->options().GetExtension(public_event)) << kind;
  }
}

TEST(Tables, HaveNumbersOfTheirOwn) {
  std::set<int> ids;
  for (const view::Table* table : TrialsDomain().tables) EXPECT_TRUE(ids.insert(table->id).second) << table->pattern;
  for (const view::Table* table : ClinicalTables()) EXPECT_LE(table->id, 49);
}

class FoldTest : public ClinicalWorld {};

TEST_F(FoldTest, NoPersonalFieldReachesAnEventInTheClear) {
  auto request = NewPatient("p", "participant");
  request.mutable_patient()->set_display_name("Ann Example");
  request.mutable_patient()->set_contact("ann@example.org");
  const auto created = Do(provider, CreatePatient, request, PatientPart("mac"));
  ASSERT_TRUE(created.ok());
  EXPECT_EQ(created->events[0].body->SerializeAsString().find("Ann"), std::string::npos);
  v1::UpdatePatientRequest update;
  *update.mutable_patient() = request.patient();
  update.mutable_patient()->set_name(patient);
  update.mutable_patient()->set_etag("\"1\"");
  update.mutable_update_mask()->add_paths("contact");
  const auto updated = Do(provider, UpdatePatient, update, SealedWith({v1::Patient::kContactFieldNumber}));
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->events[0].body->SerializeAsString().find("ann@"), std::string::npos);
}

TEST_F(FoldTest, AFinalCaptureTellsWhomToAlert) {
  GivenCapture();
  const auto decision = Move(provider, FinalizeDataCapture, capture);
  ASSERT_TRUE(decision.ok());
  const auto& kind = static_cast<const v1::TrialsEvent&>(*decision->events[0].body).data_capture_finalized();
  EXPECT_EQ(kind.patient(), patient);
  EXPECT_EQ(kind.trial(), trial);
  EXPECT_EQ(kind.finalized_by(), User("provider"));
}

}  // namespace
}  // namespace trialog::trials
