"""Survival figures from a trial's rows, in plain Python and from the definitions alone: what the demo's figures must be."""
import collections
import dataclasses
import math

THRESHOLD = 5  # Counts from 1 to below it are not shown.


@dataclasses.dataclass(frozen=True)
class Group:
    """What may be shown of a group; None: nothing."""

    n: str | None
    deaths: str | None = None
    median: str | None = None


def median(subjects):
    """(first time at which the product-limit estimate is at most one half, how many are at risk there); None without."""
    survival, at_risk = 1.0, len(subjects)
    for time in sorted({time for time, _ in subjects}):
        died = sum(t == time and dead for t, dead in subjects)
        survival *= 1 - died / at_risk
        if survival <= 0.5 + 1e-12:
            return time, at_risk
        at_risk -= sum(t == time for t, _ in subjects)
    return None


def log_rank(first, second):
    """(chi-square, p) of the log-rank test of two groups with hypergeometric variance; None where it has no variance."""
    both = first + second
    excess = variance = 0.0
    for time in sorted({time for time, dead in both if dead}):
        n = sum(t >= time for t, _ in both)
        n1 = sum(t >= time for t, _ in first)
        d = sum(t == time and dead for t, dead in both)
        excess += sum(t == time and dead for t, dead in first) - d * n1 / n
        if n > 1:
            variance += d * (n1 / n) * (1 - n1 / n) * (n - d) / (n - 1)
    if variance <= 1e-12:
        return None
    chi_square = excess**2 / variance
    return chi_square, math.erfc(math.sqrt(chi_square / 2))


def shown(subjects):
    """A group of a published whole, by the rules of small cells."""
    deaths = sum(dead for _, dead in subjects)
    small = any(1 <= count < THRESHOLD for count in (deaths, len(subjects) - deaths))
    middle = median(subjects)
    return Group(
        str(len(subjects)),
        None if small else str(deaths),
        str(middle[0]) if middle and middle[1] >= THRESHOLD else None,
    )


def groups_of(rows, key):
    """(days, dead) of each row, by what `key` gives of it; rows without are left out."""
    groups = collections.defaultdict(list)
    for row in rows:
        if key(row) is not None:
            groups[key(row)].append((row["time"], row["status"] == 1))
    return dict(groups)
