"""tidegatectl against the running gateway: every verb, its exit code, its forms of output."""

import json
import os
import stat
import subprocess
import unittest

import harness

VAULT = """
kind: Api
name: vault
type: message
listeners: [{path: /vault}]
entrypoints:
  - sse
  - httpPost
endpointGroups: [{name: default, endpoints: [{name: m, mock: {messageInterval: 50ms}}]}]
plans:
  - {name: partners, apiKey: {}}
  - {name: gold, apiKey: {}, validation: manual, stage: staging}
---
kind: Application
name: shop
---
kind: Subscription
name: s1
api: vault
plan: partners
application: shop
apiKeys: [{name: main, key: key-of-the-first-subscription}]
"""
DONE, DIFFERS, USAGE, REFUSED, UNREACHABLE, TIMED_OUT, NOT_FOUND, CONFLICT = range(8)


class ToolTest(unittest.TestCase):
    def setUp(self):
        self.gateway = harness.Gateway().start()
        self.addCleanup(self.gateway.__exit__)

    def ctl(self, *words, code=DONE, stdin=None, env=None):
        result = self.gateway.ctl(*words, stdin=stdin, check=False, env=env)
        self.assertEqual(result.returncode, code, f"{words}: {result.stdout}{result.stderr}")
        if code not in (DONE, DIFFERS):
            self.assertEqual(result.stdout, "", "errors are talk, not data")
            self.assertIn("error: ", result.stderr)
        return result

    def apply(self, text=VAULT, *words, code=DONE):
        return self.ctl("apply", "-f", "-", *words, stdin=text, code=code)

    def state_of(self, kind):
        return json.loads(self.ctl("get", kind, "-o", "proto-json").stdout)

    def completed(self, *words):
        """What the completion script of a shell would offer."""
        result = subprocess.run(
            [str(harness.CTL), "__complete", *words], capture_output=True, text=True, timeout=30,
            env=dict(os.environ, TIDEGATE_SERVER=f"unix:{self.gateway.socket}"))
        return result.stdout.split()

    def test_the_life_of_an_api(self):
        self.assertIn("would be created", self.apply(VAULT, "--dry-run").stdout)
        self.assertEqual(self.ctl("get", "apis", "-o", "name").stdout, "")
        self.assertIn("created", self.apply(VAULT, "--no-deploy").stdout)
        # Its time is that of connecting too: on a slow machine another attempt is needed.
        harness.until(lambda: self.gateway.ctl("wait", "api/vault", "--timeout", "200ms",
                                               check=False).returncode == TIMED_OUT, "its time")
        self.ctl("deploy", "api/vault")
        self.ctl("wait", "api/vault", "--timeout", "10s")
        self.ctl("wait", "--timeout", "10s")
        self.ctl("stop", "api/vault")
        self.assertEqual(self.gateway.request("POST", "/vault").status, 404)
        self.ctl("stop", "api/vault", code=REFUSED)
        self.ctl("start", "api/vault")
        self.assertEqual(self.gateway.request("POST", "/vault").status, 401)
        changed = VAULT.replace("50ms", "70ms")
        differs = self.ctl("diff", "-f", "-", stdin=changed, code=DIFFERS)
        self.assertIn("messageInterval: 50ms -> 70ms", differs.stdout)
        self.apply(changed)
        self.ctl("diff", "-f", "-", stdin=changed)
        self.assertIn("served", self.ctl("history", "api/vault").stdout)
        self.ctl("rollback", "api/vault")
        self.ctl("rollback", "api/vault", "--to", "99", code=NOT_FOUND)
        self.ctl("clone", "api/vault", "api/copy", "--path", "/copy")
        self.assertIn("stored", self.ctl("get", "api/copy").stdout)
        self.ctl("undeploy", "api/vault")
        self.assertIn("owner", self.ctl("describe", "api/vault").stdout)
        refused = self.ctl("delete", "api/vault", code=REFUSED)
        self.assertIn("it has 1 subscription;", refused.stderr)
        self.ctl("delete", "api/vault", "--force")
        self.ctl("delete", "api/vault", code=NOT_FOUND)
        self.ctl("delete", "api/vault", "--ignore-not-found")
        self.ctl("get", "api/vault", code=NOT_FOUND)
        self.ctl("get", "api/vault", "--ignore-not-found")

    def test_a_dry_run_of_deleting_files_knows_what_they_delete_first(self):
        self.apply()
        would = self.ctl("delete", "-f", "-", "--dry-run", stdin=VAULT).stdout
        self.assertEqual(would.split("\n")[:3], [
            "subscription/vault/s1 would be deleted", "api/vault would be deleted",
            "application/shop would be deleted"])
        self.apply("{kind: Application, name: other}")
        self.ctl("publish", "plan/vault/gold")
        for plan, application in (("partners", "other"), ("gold", "shop")):
            self.ctl("create", f"subscription/vault/{plan}", "--plan", plan,
                     "--application", application)
        refused = self.gateway.ctl("delete", "-f", "-", "--dry-run", stdin=VAULT, check=False)
        self.assertEqual(refused.returncode, REFUSED)
        self.assertIn("api/vault", refused.stderr)
        self.assertIn("it has 3 subscriptions;", refused.stderr)
        self.ctl("delete", "subscription/vault/partners")
        shop = VAULT[VAULT.index("kind: Application"):]  # and s1, which is not all of it
        refused = self.gateway.ctl("delete", "-f", "-", "--dry-run", stdin=shop, check=False)
        self.assertEqual(refused.returncode, REFUSED)
        self.assertIn("application/shop", refused.stderr)
        self.ctl("delete", "subscription/vault/gold")
        self.assertIn("vault", self.ctl("get", "apis", "-o", "name").stdout)
        self.ctl("delete", "-f", "-", stdin=VAULT)
        self.assertEqual(self.ctl("get", "apis", "-o", "name").stdout, "")

    def test_plans_subscriptions_and_keys(self):
        self.apply()
        self.ctl("publish", "plan/vault/gold")
        self.apply("{kind: Application, name: other}")
        self.ctl("create", "subscription/vault/s2", "--plan", "gold", "--application", "other")
        self.assertEqual(self.state_of("subscription/vault/s2")["state"],
                         "SUBSCRIPTION_STATE_PENDING")
        self.ctl("accept", "subscription/vault/s2")
        self.ctl("accept", "subscription/vault/s2", code=REFUSED)
        self.ctl("pause", "subscription/vault/s2")
        self.ctl("resume", "subscription/vault/s2")
        self.ctl("transfer", "subscription/vault/s1", "--plan", "gold")
        self.ctl("deprecate", "plan/vault/partners")
        key = self.ctl("create", "key/vault/s2/main", "--expires", "90d").stdout.strip()
        headers = {"X-Gravitee-Api-Key": key}
        self.assertEqual(self.gateway.request("POST", "/vault", "x", headers).status, 202)
        fresh = self.ctl("rotate", "key/vault/s2/main", "--grace", "1h").stdout.strip()
        for one in (key, fresh):
            headers = {"X-Gravitee-Api-Key": one}
            self.assertEqual(self.gateway.request("POST", "/vault", "x", headers).status, 202)
        self.ctl("revoke", "key/vault/s2/main")
        self.assertEqual(self.gateway.request("POST", "/vault", "x", headers).status, 401)
        shown = self.ctl("get", "keys/vault/s2", "-o", "proto-json").stdout
        self.assertNotIn(fresh, shown)
        self.ctl("close", "subscription/vault/s2")
        self.ctl("resume", "subscription/vault/s2", code=REFUSED)
        self.ctl("close", "plan/vault/partners")
        self.ctl("delete", "subscription/vault/s2")

    def test_endpoints_and_connections(self):
        self.apply()
        self.ctl("add", "endpoint/vault/default/b", "mock.messageInterval=1s")
        self.ctl("set", "endpoint/vault/default/b", "weight=3")
        wrong = self.ctl("set", "endpoint/vault/b", "weight=x", code=REFUSED)
        self.assertIn("weight: must be a whole number", wrong.stderr)
        self.assertIn("published", self.ctl("test", "endpoint/vault/m").stdout)
        self.ctl("rm", "endpoint/vault/default/b")
        self.ctl("rm", "endpoint/vault/default/b", code=NOT_FOUND)
        headers = {"X-Gravitee-Api-Key": "key-of-the-first-subscription"}
        with self.gateway.sse("/vault", headers) as client:
            client.messages(1)
            listed = json.loads(self.ctl("connections", "-o", "json").stdout)
            self.assertEqual(listed[0]["subscription"], "apis/vault/subscriptions/s1")
            self.assertIn("127.0.0.1", self.ctl("connections").stdout)
        self.assertIn("plain", self.ctl("get", "listeners").stdout)

    def test_listeners_are_all_listed(self):
        rows = [line.split() for line in self.ctl("get", "listeners").stdout.splitlines()[1:]]
        self.assertEqual([(row[1], row[2]) for row in rows],
                         [(self.gateway.http, "http"), (self.gateway.operations, "operations"),
                          (f"unix:{self.gateway.socket}", "admin")])

    def test_owners_prune_and_etags(self):
        self.apply(VAULT, "--owner", "team")
        one = VAULT.split("---")[0]
        self.apply(one, code=REFUSED)
        self.apply(one, "--force", "--owner", "team")
        # Nothing but the owner would change, and only by force.
        differs = self.ctl("diff", "-f", "-", stdin=one, code=DIFFERS)
        self.assertIn("owner: team -> admin", differs.stdout)
        self.assertIn("--force", differs.stderr)
        would = self.apply(one, "--owner", "team", "--prune", "--dry-run").stdout
        self.assertIn("application/shop would be deleted", would)
        self.apply(one, "--owner", "team", "--prune")
        self.assertEqual(self.ctl("get", "applications", "-o", "name").stdout, "")
        self.apply(one + 'etag: "\\"stale\\""\n', "--owner", "team", code=CONFLICT)
        seen = self.state_of("api/vault")["etag"]
        self.apply(one + f"etag: {json.dumps(seen)}\n", "--owner", "team")

    def test_what_is_printed_is_read_again(self):
        self.apply()
        for form in ("yaml", "json"):
            printed = self.ctl("get", "api/vault", "-o", form).stdout
            self.assertIn("unchanged", self.apply(printed).stdout)
        lists = json.loads(self.ctl("get", "apis", "-o", "json").stdout)
        self.assertEqual([api["name"] for api in lists], ["vault"])
        version = json.loads(self.ctl("version", "-o", "json").stdout)
        self.assertEqual(set(version), {"tidegatectl", "tidegate"})
        self.assertEqual(self.ctl("get", "apis").stdout.count("\x1b"), 0)

    def test_edit_deploys_what_the_editor_leaves(self):
        self.apply()
        editor = self.gateway.dir / "editor"
        editor.write_text("#!/bin/sh\nsed -i s/50ms/90ms/ \"$1\"\n")
        editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
        self.ctl("edit", "api/vault", env={"EDITOR": str(editor)})
        self.assertIn("90ms", self.ctl("get", "api/vault", "-o", "yaml").stdout)
        same = self.ctl("edit", "api/vault", env={"EDITOR": "true"})
        self.assertIn("unchanged", same.stdout + same.stderr)
        editor.write_text("#!/bin/sh\nsed -i s/mock:/mok:/ \"$1\"\n")
        wrong = self.ctl("edit", "api/vault", env={"EDITOR": str(editor)}, code=REFUSED)
        self.assertRegex(wrong.stderr, r"\.yaml:\d+:\d+: .*did you mean mock\?")
        kept = wrong.stderr.rsplit("-f ", 1)[1].strip()
        self.assertTrue(os.path.exists(kept))
        os.unlink(kept)

    def test_usage_and_reach(self):
        for words in (["frob"], ["get"], ["get", "thing"], ["get", "api", "-o", "xml"],
                      ["transfer", "subscription/vault/s1", "--to", "gold"], ["drain", "x"],
                      ["--server", "http://x", "get", "api"], ["completion", "tcsh"], ["explain"]):
            self.ctl(*words, code=USAGE)
        twice = self.ctl("get", "api", "--server", "unix:/nowhere/admin.sock", code=USAGE)
        self.assertIn("--server stands twice", twice.stderr)
        away = subprocess.run([str(harness.CTL), "get", "api"], capture_output=True, text=True,
                              env=dict(os.environ, TIDEGATE_SERVER="unix:/nowhere/admin.sock"))
        self.assertEqual(away.returncode, UNREACHABLE, away.stderr)
        self.assertIn("from TIDEGATE_SERVER", away.stderr)
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("__complete", self.ctl("completion", shell).stdout)
        self.apply()
        self.assertEqual(self.completed("get", "api/"), ["api/vault"])
        self.assertIn("--prune", self.completed("apply", "--"))
        self.assertIn("proto-json", self.completed("get", "api/vault", "-o", ""))
        self.assertIn("default 1h", self.ctl("explain", "gateway.limits.connectionAge").stdout)
        self.ctl("explain", "api.nothing", code=NOT_FOUND)

    def test_bad_files_are_told_with_their_places_and_change_nothing(self):
        self.apply()
        before = self.ctl("get", "apis", "-o", "proto-json").stdout
        # A path that another API has: refused by the server, told with its place.
        copy = VAULT.lstrip().split("---")[0].replace("name: vault", "name: copy")
        taken = self.apply(copy, code=REFUSED).stderr
        self.assertRegex(taken, r"standard input:4:\d+: apis/copy: .*taken by apis/vault")
        self.assertIn("LISTENER_CONFLICT", taken)
        rows = (("50ms", "50", r":8:\d+: .*messageInterval: a bare number has no unit"),
                ("mock:", "mok:", r":8:\d+: .*did you mean mock\?"),
                ("type: message", "type: massage", r":3:7: .*did you mean message\?"),
                ("kind: Api\n", "kind: Apii\n", r":1:7: kind: .*did you mean Api\?"),
                ("- sse", "- ssee", r":6:5: .*did you mean sse\?"),
                ("plans:", "plans: *x", r"anchor|aliases"),
                ("name: vault", "name: vault\nname: b", r"the key name stands twice"))
        for old, new, text in rows:
            for verb in ("validate", "apply"):
                bad = self.ctl(verb, "-f", "-", stdin=VAULT.lstrip().replace(old, new, 1),
                               code=REFUSED)
                self.assertRegex(bad.stderr, text, new)
        self.assertEqual(self.ctl("get", "apis", "-o", "proto-json").stdout, before)


if __name__ == "__main__":
    unittest.main()
