"""The rules of style and safety. Each takes (path, text) and yields (line, rule, message).

A message names the replacement: who reads it should not have to ask anybody.
Patterns are written so that this file does not match itself.
"""

import ast
import os
import re

import cpp_text

MAX_FILE, MAX_HEADER, MAX_FUNCTION, MAX_COLUMNS = 500, 200, 70, 100
# Files that other people settled, or that are data.
LENGTH_EXEMPT = (".proto", ".md", ".yaml", ".yml", ".json", ".jsonl", ".xml", ".txt")


def is_cpp(path):
    return path.endswith((".cc", ".h"))


def is_test(path):
    return path.startswith("tests/")


def check_size(path, text):
    """Size of a room: file, header, line."""
    if path.endswith(LENGTH_EXEMPT) and os.path.basename(path) != "CMakeLists.txt":
        return
    lines = text.splitlines()
    if path.endswith(".h") and len(lines) > MAX_HEADER:
        yield MAX_HEADER, "header-length", f"{len(lines)} lines, {MAX_HEADER} allowed: split it"
    elif len(lines) > MAX_FILE:
        yield MAX_FILE, "file-length", f"{len(lines)} lines, {MAX_FILE} allowed: split by idea"
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS:
            yield number, "line-length", f"{len(line)} columns, {MAX_COLUMNS} allowed"


def check_functions(path, text):
    """Functions of at most 70 lines, in C++ and in Python."""
    found = []
    if is_cpp(path):
        found = cpp_text.functions(text)
    elif path.endswith(".py"):
        found = [(node.lineno, node.end_lineno - node.lineno + 1, node.name)
                 for node in ast.walk(ast.parse(text))
                 if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for line, length, name in found:
        if length > MAX_FUNCTION:
            yield line, "function-length", \
                f"{name} has {length} lines, {MAX_FUNCTION} allowed: name its parts"


# (rule, pattern on code, where it holds, replacement)
BANNED = (
    ("channel", r"experimental::(?:basic_|concurrent_)?channe[l]", lambda p: True,
     "loses wake-ups in Asio 1.26: use the bounded queue of server/base"),
    ("atomic-shared-ptr", r"std::atomic\s*<\s*(?:std::)?shared_pt[r]", lambda p: True,
     "locks inside: post the shared_ptr<const T> to the worker that owns the slot"),
    ("absl-string-view", r"absl::string_vie[w]", lambda p: not p.startswith("server/base/"),
     "is not std's on Debian 12: use std::string_view; abseil strings stay in server/base"),
    ("yaml-node", r"YAML::(?:Node|Load|LoadFile)\b", lambda p: not is_test(p),
     "hides duplicate keys and expands aliases: walk events with the reader of server/config"),
    ("test-sleep", r"\b(?:sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(", is_test,
     "tests do not sleep: use the manual clock, or wait for the event itself"),
    ("using-namespace", r"\busing\s+namespace\s+(?!std::(?:literals::)?(?:chrono_literals|"
     r"string_view_literals|string_literals)\b)", lambda p: p.endswith(".h"),
     "leaks into every includer: name what you use, or put it into the .cc"),
    ("await-or", r"awaitable_operator[s]|co_await\s*\([^;{}]*\|\|", lambda p: True,
     "`a || b` waits for one success: use the deadline helper, or parallel_group(wait_for_one)"),
)


def check_banned(path, text):
    """Calls that are wrong here, each with what to use instead."""
    if not is_cpp(path):
        return
    code = cpp_text.code_only(text)
    for rule, pattern, applies, replacement in BANNED:
        if applies(path):
            for match in re.finditer(pattern, code):
                line = code.count("\n", 0, match.start()) + 1
                yield line, rule, replacement


def check_awaits(path, text):
    """g++ 12 destroys twice what braces or a capture built in a statement with co_await."""
    if not is_cpp(path) or "co_" not in text:
        return
    statements = cpp_text.Statements(text)
    for statement in statements.done:
        if not statement.awaits:
            continue
        for line in statement.braces:
            yield line, "await-braces", "a brace-built temporary shares a statement with " \
                "co_await (double free on g++ 12): name it on the line before, then std::move it"
        for line in statement.captures:
            yield line, "await-capture", "a value-capturing lambda shares a statement with " \
                "co_await (double free on g++ 12): name it on the line before, then std::move it"
    if not is_test(path):
        for line in statements.coroutine_lambdas:
            yield line, "coroutine-lambda", "a coroutine lambda's captures die with the lambda: " \
                "pass them as parameters"


_LEFTOVER = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X])\b")
_MACHINE = re.compile(r"(?<![\w.])(?:/wor[k]/|/tmp/t[g]\b|/opt/wheel[s]|/roo[t]/)")
_REGISTRY = re.compile(r"\b(?:repo1?\.mave[n]\.(?:org|apache\.org)|repo\.mave[n]\.apache\.org|"
                       r"(?:deb|security|snapshot)\.debia[n]\.org|registry\.npmj[s]\.org|"
                       r"(?:files\.)?pyp[i]\.org|pythonhoste[d]\.org|proxy\.golan[g]\.org|"
                       r"index\.crate[s]\.io|registry-1\.docke[r]\.io)\b")


def check_text(path, text):
    """What must not be left in any committed text."""
    del path
    for number, line in enumerate(text.splitlines(), 1):
        if _LEFTOVER.search(line):
            yield number, "leftover", "finish it, or write an issue; no markers in the tree"
        if _MACHINE.search(line):
            yield number, "machine-path", "a path of one machine: make it relative or an option"
        if _REGISTRY.search(line):
            yield number, "registry-host", "name the package, not the host: clients know theirs"


ROOT_ENTRIES = {
    "CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "DEVELOPERS.md",
    ".gitignore", ".gitattributes", ".clang-format", ".editorconfig", ".ci",
    "proto", "server", "connectors", "sidecar", "tests", "bench", "charts",
}


def check_root(paths):
    """The root folder holds what DESIGN names, and nothing else."""
    for entry in sorted({path.split("/", 1)[0] for path in paths} - ROOT_ENTRIES):
        yield entry, "root-entry", "not a room of the house: put it where its subject lives"


FILE_RULES = (check_size, check_functions, check_banned, check_awaits, check_text)


def check_file(path, text):
    """All findings of one file as texts."""
    return [f"{path}:{line}: [{rule}] {message}"
            for check in FILE_RULES for line, rule, message in check(path, text)]
