"""Many client processes that call at one moment."""
from processes import context
from server import DEADLINE


class Racers:
    """`count` processes, each with a connection of its own; `race` lets them all call at once."""

    def __init__(self, count, target):
        barrier = context.Barrier(count)
        self._pipes = []
        self._processes = []
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_run, args=(theirs, barrier, target), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        for pipe in self._pipes:  # Connected.
            assert pipe.poll(DEADLINE) and pipe.recv() == "ready"

    def race(self, person, method, requests):
        """Sends one request from each process, all as `person`; gives (status code name, reason, bytes of the answer) in their order."""
        token = person.token()
        for pipe, request in zip(self._pipes, requests, strict=True):
            pipe.send((token, method, request.SerializeToString()))
        outcomes = []
        for pipe in self._pipes:
            assert pipe.poll(DEADLINE)
            outcomes.append(pipe.recv())
        return outcomes

    def close(self):
        """Ends the processes."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(DEADLINE)


def _run(pipe, barrier, target):
    import grpc

    from client import Caller, reason_of

    caller = Caller(target)
    grpc.channel_ready_future(caller.channel_of("trialog.auth")).result(DEADLINE)
    pipe.send("ready")
    while True:
        try:
            token, method, request = pipe.recv()
        except EOFError:
            return
        barrier.wait(DEADLINE)
        try:
            answer = caller.raw(method, request, metadata=[("authorization", f"Bearer {token}")])
            pipe.send(("OK", None, answer))
        except grpc.RpcError as error:
            pipe.send((error.code().name, reason_of(error), b""))
