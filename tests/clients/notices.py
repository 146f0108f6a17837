"""Reading of a person's notices."""
import time

from client import pages
from server import DEADLINE
from trialog.trials.v1 import notification_pb2
from watching import Watch


def notices_from_now(person):
    """The open stream of a person's notices, past those that stood already."""
    watch = Watch(
        person.NotificationService.WatchNotifications(notification_pb2.WatchNotificationsRequest(parent=person.name))
    )
    watch.initial()
    return watch


def notices_of(person):
    """All notices of a person, latest first."""
    request = notification_pb2.ListNotificationsRequest(parent=person.name)
    return pages(person.NotificationService.ListNotifications, request, "notifications")


def kinds_of(person, resource):
    """What a person was told of a record: "STOCK_MOVED", latest first."""
    return [
        notification_pb2.NotificationKind.Name(notice.kind).removeprefix("NOTIFICATION_KIND_")
        for notice in notices_of(person)
        if notice.resource == resource
    ]


def until_told(person, cause):
    """Calls `cause` until the person is told something. Notices follow roles a moment later; who is told of them knows
    by then every role that was given before the person's."""
    deadline = time.monotonic() + DEADLINE
    while not notices_of(person):
        assert time.monotonic() < deadline, f"{person.name} was told nothing"
        cause()
