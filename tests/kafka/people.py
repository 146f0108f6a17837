"""Somebody who adds people to organisations, at any replica of auth, while things fail; and whether all of them are there."""
import random
import threading
import time

import grpc
from client import pages
from fleet import UP_DEADLINE
from trialog.auth.v1 import user_pb2

UNSURE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
ATTEMPT = 2  # Seconds that one attempt may take, so that a replica that stands still is left.


class People:
    """One thread that works until it is stopped. Each person has a data key of their own, made on the way."""

    def __init__(self, fleet, worlds, seed):
        self._fleet, self._chance = fleet, random.Random(seed)
        self._organizations = [world.organization for world in worlds]
        for organization in self._organizations:  # With tokens that are good for the whole time.
            organization.administrator.reconnect(fleet.target).sign_in_again()
        self._added = {organization.name: [] for organization in self._organizations}
        self._operations, self._failure = [], None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self):
        try:
            while not self._stopping.is_set():
                self._add(self._chance.choice(self._organizations))
        except Exception as error:  # pylint: disable=broad-exception-caught  # Told by stop().
            self._failure = error

    def _add(self, organization):
        user_id = f"person-{len(self._operations)}"
        request = user_pb2.CreateUserRequest(
            parent=organization.name,
            user_id=user_id,
            user=user_pb2.User(username=f"{user_id}-{organization.id}", display_name=f"Person {user_id}"),
            request_id=user_id,
        )
        begin = time.monotonic_ns()
        while True:
            replica = self._chance.choice([replica for replica in self._fleet.replicas["auth"] if replica.alive()])
            try:
                caller = organization.administrator.reconnect(self._fleet.target_with(replica))
                caller.UserService.CreateUser(request, timeout=ATTEMPT)
                break
            except grpc.RpcError as error:
                assert error.code() in UNSURE, error
                assert time.monotonic_ns() - begin < UP_DEADLINE * 1e9, error
            finally:
                caller.close()
        self._added[organization.name].append(user_id)
        self._operations.append({"invoke": begin, "return": time.monotonic_ns(), "world": organization.name})

    def stop(self):
        """Ends the work; the operations that it did."""
        self._stopping.set()
        self._thread.join(3 * UP_DEADLINE)
        assert not self._thread.is_alive() and self._failure is None, self._failure
        return self._operations

    def check(self):
        """Each replica shows each person once, with their name."""
        for organization in self._organizations:
            expected = {user_id: f"Person {user_id}" for user_id in self._added[organization.name]}
            for replica in self._fleet.replicas["auth"]:
                deadline = time.monotonic() + UP_DEADLINE
                while (shown := self._shown(organization, replica)) != expected:
                    assert time.monotonic() < deadline, (shown.keys() ^ expected.keys(), "others than were added")

    def _shown(self, organization, replica):
        """Nothing while the read cannot be recorded: that needs an owner."""
        caller = organization.administrator.reconnect(self._fleet.target_with(replica))
        try:
            listed = pages(caller.UserService.ListUsers, user_pb2.ListUsersRequest(parent=organization.name), "users")
        except grpc.RpcError as error:
            assert error.code() in UNSURE, error
            return {}
        finally:
            caller.close()
        people = [user for user in listed if "/users/person-" in user.name]
        assert len({user.name for user in people}) == len(people)
        return {user.name.rsplit("/", 1)[1]: user.display_name for user in people}
