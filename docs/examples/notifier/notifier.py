#!/usr/bin/env python3
"""An example notifier: tells people of their notices. What a team starts from that sends e-mail, text or push messages.

It reads `trialog.trials.events`, asks trials where the recipient of each NotificationCreated is reached, and delivers it, in order for
each organisation. `deliver` is the one place to change. Killed at any time it goes on without a loss; only what it was delivering then
is delivered again, under the same idempotency key.

usage: notifier.py --brokers HOST:PORT --auth HOST:PORT --trials HOST:PORT --keys DIR --handled FILE [--kafka NAME=VALUE]…
  --keys    folder with a file for each organisation that it serves, named after it: the key_secret of a service account with
            the role NOTIFIER (ServiceAccountService/CreateKey); mode 0600
  --handled SQLite file of what was handled, shared by all notifiers of the group. With several machines: a database that they share
  --kafka   settings of librdkafka, for TLS and SASL
  --roots   PEM file with roots for the services' certificates; without it only loopback makes sense
  --member  name of this process in the group, the same after a restart: it then need not wait until its former self is given up
  --topic_prefix, --group   where they differ from trialog. and trialog.consumer.notifier

It speaks in lines of JSON on standard output; `--until N` ends it after N notices, `--idle SECONDS` when nothing came for so long.
"""
import argparse
import collections
import json
import pathlib
import re
import sqlite3
import sys
import time

import grpc
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from google.protobuf.message import DecodeError
from trialog.auth.v1 import service_account_pb2, service_account_pb2_grpc
from trialog.trials.v1 import care_events_pb2, notification_pb2, notification_pb2_grpc

KIND = care_events_pb2.NotificationCreated.DESCRIPTOR.full_name
CONTENT_TYPE = "application/protobuf"
# Whoever answers so may answer otherwise soon: the same event is asked about again, and those behind it wait.
PASSING = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED,
           grpc.StatusCode.ABORTED, grpc.StatusCode.CANCELLED}  # fmt: skip
# These may pass, or be of this event or organisation alone: asked again for a while, lest one of them hold up all others for ever.
DOUBTFUL = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}
DOUBTED_FOR = 60  # Seconds; then it is for people to look at.
LONGEST_PAUSE = 5  # Seconds.
ORGANIZATION = re.compile("[A-Za-z0-9._~-]{1,63}")
SEQUENCE = re.compile("[0-9]{20}\\.[0-9]{6}")  # Offset and index in the log of trials.
COMMIT_EVERY = 20  # Records: so many are looked at again after a kill, and found handled.
RENEW_BEFORE = 60  # Seconds that an access token must still hold.


def say(**line):
    """One line of what happens; nothing personal in it."""
    sys.stdout.write(json.dumps(line) + "\n")  # At once: whoever is killed in between leaves a whole line.
    sys.stdout.flush()


class Bytes:
    """The values of public events are protobuf: bytes, and nothing to be made of them by the format of an envelope."""

    def read(self, event_factory, data):
        raise NotImplementedError("structured mode")

    def write(self, event):
        raise NotImplementedError("structured mode")

    def write_data(self, data, content_type):
        return bytes(data)

    def read_data(self, body, content_type):
        return body

    def get_content_type(self):
        return CONTENT_TYPE


class Poison(Exception):
    """A record that no repeat makes readable."""


class Handled:
    """Which events were handled, in the order in which they were. No address rests here."""

    def __init__(self, path):
        self._database = sqlite3.connect(path, timeout=60, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS handled (place INTEGER PRIMARY KEY, event TEXT UNIQUE, organization TEXT, notice TEXT)"
        )

    def has(self, event_id):
        """Whether the event was handled; a repeat then needs nobody's contact."""
        return self._database.execute("SELECT 1 FROM handled WHERE event = ?", (event_id,)).fetchone() is not None

    def once(self, event_id, organization, notice, effect):
        """The effect and a note of it in one transaction; not for a repeat. Whether it was new."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            row = (event_id, organization, notice)
            noted = self._database.execute("INSERT OR IGNORE INTO handled (event, organization, notice) VALUES (?, ?, ?)", row)
            if noted.rowcount == 1:
                effect()
            self._database.execute("COMMIT")
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        return noted.rowcount == 1


def deliver(event_id, notice, contact, language):
    """Where a team hands the text to its provider, with the event's id as idempotency key: who is killed right after this does it
    again. Here it only says through which channel. Without a contact the recipient is told in the application alone."""
    kind = notification_pb2.NotificationKind.Name(notice.kind).removeprefix("NOTIFICATION_KIND_")
    channel = notification_pb2.NotificationChannel.Name(contact.channel) if contact else "IN_APPLICATION_ONLY"
    channel = channel.removeprefix("NOTIFICATION_CHANNEL_")
    say(event=event_id, notice=notice.name, kind=kind, channel=channel, localized=bool(language))


class Contacts:
    """Asks trials where people are reached, as a program of its own in each organisation. `wait` lets seconds pass."""

    def __init__(self, arguments, wait):
        self._wait = wait
        credentials = grpc.ssl_channel_credentials(pathlib.Path(arguments.roots).read_bytes()) if arguments.roots else None

        def channel(target):
            options = [("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}')]
            return grpc.secure_channel(target, credentials, options) if credentials else grpc.insecure_channel(target, options)

        self._accounts = service_account_pb2_grpc.ServiceAccountServiceStub(channel(arguments.auth))
        self._notices = notification_pb2_grpc.NotificationServiceStub(channel(arguments.trials))
        self._keys = pathlib.Path(arguments.keys)
        self._tokens = {}  # Of an organisation: the token and when it ends.

    def serves(self, organization):
        """Whether there is a key of ours for the organisation. Its id comes from outside: it is a name, not a path."""
        return ORGANIZATION.fullmatch(organization) is not None and (self._keys / organization).is_file()

    def _token(self, organization):
        token, ends = self._tokens.get(organization, ("", 0))
        if ends - time.time() < RENEW_BEFORE:
            secret = (self._keys / organization).read_text(encoding="ascii").strip()
            request = service_account_pb2.IssueServiceTokenRequest(key_secret=secret)
            issued = self._accounts.IssueServiceToken(request, timeout=10)
            token = issued.access_token
            self._tokens[organization] = token, issued.expire_time.ToSeconds()
        return token

    def resolve(self, organization, notice, position):
        """(the preferred contact or None, language) of a notice's recipient, asked of a replica that has read the notice itself.
        A status that does not pass is for the caller."""
        pause, doubted_since = 0.05, None
        while True:
            token = None
            try:
                token = self._token(organization)
                metadata = [("authorization", f"Bearer {token}"), ("trialog-min-position", position)]
                request = notification_pb2.ResolveContactRequest(name=notice)
                answer = self._notices.ResolveContact(request, metadata=metadata, timeout=10)
                return next(iter(answer.contacts), None), answer.language
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.UNAUTHENTICATED:
                    self._tokens.pop(organization, None)
                if error.code() in DOUBTFUL:
                    doubted_since = doubted_since or time.monotonic()
                # No repeat makes a good key of one that auth itself refuses.
                key_refused = token is None and error.code() == grpc.StatusCode.UNAUTHENTICATED
                refused = key_refused or (doubted_since and time.monotonic() - doubted_since > DOUBTED_FOR)
                if error.code() not in PASSING | DOUBTFUL or refused:
                    raise
                say(waits=error.code().name)
                self._wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)


class Notifier:
    """Reads the topic; each record is handled, passed over, or laid aside, and only then counted as read."""

    def __init__(self, arguments):
        security = dict(setting.split("=", 1) for setting in arguments.kafka)
        common = {"bootstrap.servers": arguments.brokers, **security}
        self._consumer = Consumer({
            **common,
            "group.id": arguments.group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,  # Else what is only being handled counts as read with the next commit.
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 6000,
            **({"group.instance.id": arguments.member} if arguments.member else {}),
        })  # fmt: skip
        # A record that fitted into one topic fits into the other.
        self._aside = Producer({**common, "enable.idempotence": True, "acks": "all", "message.max.bytes": 100_000_000})
        self._aside_topic = f"{arguments.group}.aside"
        self._contacts, self._handled = Contacts(arguments, self._wait), Handled(arguments.handled)
        self._early = collections.deque()  # What came while something else was waited for.
        self._consumer.subscribe([f"{arguments.topic_prefix}trials.events"])

    def run(self, until, idle):
        """Until so many notices were handled by this process, or nothing came for so long; for ever where neither is said."""
        handled, read, last = 0, 0, time.monotonic()
        while (not until or handled < until) and (not idle or time.monotonic() - last < idle):
            message = self._early.popleft() if self._early else self._consumer.poll(0.2)
            if message is None:
                continue
            if message.error():
                if message.error().code() != KafkaError._PARTITION_EOF:  # pylint: disable=protected-access
                    say(kafka=message.error().name())
                continue
            last = time.monotonic()
            try:
                handled += self._handle(message)
            except Poison as why:
                self._lay_aside(message, str(why))
            try:
                self._consumer.store_offsets(message)
            except KafkaException as error:  # The partition is another's by now, who will find the event handled.
                say(kafka=error.args[0].name())
            read += 1
            if read % COMMIT_EVERY == 0:
                self._consumer.commit()
        if read:
            self._consumer.commit(asynchronous=False)
        self._consumer.close()

    def _wait(self, seconds):
        """Polls meanwhile, as the group expects of whoever lives, and takes nothing more: one record a new partition at most."""
        self._consumer.pause(self._consumer.assignment())
        message = self._consumer.poll(seconds)
        if message is not None and not message.error():
            self._early.append(message)
        self._consumer.resume(self._consumer.assignment())

    def _handle(self, message):
        """1 when the record led to something new."""
        event = self._event(message)
        if event.get_type() != KIND or not self._contacts.serves(event.get_extension("partitionkey")):
            return 0
        if self._handled.has(event.get_id()):
            return 0
        try:
            notice = care_events_pb2.NotificationCreated.FromString(event.get_data())
        except DecodeError as error:
            raise Poison(f"not a {KIND}") from error
        organization, contact, language, over = event.get_extension("partitionkey"), None, "", False
        try:
            contact, language = self._contacts.resolve(organization, notice.name, self._position(message, event))
        except grpc.RpcError as error:
            # NOTICE_OVER: the recipient has seen it meanwhile. Any other lasting refusal is for people to look at.
            if error.code() != grpc.StatusCode.FAILED_PRECONDITION:
                raise Poison(f"ResolveContact: {error.code().name}") from error
            over = True
        effect = (lambda: None) if over else lambda: deliver(event.get_id(), notice, contact, language)
        return int(self._handled.once(event.get_id(), organization, notice.name, effect))

    @staticmethod
    def _position(message, event):
        """Where the event stands in the log of trials, as its replicas understand it."""
        return f"{message.partition()}/{int(event.get_extension('sequence').partition('.')[0])}"

    @staticmethod
    def _event(message) -> BaseCloudEvent:
        headers = dict(message.headers() or [])
        if b"" in headers.values() or "ce_id" not in headers or headers.get("content-type") != CONTENT_TYPE.encode():
            raise Poison("no CloudEvent of a known content type")
        try:
            event = from_binary(KafkaMessage(headers, message.key(), message.value() or b""), Bytes())
        except Exception as error:  # Whatever the library says of headers that are none.
            raise Poison("no CloudEvent") from error
        if not event.get_extension("partitionkey"):
            raise Poison("no organisation")
        if not SEQUENCE.fullmatch(str(event.get_extension("sequence"))):
            raise Poison("no place in the log")
        return event

    def _lay_aside(self, message, why):
        """To the dead-letter topic as it is, with where it stood and why. Not counted as read before it stands there."""
        headers = [*(message.headers() or []), ("aside_reason", why.encode()), ("aside_topic", message.topic().encode()),
                   ("aside_partition", str(message.partition()).encode()), ("aside_offset", str(message.offset()).encode())]  # fmt: skip
        failed = []
        self._aside.produce(self._aside_topic, value=message.value(), key=message.key(), headers=headers,
                            on_delivery=lambda error, _: failed.append(error))  # fmt: skip
        self._aside.flush()
        if failed != [None]:
            sys.exit(f"notifier: {self._aside_topic}: {failed[0]}")  # Begun again it comes to the same record.
        say(aside=why, partition=message.partition(), offset=message.offset())


def main():
    """The program."""
    parser = argparse.ArgumentParser(usage=__doc__)
    for name in ("brokers", "auth", "trials", "keys", "handled"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--kafka", action="append", default=[])
    parser.add_argument("--roots", default="")
    parser.add_argument("--topic_prefix", default="trialog.")
    parser.add_argument("--group", default="trialog.consumer.notifier")
    parser.add_argument("--member", default="")
    parser.add_argument("--until", type=int, default=0)
    parser.add_argument("--idle", type=float, default=0)
    arguments = parser.parse_args()
    Notifier(arguments).run(arguments.until, arguments.idle)


if __name__ == "__main__":
    main()
