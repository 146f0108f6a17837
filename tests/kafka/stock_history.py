"""What must hold of what clients of stock were told, and of what replicas show at the end."""
import collections
import heapq
import json
import subprocess

from fleet import REPOSITORY
from stock_world import CAPACITIES
from trialog.inventory.v1 import inventory_item_pb2

LINEARIZABLE = REPOSITORY / ".deps" / "bin" / "linearizable"
TOO_LONG = 120
Movement = inventory_item_pb2.StockMovement
KINDS = {
    "receive": Movement.KIND_RECEIPT,
    "move": Movement.KIND_MOVE,
    "adjust": Movement.KIND_ADJUSTMENT,
    "issue": Movement.KIND_ISSUE,
    "return": Movement.KIND_RETURN,
}


def offset_of(position):
    return int(position.split("/")[1])


class History:
    """The lines of the clients of some worlds."""

    def __init__(self, worlds, lines):
        self.worlds = worlds
        self.reads = [line for line in lines if "read" in line]
        self.operations = [line for line in lines if "world" in line]
        self.happened = []  # Of what nobody was told: what left a movement that nobody else asked for.
        self.by_world = collections.defaultdict(list)
        for line in self.operations:
            self.by_world[line["world"]].append(line)

    def done(self, world):
        """Changes that were acknowledged."""
        return [line for line in self.by_world[world.name] if line["outcome"] == "ok" and line["operation"] in KINDS]

    def last_position(self, world):
        """Of the latest change that was acknowledged."""
        return max((line["position"] for line in self.done(world)), key=offset_of)

    def acknowledged(self):
        """When a client had the answer to each change, in milliseconds of the wall clock, by position."""
        done = [line for world in self.worlds for line in self.done(world)]
        return {line["position"]: (line["wall"] + line["return"] - line["invoke"]) / 1e6 for line in done}

    def figures(self):
        """How much of what there was."""
        outcomes = collections.Counter(line["reason"] if line["outcome"] == "fail" else line["outcome"] for line in self.operations)
        met = collections.Counter(met[0] for line in self.operations for met in line["met"])
        ghosts = f"{len(self.happened)} of unknown outcome happened"
        return f"{len(self.operations)} operations {dict(outcomes)}, {ghosts}, {len(self.reads)} reads; attempts that failed: {dict(met)}"

    def check_answers(self):
        """Nobody gave up, a read shows what its client knew, each record was acknowledged once, and records stand in the log in
        the order in which their clients could know of each other."""
        for line in self.operations:
            assert line.get("of") != "given up", f"never answered: {line}"
        for line in self.reads:
            assert line["shown"], f"a read was refused: {line}"
            assert line["shown"]["movements"] >= line["known"]["movements"], f"older than the position asked for: {line}"
        for world in self.worlds:
            done = self.done(world)
            positions = collections.Counter(line["position"] for line in done)
            twice = [line for line in done if positions[line["position"]] > 1]
            assert not twice, f"two requests have one record: {twice}"
            ended, known = [], (-1, None)
            for line in sorted(done, key=lambda line: line["invoke"]):
                while ended and ended[0][0] < line["invoke"]:
                    known = max(known, heapq.heappop(ended)[1:3], key=lambda each: each[0])
                assert offset_of(line["position"]) > known[0], f"began after {known[1]} was done, and stands before it: {line}"
                heapq.heappush(ended, (line["return"], offset_of(line["position"]), line["position"], id(line)))

    def check_order(self, finals, file):
        """The model of inventory's rules has one order for all of it, and ends with what each replica shows. Of what nobody was
        told, only what left a trace is looked for, after check_movements(): the rest never happened, and may be left out."""
        told = [line for line in self.operations if line["outcome"] != "unknown"]
        with open(file, "w", encoding="utf-8") as lines:
            for world in self.worlds:
                lines.write(json.dumps({"world": world.name, "capacities": CAPACITIES}) + "\n")
            for line in told + self.happened + finals:
                lines.write(json.dumps(line) + "\n")
        command = [LINEARIZABLE, file, f"{TOO_LONG // 2}s"]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=4 * TOO_LONG, check=False)
        print(result.stdout.strip())
        assert result.returncode == 0, f"no order: {file}\n{result.stdout}"

    def check_movements(self, world, movements):
        """Each movement was asked for once, and what was acknowledged is there."""
        claims = collections.defaultdict(list)
        for line in self.done(world):
            claims[line["item"], line["after"]["movements"]].append(line)
        open_ones = [line for line in self.by_world[world.name] if line["outcome"] == "unknown"]
        for item, found in movements.items():
            for number, movement in enumerate(found, 1):
                assert movement.name.endswith(f"/{number}"), f"a gap before {movement}"
                by = [line for line in claims.pop((item, number), []) if not self._needs_none(line, movement, world)]
                if not by:
                    by = [line for line in open_ones if line["item"] == item and self._made(line, movement, world)]
                    by = [line for line in by if not self._before(movement, line)]
                    assert by, f"nobody asked for {movement}"
                    self.happened += [line for line in by if line not in self.happened]
                    continue
                assert self._made(by[0], movement, world), f"{by[0]} is not {movement}"
                assert len(by) == 1, f"one movement, acknowledged to several: {by}"
        assert not claims, f"acknowledged, and not there: {list(claims.values())[0]}"

    @staticmethod
    def _made(line, movement, world):
        """Whether the operation makes such a movement."""
        kind, units = line["operation"], line["units"]
        if movement.kind != KINDS[kind]:
            return False
        if kind == "move":
            return movement.to_location == world.locations[line["location"]]
        if kind == "adjust":
            return movement.balance.units == units
        if kind == "receive":
            return movement.change.units == units and movement.to_location == world.locations[line["location"]]
        return movement.change.units == (-units if kind == "issue" else units)

    @staticmethod
    def _before(movement, line):
        """Whether the movement was decided before anybody asked for the operation; all is on one machine, by one clock."""
        return movement.create_time.ToNanoseconds() < line["wall"]

    def _needs_none(self, line, movement, world):
        """Whether the operation found done what it asked for: what another movement, or another operation, had made so."""
        if line["operation"] not in ("move", "adjust") or (line["operation"] == "adjust" and line["units"]):
            return False
        if not self._made(line, movement, world) or self._before(movement, line):
            return True
        # Of several that asked for the same, the first in the log made it.
        rivals = [
            other
            for other in self.done(world)
            if other["item"] == line["item"]
            and other["after"]["movements"] == line["after"]["movements"]
            and self._made(other, movement, world)
        ]
        return min(rivals, key=lambda other: offset_of(other["position"])) is not line
