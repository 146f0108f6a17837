"""What stands in topics on Kafka, as any consumer reads it."""
import confluent_kafka
from confluent_kafka.admin import AdminClient

from server import DEADLINE


def whole_topics(brokers, *names):
    """Every record of some topics, each partition in order."""
    settings = {"bootstrap.servers": brokers, "group.id": "nobody", "enable.auto.commit": False, "fetch.wait.max.ms": 10}
    consumer = confluent_kafka.Consumer(settings)
    topics = consumer.list_topics(timeout=DEADLINE).topics
    ends = {}
    for name in names:
        for partition in topics[name].partitions:
            _, end = consumer.get_watermark_offsets(confluent_kafka.TopicPartition(name, partition), DEADLINE)
            if end > 0:
                ends[name, partition] = end
    consumer.assign([confluent_kafka.TopicPartition(*place, 0) for place in ends])
    found = []
    while ends:
        message = consumer.poll(DEADLINE)
        assert message is not None and message.error() is None, ends
        found.append(message)
        place = message.topic(), message.partition()
        if message.offset() + 1 >= ends.get(place, 1 << 62):
            del ends[place]
    consumer.close()
    return found


def names_of_topics(brokers, prefix):
    """Every topic whose name begins so."""
    return [name for name in AdminClient({"bootstrap.servers": brokers}).list_topics(timeout=DEADLINE).topics if name.startswith(prefix)]


def everything_in(message):
    """All bytes of a record that somebody chose: key, value and headers."""
    return b"\0".join([message.key() or b"", message.value() or b"", *(value for _, value in message.headers() or [])])
