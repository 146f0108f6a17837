"""Three brokers and several replicas of inventory and audit, many clients, and faults of all kinds: what the clients were told has
one order, nothing acknowledged is missing and nothing is there twice. --seed repeats a run; --fault_runs and --fault_seconds
lengthen it."""
import random
import re
import shutil
import subprocess
import time

import pytest
from faults import Faults, table
from fleet import UP_DEADLINE, Fleet, Kafka
from server import DEADLINE
from stock_history import LINEARIZABLE, History
from stock_load import StockLoad
from stock_world import StockWorld
from zombie import Zombie

WORLDS = 6
PARTITIONS = 12
CLIENTS = 64
# Seconds that a client may wait, with all its attempts.
HANDED_OVER, OWNER_DEAD, BROKER_DEAD = 0.5, 10, 10
LIMITS = {"owner killed": OWNER_DEAD, "leader killed": BROKER_DEAD}


def pytest_generate_tests(metafunc):
    if "run" in metafunc.fixturenames:
        metafunc.parametrize("run", range(metafunc.config.getoption("--fault_runs")))


class Site:
    """Brokers, processes and chance of the tests of this file."""

    def __init__(self, folder, binaries, config):
        self.folder = folder
        self.seed = config.getoption("--seed") or random.SystemRandom().randrange(10**9)
        self.seconds = config.getoption("--fault_seconds")
        self.kafka = Kafka(folder / "kafka", 3)
        replicas = {"auth": config.getoption("--auth_replicas"), "inventory": 3, "audit": config.getoption("--audit_replicas"), "trials": 0, "analytics": 0}
        self.fleet = Fleet(folder, binaries, self.kafka, **replicas)

    def settle(self):
        """Waits until the replicas of inventory have shared its partitions out."""
        deadline = time.monotonic() + UP_DEADLINE
        replicas = self.fleet.replicas["inventory"]
        while any(replica.owned() < PARTITIONS // len(replicas) for replica in replicas):
            assert time.monotonic() < deadline, [replica.owned() for replica in replicas]

    def worlds(self, count=WORLDS):
        self.settle()
        return [StockWorld(self.fleet, number) for number in range(count)]

    def targets(self):
        return [replica.target for replica in self.fleet.replicas["inventory"]]

    def verdicts(self, name):
        """The sum of a metric over labels, of each replica of inventory."""
        return [
            sum(int(float(line.split()[-1])) for line in replica.metrics().splitlines() if line.startswith(name))
            for replica in self.fleet.replicas["inventory"]
        ]


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


FENCED = 'trialog_log_records_total{service="inventory",verdict="fenced"}'


def under_load(site, seed, act):
    """Has clients work while `act` does harm; then checks all that they were told. Gives (history, faults)."""
    chance = random.Random(seed)
    print(f"--seed {seed}")
    worlds = site.worlds()
    load = StockLoad(site.folder, worlds, site.targets, CLIENTS, seed)
    faults = Faults(site.kafka, site.fleet, load, worlds, chance)
    try:
        load.await_done()
        act(faults)
        load.await_done()
        history = History(worlds, load.stop())
    finally:
        load.kill()
    print("\n".join(table(faults.windows, history.operations)))
    assert all(replica.alive() for replica in site.fleet.all())
    history.check_answers()
    finals = []
    for world in worlds:
        shown = [world.final(replica, history.last_position(world)) for replica in site.fleet.replicas["inventory"]]
        finals += [line for line, _ in shown]
        assert all(movements == shown[0][1] for _, movements in shown), "replicas show different movements"
        history.check_movements(world, shown[0][1])
    print(history.figures())
    history.check_order(finals, load.history.with_suffix(".order"))
    for service in ("inventory", "audit", "auth"):
        for replica in site.fleet.replicas[service]:
            alarms = [line for line in replica.metrics().splitlines() if line.startswith("trialog_log_alarms_total{")]
            assert alarms and all(float(line.split()[-1]) == 0 for line in alarms), alarms
    return history, faults


def test_the_check_of_histories_finds_what_is_wrong():
    subprocess.run([LINEARIZABLE.with_name("linearizable_test")], check=True, timeout=DEADLINE)


def test_clients_see_one_order_whatever_dies_or_stands_still(site, run):
    def act(faults):
        begin, order = time.monotonic(), []
        while not order or time.monotonic() - begin < site.seconds:
            order = order or faults.all()
            order.pop()()

    before = site.verdicts(FENCED)
    history, faults = under_load(site, site.seed + run, act)
    print(f"records of former owners, ignored: {before} before, {site.verdicts(FENCED)} now")
    for window in faults.windows:
        limit = LIMITS.get(window.kind)
        assert limit is None or window.longest_wait(history.operations) < limit, table([window], history.operations)


def test_a_rolling_restart_fails_no_call(site):
    history, faults = under_load(site, site.seed, Faults.rolling_restart)
    assert len(faults.windows) == sum(len(replicas) for replicas in site.fleet.replicas.values() if len(replicas) > 1)
    longest = max(window.longest_wait(history.operations) for window in faults.windows)
    assert longest < HANDED_OVER, table(faults.windows, history.operations)


def test_a_former_owner_that_wakes_up_changes_nothing_and_says_nothing_old(site):
    world = site.worlds(1)[0]
    bank = Zombie(site.fleet, world)
    before = site.verdicts(FENCED)
    bank.fill()
    bank.send_and_pause()
    bank.make_room_elsewhere()
    bank.ask_the_sleeper()
    bank.wake()
    print(f"in flight when it stopped: {bank.in_flight()}; asked meanwhile: {bank.asked()}")
    print(f"records of former owners, ignored: {before} before, {site.verdicts(FENCED)} now")
    bank.check()


def test_audit_of_every_replica_is_what_the_logs_give_when_folded_again(site):
    """Last, since it stops all."""
    for replica in site.fleet.all():
        replica.stop()
    said = set()
    for number in range(3):
        folder = site.folder / f"copy-{number}"
        for service in ("auth", "inventory", "audit"):
            replicas = site.fleet.replicas[service]
            shutil.copytree(replicas[number % len(replicas)].data, folder, dirs_exist_ok=True)
        flags = ("--data", folder, *site.fleet.kafka_flags)
        command = [site.fleet.binaries / "trialogctl", "verify", *flags]
        result = subprocess.run(command, capture_output=True, text=True, timeout=2 * DEADLINE, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        said.add(re.search(r"All holds: (\d+) leaves, root ([0-9a-f]{64}),", result.stdout)[0])
    assert len(said) == 1, said
    print(said.pop())
