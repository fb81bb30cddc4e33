"""Style and safety of every committed file."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rules  # pylint: disable=wrong-import-position
import tree  # pylint: disable=wrong-import-position


class Tidy(unittest.TestCase):
    maxDiff = None

    def test_every_file_keeps_the_rules(self):
        findings, looked_at = [], 0
        for path in tree.files():
            text = tree.read(path) if tree.is_text(path) else None
            if text is not None:
                looked_at += 1
                findings += rules.check_file(path, text)
        self.assertGreater(looked_at, 20, "the tree was not found")
        self.assertEqual(findings, [], "\n" + "\n".join(findings))

    def test_the_root_holds_what_the_design_names(self):
        findings = [f"{entry}: [{rule}] {message}"
                    for entry, rule, message in rules.check_root(tree.files())]
        self.assertEqual(findings, [], "\n" + "\n".join(findings))


if __name__ == "__main__":
    unittest.main()
