"""`tidegatectl test endpoint/…` for every kind of broker: the step that fails is named, the text
says why, no secret shows, and the exit code is not 0."""

import json
import os
import unittest

import amqp10_peer
import harness

SECRET = "hunter2-never-shown"
PASSWORD = "right-hunter2"  # of the Solace-shaped peer
ORDER = ["dns", "tcp", "tls", "auth", "metadata"]


def address(variable):
    value = os.environ.get(variable)
    if not value:
        raise AssertionError(f"{variable} is not set: start the tests with tests/run.sh")
    host, port = value.rsplit(":", 1)
    return host, int(port)


def kafka(host, port, security=""):
    return f"""kafka:
          bootstrapServers: ["{host}:{port}"]
          {security}
          producer: {{topics: [{KafkaStages.topic}]}}
          consumer: {{topics: [{KafkaStages.topic}]}}"""


def mqtt5(host, port, security=""):
    return f"""mqtt5:
          serverHost: {host}
          serverPort: {port}
          {security}
          producer: {{topics: stages/t}}
          consumer: {{topics: [stages/t]}}"""


def rabbitmq(host, port, security="security: {auth: {username: guest, password: guest}}"):
    return f"""rabbitmq:
          serverHost: {host}
          serverPort: {port}
          {security}
          producer: {{exchange: {{name: stages, type: topic}}, routingKey: a.b}}
          consumer: {{exchange: {{name: stages, type: topic}}, routingKey: "#"}}"""


def solace(host, port, security=f"security: {{auth: {{username: gateway, password: {PASSWORD}}}}}"):
    scheme = "amqps" if "tls" in security else "amqp"
    return f"""solace:
          url: {scheme}://{host}:{port}
          vpnName: default
          {security}
          producer: {{topics: [stages/t]}}
          consumer: {{topics: [stages/t]}}"""


class Stages(harness.OneGateway):
    """The cases; each kind says where its broker is and how its settings read."""

    endpoint = None
    plain = ""       # variable with HOST:PORT in the open
    login = ""       # the same where a password is asked for
    wrong = ""       # the security block with SECRET as the password
    tls = "security: {tls: {}}"

    def at(self, variable):
        return address(variable)

    def try_it(self, settings):
        name = harness.unique("stages")
        self.gateway.apply(f"""
kind: Api
name: {name}
type: message
listeners: [{{path: /{name}}}]
entrypoints: [sse, httpPost]
endpointGroups:
  - name: default
    endpoints:
      - name: main
        {settings}
plans: [{{name: open, keyless: {{}}}}]
""")
        result = self.gateway.ctl("test", f"endpoint/{name}/main", "-o", "json", check=False)
        steps = json.loads(result.stdout)["steps"]
        names = [step["name"] for step in steps]
        self.assertEqual(names, [stage for stage in ORDER if stage in names], "in order")
        self.assertNotIn(SECRET, result.stdout + result.stderr)
        return result.returncode, steps

    def expect_failure(self, stage, settings):
        code, steps = self.try_it(settings)
        self.assertEqual(code, 3)
        self.assertEqual(steps[-1]["name"], stage, steps)
        self.assertFalse(steps[-1].get("ok", False))
        self.assertGreater(len(steps[-1]["message"]), 5)
        for step in steps[:-1]:
            self.assertTrue(step["ok"], step)

    def test_all_is_well(self):
        code, steps = self.try_it(type(self).endpoint(*self.at(self.plain)))
        self.assertEqual(code, 0, steps)
        names = [step["name"] for step in steps]
        for stage in ("dns", "tcp", "metadata"):
            self.assertIn(stage, names)
        self.assertTrue(all(step["ok"] for step in steps), steps)

    def test_a_name_that_nobody_knows(self):
        self.expect_failure("dns", type(self).endpoint("nowhere.invalid", 1883))

    def test_a_port_where_nobody_listens(self):
        self.expect_failure("tcp", type(self).endpoint("127.0.0.1", harness.closed_port()))

    def test_tls_with_one_who_does_not_speak_it(self):
        host, port = self.at(self.plain)
        self.expect_failure("tls", type(self).endpoint(host, port, self.tls))

    def test_a_wrong_password(self):
        host, port = self.at(self.login)
        self.expect_failure("auth", type(self).endpoint(host, port, self.wrong))


class KafkaStages(Stages, unittest.TestCase):
    endpoint = kafka
    topic = ""
    plain, login = "TIDEGATE_TEST_KAFKA", "TIDEGATE_TEST_KAFKA_SASL"
    wrong = ("security: {protocol: sasl-plaintext, sasl: {mechanism: plain, username: gateway, "
             f"password: {SECRET}}}}}")
    tls = "security: {protocol: ssl, tls: {}}"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.topic = harness.create_topic(1)

    def test_one_server_of_the_list_is_enough(self):
        host, port = address(self.plain)
        others = f'nowhere.invalid:9092", "127.0.0.1:{harness.closed_port()}'
        code, steps = self.try_it(kafka(f'{others}", "{host}', port))
        self.assertEqual(code, 0, steps)
        self.assertIn(f"{host}:{port}", next(step["message"] for step in steps
                                             if step["name"] == "tcp"))


class Mqtt5Stages(Stages, unittest.TestCase):
    endpoint = mqtt5
    plain, login = "TIDEGATE_TEST_MQTT", "TIDEGATE_TEST_MQTT_AUTH"
    wrong = f"security: {{auth: {{username: gateway, password: {SECRET}}}}}"


class RabbitmqStages(Stages, unittest.TestCase):
    endpoint = rabbitmq
    plain = login = "TIDEGATE_TEST_RABBITMQ"
    wrong = f"security: {{auth: {{username: guest, password: {SECRET}}}}}"
    tls = "security: {auth: {username: guest, password: guest}, tls: {}}"


class SolaceStages(Stages, unittest.TestCase):
    endpoint = solace
    wrong = f"security: {{auth: {{username: gateway, password: {SECRET}}}}}"
    tls = f"security: {{auth: {{username: gateway, password: {PASSWORD}}}, tls: {{}}}}"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.peer = amqp10_peer.Peer("--user", f"gateway:{PASSWORD}")

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.peer.close()

    def at(self, variable):
        return "127.0.0.1", self.peer.port


if __name__ == "__main__":
    unittest.main()
