#include "platform/log/kafka/membership.h"

#include "platform/text/text.h"

namespace trialog::log::kafka {

absl::StatusOr<std::unique_ptr<Membership>> Membership::Join(const Options& options,
                                                             const MembershipOptions& membership,
                                                             std::function<void(std::vector<bool>)> assigned) {
  const int64_t dead_after = absl::ToInt64Milliseconds(membership.dead_after);
  std::vector<Setting> settings = {{"group.id", membership.group},
                                   {"session.timeout.ms", Cat(dead_after)},
                                   // By its heartbeat a member hears that another one is gone: what waits for a
                                   // new owner waits for that too.
                                   {"heartbeat.interval.ms", Cat(std::max<int64_t>(dead_after / 20, 100))},
                                   // A process that computes long is not dead.
                                   {"max.poll.interval.ms", "86400000"},
                                   // Cooperative rebalancing is unsafe in librdkafka 2.0.2; whole is enough for a hint.
                                   {"partition.assignment.strategy", "range"},
                                   {"enable.auto.commit", "false"},
                                   {"enable.auto.offset.store", "false"}};
  if (!membership.member.empty()) settings.emplace_back("group.instance.id", membership.member);
  ClientHooks hooks;
  hooks.on_assigned = [count = membership.partitions,
                       assigned = std::move(assigned)](const rd_kafka_topic_partition_list_t& partitions) {
    std::vector<bool> wanted(count, false);
    for (int i = 0; i < partitions.cnt; ++i) {
      const int partition = partitions.elems[i].partition;
      if (partition >= 0 && partition < count) wanted[partition] = true;
    }
    assigned(std::move(wanted));
  };
  auto client = Client::Make(RD_KAFKA_CONSUMER, options, settings, std::move(hooks));
  if (!client.ok()) return client.status();
  std::unique_ptr<rd_kafka_topic_partition_list_t, Destroyer<rd_kafka_topic_partition_list_destroy>> topics(
      rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), membership.topic.c_str(), RD_KAFKA_PARTITION_UA);
  if (const auto error = rd_kafka_subscribe((*client)->handle(), topics.get()); error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return FromKafka(error, membership.topic);
  return std::unique_ptr<Membership>(new Membership(*std::move(client)));
}

}  // namespace trialog::log::kafka
