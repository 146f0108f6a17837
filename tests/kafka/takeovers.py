"""How long a partition was without commands when its owner changed: from a claim to the first command that its writer got into
the log, by the broker's clock."""
import statistics

from confluent_kafka import Consumer, TopicPartition
from trialog.event.v1 import record_pb2


def _records(brokers, topic, partition):
    """Each record of a partition, and when the broker took it, in milliseconds."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "nobody", "enable.auto.commit": False, "check.crcs": True})
    try:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)
        consumer.assign([TopicPartition(topic, partition, 0)])
        offset = 0
        while offset < end:
            message = consumer.poll(30)
            assert message is not None and message.error() is None, (topic, partition, offset, message and message.error())
            offset = message.offset() + 1
            yield record_pb2.LogRecord.FromString(message.value()), message.timestamp()[1]
    finally:
        consumer.close()


def takeovers(fleet, brokers, service, partitions):
    """Milliseconds of each change of owners that was followed by a command."""
    waits = []
    for partition in range(partitions):
        claimed, begun, term = None, 0, 0
        for record, at in _records(brokers, f"{fleet.prefix}{service}.log", partition):
            if record.HasField("claim") and record.claim.term > term:
                claimed, begun, term = record.claim.owner, at, record.claim.term
            elif claimed and record.data.owner == claimed and record.data.term == term:
                waits.append(at - begun)
                claimed = None
    return waits


def figures(waits):
    """Said at the end."""
    soon = sum(wait <= 300 for wait in waits)  # The rest had nobody who asked for anything.
    return f"{len(waits)} changes of owners: {statistics.median(waits)} ms from claim to first command; {soon} within 300 ms"
