"""Clients of stock under way: started, told, stopped; and what they wrote down."""
import json
import pathlib
import selectors
import subprocess
import sys
import time

from server import DEADLINE

PROGRAM = pathlib.Path(__file__).with_name("stock_clients.py")
UNDER_FAULT = 90  # Longest wait for clients while something is broken; they give up earlier.


class StockLoad:
    """The process of the clients. `targets()`: addresses of inventory's replicas, as they are now."""

    def __init__(self, folder, worlds, targets, clients, seed, strict_reads=True):
        self.history = folder / f"history-{worlds[0].organization.id}.jsonl"
        self._targets = targets
        self._process = subprocess.Popen(
            [sys.executable, PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        told = {
            "worlds": [world.told() for world in worlds],
            "clients": clients,
            "seed": seed,
            "strict_reads": strict_reads,
            "history": str(self.history),
            "targets": targets(),
        }
        self._write(told)
        self._worlds = worlds

    def _write(self, order):
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def _order(self, order, deadline):
        """Tells the clients something and waits until they have done it."""
        self._write(order)
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            said = self._process.stdout.readline() if selector.select(deadline) else "nothing\n"
        assert said == "done\n", f"the clients said {said!r} to {order}"

    def retarget(self):
        """Has them ask where the replicas are now."""
        self._order({"targets": self._targets()}, DEADLINE)

    def await_done(self, worlds=None):
        """Waits until each client of the worlds has done something that began after now: nobody waits for what was before."""
        names = [world.name for world in worlds or self._worlds]
        self._order({"since": time.monotonic_ns(), "worlds": names}, UNDER_FAULT)

    def stop(self):
        """Lets everybody end what they began; gives what they wrote."""
        self._order({"stop": True}, UNDER_FAULT)
        self._process.stdin.close()
        assert self._process.wait(DEADLINE) == 0
        with open(self.history, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def kill(self):
        """Ends the process, whatever it does."""
        self._process.kill()
        self._process.wait(DEADLINE)
        self._process.stdin.close()
        self._process.stdout.close()
