"""Many clients of inventory in one process of their own, each doing one operation after the other, who write down what they
were told. Told what to do by lines of JSON; stock_load.py starts it and says which."""
import asyncio
import json
import random
import sys
import time
import uuid

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from trialog.event.v1 import value_pb2
from trialog.inventory.v1 import inventory_item_pb2, inventory_item_pb2_grpc

# What leaves open whether the operation was done, or says to ask again: it is repeated under the same request id.
REPEATED = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)
TIME_LIMITS = (1, 2, 4)  # Seconds of one attempt.
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.3  # Before the next attempt; a third of the longest within the first second.
GIVES_UP = 60  # Seconds of one operation: never, where faults end as they should.
BETWEEN = 0.15  # Seconds between operations of a client, on average.
MUCH, TOO_MUCH = 10**9, 10**15  # Units: no item runs out of the first by issues; none ever has the second.
APART = 10**8  # What is set is so far from anything else that is: no issues and returns lead from one to the other.
CONNECTING = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 300),
    ("grpc.enable_retries", 0),  # The attempts are counted here.
    ("grpc.use_local_subchannel_pool", 1),
]


def reason_of(error):
    """The stable reason of a refused call."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info.reason
    return ""


def version_of(etag):
    """The number in an etag."""
    return int(etag.strip('"'))


class World:
    """A biobank, and what its clients last heard of its items."""

    def __init__(self, told):
        self.name = told["name"]
        self.locations = told["locations"]
        self.samples = told["samples"]
        self.metadata = (("authorization", "Bearer " + told["token"]),)
        self.last = {}  # Item: (what an answer showed, position)

    def item_name(self, item):
        return f"{self.name}/inventoryItems/item-{item}"

    def shown(self, item):
        """An item of an answer, as the history has it; its version is the number of its movements."""
        if version_of(item.etag) != item.movement_count:
            raise AssertionError(f"version and movements differ: {item}")
        return {
            "location": self.locations.index(item.location),
            "units": item.quantity.units,
            "issued": item.issued_quantity.units,
            "movements": item.movement_count,
        }


class Clients:
    """All clients, and where they ask."""

    def __init__(self, told):
        self.worlds = [World(world) for world in told["worlds"]]
        self.count, self.seed, self.strict_reads = told["clients"], told["seed"], told["strict_reads"]
        self.history = open(told["history"], "w", encoding="utf-8")
        self.channels, self.stubs = {}, []
        self.point_at(told["targets"])
        self.stopping = False
        self.all = [Client(self, number) for number in range(self.count)]
        self.progress = asyncio.Condition()

    def point_at(self, targets):
        """Asks these from now on. Channels to others stay open for the calls that are under way."""
        for target in targets:
            if target not in self.channels:
                self.channels[target] = grpc.aio.insecure_channel(target, options=CONNECTING)
        self.stubs = [inventory_item_pb2_grpc.InventoryServiceStub(self.channels[target]) for target in targets]

    def write(self, **fields):
        self.history.write(json.dumps(fields) + "\n")

    async def await_done(self, since, worlds):
        """Waits until each client of these worlds has done something that began after `since`."""
        wanted = [client for client in self.all if client.world.name in worlds]
        async with self.progress:
            await self.progress.wait_for(lambda: all(client.done_since > since for client in wanted))

    async def run(self):
        await asyncio.gather(*(client.run() for client in self.all))
        self.history.close()
        await asyncio.gather(*(channel.close() for channel in self.channels.values()))


class Client:
    """One client: draws operations and repeats each until it knows what came of it."""

    def __init__(self, clients, number):
        self.clients, self.number = clients, number
        self.chance = random.Random(f"{clients.seed}/{number}")
        self.world = clients.worlds[number % len(clients.worlds)]
        self.amounts = 0
        self.done_since = 0  # The beginning of its last operation that was done.
        self.out = {}  # Item: amounts that this client issued and did not return.

    async def run(self):
        while not self.clients.stopping:
            await asyncio.sleep(self.chance.expovariate(1 / BETWEEN))
            await self.chance.choices((self.change, self.read, self.read_strictly), (8, 1, 1 if self.clients.strict_reads else 0))[0]()

    def amount(self):
        """Never drawn twice in a run, so that a movement tells which operation made it."""
        self.amounts += 1
        return self.number + self.clients.count * self.amounts

    def draw(self):
        """The next operation: {"operation", "item", "location", "units", "etag"}."""
        item = self.chance.randrange(len(self.world.samples))
        known = self.world.last.get(item)
        drawn = {"operation": "receive", "item": item, "location": self.chance.randrange(2), "units": MUCH + APART * self.amount(), "etag": 0}
        if known is None or self.chance.random() < 0.03:
            return drawn
        kind = self.chance.choices(("move", "adjust", "issue", "return"), (4, 4, 3, 2))[0]
        drawn["operation"] = kind
        if kind == "move":
            drawn["units"] = 0
        elif kind == "adjust" and self.chance.random() < 0.5:
            drawn["units"] = 0  # Makes room.
        elif kind == "issue":
            drawn["units"] = self.amount() + (TOO_MUCH if self.chance.random() < 0.1 else 0)
        elif kind == "return":
            out = self.out.get(item)
            drawn["units"] = out.pop() if out else TOO_MUCH + self.amount()
        if self.chance.random() < 0.3:
            drawn["etag"] = known[0]["movements"]
        return drawn

    def request_of(self, drawn, request_id):
        world, units = self.world, value_pb2.Quantity(units=drawn["units"], unit="{cell}")
        kind, name = drawn["operation"], world.item_name(drawn["item"])
        location = world.locations[drawn["location"]]
        etag = f'"{drawn["etag"]}"' if drawn["etag"] else ""
        if kind == "receive":
            item = inventory_item_pb2.InventoryItem(sample=world.samples[drawn["item"]], location=location, quantity=units)
            return "ReceiveStock", inventory_item_pb2.ReceiveStockRequest(
                parent=world.name, inventory_item_id=f"item-{drawn['item']}", inventory_item=item, request_id=request_id
            )
        more = {"name": name, "etag": etag, "request_id": request_id}
        if kind == "move":
            return "MoveStock", inventory_item_pb2.MoveStockRequest(location=location, **more)
        if kind == "adjust":
            cause = inventory_item_pb2.ADJUSTMENT_CAUSE_COUNT
            return "AdjustStock", inventory_item_pb2.AdjustStockRequest(counted_quantity=units, cause=cause, **more)
        if kind == "issue":
            return "IssueStock", inventory_item_pb2.IssueStockRequest(quantity=units, **more)
        return "ReturnStock", inventory_item_pb2.ReturnStockRequest(quantity=units, **more)

    async def attempts(self, method, request, metadata=()):
        """Repeats a call at any replica but the one that just failed. Gives what came of it, (answer, position) or (None, reason),
        when its last attempt began, and what the others met with."""
        begin, pause, met, stub = time.monotonic(), FIRST_PAUSE, [], None
        while True:
            invoke = time.monotonic_ns()
            stub = self.chance.choice([other for other in self.clients.stubs if other is not stub] or [stub])
            call = getattr(stub, method)(request, timeout=self.chance.choice(TIME_LIMITS), metadata=self.world.metadata + metadata)
            try:
                answer = await call
                return answer, dict(await call.trailing_metadata())["trialog-position"], invoke, met
            except grpc.aio.AioRpcError as error:
                reason = reason_of(error) or error.code().name
                if error.code() not in REPEATED:
                    return None, reason, invoke, met
                number = self.clients.stubs.index(stub) if stub in self.clients.stubs else -1
                met.append([reason, number, round((time.monotonic_ns() - invoke) / 1e6), error.details()[:80]])
                if time.monotonic() - begin > GIVES_UP:
                    return None, "", invoke, met
            await asyncio.sleep(pause * (0.5 + self.chance.random()))
            pause = min(2 * pause, LONGEST_PAUSE if time.monotonic() > begin + 1 else LONGEST_PAUSE / 3)

    async def change(self):
        drawn = self.draw()
        method, request = self.request_of(drawn, str(uuid.UUID(int=self.chance.getrandbits(128), version=4)))
        first, wall = time.monotonic_ns(), time.time_ns()
        answer, more, last, met = await self.attempts(method, request)
        end = time.monotonic_ns()
        line = {"world": self.world.name, "client": self.number, **drawn, "invoke": first, "return": end, "wall": wall, "met": met}
        if answer is not None:
            after = self.world.shown(answer)
            self.learn(drawn, after, more)
            self.clients.write(**line, outcome="ok", after=after, position=more)
        elif more:
            # The refusal ends the last attempt alone: what became of those before it, nobody was told.
            self.clients.write(**line | {"invoke": last}, outcome="fail", reason=more, began=first)
            if met:
                self.clients.write(**line | {"return": None}, outcome="unknown", of="attempts before a refusal")
        else:
            self.clients.write(**line | {"return": None}, outcome="unknown", of="given up")
        async with self.clients.progress:
            if answer is not None or more:
                self.done_since = first
                self.clients.progress.notify_all()

    def learn(self, drawn, after, position):
        item = drawn["item"]
        known = self.world.last.get(item)
        if known is None or known[0]["movements"] <= after["movements"]:
            self.world.last[item] = (after, position)
        if drawn["operation"] == "issue":
            self.out.setdefault(item, []).append(drawn["units"])

    async def read(self):
        """At least what is known already must be there, whoever is asked; it may be more."""
        if not self.world.last:
            return
        item = self.chance.choice(sorted(self.world.last))
        known, position = self.world.last[item]
        request = inventory_item_pb2.GetInventoryItemRequest(name=self.world.item_name(item))
        first = time.monotonic_ns()
        answer, more, _, met = await self.attempts("GetInventoryItem", request, (("trialog-min-position", position),))
        line = {"client": self.number, "item": item, "invoke": first, "return": time.monotonic_ns(), "met": met, "known": known}
        shown = self.world.shown(answer) if answer is not None else None
        self.clients.write(read=self.world.name, **line, shown=shown, reason="" if answer is not None else more)

    async def read_strictly(self):
        """What stands when it is asked for, whoever is asked: an operation like any other."""
        if not self.world.last:
            return
        item = self.chance.choice(sorted(self.world.last))
        request = inventory_item_pb2.GetInventoryItemRequest(name=self.world.item_name(item))
        answer, more, last, met = await self.attempts("GetInventoryItem", request, (("trialog-read", "strict"),))
        drawn = {"operation": "get", "item": item, "location": 0, "units": 0, "etag": 0}
        line = {"world": self.world.name, "client": self.number, **drawn, "invoke": last, "return": time.monotonic_ns(), "met": met}
        if answer is not None:
            self.clients.write(**line, outcome="ok", after=self.world.shown(answer))
        elif more:
            self.clients.write(**line, outcome="fail", reason=more)
        else:
            self.clients.write(**line | {"return": None}, outcome="unknown", of="given up")


async def main():
    """Does what the lines of standard input say; each is answered by a line."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    clients = Clients(json.loads(await lines.readline()))
    running = asyncio.create_task(clients.run())
    while line := await lines.readline():
        order = json.loads(line)
        if "targets" in order:
            clients.point_at(order["targets"])
        elif "since" in order:
            done = asyncio.create_task(clients.await_done(order["since"], order["worlds"]))
            await asyncio.wait([done, running], return_when=asyncio.FIRST_COMPLETED)
        else:
            clients.stopping = True
        if clients.stopping or running.done():
            await running
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
