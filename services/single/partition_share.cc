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
// Replaced again within so long of its joining, it stays apart.
constexpr absl::Duration kSettled = absl::Minutes(1);
constexpr absl::Duration kShortestApart = absl::Seconds(2), kLongestApart = absl::Minutes(5);

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
  joined_at_ = RealRuntime().Monotonic();
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
  if (membership_ && membership_->replaced()) Replaced();
  const absl::Status may = MayWrite();
  if (!may.ok() && membership_) {
    Leave(may);
  } else if (may.ok() && !membership_) {
    if (Join().ok()) telemetry::Info("joined_group");
  }
  reviewing_->After(kReview, [this] { Review(); });
}

void PartitionShare::Replaced() {
  const absl::Duration now = RealRuntime().Monotonic();
  if (now > joined_at_ + kSettled) apart_ = absl::ZeroDuration();
  apart_until_ = now + apart_;
  if (apart_ == absl::ZeroDuration()) {
    telemetry::Warning("member_replaced");
    membership_.reset();  // What it owns it keeps until the group says what it is to own.
  }
  apart_ = std::clamp(2 * apart_, kShortestApart, kLongestApart);
}

void PartitionShare::Leave(const absl::Status& why) {
  telemetry::Warning("left_group", {{"reason", ReasonOf(why)}, {"cause", std::string(FromAbsl(why.message()))}});
  membership_.reset();
  host_.backend().owner().Hint(std::vector<bool>(host_.backend().owner().partitions, false));
}

}  // namespace trialog::single
