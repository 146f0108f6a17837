"""An organisation with people in it, made as an operator and an administrator make one."""
import secrets

from client import Caller, Person, request_id
from trialog import options_pb2
from trialog.auth.v1 import auth_pb2, grant_pb2, invitation_pb2, organization_pb2, service_account_pb2, user_pb2


def role(name):
    """The role of "LAB_TECHNICIAN"."""
    return options_pb2.Role.Value("ROLE_" + name)


class Organization:
    """An organisation on a running server, with its first administrator signed in."""

    def __init__(self, server, organization_id=None):
        self.server = server
        self.id = organization_id or "org-" + secrets.token_hex(6)
        self.name = f"organizations/{self.id}"
        self.nobody = Caller(server.target)
        password = new_password()
        self.nobody.OrganizationService.CreateOrganization(
            organization_pb2.CreateOrganizationRequest(
                organization_id=self.id,
                organization=organization_pb2.Organization(display_name="Made-up hospital"),
                administrator_id="root",
                administrator=user_pb2.User(username=f"root-{self.id}"),
                password=password,
                init_token=server.new_init_token(),
                request_id=request_id(),
            )
        )
        self.administrator = self.sign_in(username=f"root-{self.id}", password=password)

    def sign_in(self, password, **identifier):
        """Login by `username` or `email`."""
        credentials = auth_pb2.LoginRequest(organization=self.name, password=password, **identifier)
        answer = self.nobody.AuthService.Login(credentials)
        return Person(self.server.target, answer.identity, answer.tokens, credentials)

    def invite(self, *roles, scope="", **more):
        """The token of an invitation that gives these roles."""
        invitation = invitation_pb2.Invitation(
            roles=[invitation_pb2.InvitedRole(role=role(name), scope=scope or self.name) for name in roles], **more
        )
        answer = self.administrator.OrganizationService.CreateInvitation(
            organization_pb2.CreateInvitationRequest(parent=self.name, invitation=invitation)
        )
        return answer.invitation_token

    def join(self, user_id, *roles, scope="", patient="", user=None, password=None):
        """Signs someone up with these roles in `scope` (the organisation), linked to `patient` where given."""
        password = password or new_password()
        user = user or user_pb2.User(username=f"{user_id}-{self.id}", display_name=f"Person {user_id}")
        answer = self.nobody.AuthService.SignUp(
            auth_pb2.SignUpRequest(
                organization=self.name,
                user_id=user_id,
                user=user,
                password=password,
                invitation_token=self.invite(*roles, scope=scope, patient=patient),
            )
        )
        identifier = {"username": user.username} if user.username else {"email": user.email}
        credentials = auth_pb2.LoginRequest(organization=self.name, password=password, **identifier)
        return Person(self.server.target, answer.identity, answer.tokens, credentials)

    def program(self, role_name, *scopes):
        """A caller that is a program: a service account with this role in each scope, the organisation by default."""
        accounts = self.administrator.ServiceAccountService
        account = accounts.CreateServiceAccount(
            service_account_pb2.CreateServiceAccountRequest(
                parent=self.name, service_account=service_account_pb2.ServiceAccount(display_name="Made-up program")
            )
        )
        for scope in scopes or [self.name]:
            self.grant(account, role_name, scope)
        made = accounts.CreateKey(service_account_pb2.CreateKeyRequest(parent=account.name))
        issued = self.nobody.ServiceAccountService.IssueServiceToken(
            service_account_pb2.IssueServiceTokenRequest(key_secret=made.key_secret)
        )
        caller = Caller(self.server.target, issued.access_token)
        caller.name, caller.key = account.name, made.key.name
        return caller

    def grant(self, person, role_name, scope="", **more):
        """Gives one more role to a person or a program (anything with a `name`)."""
        grant = grant_pb2.Grant(role=role(role_name), scope=scope or self.name, **more)
        return self.administrator.UserService.GrantRole(
            user_pb2.GrantRoleRequest(parent=person.name, grant=grant, request_id=request_id())
        )

    def revoke(self, person, role_name):
        """Takes a role back that the person signed in with."""
        grant = next(grant for grant in person.identity.grants if grant.role == role(role_name))
        self.administrator.UserService.RevokeRole(
            user_pb2.RevokeRoleRequest(name=grant.name, reason="made-up reason", request_id=request_id())
        )


def new_password():
    """A password that no other test has."""
    return "Pw-" + secrets.token_urlsafe(15)
