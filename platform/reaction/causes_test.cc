#include "platform/reaction/causes.h"

#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/reaction/alarm_world.h"
#include "platform/view/public_stream.h"

namespace trialog::reaction {
namespace {

class CausesTest : public AlarmWorld {
 protected:
  // The first event of the log.
  event::v1::Cause First() {
    Set(AlarmName(1));
    const auto written = log_->Read("alarm", partition, 0, 1 << 20);
    EXPECT_TRUE(written.ok()) << written.status();
    for (const auto& stored : *written) {
      const auto record = log::ParseRecord(stored.bytes, stored.offset);
      EXPECT_TRUE(record.ok()) << record.status();
      const auto events =
          view::PublicEvents("alarm", AlarmEvent::default_instance(), partition, stored.offset, record->data());
      if (!events.empty()) return CauseOf(events.front());
    }
    ADD_FAILURE() << "no event";
    return {};
  }
};

TEST_F(CausesTest, AreWhereTheyWere) {
  const event::v1::Cause cause = First();
  const auto before = AdmissionAtCause(*log_, cause);
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(before->next_offset(), cause.position().offset());
  event::v1::FoldState own;
  *own.add_reacted() = cause;
  EXPECT_EQ(CheckCauses(*log_, own), absl::OkStatus());
}

TEST_F(CausesTest, ThatAreNotThereAreMissed) {
  const event::v1::Cause cause = First();
  const auto missed = [&](int64_t offset, int index) {
    event::v1::FoldState own;
    *own.add_reacted() = cause;
    own.mutable_reacted(0)->mutable_position()->set_offset(offset);
    own.mutable_reacted(0)->mutable_position()->set_index(index);
    return ReasonOf(CheckCauses(*log_, own));
  };
  EXPECT_EQ(missed(1000, 0), "CAUSE_MISSING");
  EXPECT_EQ(missed(0, 0), "CAUSE_MISSING");  // The claim, which has no events.
  EXPECT_EQ(missed(cause.position().offset(), 1), "CAUSE_MISSING");
}

}  // namespace
}  // namespace trialog::reaction
