"""The history checker must flag every bad history and pass every good one."""

import io
import json
import os
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check_history  # pylint: disable=wrong-import-position
import ledger  # pylint: disable=wrong-import-position

SECOND = check_history.SECOND


class Run:
    """Writes a ledger by hand; every call is one millisecond after the one before."""

    def __init__(self, qos="at-least-once", **sub):
        self.events, self.now = [], 0
        self.add("gateway", state="ready")
        self.add("subscribe", sub="s", qos=qos, topics=["t"], **sub)

    def add(self, event_type, **fields):
        self.now += 1_000_000
        self.events.append({"type": event_type, "t": self.now, **fields})
        return self

    def wait(self, seconds):
        self.now += int(seconds * SECOND)
        return self

    def post(self, offset, outcome="ok", held=True, crc="c", broker_crc=None):
        message = f"run-p-{offset}"
        self.add("post_start", id=message, crc=crc)
        if outcome:
            self.add("post_end", id=message, status=202, outcome=outcome)
        if held:
            self.add("broker_has", id=message, topic="t", partition=0, offset=offset,
                     crc=broker_crc or crc)
        return self

    def posts(self, count):
        for offset in range(count):
            self.post(offset)
        return self

    def deliver(self, *offsets, **fields):
        for offset in offsets:
            event = {"sub": "s", "id": f"run-p-{offset}", "topic": "t", "partition": 0,
                     "offset": offset, "attempt": 1, "answer": "ok", "event_id": f"e{offset}",
                     "crc": "c"}
            self.add("deliver", **{**event, **fields})
        return self

    def commit(self, offset):
        return self.add("committed", sub="s", topic="t", partition=0, offset=offset)

    def verdicts(self, **options):
        findings, _ = check_history.check(self.events, **options)
        return sorted({finding["verdict"] for finding in findings})


class GoodHistories(unittest.TestCase):
    def good(self, run, **options):
        self.assertEqual(run.verdicts(**options), [])

    def test_all_delivered_once(self):
        self.good(Run().posts(3).deliver(0, 1).commit(2).deliver(2).commit(3))

    def test_refused_post_that_is_not_there(self):
        self.good(Run().posts(1).post(1, outcome="no", held=False).deliver(0))

    def test_unknown_during_a_fault_may_land_or_not(self):
        run = Run().add("fault", kind="broker", state="on")
        run.post(0, outcome="unknown").post(1, outcome="unknown", held=False)
        self.good(run.add("fault", kind="broker", state="off").deliver(0))

    def test_post_without_answer_when_the_gateway_was_killed(self):
        run = Run().post(0, outcome=None).add("gateway", state="kill")
        self.good(run.add("gateway", state="ready").deliver(0))

    def test_repeats_within_the_bound_after_a_kill(self):
        run = Run().posts(4).deliver(0, 1, 2).add("gateway", state="kill")
        self.good(run.add("gateway", state="ready").deliver(1, 2, 3), duplicate_bound=2)

    def test_client_asks_for_a_replay(self):
        run = Run().posts(4).deliver(0, 1, 2).add("resume", sub="s", after={"t/0": 0})
        self.good(run.deliver(1, 2, 3))

    def test_holes_in_the_log_are_no_gap(self):
        self.good(Run().post(0).post(5).post(9).deliver(0, 5, 9))

    def test_retry_after_a_refused_attempt(self):
        run = Run().posts(2).deliver(0, answer=500).deliver(1).deliver(0, attempt=2, answer=204)
        self.good(run)

    def test_subscription_from_an_offset(self):
        self.good(Run(**{"from": {"t/0": 2}}).posts(4).deliver(2, 3))

    def test_subscription_up_to_an_offset(self):
        self.good(Run(to={"t/0": 2}).posts(4).deliver(0, 1))

    def test_a_queue_that_takes_back_keeps_no_order(self):
        run = Run(ordered=False).posts(4).deliver(0, 3).add("gateway", state="kill")
        self.good(run.add("gateway", state="ready").deliver(2, 1, 3), duplicate_bound=1)

    def test_at_most_once_may_lose(self):
        self.good(Run(qos="at-most-once").posts(4).deliver(0, 3))


class BadHistories(unittest.TestCase):
    def bad(self, verdict, run, **options):
        self.assertEqual(run.verdicts(**options), [verdict])

    def test_lost_publish(self):
        self.bad("lost publish", Run().post(0, held=False))

    def test_false_refusal(self):
        self.bad("false refusal", Run().post(0, outcome="no").deliver(0))

    def test_phantom_nobody_sent(self):
        run = Run().add("broker_has", id="run-p-0", topic="t", partition=0, offset=0)
        self.bad("phantom", run.deliver(0))

    def test_phantom_more_copies_than_attempts(self):
        run = Run().post(0).add("broker_has", id="run-p-0", topic="t", partition=0, offset=1)
        self.bad("phantom", run.deliver(0).deliver(1, id="run-p-0"))

    def test_corrupt_in_the_broker(self):
        self.bad("corrupt", Run().post(0, broker_crc="x").deliver(0, crc="x"))

    def test_corrupt_at_the_receiver(self):
        self.bad("corrupt", Run().posts(1).deliver(0, crc="x"))

    def test_delivery_of_a_record_the_broker_never_had(self):
        self.bad("corrupt", Run().posts(1).deliver(0, answer=500)
                 .deliver(0, id="run-p-9", attempt=2))

    def test_unknown_after_the_recovery_from_a_fault(self):
        run = Run().add("fault", kind="broker", state="on").add("fault", kind="broker",
                                                                state="off")
        run.wait(20).post(0, outcome="unknown").deliver(0)
        self.bad("unknown", run, recovery=10)
        self.assertEqual(run.verdicts(recovery=30), [])

    def test_unknown_without_a_fault(self):
        self.bad("unknown", Run().post(0, outcome="unknown").deliver(0))

    def test_lost_delivery_at_the_end(self):
        self.bad("lost delivery", Run().posts(3).deliver(0, 1))

    def test_lost_delivery_never_acknowledged(self):
        self.bad("lost delivery", Run().posts(1).deliver(0, answer=500))

    def test_premature_commit(self):
        self.bad("premature commit", Run().posts(2).deliver(0).commit(2).deliver(1))

    def test_premature_commit_over_a_refused_message(self):
        run = Run().posts(2).deliver(0, answer=503).deliver(1).commit(2)
        self.bad("premature commit", run.deliver(0, attempt=2))

    def test_gap(self):
        self.bad("gap or reorder", Run().posts(3).deliver(0, 2).deliver(1, attempt=2))

    def test_reorder(self):
        self.assertIn("gap or reorder", Run().posts(3).deliver(0, 2, 1).verdicts())

    def test_replay_that_skips(self):
        run = Run().posts(5).deliver(0, 1, 2, 3).add("resume", sub="s", after={"t/0": 0})
        self.bad("gap or reorder", run.deliver(1, 4))

    def test_gap_right_after_a_resume(self):
        run = Run().posts(4).deliver(0, 1).add("resume", sub="s", after={"t/0": 1})
        self.bad("gap or reorder", run.deliver(3).deliver(2, attempt=2))

    def test_repeat_right_after_a_resume(self):
        run = Run().posts(4).deliver(0, 1).add("resume", sub="s", after={"t/0": 1})
        self.bad("duplicate", run.deliver(1, 2, 3))

    def test_duplicate_on_a_clean_run(self):
        self.bad("duplicate", Run().posts(2).deliver(0, 0, 1), duplicate_bound=5)

    def test_duplicates_beyond_the_bound(self):
        run = Run().posts(3).deliver(0, 1, 2).add("gateway", state="kill")
        run.add("gateway", state="ready")
        self.bad("duplicate", run.deliver(0, 1, 2), duplicate_bound=2)

    def test_a_queue_without_order_still_loses_nothing(self):
        self.bad("lost delivery", Run(ordered=False).posts(3).deliver(2, 0))

    def test_a_queue_without_order_still_repeats_within_bounds(self):
        self.bad("duplicate", Run(ordered=False).posts(2).deliver(1, 0, 1))

    def test_duplicate_at_most_once(self):
        run = Run(qos="at-most-once").posts(2).deliver(0).add("gateway", state="kill")
        self.bad("duplicate", run.add("gateway", state="ready").deliver(0, 1), duplicate_bound=9)

    def test_reorder_at_most_once(self):
        self.bad("gap or reorder", Run(qos="at-most-once").posts(3).deliver(0, 2, 1))

    def test_unstable_id(self):
        run = Run().posts(1).deliver(0, answer=500).deliver(0, attempt=2, event_id="other")
        self.bad("unstable id", run)

    def test_cross_delivery_of_another_topic(self):
        run = Run().posts(1).deliver(0)
        run.add("post_start", id="x").add("post_end", id="x", status=202, outcome="ok")
        run.add("broker_has", id="x", topic="secret", partition=0, offset=0)
        run.add("deliver", sub="s", id="x", topic="secret", partition=0, offset=0)
        self.bad("cross-delivery", run)

    def test_cross_delivery_without_subscription(self):
        self.bad("cross-delivery", Run().posts(1).deliver(0).deliver(0, sub="stranger"))

    def test_stuck_backlog(self):
        run = Run().posts(1).deliver(0).add("fault", kind="broker", state="on")
        run.add("fault", kind="broker", state="off").wait(61)
        self.bad("stuck", run.add("backlog", sub="s", count=3))

    def test_stuck_delivery(self):
        run = Run().posts(1).add("fault", kind="broker", state="on")
        self.bad("stuck", run.add("fault", kind="broker", state="off").wait(61).deliver(0))


class Program(unittest.TestCase):
    def run_program(self, *lines):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
            file.write("\n".join(lines))
            file.flush()
            out, err = io.StringIO(), io.StringIO()
            with redirect_stdout(out), redirect_stderr(err):
                code = check_history.main([file.name])
        return code, out.getvalue(), err.getvalue()

    def test_good_ledger_exits_0(self):
        run = Run().posts(2).deliver(0, 1)
        code, out, _ = self.run_program(*(json.dumps(event) for event in run.events))
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(out)["summary"]["deliveries"], 2)

    def test_bad_ledger_exits_1_and_names_the_message(self):
        run = Run().posts(2).deliver(0)
        code, out, _ = self.run_program(*(json.dumps(event) for event in run.events))
        self.assertEqual(code, 1)
        self.assertEqual(json.loads(out.splitlines()[0])["id"], "run-p-1")

    def test_what_cannot_be_judged_exits_2(self):
        for line in ("", "{", "[]", '{"type":"else","t":1}', '{"type":"post_start","id":"a"}',
                     '{"type":"post_start","t":1}', '{"type":"gateway","t":1,"state":"up"}'):
            with self.subTest(line=line):
                code, _, err = self.run_program(line)
                self.assertEqual(code, 2)
                self.assertTrue(err.startswith("check_history: "))

    def test_ledgers_are_merged_by_time(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("a", "b")]
            for path, times in zip(paths, ((3, 1), (2,))):
                with open(path, "w", encoding="utf-8") as file:
                    for time in times:
                        file.write(json.dumps({"type": "gateway", "t": time, "state": "ready"}))
                        file.write("\n")
            self.assertEqual([event["t"] for event in ledger.read(paths)], [1, 2, 3])


if __name__ == "__main__":
    unittest.main()
