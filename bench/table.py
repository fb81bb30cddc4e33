#!/usr/bin/env python3
"""Medians and spreads of raw results, with the ratios that count: table.py FILE.jsonl…

The names of a group end in the same word: floor-1000x50, nchan-1000x50, ours-1000x50.
"""

import json
import statistics
import sys
from collections import defaultdict

# column, key, digits, what it is divided by to be readable
COLUMNS = (
    ("CPU µs/unit", "cpu_us_per_unit", 2, 1),
    ("p50 ms", "p50_us", 2, 1000),
    ("p99 ms", "p99_us", 2, 1000),
    ("p99.9 ms", "p999_us", 2, 1000),
    ("units/s", "per_second", 0, 1),
    ("CPU share", "cpu_share", 2, 1),
    ("KiB/connection", "kb_per_connection", 2, 1),
    ("RSS MiB", "rss_kb", 1, 1024),
    ("ready ms", "ready_ms", 0, 1),
    ("CPU %", "cpu_percent", 2, 1),
)


def read(path):
    """Lines by name in the order of first appearance; the run's own line apart."""
    run, by_name = {}, defaultdict(list)
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            if entry["mode"] == "run":
                run = entry
            else:
                by_name[entry["name"]].append(entry)
    return run, by_name


def cell(entries, key, digits, divisor):
    """`median (lowest–highest)`, or empty when nobody measured it."""
    values = [entry[key] / divisor for entry in entries if key in entry]
    if not values:
        return ""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def ratios(by_name, key):
    """(ours, other, ratio of medians, lowest and highest ratio within a round)."""
    for name, entries in by_name.items():
        who, _, group = name.partition("-")
        if who != "ours":
            continue
        for other_who in ("floor", "nchan", "bridged"):
            other = by_name.get(f"{other_who}-{group}" if group else other_who)
            if not other or key not in entries[0] or key not in other[0]:
                continue
            rounds = [mine[key] / theirs[key] for mine, theirs in zip(entries, other)
                      if theirs[key] and not spoiled(mine) and not spoiled(theirs)]
            if rounds:
                yield name, other_who, statistics.median(rounds), min(rounds), max(rounds)


def spoiled(entry):
    """Why a line does not count, or None."""
    if entry.get("count") == 0:
        return "nothing was answered"
    if entry.get("errors"):
        return f"{entry['errors']} errors"
    if entry.get("closed"):
        return f"{entry['closed']} connections were closed"
    if entry.get("garbled"):
        return f"{entry['garbled']} messages were garbled"
    if entry["mode"] == "subs" and \
            entry["per_second"] < 0.97 * entry.get("rate", 0) * entry["n"]:
        return f"{entry['per_second']:.0f} of {entry['rate'] * entry['n']} deliveries per second"
    if "least_per_sub" in entry and entry["most_per_sub"] - entry["least_per_sub"] > \
            0.02 * entry["most_per_sub"] + 2:
        return f"uneven: {entry['least_per_sub']} to {entry['most_per_sub']} per subscriber"
    return None


def print_table(path, out):
    run, by_name = read(path)
    out.write(f"\n{run.get('script', path)}: commit {run.get('commit')}, {run.get('date')}, "
              f"broker {run.get('broker')}, {run.get('cpu')}\n\n")
    used = [column for column in COLUMNS
            if any(column[1] in entry for entries in by_name.values() for entry in entries)]
    out.write("| | " + " | ".join(column[0] for column in used) + " | runs |\n")
    out.write("| --- |" + " --- |" * (len(used) + 1) + "\n")
    for name, entries in by_name.items():
        good = [entry for entry in entries if spoiled(entry) is None]
        cells = [cell(good, key, digits, divisor) for _, key, digits, divisor in used]
        out.write(f"| {name} | " + " | ".join(cells) + f" | {len(good)} |\n")
    out.write("\n")
    for key, what in (("cpu_us_per_unit", "CPU per unit"), ("p99_us", "p99"),
                      ("kb_per_connection", "memory per connection")):
        for name, other, middle, low, high in ratios(by_name, key):
            out.write(f"- {name} / {other}, {what}: {middle:.2f} ({low:.2f}–{high:.2f})\n")
    for name, entries in by_name.items():
        for number, entry in enumerate(entries, 1):
            if spoiled(entry):
                out.write(f"- not counted: {name}, run {number}: {spoiled(entry)}\n")


def main(paths):
    if not paths:
        print("usage: table.py FILE.jsonl…", file=sys.stderr)
        return 2
    for path in paths:
        print_table(path, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
