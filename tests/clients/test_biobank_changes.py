"""What a manager changes about a biobank and its storage, and stock that comes back."""
import pytest

from client import refused, request_id
from inventory import Biobank, get_item, milliliters
from trialog.inventory.v1 import biobank_pb2, inventory_item_pb2, storage_pb2


@pytest.fixture(scope="module")
def biobank(organization):
    return Biobank(organization, "changes")


def test_biobank_gets_another_place(biobank):
    get = biobank_pb2.GetBiobankRequest(name=biobank.name)
    stored = biobank.manager.BiobankService.GetBiobank(get)
    stored.location = "Building 5"
    request = biobank_pb2.UpdateBiobankRequest(
        biobank=stored, update_mask={"paths": ["location"]}, request_id=request_id()
    )
    biobank.manager.BiobankService.UpdateBiobank(request)
    shown = biobank.technician.BiobankService.GetBiobank(get)
    assert (shown.location, shown.display_name) == ("Building 5", stored.display_name)
    request.request_id = request_id()
    with refused("ABORTED", "ETAG_MISMATCH"):
        biobank.manager.BiobankService.UpdateBiobank(request)


def test_storage_keeps_room_for_what_is_in_it(biobank):
    place = biobank.add_location("shrinks", capacity=5)
    for number in range(2):
        biobank.receive(biobank.add_sample(f"SHRINKS-{number}"), place)

    def shrink(capacity):
        stored = biobank.location(place)
        stored.capacity = capacity
        return biobank.manager.StorageService.UpdateStorageLocation(
            storage_pb2.UpdateStorageLocationRequest(
                storage_location=stored, update_mask={"paths": ["capacity"]}, request_id=request_id()
            )
        )

    shrink(2)
    listed = biobank.manager.StorageService.ListStorageLocations(
        storage_pb2.ListStorageLocationsRequest(parent=biobank.name)
    ).storage_locations
    assert {location.name: location.capacity for location in listed}[place] == 2
    with refused("FAILED_PRECONDITION", "CAPACITY_BELOW_COUNT"):
        shrink(1)
    assert biobank.location(place).capacity == 2


def test_no_more_comes_back_than_was_issued(biobank):
    _, item = biobank.add_stocked_sample("COMES-BACK")
    stock = biobank.technician.InventoryService
    stock.IssueStock(
        inventory_item_pb2.IssueStockRequest(name=item.name, quantity=milliliters(10), request_id=request_id())
    )
    back = inventory_item_pb2.ReturnStockRequest(name=item.name, quantity=milliliters(4), request_id=request_id())
    stock.ReturnStock(back)
    shown = get_item(biobank.technician, item.name)
    assert shown.quantity == milliliters(25 - 10 + 4)
    back.quantity.units, back.request_id = 7, request_id()
    with refused("FAILED_PRECONDITION", "OVER_RETURN"):
        stock.ReturnStock(back)
    assert get_item(biobank.technician, item.name) == shown
