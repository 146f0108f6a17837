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
        """Seconds of the longest operation that was under way meanwhile, with all its attempts."""
        waits = [
            line["return"] - line.get("began", line["invoke"])
            for line in operations
            if line["return"] and line["world"] in self.worlds
            and line.get("began", line["invoke"]) < self.end and line["return"] > self.begin
        ]
        return max(waits, default=0) / 1e9


class Faults:
    """What can befall inventory and audit, and the brokers. Each fault ends when all runs again and work goes on everywhere."""

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

    def rolling_restart(self):
        """Every replica of every service that has several, one after the other."""
        for service, replicas in self.fleet.replicas.items():
            for replica in replicas if len(replicas) > 1 else ():
                hit = {world.name for world in self.worlds}
                begin = time.monotonic_ns()
                replica.process.send_signal(signal.SIGTERM)
                replica.process.wait(UP_DEADLINE)
                replica.stop()
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
        """The owner for one of the worlds and the owner of audit's log; and the worlds that this replica writes for."""
        owner, owners = self._owned_now("inventory", self.chance.choice(self.worlds).partition)
        hit = {world.name for world in self.worlds if owners[world.partition] is owner}
        return [owner, self._owned_now("audit", 0)[0]], hit

    def _standbys(self):
        """A replica that does not write for one of the worlds, and one of audit that does not write; and the worlds of others."""
        owner, owners = self._owned_now("inventory", self.chance.choice(self.worlds).partition)
        standby = self.chance.choice([replica for replica in self.fleet.replicas["inventory"] if replica is not owner])
        signer, _ = self._owned_now("audit", 0)
        readers = [replica for replica in self.fleet.replicas["audit"] if replica is not signer]
        victims = [standby, self.chance.choice(readers)] if readers else [standby]
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


def table(windows, operations):
    """Longest waits, fault by fault."""
    return [
        f"{window.kind}: {window.longest_wait(operations):.2f} s, all well after {(window.end - window.begin) / 1e9:.1f} s"
        for window in windows
    ]
