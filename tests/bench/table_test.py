"""The table must show medians and ratios within rounds, and leave out what does not count."""

import io
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import table  # pylint: disable=wrong-import-position


def post(name, cpu, **more):
    return {"mode": "post", "name": name, "cpu_us_per_unit": cpu, "p99_us": 1000, **more}


def subs(least, most, per_second):
    return {"mode": "subs", "name": "ours", "n": 10, "rate": 50, "least_per_sub": least,
            "most_per_sub": most, "per_second": per_second}


class Table(unittest.TestCase):
    def printed(self, *entries):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
            for entry in ({"mode": "run", "script": "post"},) + entries:
                file.write(json.dumps(entry) + "\n")
            file.flush()
            out = io.StringIO()
            table.print_table(file.name, out)
        return out.getvalue()

    def test_median_spread_and_ratio(self):
        text = self.printed(post("floor", 10), post("ours", 12), post("floor", 20),
                            post("ours", 30), post("floor", 10), post("ours", 16))
        self.assertIn("| ours | 16.00 (12.00–30.00) |", text)
        self.assertIn("- ours / floor, CPU per unit: 1.50 (1.20–1.60)", text)

    def test_ratios_stay_within_their_group(self):
        text = self.printed(post("nchan-100", 10), post("nchan-1000", 20), post("ours-1000", 10))
        self.assertIn("ours-1000 / nchan, CPU per unit: 0.50", text)

    def test_a_run_with_errors_does_not_count(self):
        text = self.printed(post("floor", 10), post("ours", 1, errors=3), post("floor", 10),
                            post("ours", 12))
        self.assertIn("- ours / floor, CPU per unit: 1.20 (1.20–1.20)", text)
        self.assertIn("- not counted: ours, run 1: 3 errors", text)

    def test_a_run_without_an_answer_does_not_count(self):
        text = self.printed(post("floor", 10), post("ours", 1, count=0), post("floor", 10),
                            post("ours", 12, count=7))
        self.assertIn("- ours / floor, CPU per unit: 1.20 (1.20–1.20)", text)
        self.assertIn("- not counted: ours, run 1: nothing was answered", text)

    def test_what_spoils_subscribers(self):
        self.assertIsNone(table.spoiled(subs(99, 100, 500)))
        self.assertIn("uneven", table.spoiled(subs(80, 100, 500)))
        self.assertIn("deliveries per second", table.spoiled(subs(100, 100, 400)))
        self.assertIn("closed", table.spoiled({**subs(100, 100, 500), "closed": 1}))


if __name__ == "__main__":
    unittest.main()
