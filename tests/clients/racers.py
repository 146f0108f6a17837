"""Many client processes that call at one moment."""
import multiprocessing

from server import DEADLINE

_context = multiprocessing.get_context("forkserver")
# Imported once, before gRPC is used; each child is a fork of that.
_context.set_forkserver_preload(["client"])


class Racers:
    """`count` processes, each with a connection of its own; `race` lets them all call at once."""

    def __init__(self, count, target, token):
        barrier = _context.Barrier(count)
        self._pipes = []
        self._processes = []
        for _ in range(count):
            ours, theirs = _context.Pipe()
            process = _context.Process(target=_run, args=(theirs, barrier, target, token), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        for pipe in self._pipes:  # Connected.
            assert pipe.poll(DEADLINE) and pipe.recv() == "ready"

    def race(self, method, requests):
        """Sends one request from each process; gives (status code name, reason, bytes of the answer) in their order."""
        for pipe, request in zip(self._pipes, requests, strict=True):
            pipe.send((method, request.SerializeToString()))
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


def _run(pipe, barrier, target, token):
    import grpc

    from client import Caller, reason_of

    caller = Caller(target, token)
    grpc.channel_ready_future(caller.channel).result(DEADLINE)
    pipe.send("ready")
    while True:
        try:
            method, request = pipe.recv()
        except EOFError:
            return
        barrier.wait(DEADLINE)
        try:
            pipe.send(("OK", None, caller.raw(method, request)))
        except grpc.RpcError as error:
            pipe.send((error.code().name, reason_of(error), b""))
