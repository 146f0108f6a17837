"""The commands of auth and inventory, about records of the world."""
import itertools

from client import request_id
from inventory import get_item, get_sample, milliliters
from organization import new_password, role
from relation_commands import fresh, read, update
from trialog.auth.v1 import (
    auth_pb2,
    grant_pb2,
    invitation_pb2,
    service_account_pb2,
    user_pb2,
)
from trialog.inventory.v1 import biobank_pb2, inventory_item_pb2, sample_pb2, storage_pb2


def add_auth(world, under):
    _add_organization(world, under)
    _add_own_account(world, under)


def _add_organization(world, under):
    name, root = world.name, world.organization.administrator

    def user():
        made = user_pb2.User(username=fresh("made-up-user"))
        return read(root, "UserService/CreateUser", parent=name, user=made, request_id=request_id())

    def claimed():
        return world.organization.join(fresh("claimed")).name

    def account():
        made = service_account_pb2.ServiceAccount(display_name="Made-up program")
        create = "ServiceAccountService/CreateServiceAccount"
        return read(root, create, parent=name, service_account=made, request_id=request_id())

    def key():
        return read(root, "ServiceAccountService/CreateKey", parent=account().name).key.name

    def grant():
        given = grant_pb2.Grant(role=role("ANALYST"), scope=name)
        return read(root, "UserService/GrantRole", parent=user().name, grant=given, request_id=request_id()).name

    def of_organization(_):
        """The settings, and how much there is of everything below."""
        people = read(root, "UserService/ListUsers", parent=name, page_size=1000).users
        programs = read(root, "ServiceAccountService/ListServiceAccounts", parent=name, page_size=1000).service_accounts
        return settings(), list(people), list(programs)

    def of_user(below):
        user_name = below.split("/grants/")[0]
        grants = read(root, "UserService/ListGrants", parent=user_name).grants
        return read(root, "UserService/GetUser", name=user_name), list(grants)

    def of_account(below):
        return read(root, "ServiceAccountService/GetServiceAccount", name=below.split("/keys/")[0])

    def settings():
        return read(root, "OrganizationService/GetOrganization", name=name)

    invitation = invitation_pb2.Invitation(roles=[invitation_pb2.InvitedRole(role=role("ANALYST"))])
    does = under("Organisation: its settings, invitations, accounts and programs", of_organization).do
    does("OrganizationService/UpdateOrganization", lambda _: update(settings(), "organization", display_name=fresh("Made-up")))
    does("OrganizationService/CreateInvitation", lambda _: {"parent": name, "invitation": invitation})
    does(
        "ServiceAccountService/CreateServiceAccount",
        lambda _: {"parent": name, "service_account": service_account_pb2.ServiceAccount(display_name="Made-up program")},
    )
    does("UserService/CreateUser", lambda _: {"parent": name, "user": user_pb2.User(username=fresh("made-up-user"))})
    does(
        "ServiceAccountService/UpdateServiceAccount",
        lambda _: update(account(), "service_account", display_name="Made-up other name"),
        of_account,
    )
    does("ServiceAccountService/DisableServiceAccount", lambda _: {"name": account().name}, of_account)
    does("ServiceAccountService/CreateKey", lambda _: {"parent": account().name}, of_account)
    does("ServiceAccountService/RevokeKey", lambda _: {"name": key()}, of_account)
    does("UserService/LinkUser", lambda _: {"name": user().name, "patient": f"{name}/patients/{fresh('linked')}"}, of_user)
    does("UserService/DeactivateUser", lambda _: {"name": claimed(), "reason": "made-up reason"}, of_user)
    does(
        "UserService/GrantRole",
        lambda _: {"parent": user().name, "grant": grant_pb2.Grant(role=role("ANALYST"), scope=name)},
        of_user,
    )
    does("UserService/RevokeRole", lambda _: {"name": grant(), "reason": "made-up reason"}, of_user)


def _add_own_account(world, under):
    organization, patient = world.organization, world.site.patient

    def signed_in(person):
        """The same person in one more session."""
        return organization.sign_in(person.credentials.password, username=person.credentials.username)

    def of_patient(_):
        sessions = patient.AuthService.ListSessions(auth_pb2.ListSessionsRequest(parent=patient.name)).sessions
        return read(patient, "UserService/GetUser", name=patient.name), list(sessions)

    does = under("Profile of an account, and its sessions", of_patient).do
    does(
        "UserService/UpdateUser",
        lambda _: update(read(patient, "UserService/GetUser", name=patient.name), "user", display_name=fresh("Made-up")),
    )
    does("AuthService/RevokeSession", lambda _: {"name": signed_in(patient).identity.session.name})
    does = under("Session and password that the call itself shows").do
    does("AuthService/Logout", lambda _: {}, acts=signed_in)
    changes = organization.join("changes-own")
    does(
        "AuthService/ChangePassword",
        lambda _: {"current_password": changes.credentials.password, "new_password": new_password()},
        acts=lambda _: changes,
    )


def add_inventory(world, under):
    _add_biobank(world, under)
    _add_material(world, under)


def _add_biobank(world, under):
    biobank, manager = world.biobank.name, world.biobank.manager

    def of_biobank(_):
        places = read(manager, "StorageService/ListStorageLocations", parent=biobank, page_size=1000).storage_locations
        return read(manager, "BiobankService/GetBiobank", name=biobank), list(places)

    def of_organization(_):
        return list(read(manager, "BiobankService/ListBiobanks", parent=world.name, page_size=1000).biobanks)

    def place():
        return world.biobank.location(world.biobank.freezer)

    def assigned():
        """A provider's name that the biobank has."""
        provider = f"{world.name}/users/{fresh('assigned')}"
        read(manager, "BiobankService/AssignProvider", name=biobank, provider=provider, request_id=request_id())
        return provider

    under("Organisation, for new biobanks", of_organization).do(
        "BiobankService/CreateBiobank",
        lambda _: {
            "parent": world.name,
            "biobank_id": fresh("new"),
            "biobank": biobank_pb2.Biobank(display_name="New", location="Building 4", responsible_person=manager.name),
        },
    )
    does = under("Biobank and its storage", of_biobank).do
    does(
        "BiobankService/UpdateBiobank",
        lambda _: update(read(manager, "BiobankService/GetBiobank", name=biobank), "biobank", display_name=fresh("Renamed")),
    )
    does("BiobankService/AssignProvider", lambda _: {"name": biobank, "provider": f"{world.name}/users/{fresh('assigned')}"})
    does("BiobankService/UnassignProvider", lambda _: {"name": biobank, "provider": assigned()})
    does(
        "StorageService/CreateStorageLocation",
        lambda _: {
            "parent": biobank,
            "storage_location_id": fresh("place"),
            "storage_location": storage_pb2.StorageLocation(display_name="New", capacity=10),
        },
    )
    does("StorageService/UpdateStorageLocation", lambda _: update(place(), "storage_location", display_name=fresh("Renamed")))


def _add_material(world, under):
    biobank, technician = world.biobank, world.biobank.technician
    counts = itertools.count(200)
    item, sample, creator = world.item.name, world.sample.name, world.caller("LAB_TECHNICIAN", "own")

    def below(_):
        """All samples and stock."""
        samples = read(technician, "SampleService/ListSamples", parent=biobank.name, page_size=1000).samples
        items = read(technician, "InventoryService/ListInventoryItems", parent=biobank.name, page_size=1000).inventory_items
        return list(samples), list(items)

    def new_sample():
        return {
            "parent": biobank.name,
            "sample_id": fresh("sample"),
            "sample": sample_pb2.Sample(identifier=fresh("SAMPLE"), sample_type="BLD"),
        }

    def stock():
        request = biobank.stock(biobank.add_sample(fresh("STOCKED")))
        return {"parent": request.parent, "inventory_item": request.inventory_item}

    def elsewhere():
        """The storage location where the stock is not."""
        return biobank.tank if get_item(technician, item).location == biobank.freezer else biobank.freezer

    does = under("Sample and stock, as material", below).do
    does("SampleService/CreateSample", lambda _: new_sample())
    does(
        "SampleService/UpdateSample",
        lambda _: update(get_sample(technician, sample), "sample", handling_instructions=fresh("made-up")),
    )
    does("InventoryService/ReceiveStock", lambda _: stock())
    does(
        "InventoryService/UpdateInventoryItem",
        lambda _: update(get_item(technician, item), "inventory_item", location_text=fresh("shelf")),
    )
    does("InventoryService/MoveStock", lambda _: {"name": item, "location": elsewhere()})
    does(
        "InventoryService/AdjustStock",
        lambda _: {"name": item, "counted_quantity": milliliters(next(counts)), "cause": inventory_item_pb2.ADJUSTMENT_CAUSE_COUNT},
    )
    does("InventoryService/IssueStock", lambda _: {"name": item, "quantity": milliliters(1)})
    does("InventoryService/ReturnStock", lambda _: {"name": item, "quantity": milliliters(1)})
    for title, state in (
        ("Sample that is blocked", sample_pb2.SAMPLE_STATE_BLOCKED),
        ("Sample that goes into any other state", sample_pb2.SAMPLE_STATE_QUARANTINED),
    ):
        does = under(title, below).do
        does(
            "SampleService/TransitionSample",
            lambda caller, state=state: {
                "name": sample if caller in (None, creator) else biobank.add_sample(fresh("MOVED")).name,
                "state": state,
                "state_reason": "made-up reason",
            },
        )
