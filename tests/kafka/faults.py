"""Faults of a fleet under load, one after the other, and how long clients waited meanwhile."""
import contextlib
import dataclasses
import signal
import time

from fleet import UP_DEADLINE

SAID = []  # What pytest prints at its end, of tests that passed too: a fault that never fires proves nothing.
PAUSE = 9  # Seconds that a process stands still: more than the 6 after which the others believe it dead.


@dataclasses.dataclass
class Window:
    """A fault from its begin until all had gone well again, and the worlds that it hit."""

    kind: str
    begin: int
    end: int
    worlds: set

    def longest_wait(self, operations):
        """Seconds of the longest operation on one of the worlds that was under way meanwhile, with all its attempts."""
        return self.longest_of([line for line in operations if line["world"] in self.worlds])

    def longest_of(self, operations):
        """The same of any of the operations."""
        waits = [
            line["return"] - line.get("began", line["invoke"])
            for line in operations
            if line["return"] and line.get("began", line["invoke"]) < self.end and line["return"] > self.begin
        ]
        return max(waits, default=0) / 1e9


class Faults:
    """What can befall inventory, auth and audit, and the brokers. Each fault ends when all runs again and work goes on everywhere."""

    def __init__(self, kafka, fleet, load, worlds, chance):
        self.kafka, self.fleet, self.load, self.worlds, self.chance = kafka, fleet, load, worlds, chance
        self.windows = []

    def all(self):
        """Every fault, by chance in this order or another."""
        faults = [self.kill_owner, self.pause_owner, self.kill_standby, self.pause_standby, self.kill_leader, self.pause_leader]
        self.chance.shuffle(faults)
        return faults

    def kill_owner(self):
        self._fault("owner killed", self._owners(), self._killed)

    def pause_owner(self):
        self._fault("owner paused", self._owners(), self._paused)

    def kill_standby(self):
        self._fault("standby killed", self._standbys(), self._killed)

    def pause_standby(self):
        self._fault("standby paused", self._standbys(), self._paused)

    def kill_leader(self):
        with self._leader("leader killed") as broker:
            self.kafka.kill(broker)
            self.load.await_done()
            self.kafka.start(broker)

    def pause_leader(self):
        with self._leader("leader paused") as broker:
            self.kafka.signal(broker, signal.SIGSTOP)
            time.sleep(PAUSE)
            self.kafka.signal(broker, signal.SIGCONT)

    def rolling_restart(self, binaries=None):
        """Every replica of every service that has several, one after the other; with these binaries from then on."""
        for service, replicas in self.fleet.replicas.items():
            for replica in replicas if len(replicas) > 1 else ():
                hit = {world.name for world in self.worlds}
                begin = time.monotonic_ns()
                replica.process.send_signal(signal.SIGTERM)
                replica.process.wait(UP_DEADLINE)
                replica.stop()
                replica.binaries = binaries or replica.binaries
                self.load.await_done()
                replica.start()
                self.load.retarget()
                self.load.await_done()
                self.windows.append(Window(f"{service} restarted", begin, time.monotonic_ns(), hit))

    def _owned_now(self, service, partition):
        """The replica that owns a partition, and all owners by partition."""
        deadline = time.monotonic() + UP_DEADLINE
        while True:
            owners = self.fleet.owners(service)
            if owners[partition] is not None:
                return owners[partition], owners
            assert time.monotonic() < deadline, f"nobody owns {service} {partition}"

    def _owners(self):
        """The owner for one of the worlds, in auth too, and that of audit's log; and the worlds that the first writes for."""
        partition = self.chance.choice(self.worlds).partition
        owner, owners = self._owned_now("inventory", partition)
        hit = {world.name for world in self.worlds if owners[world.partition] is owner}
        return [owner, self._owned_now("auth", partition)[0], self._owned_now("audit", 0)[0]], hit

    def _standbys(self):
        """A replica of each service that does not write for one of the worlds; and the worlds of others."""
        partition = self.chance.choice(self.worlds).partition
        owner, owners = self._owned_now("inventory", partition)
        standby = self.chance.choice([replica for replica in self.fleet.replicas["inventory"] if replica is not owner])
        victims = [standby]
        for service, of in (("auth", partition), ("audit", 0)):
            writes, _ = self._owned_now(service, of)
            others = [replica for replica in self.fleet.replicas[service] if replica is not writes]
            victims += [self.chance.choice(others)] if others else []
        return victims, {world.name for world in self.worlds if owners[world.partition] is not standby}

    def _fault(self, kind, victims, act):
        replicas, hit = victims
        begin = time.monotonic_ns()
        act(replicas)
        self.load.await_done()
        self.windows.append(Window(kind, begin, time.monotonic_ns(), hit))

    def _killed(self, replicas):
        for replica in replicas:
            replica.kill()
        self.load.await_done()
        for replica in replicas:
            replica.start()
        self.load.retarget()

    def _paused(self, replicas):
        for replica in replicas:
            replica.process.send_signal(signal.SIGSTOP)
        time.sleep(PAUSE)
        for replica in replicas:
            replica.process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def _leader(self, kind):
        """The broker that leads the partition of one of the worlds; while every other one has a copy of everything."""
        self.await_in_sync()
        topic = self.fleet.prefix + "inventory.log"
        broker, _ = self.kafka.partitions(topic)[topic, self.chance.choice(self.worlds).partition]
        begin = time.monotonic_ns()
        yield broker
        self.load.await_done()
        self.windows.append(Window(kind, begin, time.monotonic_ns(), {world.name for world in self.worlds}))

    def await_in_sync(self):
        """Until every broker has a copy of everything again: only then may another one go."""
        deadline = time.monotonic() + UP_DEADLINE
        while any(leader < 0 or copies < self.kafka.count for leader, copies in self.kafka.partitions("").values()):
            assert time.monotonic() < deadline, self.kafka.partitions("")


def say(text):
    """Prints it now, where that is shown, and at the end."""
    print(text)
    SAID.append(text)


def table(windows, operations, people=()):
    """Longest waits, fault by fault; and those of who adds people meanwhile."""
    return [
        f"{window.kind}: {window.longest_wait(operations):.2f} s, people {window.longest_of(people):.2f} s, "
        f"all well after {(window.end - window.begin) / 1e9:.1f} s"
        for window in windows
    ]
