"""Ten bugs that gateways have had, built into a small simulated one: the checker catches each, and
finds nothing where there is none. Deterministic: a seed is a history."""

import os
import random
import sys
import unittest
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check_history  # pylint: disable=wrong-import-position

STEPS = 240
KILLS = (60, 130, 200)      # the gateway
FAULT = (95, 105)           # the broker is away
WINDOW = 8                  # deliveries in flight

# What each bug is, and the verdict that names it.
BUGS = {
    "answers 202 before the broker has the message": "lost publish",
    "calls a timeout a definite no": "false refusal",
    "publishes again after a timeout without saying so": "phantom",
    "uses a buffer again while it is being sent": "corrupt",
    "commits when it hands over, not when it is acknowledged": "premature commit",
    "commits the highest acknowledged offset, not the prefix": "premature commit",
    "resumes one message too late after a restart": "gap or reorder",
    "numbers events itself, anew after every restart": "unstable id",
    "begins again at the start of the log after a restart": "duplicate",
    "gives a consumer the messages of another destination": "cross-delivery",
    "loses what was in flight when its consumer refused it": "lost delivery",
    "does not come back after the broker was away": "stuck",
}


class Simulation:
    """A producer, a log of one partition, a gateway that delivers and commits, its consumer."""

    def __init__(self, seed, bug=None):
        assert bug is None or bug in BUGS
        self.random, self.bug = random.Random(seed), bug
        self.events, self.now, self.posted = [], 0, 0
        self.log = []            # what the broker has: (id, crc)
        self.held_back = []      # confirmed, but not at the broker yet (a bug)
        self.next = self.committed = self.counter = 0
        self.acknowledged, self.retries = set(), []
        self.wedged = False
        self.add("gateway", state="ready")
        self.add("subscribe", sub="s", qos="at-least-once", topics=["t"])

    def add(self, event_type, **fields):
        self.now += 1_000_000
        self.events.append({"type": event_type, "t": self.now, **fields})

    def has(self, bug):
        return self.bug == bug

    def sometimes(self, share):
        return self.random.random() < share

    # --- publishing

    def store(self, identity, crc):
        self.log.append((identity, crc))

    def post(self, broker_up):
        identity = f"run-{self.posted}"
        self.posted += 1
        crc = zlib.crc32(identity.encode())
        self.add("post_start", id=identity, crc=crc)
        if not broker_up:
            outcome = "no"
        elif self.has("answers 202 before the broker has the message"):
            self.held_back.append((identity, crc))
            outcome = "ok"
        else:
            self.store(identity, crc)
            outcome = "ok"
            if self.has("calls a timeout a definite no") and self.sometimes(0.05):
                outcome = "no"
            if self.has("publishes again after a timeout without saying so") and \
                    self.sometimes(0.05):
                self.store(identity, crc)
        self.add("post_end", id=identity, outcome=outcome)

    # --- delivering

    def deliver(self, offset, attempt=1):
        identity, crc = self.log[offset]
        self.counter += 1
        event_id = f"t@0#{offset}"
        if self.has("numbers events itself, anew after every restart"):
            event_id = str(self.counter)
        if self.has("uses a buffer again while it is being sent") and self.sometimes(0.03):
            crc ^= 1
        topic = "t"
        if self.has("gives a consumer the messages of another destination") and \
                self.sometimes(0.03):
            topic = "u"
        taken = not (attempt == 1 and self.sometimes(0.1))
        self.add("deliver", sub="s", id=identity, topic=topic, partition=0, offset=offset,
                 attempt=attempt, answer=200 if taken else 503, event_id=event_id, crc=crc)
        if taken:
            self.acknowledged.add(offset)
        elif not self.has("loses what was in flight when its consumer refused it"):
            self.retries.append(offset)
        else:
            self.acknowledged.add(offset)

    def commit(self):
        while self.committed in self.acknowledged:
            self.committed += 1
        shown = self.committed
        if self.has("commits when it hands over, not when it is acknowledged"):
            shown = self.next
        if self.has("commits the highest acknowledged offset, not the prefix"):
            shown = max(self.acknowledged, default=-1) + 1
        self.add("committed", sub="s", topic="t", partition=0, offset=shown)

    def read(self):
        for offset in self.retries[:]:
            if self.sometimes(0.5):
                self.retries.remove(offset)
                self.deliver(offset, attempt=2)
        while self.next < len(self.log) and self.next - self.committed < WINDOW:
            self.deliver(self.next)
            self.next += 1
            if self.sometimes(0.3):
                break
        self.commit()

    # --- faults

    def kill(self):
        self.add("gateway", state="kill")
        self.held_back.clear()
        self.retries.clear()
        self.counter = 0
        self.next = self.committed
        if self.has("resumes one message too late after a restart"):
            self.next = min(self.committed + 1, len(self.log))
            self.acknowledged.add(self.committed)
        if self.has("begins again at the start of the log after a restart"):
            self.next = 0
        self.acknowledged = {o for o in self.acknowledged if o <= self.committed}
        self.add("gateway", state="ready")

    def run(self):
        for step in range(STEPS):
            up = not FAULT[0] <= step < FAULT[1]
            if step == FAULT[0]:
                self.add("fault", kind="broker", state="on")
                self.wedged = self.has("does not come back after the broker was away")
            if step == FAULT[1]:
                self.add("fault", kind="broker", state="off")
            if step in KILLS:
                self.kill()
            for _ in range(self.random.randint(1, 3)):
                self.post(up)
            while self.held_back and self.sometimes(0.7):
                self.store(*self.held_back.pop(0))
            if up and not self.wedged:
                self.read()
        while self.held_back:
            self.store(*self.held_back.pop(0))
        self.now += 120 * check_history.SECOND if self.wedged else 0
        self.wedged = False
        while self.next < len(self.log) or self.retries:
            self.read()
        for offset, (identity, crc) in enumerate(self.log):
            self.add("broker_has", id=identity, topic="t", partition=0, offset=offset,
                     crc=zlib.crc32(identity.encode()))
        return self.events


def verdicts(seed, bug=None):
    findings, _ = check_history.check(Simulation(seed, bug).run(), duplicate_bound=WINDOW)
    return {finding["verdict"] for finding in findings}


class SeededBugs(unittest.TestCase):
    def test_a_gateway_without_a_bug_is_found_clean(self):
        for seed in range(50):
            with self.subTest(seed=seed):
                self.assertEqual(verdicts(seed), set())

    def test_every_bug_is_caught_by_its_name(self):
        self.assertGreaterEqual(len(BUGS), 10)
        caught = 0
        for bug, verdict in BUGS.items():
            for seed in range(5):
                with self.subTest(bug=bug, seed=seed):
                    self.assertIn(verdict, verdicts(seed, bug))
            caught += 1
        print(f"seeded bugs caught: {caught} of {len(BUGS)}", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
