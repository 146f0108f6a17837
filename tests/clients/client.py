"""Callers: what a program with a token, or without one, can do."""
import contextlib
import time
import uuid

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

import stubs
from server import DEADLINE
from trialog.auth.v1 import auth_pb2

SERVICES = {service.full_name: service for service in stubs.services()}
_BY_SHORT_NAME = {service.name: service for service in SERVICES.values()}


def request_id():
    """A fresh id for one attempt and its retries (AIP-155)."""
    return str(uuid.uuid4())


class _Service:
    """A service's methods, called with the caller's token and a deadline."""

    def __init__(self, caller, stub):
        self._caller = caller
        self._stub = stub

    def __getattr__(self, method):
        multicallable = getattr(self._stub, method)

        def call(request, timeout=DEADLINE, metadata=()):
            return multicallable(request, timeout=timeout, metadata=(*self._caller.metadata(), *metadata))

        return call


class Caller:
    """Calls a server: `caller.SampleService.GetSample(request)`. Without a token: as nobody."""

    def __init__(self, target, token=None):
        self._token = token
        self.connect(target)

    def connect(self, target):
        """Opens the channel that all later calls use."""
        self.channel = grpc.insecure_channel(target)
        self._services = {}

    def token(self):
        """The bearer token; None for nobody."""
        return self._token

    def metadata(self):
        """What goes with each call."""
        token = self.token()
        return (("authorization", f"Bearer {token}"),) if token else ()

    def __getattr__(self, service):
        if service not in _BY_SHORT_NAME:
            raise AttributeError(service)
        if service not in self._services:
            self._services[service] = _Service(self, stubs.stub_class(_BY_SHORT_NAME[service])(self.channel))
        return self._services[service]

    def raw(self, method, data, timeout=DEADLINE, metadata=()):
        """Sends bytes as they are to a unary method ("trialog.auth.v1.AuthService/Login"); gives the answer's bytes."""
        call = self.channel.unary_unary("/" + method, request_serializer=None, response_deserializer=None)
        return call(data, timeout=timeout, metadata=(*self.metadata(), *metadata))

    def raw_stream(self, method, data, timeout=DEADLINE):
        """As raw(), of a method that answers with a stream."""
        call = self.channel.unary_stream("/" + method, request_serializer=None, response_deserializer=None)
        return call(data, timeout=timeout, metadata=self.metadata())

    def close(self):
        """Ends all calls."""
        self.channel.close()


class Person(Caller):
    """A signed-in user, who renews the access token before it ends."""

    def __init__(self, target, identity, tokens, credentials):
        super().__init__(target)
        self.name = identity.user.name
        self.identity = identity
        self.tokens = tokens
        self.credentials = credentials  # LoginRequest

    def token(self):
        if self.tokens.access_token_expire_time.seconds - time.time() < 60:
            request = auth_pb2.RefreshTokenRequest(refresh_token=self.tokens.refresh_token)
            nobody = stubs.stub_class(_BY_SHORT_NAME["AuthService"])(self.channel)
            self.tokens = nobody.RefreshToken(request, timeout=DEADLINE).tokens
        return self.tokens.access_token

    def reconnect(self, target):
        """The same session on another address of the server."""
        self.close()
        self.connect(target)
        return self

    def sign_in_again(self):
        """A new session, whose token knows every grant made before."""
        nobody = stubs.stub_class(_BY_SHORT_NAME["AuthService"])(self.channel)
        answer = nobody.Login(self.credentials, timeout=DEADLINE)
        self.identity, self.tokens = answer.identity, answer.tokens
        return self


def pages(method, request, field):
    """All records of a list method, over all its pages."""
    found = []
    while True:
        page = method(request)
        found.extend(getattr(page, field))
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def _detail(error, kind):
    """The first detail of this type (google.rpc) of a refused call; None without one."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        found = kind()
        if detail.Unpack(found):
            return found
    return None


def reason_of(error):
    """The stable reason (google.rpc.ErrorInfo) of a refused call; None without one."""
    info = _detail(error, error_details_pb2.ErrorInfo)
    assert info is None or info.domain == "trialog"
    return info.reason if info else None


def fields_of(error):
    """Paths of the bad fields (google.rpc.BadRequest) of a refused call."""
    bad = _detail(error, error_details_pb2.BadRequest)
    return {violation.field for violation in bad.field_violations} if bad else set()


def retry_delay_of(error):
    """Seconds after which the server wants to be asked again (google.rpc.RetryInfo)."""
    info = _detail(error, error_details_pb2.RetryInfo)
    assert info is not None, error
    return info.retry_delay.ToTimedelta().total_seconds()


@contextlib.contextmanager
def refused(code, reason, field=None):
    """Expects the call within to end with this status code name and reason, and, where given, to name this field."""
    with pytest.raises(grpc.RpcError) as caught:
        yield caught
    error = caught.value
    assert (error.code().name, reason_of(error)) == (code, reason), error
    if field is not None:
        assert field in fields_of(error), error


def not_found():
    """What another's record and a record that is not there both look like."""
    return refused("NOT_FOUND", "NOT_FOUND")
