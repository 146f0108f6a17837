"""What could lose or mix up what was acknowledged stops a process from starting, with the reason."""
import subprocess

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from fleet import UP_DEADLINE
from server import DEADLINE, EndedEarly
from test_fleet import at, create_biobank, retried, with_manager
from topics import whole_topics


@pytest.fixture
def site(make_fleet):
    """A fleet in which inventory has written, and has been stopped."""
    fleet = make_fleet(trials=0, analytics=0, audit=0)
    fleet.inventory = fleet.replicas["inventory"][0]
    fleet.topic = f"{fleet.prefix}inventory.log"
    fleet.admin = AdminClient({"bootstrap.servers": fleet.kafka_flags[1]})
    fleet.organization = with_manager(fleet)
    retried(lambda: create_biobank(at(fleet.organization, fleet.inventory), fleet.organization, "before"))
    fleet.inventory.stop()
    return fleet


def refused(replica, *words, flags=()):
    """It does not start, and says these words."""
    replica.log_file.write_text("")
    with pytest.raises(EndedEarly):
        replica.start(flags=flags)
    said = replica.log_file.read_text(encoding="utf-8")
    assert all(word in said for word in words), said


def set_to(site, topic, name, value):
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    for future in site.admin.incremental_alter_configs([resource]).values():
        future.result(DEADLINE)


def create_topics(site, *flags):
    """Those that are missing."""
    create = [site.binaries / "trialogctl", "topics", "create", *site.kafka_flags, *flags]
    subprocess.run(create, check=True, timeout=UP_DEADLINE, stdout=subprocess.DEVNULL)


def starts_again(site):
    """All is as it was."""
    site.inventory.start()
    retried(lambda: create_biobank(at(site.organization, site.inventory), site.organization, "after"))


@pytest.mark.parametrize(
    "kind, name, bad, good",
    [
        ("log", "retention.ms", "604800000", "-1"),
        ("log", "cleanup.policy", "compact", "delete"),
        ("log", "unclean.leader.election.enable", "true", "false"),
        ("events", "retention.bytes", "1000000", "-1"),
    ],
)
def test_a_topic_that_would_not_keep_what_is_written(site, kind, name, bad, good):
    topic = f"{site.prefix}inventory.{kind}"
    set_to(site, topic, name, bad)
    refused(site.inventory, "TOPIC_SETTINGS", f"{topic}: {name} is {bad}, must be {good}")
    set_to(site, topic, name, good)
    starts_again(site)


def test_topics_of_one_copy_unless_that_is_asked_for(site):
    refused(site.inventory, "TOPIC_SETTINGS", site.topic, flags=("--kafka_replicas", "3"))
    starts_again(site)


def test_a_log_of_another_cluster(site):
    other = f"{site.prefix}other."
    flags = ("--kafka_topic_prefix", other)
    refused(site.inventory, "TOPIC", other, flags=flags)  # Not there at all.
    create_topics(site, *flags)
    refused(site.inventory, "LOG_ENDS_BEFORE_STORE", "inventory", flags=flags)
    starts_again(site)


def remade(site):
    """The topic, made anew and empty; gives what was in it."""
    records = whole_topics(site.kafka_flags[1], site.topic)
    for future in site.admin.delete_topics([site.topic]).values():
        future.result(DEADLINE)
    create_topics(site)
    return records


def longest_of(records):
    """The last record of the partition that has most."""
    return max(records, key=lambda record: record.offset())


def write(site, records):
    producer = confluent_kafka.Producer({"bootstrap.servers": site.kafka_flags[1], "enable.idempotence": True})
    for partition, value in records:
        producer.produce(site.topic, value, partition=partition)
    assert producer.flush(DEADLINE) == 0


def test_a_topic_that_was_cut_off(site):
    records = remade(site)
    longest = longest_of(records)
    write(site, [(r.partition(), r.value()) for r in records if r is not longest])
    refused(site.inventory, "LOG_ENDS_BEFORE_STORE")
    write(site, [(longest.partition(), longest.value())])  # From a copy: whole again.
    starts_again(site)


def test_a_topic_with_the_records_of_others(site):
    records = remade(site)
    claims = {record.partition(): record.value() for record in records}
    swapped = dict(zip(claims, reversed(claims.values())))
    write(site, [(record.partition(), swapped[record.partition()]) for record in records])
    refused(site.inventory, "LOG_IS_ANOTHER", "inventory")
