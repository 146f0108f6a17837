"""Three brokers and several replicas of auth, inventory and audit, many clients, and faults of all kinds: what the clients were told has
one order, nothing acknowledged is missing and nothing is there twice. --seed repeats a run; --fault_runs and --fault_seconds
lengthen it."""
import concurrent.futures
import random
import re
import shutil
import statistics
import subprocess
import time

import grpc
import pytest
from faults import Faults, say, table
from fleet import UP_DEADLINE, Fleet, Kafka
from people import People
from server import DEADLINE
from stock_history import LINEARIZABLE, History
from stock_load import StockLoad
from stock_world import StockWorld
from takeovers import figures, takeovers
from zombie import Zombie

WORLDS = 6
PARTITIONS = 12
# Seconds that a client may wait at most, with all its attempts; asked for with --fault_limits, on a machine that does nothing else.
LIMITS = {"owner killed": 10, "leader killed": 10, "auth restarted": 0.5, "inventory restarted": 0.5, "audit restarted": 0.5}
TAKEOVER_MILLISECONDS = 300  # From a claim to the first acknowledged command, where somebody asks for one.
LONG = 30  # Seconds of a run that is not CI's.
STUCK = 40  # Longer than anything takes that works, on any machine.


def pytest_generate_tests(metafunc):
    if "run" in metafunc.fixturenames:
        metafunc.parametrize("run", range(metafunc.config.getoption("--fault_runs")))


class Site:
    """Brokers, processes and chance of the tests of this file."""

    def __init__(self, folder, binaries, config):
        self.folder = folder
        self.seed = config.getoption("--seed") or random.SystemRandom().randrange(10**9)
        self.seconds, self.strict = config.getoption("--fault_seconds"), config.getoption("--fault_limits")
        self.clients = config.getoption("--fault_clients")
        self.acknowledged = {}  # Milliseconds of the wall clock, by position.
        self.kafka = Kafka(folder / "kafka", 3)
        asked = {service: config.getoption(f"--{service}_replicas") for service in ("auth", "audit")}
        self.fleet = Fleet(folder, binaries, self.kafka, named=True, inventory=3, trials=0, analytics=0, **asked)

    def settle(self):
        """Waits until the replicas of inventory and auth have shared their partitions out."""
        deadline = time.monotonic() + UP_DEADLINE
        for service in ("inventory", "auth"):
            replicas = self.fleet.replicas[service]
            while any(replica.owned() < PARTITIONS // len(replicas) for replica in replicas):
                assert time.monotonic() < deadline, [replica.owned() for replica in replicas]

    def worlds(self, label, count=WORLDS):
        """The same seed gives them the same partitions."""
        self.settle()
        return [self.world(f"{label}-{number}") for number in range(count)]

    def world(self, label):
        """A partition may yet go to another replica, and what makes a world is not repeated: then another one is made."""
        for _ in range(3):
            try:
                return StockWorld(self.fleet, label)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    raise
                say(f"{label}: {error.details()}; once more")
                label += "-again"
        raise AssertionError(f"no {label}")

    def targets(self):
        return [replica.target for replica in self.fleet.replicas["inventory"]]

    def verify(self, number):
        """What `trialogctl verify` says of the stores of one replica of each service, put together."""
        folder = self.folder / f"copy-{number}"
        for service in ("auth", "inventory", "audit"):
            replicas = self.fleet.replicas[service]
            shutil.copytree(replicas[number % len(replicas)].data, folder, dirs_exist_ok=True)
        command = [self.fleet.binaries / "trialogctl", "verify", "--data", folder, *self.fleet.kafka_flags]
        result = subprocess.run(command, capture_output=True, text=True, timeout=4 * DEADLINE, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        return re.search(r"All holds: \d+ leaves, root [0-9a-f]{64}", result.stdout)[0]

    def fenced(self):
        """How many records of former owners each replica of inventory ignored."""
        line = re.compile(r'^trialog_log_records_total{service="inventory",verdict="fenced"} (\S+)$', re.M)
        return [int(float(line.search(replica.metrics())[1])) for replica in self.fleet.replicas["inventory"]]

    def say_fenced(self, before):
        say(f"records of former owners, ignored by each replica: {before} before, {self.fenced()} now")


@pytest.fixture(scope="module")
def site(tmp_path_factory, binaries, pytestconfig):
    """Started once for all tests here; none of them leaves anything stopped."""
    made = Site(tmp_path_factory.mktemp("faults"), binaries, pytestconfig)
    try:
        made.fleet.start()
        yield made
    finally:
        made.fleet.kill()
        made.kafka.down(at_once=True)


def under_load(site, seed, act, strict_reads=True):
    """Has clients work while `act` does harm; then checks all that they were told. Gives the faults."""
    chance = random.Random(seed)
    say(f"--seed {seed}")
    worlds = site.worlds(f"{act.__name__.replace('_', '-')}-{seed}")
    load = StockLoad(site.folder, worlds, site.targets, site.clients, seed, strict_reads)
    people = People(site.fleet, worlds, seed)
    faults = Faults(site.kafka, site.fleet, load, worlds, chance)
    try:
        load.await_done()
        act(faults)
        load.await_done()
        history = History(worlds, load.stop())
    finally:
        load.kill()
        added = people.stop()
    for line in table(faults.windows, history.operations, added):
        say(line)
    say(f"people added: {len(added)}")
    people.check()
    assert all(replica.alive() for replica in site.fleet.all())
    for replica in site.fleet.all():
        await_healthy(replica)
    history.check_answers()
    finals = []
    for world in worlds:
        shown = [world.final(replica, history.last_position(world)) for replica in site.fleet.replicas["inventory"]]
        finals += [line for line, _ in shown]
        assert all(movements == shown[0][1] for _, movements in shown), "replicas show different movements"
        history.check_movements(world, shown[0][1])
    say(history.figures())
    site.acknowledged |= history.acknowledged()
    history.check_order(finals, load.history.with_suffix(".order"))
    for service in ("inventory", "audit", "auth"):
        for replica in site.fleet.replicas[service]:
            alarms = [line for line in replica.metrics().splitlines() if line.startswith("trialog_log_alarms_total{")]
            assert alarms and all(float(line.split()[-1]) == 0 for line in alarms), alarms
    for window in faults.windows:
        limit = LIMITS.get(window.kind, STUCK) if site.strict else STUCK
        assert window.longest_wait(history.operations) < limit, table([window], history.operations)
    return faults


def await_healthy(replica):
    """What stopped for good stays so; who waits for a broker goes on by itself."""
    deadline = time.monotonic() + DEADLINE
    while f'trialog_healthy{{service="{replica.service}"}} 1' not in replica.metrics():
        assert time.monotonic() < deadline, replica.last_words()


def test_the_check_of_histories_finds_what_is_wrong():
    subprocess.run([LINEARIZABLE.with_name("linearizable_test")], check=True, timeout=DEADLINE)


def test_clients_see_one_order_whatever_dies_or_stands_still(site, run):
    def some_faults(faults):
        begin, order = time.monotonic(), []
        while not order or time.monotonic() - begin < site.seconds:
            order = order or faults.all()
            order.pop()()

    before = site.fenced()
    under_load(site, site.seed + run, some_faults)
    site.say_fenced(before)


def test_a_rolling_restart_fails_no_call(site):
    faults = under_load(site, site.seed, Faults.rolling_restart)
    assert len(faults.windows) == sum(len(replicas) for replicas in site.fleet.replicas.values() if len(replicas) > 1)


def test_this_build_and_the_one_before_run_side_by_side(site, pytestconfig):
    """One replica after the other goes back to the build before, and on again. Not every build before reads strictly."""
    previous = pytestconfig.getoption("--previous")
    if previous is None:
        pytest.skip("only with --previous")

    def back_and_on(faults):
        for binaries in (previous.resolve(), site.fleet.binaries):
            faults.rolling_restart(binaries)

    under_load(site, site.seed, back_and_on, strict_reads=False)


@pytest.mark.parametrize("busy", [True, False], ids=["busy", "idle"])
def test_a_former_owner_that_wakes_up_changes_nothing_and_says_nothing_old(site, busy):
    if not busy and site.seconds < LONG:
        pytest.skip(f"only with --fault_seconds {LONG} or more")
    world = site.worlds(f"sleeper-{site.seed}-{busy:d}", 1)[0]
    bank = Zombie(site.fleet, world)
    before = site.fenced()
    bank.fill()
    bank.pause(busy)
    bank.make_room_elsewhere()
    bank.ask_the_sleeper()
    bank.wake()
    say(f"in flight when it stopped: {bank.in_flight()}; asked meanwhile: {bank.asked()}; read: {bank.read()}")
    site.say_fenced(before)
    bank.check()


def test_audit_of_every_replica_is_what_the_logs_give_when_folded_again(site):
    """Last, since it stops all."""
    written, known = takeovers(site.fleet, site.kafka.brokers, "inventory", PARTITIONS, site.acknowledged)
    say(figures(written, known))
    assert not site.strict or known and statistics.median(known) <= TAKEOVER_MILLISECONDS
    for replica in site.fleet.all():
        replica.stop()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        said = set(pool.map(site.verify, range(len(site.fleet.replicas["inventory"]))))
    say(f"audit: {said}")
    assert len(said) == 1
