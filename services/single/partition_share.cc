#include "services/single/partition_share.h"

#include "platform/disk/watermark.h"
#include "platform/errors/errors.h"
#include "platform/log/kafka/topics.h"
#include "platform/runtime/real_runtime.h"
#include "platform/telemetry/event_log.h"
#include "platform/text/text.h"

namespace trialog::single {
namespace {

constexpr absl::Duration kReview = absl::Seconds(1);
// A clock that was wrong is tried again, by a claim, only so much later: it costs others a change of owner.
constexpr absl::Duration kClockDistrusted = absl::Minutes(5);
constexpr absl::Duration kLongestApart = absl::Hours(1);

}  // namespace

PartitionShare::PartitionShare(const process::Config& config, service::Host* host)
    : config_(config), host_(*host), reviewing_(RealRuntime().NewExecutor("share")) {}

absl::StatusOr<std::unique_ptr<PartitionShare>> PartitionShare::Take(const process::Config& config,
                                                                     service::Host* host) {
  std::unique_ptr<PartitionShare> share(new PartitionShare(config, host));
  if (share->MayWrite().ok()) {
    if (absl::Status joined = share->Join(); !joined.ok()) return joined;
  }
  share->reviewing_->Post([self = share.get()] { self->Review(); });
  return share;
}

absl::Status PartitionShare::Join() {
  const log::kafka::Topic topic = log::kafka::PrivateTopics(*config_.kafka, {std::string(host_.service())}).front();
  log::kafka::MembershipOptions options;
  options.group = Cat(config_.kafka->topic_prefix, host_.service(), ".owners");
  options.topic = topic.name;
  options.partitions = topic.partitions;
  options.member = config_.member;
  options.dead_after = config_.dead_after;
  auto joined = log::kafka::Membership::Join(
      *config_.kafka, options,
      [owner = &host_.backend().owner()](std::vector<bool> wanted) { owner->Hint(std::move(wanted)); });
  if (!joined.ok()) return joined.status();
  membership_ = *std::move(joined);
  return absl::OkStatus();
}

absl::Status PartitionShare::MayWrite() const {
  absl::Status may = disk::CheckWatermark(config_.data, config_.min_free_bytes);
  may.Update(host_.backend().store().Health());
  if (host_.backend().owner().ClockWasWrong(kClockDistrusted)) {
    may.Update(Refuse(absl::StatusCode::kUnavailable, "CLOCK_WRONG", "this process's clock was wrong a while ago"));
  }
  if (RealRuntime().Monotonic() < apart_until_) {
    may.Update(Refuse(absl::StatusCode::kUnavailable, "MEMBER_REPLACED",
                      "another process of the service has the same --member: give each its own, and restart them"));
  }
  return may;
}

void PartitionShare::Review() {
  if (membership_ && membership_->replaced()) {
    apart_until_ = RealRuntime().Monotonic() + apart_for_;
    apart_for_ = std::min(2 * apart_for_, kLongestApart);
  }
  const absl::Status may = MayWrite();
  if (!may.ok() && membership_) {
    telemetry::Warning("left_group", {{"reason", ReasonOf(may)}, {"cause", std::string(FromAbsl(may.message()))}});
    membership_.reset();
    host_.backend().owner().Hint(std::vector<bool>(host_.backend().owner().partitions, false));
  } else if (may.ok() && !membership_) {
    if (Join().ok()) telemetry::Info("joined_group");
  }
  reviewing_->After(kReview, [this] { Review(); });
}

}  // namespace trialog::single
