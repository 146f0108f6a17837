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


def method_of(full_name):
    """The descriptor of "trialog.inventory.v1.SampleService/GetSample"."""
    service, name = full_name.split("/")
    return SERVICES[service].methods_by_name[name]


def request_of(full_name, **fields):
    """A request of a method with these fields."""
    return method_of(full_name).input_type._concrete_class(**fields)


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

    channel_credentials = None  # Of all callers; without them calls are in the clear.

    def __init__(self, target, token=None):
        self._token = token
        self.connect(target)

    def connect(self, target):
        """Opens the channels that all later calls use: one, or one for each service, {"auth": "host:port", …}."""
        targets = target if isinstance(target, dict) else {None: target}
        secure = self.channel_credentials
        self._channels = {
            service: grpc.secure_channel(address, secure) if secure else grpc.insecure_channel(address)
            for service, address in targets.items()
        }
        self._services = {}

    def channel_of(self, method):
        """The channel that serves a method or service, by its full name."""
        return self._channels.get(method.split(".")[1]) or self._channels[None]

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
        return self.service(_BY_SHORT_NAME[service].full_name)

    def service(self, full_name):
        """A service by its full name: what several packages call alike has no short one."""
        if full_name not in self._services:
            stub = stubs.stub_class(SERVICES[full_name])(self.channel_of(full_name))
            self._services[full_name] = _Service(self, stub)
        return self._services[full_name]

    def raw(self, method, data, timeout=DEADLINE, metadata=()):
        """Sends bytes as they are to a unary method ("trialog.auth.v1.AuthService/Login"); gives the answer's bytes."""
        call = self.channel_of(method).unary_unary("/" + method, request_serializer=None, response_deserializer=None)
        return call(data, timeout=timeout, metadata=(*self.metadata(), *metadata))

    def raw_stream(self, method, data, timeout=DEADLINE):
        """As raw(), of a method that answers with a stream."""
        call = self.channel_of(method).unary_stream("/" + method, request_serializer=None, response_deserializer=None)
        return call(data, timeout=timeout, metadata=self.metadata())

    def close(self):
        """Ends all calls."""
        for channel in self._channels.values():
            channel.close()


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
            self.tokens = self._as_nobody().RefreshToken(request, timeout=DEADLINE).tokens
        return self.tokens.access_token

    def _as_nobody(self):
        auth = _BY_SHORT_NAME["AuthService"]
        return stubs.stub_class(auth)(self.channel_of(auth.full_name))

    def reconnect(self, target):
        """The same session on another address of the server."""
        self.close()
        self.connect(target)
        return self

    def sign_in_again(self):
        """A new session, whose token knows every grant made before."""
        answer = self._as_nobody().Login(self.credentials, timeout=DEADLINE)
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


def outcome(caller, method, data=b"", timeout=DEADLINE):
    """What a method (its full name) makes of these bytes: (code name, reason, paths of bad fields). Of a stream it is what
    comes first."""
    try:
        if method_of(method).server_streaming:
            stream = caller.raw_stream(method, data, timeout=timeout)
            try:
                next(stream, None)
            finally:
                stream.cancel()
        else:
            caller.raw(method, data, timeout=timeout)
    except grpc.RpcError as error:
        return error.code().name, reason_of(error), fields_of(error)
    return "OK", None, set()


def retry_delay_of(error):
    """Seconds after which the server wants to be asked again (google.rpc.RetryInfo)."""
    info = _detail(error, error_details_pb2.RetryInfo)
    assert info is not None, error
    return info.retry_delay.ToTimedelta().total_seconds()


def eventually(read):
    """The first answer of `read` that is not empty. Audit follows the other logs and has no stream to wait on, so it is
    asked again: after the time that a refusal itself names, else soon."""
    end = time.monotonic() + DEADLINE
    while True:
        delay = 0.02
        try:
            if found := read():
                return found
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            delay = retry_delay_of(error)
        assert time.monotonic() < end, "nothing came"
        time.sleep(delay)


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
