"""Biobanks that clients of stock work on: two locations with little room, some samples; and what is in them at the end."""
import time

from client import pages
from fleet import UP_DEADLINE
from inventory import Biobank
from organization import Organization
from trialog.inventory.v1 import inventory_item_pb2, storage_pb2

ITEMS = 10
CAPACITIES = (3, 4)  # Fewer than the items, so that there is often no room.


class StockWorld:
    """A biobank in an organisation of its own, so that each has a partition by chance."""

    def __init__(self, fleet, organization_id):
        self.fleet = fleet
        self.organization = Organization(fleet, organization_id)
        bank = Biobank(self.organization)
        self.name, self.person = bank.name, bank.technician
        self.locations = [bank.add_location(f"place-{i}", capacity) for i, capacity in enumerate(CAPACITIES)]
        self.samples = [bank.add_sample(f"S-{i}").name for i in range(ITEMS)]
        self.partition = int(self._position_of_answer().split("/")[0])

    def _position_of_answer(self):
        stub = self.person.service("trialog.inventory.v1.StorageService")._stub
        request = storage_pb2.GetStorageLocationRequest(name=self.locations[0])
        _, call = stub.GetStorageLocation.with_call(request, timeout=UP_DEADLINE, metadata=self.person.metadata())
        return dict(call.trailing_metadata())["trialog-position"]

    def told(self):
        """What its clients need to know; the token is good for a run."""
        person = self.person.reconnect(self.fleet.target).sign_in_again()
        return {"name": self.name, "locations": self.locations, "samples": self.samples, "token": person.token()}

    def final(self, replica, position):
        """What a replica shows of it, at a position or later: a line of a history, and the movements of each item."""
        person = self.person.reconnect(self.fleet.target_with(replica))
        at_least = (("trialog-min-position", position),)
        invoke = time.monotonic_ns()
        listed = pages(lambda r: person.InventoryService.ListInventoryItems(r, metadata=at_least),
                       inventory_item_pb2.ListInventoryItemsRequest(parent=self.name), "inventory_items")
        end = time.monotonic_ns()
        items, movements = [None] * ITEMS, {}
        for item in listed:
            number = int(item.uid.rsplit("-", 1)[1])
            items[number] = {
                "location": self.locations.index(item.location),
                "units": item.quantity.units,
                "issued": item.issued_quantity.units,
                "movements": item.movement_count,
            }
            request = inventory_item_pb2.ListMovementsRequest(parent=item.name, page_size=1000)
            found = pages(lambda r: person.InventoryService.ListMovements(r, metadata=at_least), request, "movements")
            movements[number] = list(reversed(found))
        for number, location in enumerate(self.locations):
            request = storage_pb2.GetStorageLocationRequest(name=location)
            counted = person.StorageService.GetStorageLocation(request, metadata=at_least).current_count
            held = sum(1 for item in items if item and item["location"] == number and item["units"] > 0)
            assert counted == held <= CAPACITIES[number], (location, counted, held)
        line = {"world": self.name, "operation": "state", "invoke": invoke, "return": end, "outcome": "ok", "items": items}
        return line, movements
