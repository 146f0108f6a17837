"""Signing up, signing in, and what a session is worth: the first arrow of every flow."""
import pytest

from client import Caller, refused, request_id
from organization import Organization, new_password, role
from trialog.auth.v1 import auth_pb2, organization_pb2, service_account_pb2, user_pb2


def who_am_i(person):
    return person.AuthService.WhoAmI(auth_pb2.WhoAmIRequest()).identity


def test_operator_makes_an_organisation_whose_administrator_signs_in(organization):
    identity = who_am_i(organization.administrator)
    assert identity.user.name == f"{organization.name}/users/root"
    assert [grant.role for grant in identity.grants] == [role("SYSTEM_ADMINISTRATOR")]


def test_one_time_token_makes_one_organisation(server):
    token = server.new_init_token()

    def create(organization_id):
        return Caller(server.target).OrganizationService.CreateOrganization(
            organization_pb2.CreateOrganizationRequest(
                organization_id=organization_id,
                organization=organization_pb2.Organization(display_name="Made-up clinic"),
                administrator=user_pb2.User(username="root"),
                password=new_password(),
                init_token=token,
            )
        )

    create("once-only")
    with refused("PERMISSION_DENIED", "INIT_TOKEN_USED"):
        create("once-more")


def test_invited_person_signs_up_with_the_roles_of_the_invitation(organization):
    provider = organization.join("signs-up", "PROVIDER", "ANALYST")
    identity = who_am_i(provider)
    assert identity.user.name == f"{organization.name}/users/signs-up"
    assert identity.user.state == user_pb2.User.STATE_ACTIVE
    assert {grant.role for grant in identity.grants} == {role("PROVIDER"), role("ANALYST")}


def test_patient_signs_up_and_the_answer_says_which_patient_that_is(organization):
    patient = f"{organization.name}/patients/p-1"
    person = organization.join("patient-1", "PARTICIPANT", patient=patient)
    assert person.identity.patient == patient
    assert who_am_i(person).patient == patient


def test_person_signs_in_by_user_name_or_email(organization):
    password = new_password()
    user = user_pb2.User(username="two-names", email="two.names@example.org", display_name="Two Names")
    organization.join("two-names", "ANALYST", user=user, password=password)
    for identifier in ({"username": "Two-Names"}, {"email": "two.names@EXAMPLE.org"}):
        person = organization.sign_in(password, **identifier)
        assert person.identity.user.display_name == "Two Names"
        assert person.identity.user.email == "two.names@example.org"


def test_answer_to_signing_in_holds_the_grants_and_the_own_patient(organization):
    patient, elsewhere = f"{organization.name}/patients/p-2", f"{organization.name}/biobanks/elsewhere"
    joined = organization.join("patient-2", "PARTICIPANT", patient=patient)
    organization.grant(joined, "LAB_TECHNICIAN", elsewhere)
    answer = organization.nobody.AuthService.Login(joined.credentials).identity
    assert answer.patient == patient
    assert {(grant.role, grant.scope) for grant in answer.grants} == {
        (role("PARTICIPANT"), organization.name),
        (role("LAB_TECHNICIAN"), elsewhere),
    }
    assert all(grant.name.startswith(joined.name + "/") for grant in answer.grants)
    staff = organization.join("no-patient", "ANALYST")
    answer = organization.nobody.AuthService.Login(staff.credentials).identity
    assert (answer.patient, [grant.role for grant in answer.grants]) == ("", [role("ANALYST")])


@pytest.mark.parametrize("username", ["known", "unknown"])
def test_wrong_password_and_unknown_name_get_one_answer(organization, username):
    if username == "known":
        organization.join("known", "ANALYST", user=user_pb2.User(username="known"))
    with refused("UNAUTHENTICATED", "SIGN_IN_FAILED"):
        organization.sign_in("not the password of anybody", username=username)


def test_invitation_is_used_once(organization):
    token = organization.invite("ANALYST")

    def sign_up(user_id):
        return organization.nobody.AuthService.SignUp(
            auth_pb2.SignUpRequest(
                organization=organization.name,
                user_id=user_id,
                user=user_pb2.User(username=user_id),
                password=new_password(),
                invitation_token=token,
            )
        )

    sign_up("first-comer")
    with refused("FAILED_PRECONDITION", "INVITATION_USED"):
        sign_up("second-comer")


def test_sign_up_without_invitation_is_closed_until_the_organisation_opens_it(server):
    organization = Organization(server)

    def sign_up():
        return organization.nobody.AuthService.SignUp(
            auth_pb2.SignUpRequest(
                organization=organization.name, user=user_pb2.User(username="walks-in"), password=new_password()
            )
        )

    with refused("PERMISSION_DENIED", "SIGN_UP_CLOSED"):
        sign_up()
    organizations = organization.administrator.OrganizationService
    stored = organizations.GetOrganization(organization_pb2.GetOrganizationRequest(name=organization.name))
    stored.open_sign_up = True
    organizations.UpdateOrganization(
        organization_pb2.UpdateOrganizationRequest(
            organization=stored, update_mask={"paths": ["open_sign_up"]}, request_id=request_id()
        )
    )
    assert [grant.role for grant in sign_up().identity.grants] == [role("PARTICIPANT")]


def test_username_is_unique_whatever_the_case(organization):
    organization.join("unique-1", "ANALYST", user=user_pb2.User(username="Taken.Name"))
    with refused("ALREADY_EXISTS", "IDENTIFIER_TAKEN"):
        organization.join("unique-2", "ANALYST", user=user_pb2.User(username="taken.name"))


def test_refresh_token_rotates_and_its_reuse_ends_the_session(organization):
    person = organization.join("rotates", "ANALYST")
    spent = auth_pb2.RefreshTokenRequest(refresh_token=person.tokens.refresh_token)
    fresh = organization.nobody.AuthService.RefreshToken(spent).tokens
    assert fresh.refresh_token != spent.refresh_token
    assert who_am_i(Caller(organization.server.target, fresh.access_token)).user.name == person.name
    with refused("UNAUTHENTICATED", "SESSION_ENDED"):
        organization.nobody.AuthService.RefreshToken(spent)
    with refused("UNAUTHENTICATED", "SESSION_ENDED"):
        organization.nobody.AuthService.RefreshToken(
            auth_pb2.RefreshTokenRequest(refresh_token=fresh.refresh_token)
        )


def test_logged_out_session_is_worth_nothing(organization):
    person = organization.join("leaves", "ANALYST")
    person.AuthService.Logout(auth_pb2.LogoutRequest(request_id=request_id()))
    with refused("UNAUTHENTICATED", "SESSION_ENDED"):
        who_am_i(person)


def test_changed_password_replaces_the_old_one(organization):
    person = organization.join("changes", "ANALYST")
    fresh = new_password()
    person.AuthService.ChangePassword(
        auth_pb2.ChangePasswordRequest(
            current_password=person.credentials.password, new_password=fresh, request_id=request_id()
        )
    )
    with refused("UNAUTHENTICATED", "SIGN_IN_FAILED"):
        organization.sign_in(person.credentials.password, username=person.credentials.username)
    organization.sign_in(fresh, username=person.credentials.username)


def test_granted_role_counts_and_a_revoked_one_no_longer(organization):
    person = organization.join("promoted", "ANALYST")
    organization.grant(person, "AUDITOR")
    assert role("AUDITOR") in {grant.role for grant in who_am_i(person.sign_in_again()).grants}
    organization.revoke(person, "AUDITOR")
    assert role("AUDITOR") not in {grant.role for grant in who_am_i(person.sign_in_again()).grants}


def test_administrator_cannot_grant_a_role_to_themself(organization):
    with refused("PERMISSION_DENIED", "SELF_GRANT"):
        organization.grant(organization.administrator, "DATA_MANAGER")


def test_deactivated_account_is_shut_out_at_once(organization):
    person = organization.join("closed", "ANALYST")
    organization.administrator.UserService.DeactivateUser(
        user_pb2.DeactivateUserRequest(name=person.name, reason="made-up reason", request_id=request_id())
    )
    with refused("UNAUTHENTICATED", "ACCOUNT_CLOSED"):
        who_am_i(person)
    with refused("UNAUTHENTICATED", "SIGN_IN_FAILED"):
        person.sign_in_again()


def test_another_users_account_is_not_there(organization):
    person = organization.join("curious", "ANALYST")
    for name in (organization.administrator.name, f"{organization.name}/users/nobody-of-this-name"):
        with refused("NOT_FOUND", "NOT_FOUND"):
            person.UserService.GetUser(user_pb2.GetUserRequest(name=name))


def test_service_account_signs_in_with_its_key_until_that_is_revoked(organization):
    accounts = organization.administrator.ServiceAccountService
    account = accounts.CreateServiceAccount(
        service_account_pb2.CreateServiceAccountRequest(
            parent=organization.name,
            service_account=service_account_pb2.ServiceAccount(display_name="Importer"),
            request_id=request_id(),
        )
    )
    made = accounts.CreateKey(service_account_pb2.CreateKeyRequest(parent=account.name))
    use = service_account_pb2.IssueServiceTokenRequest(key_secret=made.key_secret)
    token = organization.nobody.ServiceAccountService.IssueServiceToken(use).access_token
    assert who_am_i(Caller(organization.server.target, token)).service_account == account.name
    accounts.RevokeKey(service_account_pb2.RevokeKeyRequest(name=made.key.name, request_id=request_id()))
    with refused("UNAUTHENTICATED", "KEY_INVALID"):
        organization.nobody.ServiceAccountService.IssueServiceToken(use)
