"""The tidy rules must flag a seeded violation of each kind, and pass what is fine."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cpp_text  # pylint: disable=wrong-import-position
import include_graph  # pylint: disable=wrong-import-position
import rules  # pylint: disable=wrong-import-position
import tree  # pylint: disable=wrong-import-position


def found(path, text):
    return sorted({line.split("[", 1)[1].split("]", 1)[0] for line in rules.check_file(path, text)})


def body(count):
    return "".join(f"  Call({index});\n" for index in range(count))


class Sizes(unittest.TestCase):
    def test_file(self):
        self.assertEqual(found("server/a/a.cc", "int a;\n" * 501), ["file-length"])
        self.assertEqual(found("server/a/a.cc", "int a;\n" * 500), [])
        self.assertEqual(found("proto/a.proto", "int a;\n" * 501), [])

    def test_header(self):
        self.assertEqual(found("server/a/a.h", "int a;\n" * 201), ["header-length"])

    def test_line(self):
        self.assertEqual(found("a.py", "#" * 101), ["line-length"])
        self.assertEqual(found("a.py", "#" * 100), [])
        self.assertEqual(found("a.cc", "// " + "ü" * 97), [])

    def test_function(self):
        for head in ("void F() {\n", "namespace a {\nint C::F(int x) const noexcept {\n",
                     "class C {\n public:\n  C() : a_{1}, b_(2) {\n",
                     "auto F(int x) -> std::vector<int> {\n", "TEST(Suite, name) {\n",
                     "struct S : B {\n  template <typename T>\n  void F(T&& x) override {\n",
                     "Task<Status> C::Run(std::vector<int> v) {\n"):
            with self.subTest(head=head):
                self.assertEqual(found("server/a/a.cc", head + body(70) + "}\n"),
                                 ["function-length"])
                self.assertEqual(found("server/a/a.cc", head + body(60) + "}\n"), [])

    def test_functions_are_measured_one_by_one(self):
        text = "namespace a {\n" + ("void F() {\n" + body(50) + "}\n") * 3 + "}\n"
        self.assertEqual([length for _, length, _ in cpp_text.functions(text)], [52, 52, 52])
        self.assertEqual(found("server/a/a.cc", text), [])

    def test_a_table_is_no_function(self):
        self.assertEqual(found("a.cc", "const Row kRows[] = {\n" + '  {"a(", 1},\n' * 90 + "};\n"),
                         [])
        self.assertEqual(found("a.cc", "enum class E {\n" + "  kA,\n" * 90 + "};\n"), [])

    def test_python_function(self):
        text = "def f():\n" + "    call()\n" * 70
        self.assertEqual(found("a.py", text), ["function-length"])


class Banned(unittest.TestCase):
    def test_each_banned_call_is_named(self):
        for path, rule, text in (
                ("server/flow/a.cc", "channel", "asio::experimental::chan" "nel<void()> c;"),
                ("server/flow/a.h", "atomic-shared-ptr", "std::atomic<std::shared_" "ptr<A>> a;"),
                ("server/flow/a.cc", "absl-string-view", "void F(absl::string_" "view v);"),
                ("server/config/a.cc", "yaml-node", "YAML::Node node;"),
                ("tests/a/a_test.cc", "test-sleep", "std::this_thread::sleep_for(delay);"),
                ("tests/a/a_test.cc", "test-sleep", "usleep(5);"),
                ("server/flow/a.h", "using-namespace", "using namespace std;"),
                ("server/flow/a.cc", "await-or", "co_await (A() || B());"),
                ("server/flow/a.cc", "await-or", "using namespace asio::awaitable_" "operators;")):
            with self.subTest(text=text):
                self.assertEqual(found(path, text + "\n"), [rule])
                self.assertEqual(found(path, "// " + text + "\n"), [])

    def test_what_is_allowed(self):
        for path, text in (
                ("server/base/strings.cc", "void F(absl::string_" "view v);"),
                ("server/flow/a.h", "using namespace std::chrono_literals;"),
                ("server/flow/a.cc", "using namespace std;"),
                ("connectors/kafka/a.cc", "std::this_thread::sleep_for(delay);"),
                ("server/flow/a.cc", 'Log("co_await (a || b)");'),
                ("server/flow/a.cc", "if (a || b) co_await F();")):
            with self.subTest(text=text):
                self.assertEqual(found(path, text + "\n"), [])


class Awaits(unittest.TestCase):
    def function(self, statement):
        return "Task<void> F() {\n  " + statement + "\n}\n"

    def check(self, statement, expected, path="server/flow/a.cc"):
        with self.subTest(statement=statement):
            self.assertEqual(found(path, self.function(statement)), expected)

    def test_brace_built_temporaries(self):
        for statement in ("co_await Send(Options{a, b});", "co_await Send({.x = a});",
                          "Options x{a, co_await G()};", "auto r = co_await Send(std::string{a});",
                          "if (co_await Send(Options{a})) {\n  Call();\n  }",
                          "while (!(co_await Send({a, b})).ok()) {\n  }",
                          "co_return co_await Send({a});",
                          "co_await Send(a,\n      {b});"):
            self.check(statement, ["await-braces"])

    def test_value_captures(self):
        for statement in ("co_await Run([s = str] { Use(s); });", "co_await Run([=] { Use(s); });",
                          "co_await Run([&, s] { Use(s); });", "co_await Run([*this] {});",
                          "auto r = co_await Run(a, [s](int x) -> int { return x; });"):
            self.check(statement, ["await-capture"])

    def test_captures_of_coroutine_lambdas(self):
        text = "worker.Spawn([this]() -> Task<void> { co_await Run(); });"
        self.check(text, ["coroutine-lambda"])
        self.check(text, [], path="tests/flow/a_test.cc")

    def test_what_is_fine(self):
        for statement in ("Options x{a, b};\n  co_await Send(std::move(x));",
                          "if (ready) {\n  co_await Send(a[0]);\n  }",
                          "for (auto& x : xs) {\n  co_await Send(x);\n  }",
                          "while (true) {\n  auto n = co_await Read(buffer);\n  Use(T{n});\n  }",
                          "co_await Run([&] { Use(s); });", "co_await Run([this] { Use(); });",
                          "auto f = [s] { Use(s); };\n  co_await Run(std::move(f));",
                          "if (auto s = co_await Send(a); !s.ok()) {\n  co_return s;\n  }",
                          "switch (co_await Next()) {\n  case 1: {\n  co_await A();\n  }\n  }",
                          "co_return Options{a};", "Call({a}); // co_await {",
                          "try {\n  co_await A();\n  } catch (...) {\n  Use({a});\n  }",
                          "co_await Run([](int x) -> Task<void> { co_await Send(x); }, 1);"):
            self.check(statement, [])


class Texts(unittest.TestCase):
    def test_markers_paths_and_hosts(self):
        for rule, text in (("leftover", "# TO" "DO later"), ("leftover", "// FIX" "ME"),
                           ("leftover", "XX" "X"), ("machine-path", "cd /wo" "rk/main"),
                           ("machine-path", "/tmp/t" "g/build"), ("machine-path", "/opt/whe" "els"),
                           ("registry-host", "https://repo1.mav" "en.org/maven2"),
                           ("registry-host", "deb http://deb.deb" "ian.org/debian")):
            with self.subTest(text=text):
                self.assertEqual(found("a.md", text + "\n"), [rule])

    def test_what_only_looks_like_it(self):
        for text in ("mktemp -d /tmp/bench.XXXXXX", "orders/work/a", "to do it", "/tmp/tgx"):
            with self.subTest(text=text):
                self.assertEqual(found("a.md", text + "\n"), [])

    def test_root(self):
        self.assertEqual([e for e, _, _ in rules.check_root(["server/a.h", "notes.txt", "doc/a"])],
                         ["doc", "notes.txt"])
        self.assertEqual(list(rules.check_root(["README.md", "tests/a", ".ci/run"])), [])


class Includes(unittest.TestCase):
    KNOWN = {"server/base/a.h", "server/net/a.h", "server/http/a.h", "server/flow/a.h",
             "server/state/a.h", "server/model/a.h", "server/security/a.h", "server/policy/a.h",
             "server/entrypoints/a.h", "server/exchange/a.h", "connectors/api/a.h",
             "connectors/kafka/a.h", "connectors/mock/a.h", "sidecar/a.h", "tests/a.h", "bench/a.h"}

    def rooms(self, path, header, quoted=True):
        text = f'#include "{header}"\n' if quoted else f"#include <{header}>\n"
        return [rule for _, rule, _ in include_graph.check_layers(path, text, self.KNOWN)]

    def test_forbidden_directions(self):
        for path, header in (
                ("server/base/b.cc", "server/net/a.h"), ("server/http/b.cc", "server/flow/a.h"),
                ("server/http/b.cc", "server/model/a.h"), ("server/net/b.cc", "server/http/a.h"),
                ("connectors/kafka/b.cc", "connectors/mock/a.h"),
                ("connectors/kafka/b.cc", "server/flow/a.h"),
                ("connectors/kafka/b.cc", "server/exchange/a.h"),
                ("server/flow/b.cc", "connectors/kafka/a.h"),
                ("server/flow/b.cc", "server/entrypoints/a.h"),
                ("server/security/b.cc", "server/policy/a.h"),
                ("server/security/b.cc", "server/state/a.h"),
                ("server/entrypoints/b.cc", "sidecar/a.h"),
                ("server/flow/b.cc", "tests/a.h"), ("sidecar/b.cc", "tests/a.h"),
                ("sidecar/b.cc", "bench/a.h")):
            with self.subTest(path=path, header=header):
                self.assertEqual(self.rooms(path, header), ["layer"])
                self.assertEqual(self.rooms(path, header, quoted=False), ["layer"])

    def test_allowed_directions(self):
        for path, header in (
                ("server/http/b.cc", "server/base/a.h"), ("server/flow/b.cc", "server/base/a.h"),
                ("server/flow/b.cc", "connectors/api/a.h"),
                ("server/policy/b.cc", "server/state/a.h"),
                ("server/admin/b.cc", "server/flow/a.h"),
                ("connectors/kafka/b.cc", "connectors/kafka/a.h"),
                ("connectors/kafka/b.cc", "server/http/a.h"),
                ("sidecar/b.cc", "connectors/kafka/a.h"), ("sidecar/ctl/b.cc", "server/model/a.h"),
                ("tests/flow/b.cc", "connectors/mock/a.h"), ("bench/b.cc", "bench/a.h")):
            with self.subTest(path=path, header=header):
                self.assertEqual(self.rooms(path, header), [])

    def test_paths(self):
        self.assertEqual(self.rooms("server/http/b.cc", "a.h"), ["include-path"])
        self.assertEqual(self.rooms("server/http/b.cc", "server/http/none.h"), ["include-path"])
        self.assertEqual(self.rooms("server/http/b.cc", "absl/status/status.h"), [])
        self.assertEqual(self.rooms("server/elsewhere/b.cc", "server/base/a.h"), ["unknown-room"])
        self.assertEqual(self.rooms("server/http/b.cc", "vector", quoted=False), [])

    def owners(self, path, header):
        text = f"#include <{header}>\n"
        return [rule for _, rule, _ in include_graph.check_owners(path, text)]

    def test_libraries_elsewhere(self):
        for path, header in (
                ("server/http/a.cc", "tidegate/config/v1/api.pb.h"),
                ("server/flow/a.cc", "google/protobuf/message.h"),
                ("connectors/kafka/source.cc", "tidegate/config/v1/kafka.pb.h"),
                ("server/flow/a.cc", "librdkafka/rdkafka.h"),
                ("connectors/kafka/a.h", "librdkafka/rdkafka.h"),
                ("connectors/kafka/client.cc", "librdkafka/rdkafka_mock.h"),
                ("tests/connectors/kafka/a_test.cc", "librdkafka/rdkafka_mock.h"),
                ("server/flow/a.cc", "openssl/sha.h"), ("server/net/tls.h", "openssl/ssl.h"),
                ("server/net/tls.h", "boost/asio/ssl.hpp"),
                ("server/net/a.cc", "nghttp2/nghttp2.h"),
                ("server/http/a.h", "boost/beast/core.hpp"),
                ("server/net/a.cc", "boost/beast/http.hpp"),
                ("connectors/mock/a.cc", "mqtt/async_client.h"), ("server/base/a.cc", "amqp.h")):
            with self.subTest(path=path, header=header):
                self.assertEqual(self.owners(path, header), ["owner"])

    def test_libraries_at_home(self):
        for path, header in (
                ("server/model/a.cc", "tidegate/config/v1/api.pb.h"),
                ("server/state/sqlite_engine.cc", "tidegate/config/v1/api.pb.h"),
                ("connectors/kafka/kafka_config.cc", "tidegate/config/v1/kafka.pb.h"),
                ("connectors/kafka/client.cc", "librdkafka/rdkafka.h"),
                ("connectors/kafka/dev_cluster.cc", "librdkafka/rdkafka_mock.h"),
                ("server/net/tls_context.cc", "openssl/ssl.h"),
                ("server/http/head_parser.cc", "boost/beast/http.hpp"),
                ("tests/server/http/a_test.cc", "boost/beast/websocket.hpp"),
                ("bench/floor_post.cc", "librdkafka/rdkafka.h")):
            with self.subTest(path=path, header=header):
                self.assertEqual(self.owners(path, header), [])

    def test_heavy_header(self):
        self.assertEqual(self.owners("server/net/a.h", "boost/asio.hpp"), ["heavy-header"])

    def test_a_comment_is_no_include(self):
        text = '// #include "a.h"\n/* #include <b> */\n'
        self.assertEqual(list(include_graph.includes(text)), [])

    def test_rings(self):
        self.assertEqual(include_graph.check_cycles({"a": ["b"], "b": ["c"], "c": ["a"]}),
                         [["a", "b", "c", "a"]])
        self.assertEqual(include_graph.check_cycles({"a": ["b", "c"], "b": ["c"]}), [])


class Tree(unittest.TestCase):
    def test_reads_a_folder_without_git(self):
        with tempfile.TemporaryDirectory() as root:
            for name in ("a.cc", "build/b.cc", "server/c.h"):
                os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
                with open(os.path.join(root, name), "wb") as file:
                    file.write(b"int a;\n" if name != "a.cc" else b"\xff")
            self.assertEqual(tree.files(root), ["a.cc", "server/c.h"])
            self.assertIsNone(tree.read("a.cc", root))
            self.assertEqual(tree.read("server/c.h", root), "int a;\n")


if __name__ == "__main__":
    unittest.main()
