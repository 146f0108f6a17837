"""An owner that stands still with commands in flight, while others take over and write, and then goes on."""
import collections
import signal
import time

import grpc
from client import reason_of, request_id
from fleet import UP_DEADLINE
from server import DEADLINE
from stock_world import CAPACITIES
from trialog.event.v1 import value_pb2
from trialog.inventory.v1 import inventory_item_pb2, storage_pb2

PATIENCE = 60  # Seconds that callers of the sleeper wait for it.
IN_FLIGHT, ASKED = 40, 20
STRICT = ("trialog-read", "strict")
UNSURE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)


class Zombie:
    """The owner of a world's partition. Location 0 is full when it stops, and has room when it wakes up."""

    def __init__(self, fleet, world):
        self.fleet, self.world = fleet, world
        deadline = time.monotonic() + UP_DEADLINE
        while (owner := fleet.owners("inventory")[world.partition]) is None:
            assert time.monotonic() < deadline, "nobody owns it"
        self.sleeper = owner
        self.other = next(replica for replica in fleet.replicas["inventory"] if replica is not owner)
        token = (("authorization", f"Bearer {world.told()['token']}"),)
        self.stubs = {}
        for replica in (self.sleeper, self.other):
            channel = grpc.insecure_channel(replica.target, [("grpc.use_local_subchannel_pool", 1)])
            service = world.person.service("trialog.inventory.v1.InventoryService")._stub.__class__
            self.stubs[replica] = service(channel)
        self.metadata = token
        self.sent, self.late, self.reads = [], [], []

    def receive(self, item):
        """A request that takes stock into location 0."""
        return inventory_item_pb2.ReceiveStockRequest(
            parent=self.world.name,
            inventory_item_id=f"item-{item}",
            inventory_item=inventory_item_pb2.InventoryItem(
                sample=self.world.samples[item], location=self.world.locations[0], quantity=value_pb2.Quantity(units=1000, unit="{cell}")
            ),
            request_id=request_id(),
        )

    def issue(self):
        """A request that gives one unit of item 0 out."""
        amount = value_pb2.Quantity(units=1, unit="{cell}")
        return inventory_item_pb2.IssueStockRequest(name=f"{self.world.name}/inventoryItems/item-0", quantity=amount, request_id=request_id())

    def at(self, replica, method, request, seconds=5, metadata=()):
        """Repeats a call at one replica until its outcome is known."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return getattr(self.stubs[replica], method)(request, timeout=seconds, metadata=(*self.metadata, *metadata))
            except grpc.RpcError as error:
                assert error.code() in UNSURE and time.monotonic() < deadline, error

    def fill(self):
        """Location 0 is full then, as the sleeper knows."""
        for item in range(CAPACITIES[0]):
            self.at(self.sleeper, "ReceiveStock", self.receive(item))

    def pause(self, busy):
        """It stops: in the middle of commands, or while it has nothing to do."""
        for number in range(IN_FLIGHT if busy else 0):
            request = self.issue()
            call = self.stubs[self.sleeper].IssueStock.future(request, timeout=PATIENCE, metadata=self.metadata)
            self.sent.append((request, call))
            if number == IN_FLIGHT // 2:
                self.sent[IN_FLIGHT // 4][1].result()  # Some are done, the next are not.
                self.sleeper.process.send_signal(signal.SIGSTOP)
        if not busy:
            self.sleeper.process.send_signal(signal.SIGSTOP)

    def make_room_elsewhere(self):
        """Another replica takes over and moves an item out of location 0: acknowledged before the sleeper is asked more."""
        request = inventory_item_pb2.MoveStockRequest(
            name=f"{self.world.name}/inventoryItems/item-1", location=self.world.locations[1], request_id=request_id()
        )
        self.at(self.other, "MoveStock", request)

    def ask_the_sleeper(self):
        """For what its old state refuses, and the state of all others does not: each for another item, of which one fits in."""
        for _ in range(ASKED):
            request = self.receive(CAPACITIES[0] + len(self.late) % 5)
            call = self.stubs[self.sleeper].ReceiveStock.future(request, timeout=PATIENCE, metadata=self.metadata)
            self.late.append((request, call))
            # And for what was moved away, as it is.
            moved = inventory_item_pb2.GetInventoryItemRequest(name=f"{self.world.name}/inventoryItems/item-1")
            strict = (*self.metadata, STRICT)
            self.reads.append(self.stubs[self.sleeper].GetInventoryItem.future(moved, timeout=PATIENCE, metadata=strict))

    def wake(self):
        self.sleeper.process.send_signal(signal.SIGCONT)
        self.outcomes = [self.outcome(call) for _, call in self.sent]
        self.late_outcomes = [self.outcome(call) for _, call in self.late]
        self.read_outcomes = [self.outcome(call) for call in self.reads]

    @staticmethod
    def outcome(call):
        try:
            call.result(DEADLINE)
            return "ok"
        except grpc.RpcError as error:
            return reason_of(error) or error.code().name

    def in_flight(self):
        return dict(collections.Counter(self.outcomes))

    def asked(self):
        return dict(collections.Counter(self.late_outcomes))

    def read(self):
        return dict(collections.Counter(self.read_outcomes))

    def check(self):
        """Each command in flight is done once, whatever its first answer was; nobody was refused for want of room while there was,
        or strictly read what had been before."""
        for call, outcome in zip(self.reads, self.read_outcomes):
            assert outcome != "ok" or call.result().location == self.world.locations[1], f"an old state was shown: {call.result()}"
        for request, _ in self.sent:
            self.at(self.other, "IssueStock", request)
        # Asked again, as an owner that is one no more, it says what is.
        moved = inventory_item_pb2.GetInventoryItemRequest(name=f"{self.world.name}/inventoryItems/item-1")
        assert self.at(self.sleeper, "GetInventoryItem", moved, metadata=[STRICT]).location == self.world.locations[1]
        name = f"{self.world.name}/inventoryItems/item-0"
        item = self.at(self.other, "GetInventoryItem", inventory_item_pb2.GetInventoryItemRequest(name=name), metadata=[STRICT])
        assert (item.issued_quantity.units, item.movement_count) == (len(self.sent), len(self.sent) + 1), item
        known = {"ok", "OWNER_CHANGED", "UNAVAILABLE", "OWNER_UNAVAILABLE", "OWNER_UNREACHABLE"}
        assert set(self.outcomes) | set(self.read_outcomes) <= known, (self.outcomes, self.read_outcomes)
        request = storage_pb2.GetStorageLocationRequest(name=self.world.locations[0])
        person = self.world.person.reconnect(self.fleet.target_with(self.other))
        if person.StorageService.GetStorageLocation(request, metadata=[STRICT]).current_count < CAPACITIES[0]:  # So there was room all the time.
            assert "LOCATION_FULL" not in self.late_outcomes, f"refused from an old state: {self.asked()}"
