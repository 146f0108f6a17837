"""How long a partition was without commands when its owner changed: from a claim, by the broker's clock, to the first command that
its writer got into the log, and to the first that a client knows to be done. All clocks are this machine's."""
import statistics

from confluent_kafka import Consumer, TopicPartition
from trialog.event.v1 import record_pb2


def _records(brokers, topic, partition):
    """Each record of a partition: offset, record, and when the broker took it, in milliseconds."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "nobody", "enable.auto.commit": False, "check.crcs": True})
    try:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)
        consumer.assign([TopicPartition(topic, partition, 0)])
        offset = 0
        while offset < end:
            message = consumer.poll(30)
            assert message is not None and message.error() is None, (topic, partition, offset, message and message.error())
            offset = message.offset() + 1
            yield message.offset(), record_pb2.LogRecord.FromString(message.value()), message.timestamp()[1]
    finally:
        consumer.close()


def takeovers(fleet, brokers, service, partitions, acknowledged):
    """Milliseconds of each change of owners: (to the first command in the log, to the first whose acknowledgement a client had).
    `acknowledged`: when that was, by the position of the command."""
    written, known = [], []
    for partition in range(partitions):
        begun, term, owner, first, unknown = 0, 0, None, False, False
        for offset, record, at in _records(brokers, f"{fleet.prefix}{service}.log", partition):
            if record.HasField("claim") and record.claim.term > term:
                begun, term, owner, first, unknown = at, record.claim.term, record.claim.owner, True, True
            elif record.HasField("data") and record.data.owner == owner and record.data.term == term and record.data.method != "owner.confirm":
                if first:
                    written.append(at - begun)
                    first = False
                if unknown and (acknowledgement := acknowledged.get(f"{partition}/{offset}")):
                    known.append(acknowledgement - begun)
                    unknown = False
    return written, known


def figures(written, known):
    """Said at the end."""
    if not known:
        return f"{len(written)} changes of owners, none with a command of a client"
    soon = sum(wait <= 300 for wait in known)  # The rest had nobody who asked for anything.
    return (
        f"{len(written)} changes of owners: {statistics.median(written)} ms from claim to first command; to the first acknowledged "
        f"one of a client {statistics.median(known):.0f} ms, {soon} of {len(known)} within 300 ms; the others had none"
    )
