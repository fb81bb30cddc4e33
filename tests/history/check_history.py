#!/usr/bin/env python3
"""Judges the ledgers of a delivery run: was anything lost, invented, repeated, reordered?

  check_history.py [--duplicate-bound N] [--stuck-after SECONDS] [--recovery SECONDS] LEDGER...

Prints one JSON line per finding (at most 20 per verdict) and a summary line at the end.
Exit codes: 0 nothing found, 1 findings, 2 a ledger that cannot be judged.
"""

import argparse
import bisect
import json
import os
import sys
from collections import Counter, defaultdict

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ledger  # pylint: disable=wrong-import-position

SHOWN_PER_VERDICT = 20
SECOND = 1_000_000_000


class History:
    """The events of a run, indexed once for all rules."""

    def __init__(self, events, recovery=0):
        self.events = events
        self.recovery = recovery
        self.attempts = Counter()
        self.crc = {}
        self.started = {}
        self.ended = defaultdict(list)
        self.broker = defaultdict(list)
        self.offsets = defaultdict(dict)
        self.subs = {}
        self.by_sub = defaultdict(list)
        for event in events:
            self._index(event)
        self.order = {name: sorted(held) for name, held in self.offsets.items()}
        self.disturbed = self._disturbances()
        self.kills = sum(1 for e in events if e["type"] == "gateway" and e["state"] == "kill")
        self.faults = sum(1 for e in events if e["type"] == "fault" and e["state"] == "on")

    def _index(self, event):
        kind = event["type"]
        if kind == "post_start":
            self.attempts[event["id"]] += 1
            self.started.setdefault(event["id"], event["t"])
            if "crc" in event:
                self.crc[event["id"]] = event["crc"]
        elif kind == "post_end":
            self.ended[event["id"]].append(event)
        elif kind == "broker_has":
            self.broker[event["id"]].append(event)
            self.offsets[ledger.partition_of(event)][event["offset"]] = event
        elif kind == "subscribe":
            self.subs[event["sub"]] = event
        elif kind in ("deliver", "committed", "resume", "backlog"):
            self.by_sub[event["sub"]].append(event)

    def _disturbances(self):
        """Intervals of time in which something was broken on purpose."""
        open_faults, spans, down_since = {}, [], None
        for event in self.events:
            if event["type"] == "fault":
                if event["state"] == "on":
                    open_faults.setdefault(event["kind"], event["t"])
                elif event["kind"] in open_faults:
                    spans.append((open_faults.pop(event["kind"]), event["t"]))
            elif event["type"] == "gateway":
                if event["state"] in ("kill", "exit", "drain") and down_since is None:
                    down_since = event["t"]
                elif event["state"] == "ready" and down_since is not None:
                    spans.append((down_since, event["t"]))
                    down_since = None
        end = self.events[-1]["t"] if self.events else 0
        spans += [(since, end) for since in open_faults.values()]
        if down_since is not None:
            spans.append((down_since, end))
        return spans

    def in_disturbance(self, start, end):
        return any(start <= off + self.recovery and end >= on for on, off in self.disturbed)

    def calm_since(self):
        """When the last disturbance ended, or None when there was none."""
        return max((off for _, off in self.disturbed), default=None)

    def range_of(self, sub, partition):
        """The offsets that the subscription is owed from a partition, in order."""
        first = sub.get("from", {}).get(partition, 0)
        last = sub.get("to", {}).get(partition)
        return [o for o in self.order[partition] if o >= first and (last is None or o < last)]

    def entitled(self, sub, topic):
        return "topics" not in sub or topic in sub["topics"]

    def partitions_of(self, sub):
        return [p for p in self.order if self.entitled(sub, p.rsplit("/", 1)[0])]


def check_publish(history, find):
    """Lost publish, false refusal, unexplained unknown: what producers were told."""
    unknown = landed = 0
    for message, attempts in history.attempts.items():
        ends = history.ended[message]
        outcomes = [end["outcome"] for end in ends] + ["unknown"] * (attempts - len(ends))
        held = message in history.broker
        if "ok" in outcomes and not held:
            find("lost publish", id=message)
        if held and all(outcome == "no" for outcome in outcomes):
            find("false refusal", id=message)
        if "unknown" in outcomes:
            unknown += 1
            landed += held
            last = max((end["t"] for end in ends), default=history.events[-1]["t"])
            if not history.in_disturbance(history.started[message], last):
                find("unknown", id=message, why="no fault while the post was in flight")
    return {"unknown": unknown, "unknown_landed": landed}


def check_broker(history, find):
    """Phantom and corrupt: what the broker holds against what was sent."""
    for message, copies in history.broker.items():
        attempts = history.attempts[message]
        if attempts == 0:
            find("phantom", id=message, why="never attempted")
        elif len(copies) > attempts:
            find("phantom", id=message, why=f"{len(copies)} copies of {attempts} attempts")
        for copy in copies:
            if message in history.crc and copy.get("crc", history.crc[message]) != \
                    history.crc[message]:
                find("corrupt", id=message, why="the checksum differs in the broker")


def check_content(history, find, name, sub):
    """Deliveries of what does not exist, is damaged, or belongs to somebody else."""
    ids = {}
    for event in history.by_sub[name]:
        if event["type"] != "deliver":
            continue
        message, partition = event["id"], ledger.partition_of(event)
        if not history.entitled(sub, event.get("topic", "")):
            find("cross-delivery", sub=name, id=message)
        record = history.offsets.get(partition, {}).get(event["offset"])
        if record is None or record["id"] != message:
            find("corrupt", sub=name, id=message, why="the broker has no such record there")
        elif "crc" in event and record.get("crc", event["crc"]) != event["crc"]:
            find("corrupt", sub=name, id=message, why="the checksum differs at the receiver")
        if "event_id" in event and ids.setdefault((partition, event["offset"]),
                                                  event["event_id"]) != event["event_id"]:
            find("unstable id", sub=name, id=message)


class Order:
    """Position of one subscription in one partition, counted in records and not in offsets,
    because a log may have holes (control records, compaction)."""

    def __init__(self, offsets, first):
        self.offsets = offsets
        self.prev = bisect.bisect_left(offsets, first) - 1
        self.top = self.prev

    def resume(self, after):
        self.prev = bisect.bisect_right(self.offsets, after) - 1
        self.top = max(self.top, self.prev)
        return self.prev

    def deliver(self, offset, lossy):
        """The fault in delivering this offset now, or None."""
        index = bisect.bisect_left(self.offsets, offset)
        fault = None
        if lossy:
            if index <= self.prev:
                fault = "goes back"
        elif index > self.top + 1:
            fault = f"jumps over {index - self.top - 1} records"
        elif index > self.prev + 1:
            fault = "a replay that is no contiguous suffix"
        self.prev = index
        self.top = max(self.top, index)
        return fault


class Progress:
    """What one subscription has received so far, by partition."""

    def __init__(self, history, sub):
        self.history, self.sub = history, sub
        self.lossy = sub["qos"] != "at-least-once"
        self.orders, self.had = {}, defaultdict(set)
        self.resumed_after = {}

    def _order(self, partition):
        if partition not in self.orders:
            first = self.sub.get("from", {}).get(partition, 0)
            self.orders[partition] = Order(self.history.order[partition], first)
        return self.orders[partition]

    def resume(self, partition, after):
        """The client asks for all after `after`: what it gets again from there is no repeat."""
        if partition in self.history.order:
            self._order(partition).resume(after)
        self.resumed_after[partition] = after
        self.had[partition] = {o for o in self.had[partition] if o <= after}

    def deliver(self, event):
        """Whether this delivery repeats an earlier one, and its fault in order or None."""
        partition, offset = ledger.partition_of(event), event["offset"]
        first_try = event.get("attempt", 1) == 1
        repeated = offset in self.had[partition] or \
            (first_try and offset <= self.resumed_after.get(partition, -1))
        if ledger.acknowledged(event):
            self.had[partition].add(offset)
        if not first_try or (repeated and self.lossy):
            return repeated, None  # a retry stands outside the order; a duplicate is named as such
        if not self.sub.get("ordered", True):
            return repeated, None  # a queue that takes messages back keeps no order
        return repeated, self._order(partition).deliver(offset, self.lossy)


def check_order(history, find, name, sub):
    """Gap and reorder per partition; returns the number of repeats."""
    progress, repeats = Progress(history, sub), 0
    for event in history.by_sub[name]:
        if event["type"] == "resume":
            for partition, after in event["after"].items():
                progress.resume(partition, after)
        elif event["type"] == "deliver" and ledger.partition_of(event) in history.order:
            repeated, fault = progress.deliver(event)
            repeats += repeated
            if repeated and progress.lossy:
                find("duplicate", sub=name, id=event["id"])
            if fault:
                find("gap or reorder", sub=name, id=event["id"], why=fault)
    return repeats


def check_complete(history, find, name, sub, stuck_after):
    """Lost delivery and stuck: all that is owed was acknowledged, and in time."""
    acked = {}
    for event in history.by_sub[name]:
        if event["type"] == "deliver" and ledger.acknowledged(event):
            acked.setdefault((ledger.partition_of(event), event["offset"]), event["t"])
    calm = history.calm_since()
    for partition in history.partitions_of(sub):
        for offset in history.range_of(sub, partition):
            record = history.offsets[partition][offset]
            when = acked.get((partition, offset))
            if when is None:
                find("lost delivery", sub=name, id=record["id"])
            elif calm is not None and when > calm + stuck_after and \
                    history.started.get(record["id"], calm + 1) <= calm:
                find("stuck", sub=name, id=record["id"], why="acknowledged too late after faults")


def check_backlog(history, find, name, stuck_after):
    calm = history.calm_since()
    for event in history.by_sub[name]:
        if event["type"] == "backlog" and event["count"] > 0 and calm is not None and \
                event["t"] > calm + stuck_after:
            find("stuck", sub=name, why=f"{event['count']} left long after the last fault")


def check_commits(history, find, name, sub):
    """Premature commit: no sample may stand beyond the lowest unacknowledged record."""
    acked, next_owed = defaultdict(set), {}
    for event in history.by_sub[name]:
        if event["type"] not in ("deliver", "committed"):
            continue
        partition = ledger.partition_of(event)
        if event["type"] == "deliver":
            if ledger.acknowledged(event):
                acked[partition].add(event["offset"])
            continue
        if partition not in history.order:
            find("premature commit", sub=name, why=f"{partition} holds nothing")
            continue
        if partition not in next_owed:
            next_owed[partition] = [history.range_of(sub, partition), 0]
        owed, index = next_owed[partition]
        while index < len(owed) and owed[index] in acked[partition]:
            index += 1
        next_owed[partition][1] = index
        if index < len(owed) and event["offset"] > owed[index]:
            find("premature commit", sub=name, why=f"{partition} committed {event['offset']}, "
                 f"{owed[index]} is not acknowledged")


def check(events, duplicate_bound=0, stuck_after=60.0, recovery=0.0):
    """All findings and a summary. `duplicate_bound`: repeats allowed per kill or fault.
    `recovery`: for so long after a fault a post may still end as unknown."""
    history, findings = History(events, recovery * SECOND), []

    def find(verdict, **what):
        findings.append({"verdict": verdict, **what})

    summary = check_publish(history, find)
    check_broker(history, find)
    limit = duplicate_bound * (history.kills + history.faults)
    summary["duplicates"] = 0
    for name in history.by_sub:
        if name not in history.subs:
            find("cross-delivery", sub=name, why="nobody subscribed under this name")
    for name, sub in history.subs.items():
        check_content(history, find, name, sub)
        repeats = check_order(history, find, name, sub)
        summary["duplicates"] += repeats
        check_backlog(history, find, name, stuck_after * SECOND)
        if sub["qos"] == "at-least-once":
            if repeats > limit:
                find("duplicate", sub=name, why=f"{repeats} repeats, {limit} allowed")
            check_complete(history, find, name, sub, stuck_after * SECOND)
            check_commits(history, find, name, sub)
    summary["posts"] = sum(history.attempts.values())
    summary["broker"] = sum(len(copies) for copies in history.broker.values())
    summary["deliveries"] = sum(1 for e in events if e["type"] == "deliver")
    summary["kills"], summary["faults"] = history.kills, history.faults
    summary["verdicts"] = dict(Counter(finding["verdict"] for finding in findings))
    return findings, summary


def main(arguments):
    parser = argparse.ArgumentParser(description="Judge the ledgers of a delivery run.")
    parser.add_argument("--duplicate-bound", type=int, default=0, metavar="N",
                        help="repeats allowed per kill or fault at at-least-once (default 0)")
    parser.add_argument("--stuck-after", type=float, default=60.0, metavar="SECONDS",
                        help="time to empty the backlog after the last fault (default 60)")
    parser.add_argument("--recovery", type=float, default=0.0, metavar="SECONDS",
                        help="how long after a fault a post may still end as unknown (default 0)")
    parser.add_argument("ledger", nargs="+")
    options = parser.parse_args(arguments)
    try:
        events = ledger.read(options.ledger)
        if not events:
            raise ledger.LedgerError("the ledgers are empty: nothing was shown")
    except (OSError, ledger.LedgerError) as error:
        print(f"check_history: {error}", file=sys.stderr)
        return 2
    findings, summary = check(events, options.duplicate_bound, options.stuck_after,
                              options.recovery)
    shown = Counter()
    for finding in findings:
        shown[finding["verdict"]] += 1
        if shown[finding["verdict"]] <= SHOWN_PER_VERDICT:
            print(json.dumps(finding))
    print(json.dumps({"summary": summary}))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
