"""Flow A, a biobank: sign in → list inventory by last update → add a sample → change its location and quantity → live
update; and who sees what."""
import pytest
from google.protobuf import field_mask_pb2, timestamp_pb2

from client import not_found, refused, request_id
from inventory import Biobank, get_item, get_sample, items_of, milliliters, samples_of
from organization import Organization
from trialog.inventory.v1 import biobank_pb2, inventory_item_pb2, sample_pb2, storage_pb2
from watching import Watch

ItemChange = inventory_item_pb2.WatchInventoryItemsResponse.Change
SampleChange = sample_pb2.WatchSamplesResponse.Change


@pytest.fixture(scope="module")
def biobank(organization):
    return Biobank(organization)


def state_of(sample):
    return sample_pb2.SampleState.Name(sample.state).removeprefix("SAMPLE_STATE_")


def watch_items(caller, parent, **more):
    request = inventory_item_pb2.WatchInventoryItemsRequest(parent=parent, **more)
    return Watch(caller.InventoryService.WatchInventoryItems(request))


def watch_samples(caller, parent, **more):
    return Watch(caller.SampleService.WatchSamples(sample_pb2.WatchSamplesRequest(parent=parent, **more)))


def move(biobank, item, location, counted=None):
    return biobank.technician.InventoryService.MoveStock(
        inventory_item_pb2.MoveStockRequest(
            name=item.name, location=location, counted_quantity=counted, request_id=request_id()
        )
    )


# The arrows.


def test_technician_signs_in(organization, biobank):
    answer = organization.nobody.AuthService.Login(biobank.technician.credentials)
    assert answer.identity.user.name == biobank.technician.name
    assert answer.tokens.access_token


def test_manager_opens_a_biobank_with_its_storage(organization, biobank):
    made = biobank.manager.BiobankService.CreateBiobank(
        biobank_pb2.CreateBiobankRequest(
            parent=organization.name,
            biobank_id="second",
            biobank=biobank_pb2.Biobank(
                display_name="Second biobank", location="Building 5", responsible_person=biobank.manager.name
            ),
            request_id=request_id(),
        )
    )
    assert (made.name, made.location) == (f"{organization.name}/biobanks/second", "Building 5")
    assert made.responsible_person == biobank.manager.name
    shelf = biobank.manager.StorageService.CreateStorageLocation(
        storage_pb2.CreateStorageLocationRequest(
            parent=made.name,
            storage_location=storage_pb2.StorageLocation(display_name="Shelf", capacity=12),
            request_id=request_id(),
        )
    )
    assert biobank.location(shelf.name) == shelf
    assert (shelf.display_name, shelf.capacity, shelf.current_count) == ("Shelf", 12, 0)


def test_inventory_is_listed_by_last_update(biobank):
    _, first = biobank.add_stocked_sample("LIST-1")
    _, second = biobank.add_stocked_sample("LIST-2")

    def order():
        return [item.name for item in items_of(biobank.technician, biobank.name) if item.name in (first.name, second.name)]

    assert order() == [second.name, first.name]
    move(biobank, first, biobank.tank)
    assert order() == [first.name, second.name]


def test_pages_join_to_the_whole_list(biobank):
    for number in range(5):
        biobank.add_stocked_sample(f"PAGE-{number}")
    whole = [item.name for item in items_of(biobank.technician, biobank.name)]
    assert [item.name for item in items_of(biobank.technician, biobank.name, page_size=2)] == whole
    assert len(whole) == len(set(whole)) >= 5


def test_sample_is_added_with_all_its_fields(biobank):
    patient = f"{biobank.organization.name}/patients/donor-1"
    given = sample_pb2.Sample(
        sample_type="SER",
        patient=patient,
        tracking="TRACK-7",
        handling_instructions="Made-up: keep on dry ice",
        storage_temperature=sample_pb2.STORAGE_TEMPERATURE_MINUS_60_TO_MINUS_85,
        container_type="PPS",
        preservation="SNP",
        light_sensitive=True,
        freeze_thaw_limit=3,
        expire_time=timestamp_pb2.Timestamp(seconds=4_000_000_000),
        collect_time=timestamp_pb2.Timestamp(seconds=1_700_000_000),
        quantity=milliliters(25),
    )
    fields = {descriptor.name: value for descriptor, value in given.ListFields()}
    sample = biobank.add_sample("ALL-FIELDS", **fields)
    assert sample.name == f"{biobank.name}/samples/all-fields"
    assert (sample.identifier, sample.biobank, sample.creator) == (
        "ALL-FIELDS",
        biobank.name,
        biobank.technician.name,
    )
    for field in fields:
        assert getattr(sample, field) == getattr(given, field), field
    assert get_sample(biobank.technician, sample.name) == sample


def test_sample_identifier_is_unique_in_the_organisation(biobank):
    biobank.add_sample("ONLY-ONE")
    again = biobank.new_sample("ONLY-ONE")
    again.sample_id = "only-one-more"
    with refused("ALREADY_EXISTS", "IDENTIFIER_TAKEN"):
        biobank.technician.SampleService.CreateSample(again)


def test_location_and_quantity_change_in_one_move(biobank):
    _, item = biobank.add_stocked_sample("MOVES")
    freezer, tank = (biobank.location(name).current_count for name in (biobank.freezer, biobank.tank))
    moved = move(biobank, item, biobank.tank, counted=milliliters(20))
    assert (moved.location, moved.quantity) == (biobank.tank, milliliters(20))
    assert biobank.location(biobank.freezer).current_count == freezer - 1
    assert biobank.location(biobank.tank).current_count == tank + 1


def test_every_movement_of_stock_is_listed(biobank):
    _, item = biobank.add_stocked_sample("MOVEMENTS")
    move(biobank, item, biobank.tank, counted=milliliters(20))
    movements = biobank.technician.InventoryService.ListMovements(
        inventory_item_pb2.ListMovementsRequest(parent=item.name)
    ).movements
    kinds = inventory_item_pb2.StockMovement
    assert sorted(movement.kind for movement in movements) == [
        kinds.KIND_RECEIPT,
        kinds.KIND_MOVE,
        kinds.KIND_ADJUSTMENT,
    ]
    assert sum(movement.change.units for movement in movements) == 20
    assert {movement.actor for movement in movements} == {biobank.technician.name}


def test_watch_shows_the_new_item_and_its_move(biobank):
    with watch_items(biobank.manager, biobank.name) as watch:
        watch.initial()
        _, item = biobank.add_stocked_sample("LIVE")
        created = watch.until(lambda change: change.name == item.name)
        assert (created.kind, created.inventory_item) == (ItemChange.KIND_CREATE, item)
        moved = move(biobank, item, biobank.tank, counted=milliliters(20))
        updated = watch.until(lambda change: change.name == item.name)
        assert updated.kind == ItemChange.KIND_UPDATE
        assert (updated.inventory_item.location, updated.inventory_item.quantity) == (biobank.tank, milliliters(20))
        assert updated.inventory_item.etag == moved.etag


def test_watch_with_a_filter_shows_what_enters_and_leaves_it(biobank):
    sample = biobank.add_sample("FILTERED")
    with watch_samples(biobank.manager, biobank.name, filter="state = SAMPLE_STATE_QUARANTINED") as watch:
        watch.initial()
        biobank.transition(sample, "QUARANTINED", "made-up: papers missing")
        assert watch.until(lambda change: change.name == sample.name).kind == SampleChange.KIND_ENTER
        biobank.transition(sample, "STORED")
        assert watch.until(lambda change: change.name == sample.name).kind == SampleChange.KIND_LEAVE


def test_sample_status_is_updated(biobank):
    sample = biobank.add_sample("STATUS")
    assert state_of(sample) == "STORED"
    moved = biobank.transition(sample, "QUARANTINED", "made-up: label unreadable")
    assert (state_of(moved), moved.state_reason) == ("QUARANTINED", "made-up: label unreadable")
    assert state_of(get_sample(biobank.manager, sample.name)) == "QUARANTINED"


def test_illegal_status_move_is_refused(biobank):
    sample = biobank.add_sample("ILLEGAL")
    with refused("FAILED_PRECONDITION", "ILLEGAL_MOVE"):
        biobank.transition(sample, "PLANNED")
    assert state_of(get_sample(biobank.manager, sample.name)) == "STORED"


def test_inventory_shows_the_state_of_its_sample(biobank):
    sample, item = biobank.add_stocked_sample("DERIVED")
    biobank.transition(sample, "QUARANTINED", "made-up reason")
    assert get_item(biobank.manager, item.name).sample_state == sample_pb2.SAMPLE_STATE_QUARANTINED


def test_update_changes_what_its_mask_names_and_needs_the_etag(biobank):
    sample = biobank.add_sample("UPDATED", tracking="OLD")
    request = sample_pb2.UpdateSampleRequest(
        sample=sample_pb2.Sample(name=sample.name, etag=sample.etag, tracking="NEW", sample_type="XXX"),
        update_mask={"paths": ["tracking"]},
        request_id=request_id(),
    )
    updated = biobank.technician.SampleService.UpdateSample(request)
    assert (updated.tracking, updated.sample_type) == ("NEW", "BLD")
    request.request_id = request_id()
    with refused("ABORTED", "ETAG_MISMATCH"):
        biobank.technician.SampleService.UpdateSample(request)
    request.sample.etag = ""
    with refused("INVALID_ARGUMENT", "ETAG_REQUIRED", field="etag"):
        biobank.technician.SampleService.UpdateSample(request)


def test_notes_and_place_in_words_are_kept_with_the_item(biobank):
    sample = biobank.add_sample("NOTES")
    item = biobank.receive(sample, notes=["made-up note 1"], location_text="second drawer")
    updated = biobank.technician.InventoryService.UpdateInventoryItem(
        inventory_item_pb2.UpdateInventoryItemRequest(
            inventory_item=inventory_item_pb2.InventoryItem(
                name=item.name, etag=item.etag, notes=["made-up note 1", "made-up note 2"]
            ),
            update_mask={"paths": ["notes"]},
            request_id=request_id(),
        )
    )
    assert list(updated.notes) == ["made-up note 1", "made-up note 2"]
    assert get_item(biobank.manager, item.name).location_text == "second drawer"


def test_full_location_takes_no_more(biobank):
    box = biobank.add_location("small-box", capacity=1)
    biobank.receive(biobank.add_sample("FITS"), location=box)
    with refused("FAILED_PRECONDITION", "LOCATION_FULL"):
        biobank.receive(biobank.add_sample("FITS-NOT"), location=box)
    occupancy = biobank.manager.StorageService.GetOccupancy(storage_pb2.GetOccupancyRequest(name=box))
    assert (occupancy.current_count, occupancy.free_count) == (1, 0)


def test_filter_selects_by_declared_fields(biobank):
    biobank.add_sample("FILTER-1", sample_type="CSF")
    biobank.add_sample("FILTER-2", sample_type="URN")
    found = samples_of(biobank.technician, biobank.name, filter='sample_type = "CSF"')
    assert [sample.identifier for sample in found] == ["FILTER-1"]
    with refused("INVALID_ARGUMENT", "BAD_FILTER", field="filter"):
        samples_of(biobank.technician, biobank.name, filter='handling_instructions = "guess"')


# History: nothing that was is lost.


def test_sample_is_read_as_it_was(biobank):
    sample = biobank.add_sample("AS-OF")
    moved = biobank.transition(sample, "QUARANTINED", "made-up reason")
    before = moved.update_time.ToMicroseconds() - 1
    as_of = timestamp_pb2.Timestamp()
    as_of.FromMicroseconds(before)
    assert state_of(get_sample(biobank.manager, sample.name, as_of=as_of)) == "STORED"
    assert state_of(get_sample(biobank.manager, sample.name, as_of=moved.update_time)) == "QUARANTINED"
    then = {old.name: state_of(old) for old in samples_of(biobank.manager, biobank.name, as_of=as_of)}
    assert then[sample.name] == "STORED"
    as_of.FromMicroseconds(sample.create_time.ToMicroseconds() - 1)
    with not_found():
        get_sample(biobank.manager, sample.name, as_of=as_of)


def test_history_says_what_changed_when_and_by_whom(biobank):
    sample = biobank.add_sample("HISTORY")
    biobank.transition(sample, "QUARANTINED", "made-up: first reason")
    revisions = biobank.manager.SampleService.GetSampleHistory(
        sample_pb2.GetSampleHistoryRequest(name=sample.name)
    ).revisions
    assert [revision.version for revision in revisions] == [2, 1]
    assert {revision.actor for revision in revisions} == {biobank.technician.name}
    assert {"state", "state_reason"} <= set(revisions[0].changed_fields)
    assert [state_of(revision.sample) for revision in revisions] == ["QUARANTINED", "STORED"]
    assert len({revision.event_id for revision in revisions}) == 2


# Who sees what.


@pytest.fixture(scope="module")
def donor(organization):
    """A patient who signed up."""
    return organization.join("donor", "PARTICIPANT", patient=f"{organization.name}/patients/donor")


@pytest.fixture(scope="module")
def own(biobank, donor):
    """Sample and item of that patient."""
    return biobank.add_stocked_sample("OWN", patient=donor.identity.patient)


@pytest.fixture(scope="module")
def anothers(biobank, organization):
    """Sample and item of another patient."""
    return biobank.add_stocked_sample("ANOTHERS", patient=f"{organization.name}/patients/somebody-else")


def test_patient_sees_only_their_own_samples_and_inventory(biobank, donor, own, anothers):
    everywhere = f"{biobank.organization.name}/biobanks/-"
    for parent in (biobank.name, everywhere):
        assert [sample.name for sample in samples_of(donor, parent)] == [own[0].name]
        assert [item.name for item in items_of(donor, parent)] == [own[1].name]
    assert get_sample(donor, own[0].name).identifier == "OWN"
    assert get_item(donor, own[1].name).sample == own[0].name


def test_anothers_record_and_none_get_one_answer(biobank, donor, own, anothers):
    for name in (anothers[0].name, f"{biobank.name}/samples/none-such"):
        with not_found():
            get_sample(donor, name)
        with not_found():
            donor.SampleService.GetSampleHistory(sample_pb2.GetSampleHistoryRequest(name=name))
    for name in (anothers[1].name, f"{biobank.name}/inventoryItems/none-such"):
        with not_found():
            get_item(donor, name)
        assert not donor.InventoryService.ListMovements(
            inventory_item_pb2.ListMovementsRequest(parent=name)
        ).movements


def test_patients_watch_shows_only_their_own(biobank, donor, own, anothers):
    with watch_samples(donor, biobank.name) as watch:
        assert [change.name for change in watch.initial()] == [own[0].name]
        biobank.transition(anothers[0], "QUARANTINED", "made-up reason")
        biobank.transition(own[0], "QUARANTINED", "made-up reason")
        change = watch.next()
        assert (change.name, state_of(change.sample)) == (own[0].name, "QUARANTINED")


def test_patient_changes_nothing(biobank, donor, own):
    with refused("PERMISSION_DENIED", "ROLE_MISSING"):
        donor.SampleService.TransitionSample(
            sample_pb2.TransitionSampleRequest(name=own[0].name, state=sample_pb2.SAMPLE_STATE_STORED)
        )


def test_provider_sees_the_biobanks_they_are_assigned_to(organization, biobank):
    other = Biobank(organization, "other")
    hidden = other.add_sample("HIDDEN")
    shown = biobank.add_sample("SHOWN")
    provider = organization.join("provider", "PROVIDER")
    with not_found():
        get_sample(provider, shown.name)
    assert samples_of(provider, biobank.name) == []
    biobank.assign(provider)
    assert get_sample(provider, shown.name) == shown
    assert shown.name in {sample.name for sample in samples_of(provider, f"{organization.name}/biobanks/-")}
    listed = provider.BiobankService.ListBiobanks(biobank_pb2.ListBiobanksRequest(parent=organization.name)).biobanks
    assert [found.name for found in listed] == [biobank.name]
    with not_found():
        get_sample(provider, hidden.name)
    assert samples_of(provider, other.name) == []
    with watch_samples(provider, f"{organization.name}/biobanks/-") as watch:
        assert hidden.name not in {change.name for change in watch.initial()}


def test_people_see_what_they_created_themselves(organization, biobank):
    technician = organization.join("was-technician", "LAB_TECHNICIAN", "PARTICIPANT")
    sample = technician.SampleService.CreateSample(biobank.new_sample("CREATED"))
    organization.revoke(technician, "LAB_TECHNICIAN")
    technician.sign_in_again()
    assert [found.name for found in samples_of(technician, biobank.name)] == [sample.name]


def test_watch_ends_when_the_callers_access_changes(organization, biobank):
    technician = organization.join("loses-access", "LAB_TECHNICIAN", "PARTICIPANT")
    with watch_samples(technician, biobank.name) as watch:
        watch.initial()
        organization.revoke(technician, "LAB_TECHNICIAN")
        with refused("ABORTED", "WATCH_ACCESS_CHANGED"):
            watch.until(lambda change: False)


def test_watch_of_stock_ends_for_a_provider_who_is_assigned_or_no_longer_so(organization, biobank):
    provider = organization.join("comes-and-goes", "PROVIDER")
    biobank.add_stocked_sample("HANDED-OVER")
    with watch_items(provider, biobank.name) as watch:
        assert watch.initial() == []
        biobank.assign(provider)
        with refused("ABORTED", "WATCH_ACCESS_CHANGED"):
            watch.next()
    with watch_items(provider, biobank.name) as watch:
        assert watch.initial()
        biobank.manager.BiobankService.UnassignProvider(
            biobank_pb2.UnassignProviderRequest(name=biobank.name, provider=provider.name, request_id=request_id())
        )
        with refused("ABORTED", "WATCH_ACCESS_CHANGED"):
            watch.next()


def test_watch_of_stock_ends_for_the_patients_between_whom_a_sample_changes(organization, biobank):
    def patient(user_id):
        return organization.join(user_id, "PARTICIPANT", patient=f"{organization.name}/patients/{user_id}")

    one, other = patient("one-donor"), patient("other-donor")
    sample, item = biobank.add_stocked_sample("MIXED-UP", patient=one.identity.patient)
    with watch_items(one, biobank.name) as ones, watch_items(other, biobank.name) as others:
        assert [change.name for change in ones.initial()] == [item.name]
        assert others.initial() == []
        sample.patient = other.identity.patient
        biobank.technician.SampleService.UpdateSample(
            sample_pb2.UpdateSampleRequest(
                sample=sample, update_mask=field_mask_pb2.FieldMask(paths=["patient"]), request_id=request_id()
            )
        )
        for watch in (ones, others):
            with refused("ABORTED", "WATCH_ACCESS_CHANGED"):
                watch.next()


def test_another_organisations_records_are_not_there(server, biobank):
    stranger = Biobank(Organization(server)).manager
    sample = biobank.add_sample("FOREIGN")
    with not_found():
        get_sample(stranger, sample.name)
    with not_found():
        samples_of(stranger, biobank.name)
    with not_found():
        with watch_samples(stranger, biobank.name) as watch:
            watch.initial()
