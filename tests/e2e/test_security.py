"""Plans, keys and subscriptions, acting on requests and on live streams."""

import json
import shutil
import tempfile
import unittest

import harness

API = """
kind: Api
name: vault
type: message
listeners: [{path: /vault}]
entrypoints: [sse, httpGet: {messagesLimitDuration: 1s}, httpPost]
endpointGroups: [{name: default, endpoints: [{name: m, mock: {messageInterval: 10ms}}]}]
plans:
  - {name: partners, apiKey: {}}
---
kind: Application
name: shop
---
kind: Subscription
name: shop-vault
api: vault
plan: partners
application: shop
apiKeys: [{name: main, key: {env: SHOP_KEY}}]
""".replace("entrypoints: [sse, httpGet: {messagesLimitDuration: 1s}, httpPost]",
            "entrypoints:\n  - sse\n  - httpGet: {messagesLimitDuration: 1s}\n  - httpPost")

KEY = "a-key-that-only-the-shop-knows"


class SecurityTest(unittest.TestCase):
    def setUp(self):
        self.gateway = harness.Gateway({"vault.yaml": API}, env={"SHOP_KEY": KEY}).start()
        self.addCleanup(self.gateway.__exit__)

    def get(self, **headers):
        return self.gateway.request("GET", "/vault?limit=1",
                                    headers={"Accept": "application/json", **headers})

    def test_key_in_header_and_query(self):
        self.assertEqual(self.get(**{"X-Gravitee-Api-Key": KEY}).status, 200)
        answer = self.gateway.get(f"/vault?limit=1&api-key={KEY}", Accept="application/json")
        self.assertEqual(answer.status, 200)

    def test_missing_and_wrong_keys_are_401_in_the_standard_form(self):
        for headers in ({}, {"X-Gravitee-Api-Key": "wrong"}, {"X-Gravitee-Api-Key": ""}):
            answer = self.get(**headers)
            self.assertEqual(answer.status, 401)
            self.assertEqual(answer.json["message"], "Unauthorized")
            self.assertEqual(answer.json["http_status_code"], 401)
        plain = self.gateway.request("GET", "/vault", headers={"Accept": "text/plain"})
        self.assertEqual(plain.headers["content-type"].split(";")[0], "text/plain")

    def test_a_wrong_key_never_falls_to_keyless(self):
        both = API.replace("  - {name: partners, apiKey: {}}",
                           "  - {name: open, keyless: {}}\n  - {name: partners, apiKey: {}}")
        (self.gateway.definitions / "vault.yaml").write_text(both)
        harness.until(lambda: self.get().status == 200, "keyless plan deployed")
        self.assertEqual(self.get(**{"X-Gravitee-Api-Key": "wrong"}).status, 401)
        self.assertEqual(self.get(**{"X-Gravitee-Api-Key": KEY}).status, 200)

    def ends_stream(self, *arguments):
        headers = {"X-Gravitee-Api-Key": KEY}
        with self.gateway.sse("/vault", headers) as client:
            client.messages(1)
            self.gateway.ctl(*arguments)
            last = None
            for event in client.events():
                if event.event != "message":
                    last = event
        self.assertIsNotNone(last)
        self.assertEqual(last.event, "error")
        self.assertEqual(json.loads(last.data)["http_status_code"], 401)

    def test_pause_ends_live_streams_and_resume_lets_in_again(self):
        self.ends_stream("pause", "subscription/vault/shop-vault")
        self.assertEqual(self.get(**{"X-Gravitee-Api-Key": KEY}).status, 401)
        self.gateway.ctl("resume", "subscription/vault/shop-vault")
        self.assertEqual(self.get(**{"X-Gravitee-Api-Key": KEY}).status, 200)

    def test_revoked_key_ends_live_streams(self):
        self.ends_stream("revoke", "key/vault/shop-vault/main")
        self.assertEqual(self.get(**{"X-Gravitee-Api-Key": KEY}).status, 401)

    def test_created_key_is_shown_once_and_works(self):
        out = self.gateway.ctl("create", "key/vault/shop-vault/second", "-o", "json")
        text = out.stdout
        key = next(value for value in _texts(json.loads(text)) if len(value) >= 32
                   and self.get(**{"X-Gravitee-Api-Key": value}).status == 200)
        shown = self.gateway.ctl("get", "subscription/vault/shop-vault", "-o", "json").stdout
        self.assertNotIn(key, shown)

    def test_an_undeployed_api_sends_its_streams_elsewhere(self):
        with self.gateway.sse("/vault", {"X-Gravitee-Api-Key": KEY}) as client:
            client.messages(1)
            self.gateway.ctl("undeploy", "api/vault", "--force")  # a file owns it
            told = [event.event for event in client.events() if event.event != "message"]
        self.assertEqual(told, ["goaway"])
        self.assertEqual(self.get(**{"X-Gravitee-Api-Key": KEY}).status, 404)

    def test_a_file_does_not_undo_the_rotation_of_its_key(self):
        state = tempfile.mkdtemp(prefix="tg-state-")
        self.addCleanup(shutil.rmtree, state, ignore_errors=True)
        gateway = harness.Gateway({"vault.yaml": API}, env={"SHOP_KEY": KEY}, state=state).start()
        self.addCleanup(gateway.__exit__)
        out = gateway.ctl("rotate", "key/vault/shop-vault/main", "-o", "json").stdout
        fresh = json.loads(out)["plaintext"]

        def both():
            return [gateway.get(f"/vault?limit=1&api-key={key}", Accept="application/json").status
                    for key in (fresh, KEY)]

        self.assertEqual(both(), [200, 200])  # the one before has its grace period
        applied = {"source": "file", "result": "accepted"}
        before = gateway.metric("tidegate_config_applies_total", **applied)
        (gateway.definitions / "vault.yaml").write_text(API.replace("10ms", "11ms"))
        harness.until(lambda: gateway.metric("tidegate_config_applies_total",
                                             **applied) == before + 1, "the file is read")
        self.assertEqual(both(), [200, 200])
        gateway.stop()
        gateway.start()
        self.assertEqual(both(), [200, 200])

    def test_keys_are_in_no_output(self):
        for arguments in (["get", "subscription/vault/shop-vault", "-o", "yaml"],
                          ["get", "api/vault", "-o", "json"], ["connections"]):
            self.assertNotIn(KEY, self.gateway.ctl(*arguments).stdout)
        self.assertNotIn(KEY, self.gateway.log_text())
        self.assertNotIn(KEY, self.gateway.operations_get("/metrics").text)


def _texts(value):
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


if __name__ == "__main__":
    unittest.main()
