"""A client process that writes through gRPC while its server fails, and keeps the journal of what it was told."""
import collections
import dataclasses
import os
import random
import threading
import time
import traceback

from processes import context
from server import DEADLINE

# What says that nothing was decided, or that nobody knows: the same request may be sent again. INTERNAL is what a server says
# whose own store fails.
IN_DOUBT = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "CANCELLED", "INTERNAL"}


@dataclasses.dataclass
class Entry:
    """A command that was sent, with what it changes in words of its own; `answer` is None while it is in doubt."""

    effect: tuple
    method: str
    request: bytes
    answer: bytes | None = None
    attempts: int = 0


class Journal:
    """What a finished client process knows."""

    def __init__(self, entries, doubts):
        self.acknowledged = [entry for entry in entries if entry.answer is not None]
        self.in_doubt = [entry for entry in entries if entry.answer is None]
        self.doubts = doubts  # How often each code left a command in doubt.

    def check_effects(self, found):
        """Each acknowledged effect is among those `found` once, each one in doubt at most once, and no other is."""
        counts = collections.Counter(found)
        acknowledged = {entry.effect for entry in self.acknowledged}
        in_doubt = {entry.effect for entry in self.in_doubt}
        lost = [effect for effect in acknowledged if counts[effect] == 0]
        doubled = [effect for effect, count in counts.items() if count > 1]
        unknown = counts.keys() - acknowledged - in_doubt
        assert (lost, doubled, list(unknown)) == ([], [], [])

    def __str__(self):
        kinds = collections.Counter(entry.effect[0] for entry in self.acknowledged)
        retried = sum(entry.attempts > 1 for entry in self.acknowledged)
        return (
            f"{len(self.acknowledged)} commands acknowledged {dict(kinds)}, {retried} of them after a retry; "
            f"{len(self.in_doubt)} given up in doubt; left in doubt by {dict(self.doubts)}"
        )


class Client:
    """The process. Each script runs in a thread of its own, as a person of its own.

    A script is a generator function. It yields (effect, method, request) and is sent the bytes of the answer, or None
    where the command was given up."""

    def __init__(self, target, seed, jobs):
        """`jobs`: (person, script, arguments of the script)."""
        self._pipe, theirs = context.Pipe()
        jobs = [(person.credentials.SerializeToString(), script, arguments) for person, script, arguments in jobs]
        self._process = context.Process(target=_run, args=(theirs, target, seed, jobs), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Ends the process."""
        self._pipe.close()
        self._process.join(DEADLINE)

    def use(self, target):
        """From now on the server is there."""
        self._pipe.send(("target", target))

    def await_acknowledged(self, count):
        """Blocks until so many more commands were acknowledged."""
        for at_once in [250] * (count // 250) + [count % 250]:  # The deadline is for so many.
            if at_once:
                self._pipe.send(("count", at_once))
                self._hear()

    def finish(self):
        """Has each script end its present command, and gives the journal."""
        self._pipe.send(("finish", None))
        return Journal(*self._hear())

    def _hear(self):
        assert self._pipe.poll(DEADLINE), "the clients get no answers"
        what, told = self._pipe.recv()
        assert what != "failed", told
        return told


class _Shared:
    """What the threads of the client process share."""

    def __init__(self, pipe, target):
        self.changed = threading.Condition()
        self.target = target
        self.ending = False
        self.entries = []
        self.doubts = collections.Counter()
        self._pipe = pipe
        self._left = 0  # Acknowledgements until the parent is told; 0: it has not asked.

    def tell(self, what, told=None):
        with self.changed:
            self._pipe.send((what, told))

    def sent(self, entry):
        with self.changed:
            self.entries.append(entry)

    def acknowledged(self):
        with self.changed:
            self._left -= 1
            if self._left == 0:
                self._pipe.send(("counted", None))

    def in_doubt(self, code, target):
        """Waits until there is another server than `target`, but not for long."""
        with self.changed:
            self.doubts[code] += 1
            self.changed.wait_for(lambda: self.target != target, timeout=0.05)

    def obey(self, order, value):
        with self.changed:
            if order == "target":
                self.target = value
            elif order == "count":
                self._left = value
            else:
                self.ending = True
            self.changed.notify_all()


def _run(pipe, target, seed, jobs):
    import grpc

    from client import Caller
    from trialog.auth.v1 import auth_pb2

    class Person(Caller):
        """Signs in anew before a token ends: a refresh token that was used in a crash may be spent."""

        expires = 0

        def __init__(self, credentials):
            super().__init__(target)
            self.target = target
            self._credentials = auth_pb2.LoginRequest.FromString(credentials)

        def token(self):
            if self.expires - time.time() < 60:
                answer = Caller(self.target).AuthService.Login(self._credentials)
                self._token = answer.tokens.access_token
                self.expires = answer.tokens.access_token_expire_time.seconds
            return self._token

        def go_to(self, target):
            if target != self.target:
                self.close()
                self.connect(target)
                self.target = target

    def send(person, entry, gives_up):
        """Sends the same request until it has its answer, or was given up."""
        while entry.answer is None:
            entry.attempts += 1
            person.go_to(shared.target)
            try:
                entry.answer = person.raw(entry.method, entry.request)
            except grpc.RpcError as error:
                if error.code().name not in IN_DOUBT:
                    raise
                shared.in_doubt(error.code().name, person.target)
                if gives_up:
                    return

    def work(number, credentials, script, arguments):
        try:
            person, chance = Person(credentials), random.Random(f"{seed} {number}")
            commands, answer = script(*arguments), None
            while not shared.ending:
                effect, method, request = commands.send(answer)
                entry = Entry(effect, method, request.SerializeToString())
                shared.sent(entry)
                send(person, entry, gives_up=chance.random() < 1 / 8)
                answer = entry.answer
                if answer is not None:
                    shared.acknowledged()
        except Exception:  # Told to the test, which fails.
            shared.tell("failed", traceback.format_exc())

    shared = _Shared(pipe, target)
    threads = [threading.Thread(target=work, args=(number, *job)) for number, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    try:
        while not shared.ending:
            shared.obey(*pipe.recv())
    except (EOFError, OSError):  # The test is over.
        os._exit(1)
    for thread in threads:
        thread.join()
    shared.tell("finished", (shared.entries, shared.doubts))
