"""Accounts of people and programs as an administrator keeps them: made, changed, linked to a patient, listed, closed."""
import pytest

from client import Caller, refused, request_id
from organization import role
from trialog.auth.v1 import auth_pb2, organization_pb2, service_account_pb2, user_pb2


@pytest.fixture(scope="module")
def users(organization):
    return organization.administrator.UserService


@pytest.fixture(scope="module")
def accounts(organization):
    return organization.administrator.ServiceAccountService


def user_of(users, name):
    return users.GetUser(user_pb2.GetUserRequest(name=name))


def new_user(users, organization, username):
    request = user_pb2.CreateUserRequest(
        parent=organization.name, user=user_pb2.User(username=username, display_name="Made Up"), request_id=request_id()
    )
    return users.CreateUser(request)


def test_account_is_made_for_somebody_who_has_not_come_yet(organization, users):
    made = new_user(users, organization, "Comes.Later")
    assert (made.state, made.username) == (user_pb2.User.STATE_INVITED, "Comes.Later")
    assert user_of(users, made.name) == made
    with refused("ALREADY_EXISTS", "IDENTIFIER_TAKEN"):
        new_user(users, organization, "comes.LATER")
    listed = users.ListUsers(user_pb2.ListUsersRequest(parent=organization.name, page_size=1000)).users
    assert {made.name, organization.administrator.name} <= {user.name for user in listed}


def test_people_change_their_own_profile(organization, users):
    person = organization.join("renames", "ANALYST")
    profile = user_of(person.UserService, person.name)
    profile.display_name, profile.locale = "Made Up Renamed", "de-CH"
    request = user_pb2.UpdateUserRequest(
        user=profile, update_mask={"paths": ["display_name", "locale"]}, request_id=request_id()
    )
    person.UserService.UpdateUser(request)
    shown = user_of(users, person.name)
    assert (shown.display_name, shown.locale) == ("Made Up Renamed", "de-CH")
    request.request_id = request_id()
    with refused("ABORTED", "ETAG_MISMATCH"):
        person.UserService.UpdateUser(request)


def test_account_is_one_patients_for_good(organization, users):
    user, other = (new_user(users, organization, username).name for username in ("linked-1", "linked-2"))
    patient = f"{organization.name}/patients/linked"

    def link(name, to):
        return users.LinkUser(user_pb2.LinkUserRequest(name=name, patient=to, request_id=request_id()))

    link(user, patient)
    assert user_of(users, user).patient == patient
    with refused("FAILED_PRECONDITION", "PATIENT_LINKED"):
        link(other, patient)
    with refused("FAILED_PRECONDITION", "USER_LINKED"):
        link(user, patient + "-2")
    assert not user_of(users, other).patient


def test_grants_are_listed(organization, users):
    person = organization.join("granted", "ANALYST", "AUDITOR")
    grants = users.ListGrants(user_pb2.ListGrantsRequest(parent=person.name)).grants
    assert {(grant.role, grant.scope) for grant in grants} == {
        (role("ANALYST"), organization.name),
        (role("AUDITOR"), organization.name),
    }


def test_administrator_lists_their_own_organisation_alone(organization):
    listed = organization.administrator.OrganizationService.ListOrganizations(organization_pb2.ListOrganizationsRequest())
    assert [each.name for each in listed.organizations] == [organization.name]


def test_program_is_renamed_until_it_is_disabled_for_good(organization, accounts):
    program = organization.program("ANALYST")
    get = service_account_pb2.GetServiceAccountRequest(name=program.name)
    account = accounts.GetServiceAccount(get)
    account.display_name = "Made-up other program"
    update = service_account_pb2.UpdateServiceAccountRequest(
        service_account=account, update_mask={"paths": ["display_name"]}, request_id=request_id()
    )
    accounts.UpdateServiceAccount(update)
    assert accounts.GetServiceAccount(get).display_name == "Made-up other program"
    update.request_id = request_id()
    with refused("ABORTED", "ETAG_MISMATCH"):
        accounts.UpdateServiceAccount(update)

    accounts.DisableServiceAccount(
        service_account_pb2.DisableServiceAccountRequest(name=program.name, request_id=request_id())
    )
    listed = accounts.ListServiceAccounts(service_account_pb2.ListServiceAccountsRequest(parent=organization.name))
    states = {each.name: each.state for each in listed.service_accounts}
    assert states[program.name] == service_account_pb2.ServiceAccount.STATE_DISABLED
    with refused("UNAUTHENTICATED", "ACCOUNT_CLOSED"):
        Caller(organization.server.target, program.token()).AuthService.WhoAmI(auth_pb2.WhoAmIRequest())
    update.service_account.etag, update.request_id = accounts.GetServiceAccount(get).etag, request_id()
    with refused("FAILED_PRECONDITION", "ACCOUNT_DISABLED"):
        accounts.UpdateServiceAccount(update)
    with refused("FAILED_PRECONDITION", "ACCOUNT_DISABLED"):
        accounts.CreateKey(service_account_pb2.CreateKeyRequest(parent=program.name))
