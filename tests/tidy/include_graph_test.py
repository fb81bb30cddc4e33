"""Who includes whom, in the whole tree."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import include_graph  # pylint: disable=wrong-import-position
import tree  # pylint: disable=wrong-import-position


class IncludeGraph(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        paths = [path for path in tree.files() if path.endswith(tree.CPP)]
        cls.texts = {path: tree.read(path) for path in paths}

    def test_rooms_include_only_what_is_below_them(self):
        known, findings = set(self.texts), []
        for path, text in self.texts.items():
            findings += [f"{path}:{line}: [{rule}] {message}"
                         for line, rule, message in include_graph.check_layers(path, text, known)]
        self.assertGreater(len(known), 20, "the tree was not found")
        self.assertEqual(findings, [], "\n" + "\n".join(findings))

    def test_libraries_stay_with_their_owners(self):
        findings = []
        for path, text in self.texts.items():
            findings += [f"{path}:{line}: [{rule}] {message}"
                         for line, rule, message in include_graph.check_owners(path, text)]
        self.assertEqual(findings, [], "\n" + "\n".join(findings))

    def test_no_files_include_each_other_in_a_ring(self):
        graph = {path: [header for _, header, _ in include_graph.includes(text)
                        if header in self.texts] for path, text in self.texts.items()}
        self.assertEqual(include_graph.check_cycles(graph), [])


if __name__ == "__main__":
    unittest.main()
