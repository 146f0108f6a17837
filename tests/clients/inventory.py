"""A biobank with its people, for tests of flow A."""
from client import pages, request_id
from trialog.event.v1 import value_pb2
from trialog.inventory.v1 import biobank_pb2, inventory_item_pb2, sample_pb2, storage_pb2


def milliliters(units, scale=1):
    """`units` tenths of a milliliter."""
    return value_pb2.Quantity(units=units, scale=scale, unit="mL")


class Biobank:
    """A biobank with two storage locations, its manager and a technician."""

    def __init__(self, organization, biobank_id="main"):
        self.organization = organization
        self.manager = organization.join(f"manager-{biobank_id}", "BIOBANK_MANAGER")
        self.technician = organization.join(f"technician-{biobank_id}", "LAB_TECHNICIAN")
        self.name = self.manager.BiobankService.CreateBiobank(
            biobank_pb2.CreateBiobankRequest(
                parent=organization.name,
                biobank_id=biobank_id,
                biobank=biobank_pb2.Biobank(
                    display_name=f"Biobank {biobank_id}", location="Building 4", responsible_person=self.manager.name
                ),
                request_id=request_id(),
            )
        ).name
        self.freezer = self.add_location("freezer")
        self.tank = self.add_location("tank")

    def add_location(self, location_id, capacity=1000):
        """Name of a new storage location."""
        return self.manager.StorageService.CreateStorageLocation(
            storage_pb2.CreateStorageLocationRequest(
                parent=self.name,
                storage_location_id=location_id,
                storage_location=storage_pb2.StorageLocation(display_name=f"Location {location_id}", capacity=capacity),
                request_id=request_id(),
            )
        ).name

    def location(self, name):
        """A storage location as it is."""
        return self.manager.StorageService.GetStorageLocation(storage_pb2.GetStorageLocationRequest(name=name))

    def new_sample(self, identifier, **fields):
        """The request that registers a sample."""
        fields.setdefault("sample_type", "BLD")
        return sample_pb2.CreateSampleRequest(
            parent=self.name,
            sample_id=identifier.lower(),
            sample=sample_pb2.Sample(identifier=identifier, **fields),
            request_id=request_id(),
        )

    def add_sample(self, identifier, **fields):
        """A registered sample."""
        return self.technician.SampleService.CreateSample(self.new_sample(identifier, **fields))

    def stock(self, sample, location=None, quantity=None, **fields):
        """The request that takes stock of a sample in."""
        return inventory_item_pb2.ReceiveStockRequest(
            parent=self.name,
            inventory_item=inventory_item_pb2.InventoryItem(
                sample=sample.name,
                location=location or self.freezer,
                quantity=quantity or milliliters(25),
                **fields,
            ),
            request_id=request_id(),
        )

    def receive(self, sample, location=None, quantity=None, **fields):
        """Stock of a sample, taken in."""
        return self.technician.InventoryService.ReceiveStock(self.stock(sample, location, quantity, **fields))

    def add_stocked_sample(self, identifier, **fields):
        """A new sample and its stock."""
        sample = self.add_sample(identifier, **fields)
        return sample, self.receive(sample)

    def transition(self, sample, state, reason=""):
        """Moves a sample to "QUARANTINED"."""
        return self.technician.SampleService.TransitionSample(
            sample_pb2.TransitionSampleRequest(
                name=sample.name,
                state=sample_pb2.SampleState.Value("SAMPLE_STATE_" + state),
                state_reason=reason,
                request_id=request_id(),
            )
        )

    def assign(self, provider):
        """Lets a provider read what the biobank holds."""
        self.manager.BiobankService.AssignProvider(
            biobank_pb2.AssignProviderRequest(name=self.name, provider=provider.name, request_id=request_id())
        )


def get_sample(caller, name, **more):
    return caller.SampleService.GetSample(sample_pb2.GetSampleRequest(name=name, **more))


def get_item(caller, name, **more):
    return caller.InventoryService.GetInventoryItem(inventory_item_pb2.GetInventoryItemRequest(name=name, **more))


def samples_of(caller, parent, **more):
    """All samples of a parent that the caller sees, over all pages."""
    return pages(caller.SampleService.ListSamples, sample_pb2.ListSamplesRequest(parent=parent, **more), "samples")


def items_of(caller, parent, **more):
    """All inventory items of a parent that the caller sees, over all pages."""
    request = inventory_item_pb2.ListInventoryItemsRequest(parent=parent, **more)
    return pages(caller.InventoryService.ListInventoryItems, request, "inventory_items")
