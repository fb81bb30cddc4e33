"""What MQTT 5 brokers may say and Mosquitto never does, said by a scripted one."""

import concurrent.futures
import contextlib
import struct
import unittest

import harness
from mqtt_peer import Peer, address
from mqtt_script import ScriptedBroker, connack, disconnect, publish, text
from test_mqtt import Base

MOVED = b"\x1c"  # the property Server Reference


class ScriptBase(Base):
    def on(self, broker, **settings):
        return self.deploy(host=broker.host, port=broker.port, **settings)

    def lost(self, name):
        return self.gateway.metric("tidegate_connector_connects_total", api=name, outcome="lost")

    def logged(self, words, name):
        return [line for line in self.gateway.log.read_text().splitlines()
                if words in line and name in line]


class WordsTest(ScriptBase):
    def test_reason_codes_of_a_puback(self):
        for reason, status in ((0x00, 202), (0x10, 202), (0x80, 503), (0x87, 503), (0x97, 503),
                               (0x99, 400)):
            with ScriptedBroker(puback=reason) as broker:
                name, _ = self.on(broker)
                answer = self.post(name, Accept="application/json")
                self.assertEqual(answer.status, status, hex(reason))
                if status != 202:
                    self.assertEqual(answer.json["outcome"], "no")

    def test_limits_of_the_broker_are_kept_before_anything_is_sent(self):
        with ScriptedBroker(connack=connack(properties=b"\x27\x00\x00\x04\x00")) as broker:
            name, _ = self.on(broker)
            self.assertEqual(self.post(name, b"x" * 2000).status, 413)
            self.assertEqual(self.post(name, b"x" * 500).status, 202)
            self.assertEqual(broker.count(3), 1)
        with ScriptedBroker(connack=connack(properties=b"\x25\x00")) as broker:
            name, _ = self.on(broker, producer=", retained: true")
            self.assertEqual(self.post(name).status, 503)
            self.assertEqual(broker.count(3), 0)

    def test_servers_that_refer_to_another_are_followed(self):
        host, port = address()
        for reason in (0x9C, 0x9D):
            reference = MOVED + text(f"{host}:{port}")
            with ScriptedBroker(connack=connack(reason, reference)) as broker:
                name, topic = self.on(broker)
                with Peer(topic) as peer:
                    self.assertEqual(self.post(name, b"found").status, 202)
                    self.assertEqual(peer.wait(1)[0].payload, b"found")
                self.assertEqual(broker.connections, 1)

    def test_servers_that_refer_to_each_other_are_left_alone(self):
        with ScriptedBroker() as broker:
            broker.answers["connack"] = connack(0x9C, MOVED + text(f"127.0.0.1:{broker.port}"))
            name, _ = self.on(broker)
            self.assertEqual(self.post(name).status, 503)
            self.assertLessEqual(broker.connections, 4)

    def test_topic_aliases_of_the_server(self):
        sent = publish("real/topic", b"one", b"\x23\x00\x05") + publish("", b"two",
                                                                       b"\x23\x00\x05")
        with ScriptedBroker(after_suback=sent) as broker:
            name, _ = self.on(broker, qos="none")
            with self.gateway.sse(f"/{name}") as client:
                events = client.messages(2)
        self.assertEqual([event.data for event in events], ["one", "two"])
        for event in events:
            self.assertIn("real/topic", "\n".join(event.comments))

    def test_a_broker_without_shared_subscriptions_is_read_plainly(self):
        refuses = {"connack": connack(properties=b"\x2a\x00")}, \
            {"suback": lambda topic: 0x9E if topic.startswith("$share/") else 1}, \
            {"suback": lambda topic: 0 if topic.startswith("$share/") else 1}
        for answers in refuses:
            sent = publish("t", b"plain", qos=1, identifier=1)
            with ScriptedBroker(after_suback=sent, **answers) as broker:
                name, _ = self.on(broker, qos="auto")
                with self.gateway.sse(f"/{name}") as client:
                    self.assertEqual(client.messages(1)[0].data, "plain")
                last = [body for kind, body in broker.seen if kind == 8][-1]
                self.assertNotIn(b"$share/", last)

    def test_the_servers_keep_alive_is_the_one_that_counts(self):
        with ScriptedBroker(connack=connack(properties=b"\x13\x00\x01")) as broker:
            name, _ = self.on(broker, qos="none")
            with self.gateway.sse(f"/{name}"):
                harness.until(lambda: broker.count(12) >= 2, "pings a second apart")

    def test_a_malformed_packet_ends_the_connection_with_its_reason(self):
        with ScriptedBroker(after_suback=b"\x36\x03\x00\x01a") as broker:
            name, _ = self.on(broker, qos="none", endpoint="reconnectAttempts: 0")
            with self.gateway.sse(f"/{name}") as client:
                events = list(client.events())
                # It may come before the stream's head, or after.
                told = any("connection" in str(event.data) for event in events)
                self.assertTrue(told or client.status == 503, events)
            harness.until(lambda: (14, b"\x81") in broker.seen, "DISCONNECT with its reason")


class TakenOverTest(ScriptBase):
    def test_the_name_is_given_up_and_the_stream_goes_on(self):
        for qos, sent in (("at-least-once", publish("t", b"after", qos=1, identifier=1)),
                          ("none", publish("t", b"after"))):
            with ScriptedBroker(after_suback=lambda n, m=sent: m if n > 1 else b"") as broker:
                name, _ = self.on(broker, qos=qos)
                with self.gateway.sse(f"/{name}") as client:
                    broker.say(disconnect(0x8E))
                    self.assertEqual(client.messages(1)[0].data, "after")
                first, second = broker.client_ids()
            self.assertNotEqual(first, second)
            if qos != "none":
                self.assertTrue(second.startswith(first + "-"), (first, second))
            log = self.logged("mqtt5.session_taken_over", name)
            self.assertEqual(len(log), 1, log)
            self.assertIn("TIDEGATE_REPLICA", log[0])

    def test_one_that_is_taken_over_again_and_again_does_not_fight(self):
        with ScriptedBroker(after_suback=lambda n: disconnect(0x8E) if n > 1 else b"") as broker:
            name, _ = self.on(broker, qos="auto", endpoint="reconnectAttempts: 2")
            with self.gateway.sse(f"/{name}") as client:
                broker.say(disconnect(0x8E))
                events = list(client.events())
                self.assertIn("Endpoint connection closed", events[-1].data)
            self.assertEqual(len(broker.times), 3)
            for earlier, later in zip(broker.times, broker.times[1:]):
                self.assertGreater(later - earlier, 0.7)
            names = broker.client_ids()
            self.assertEqual(len(set(names)), len(names), names)
            self.assertLessEqual(max(map(len, names)), len(names[0]) + 9)  # it does not grow

    def test_a_publisher_takes_another_name(self):
        with ScriptedBroker(after_puback=lambda n: disconnect(0x8E) if n == 1 else b"") as broker:
            name, _ = self.on(broker)
            self.assertEqual(self.post(name).status, 202)
            harness.until(lambda: self.lost(name) == 1, "the loss is known")
            self.assertEqual(self.post(name).status, 202)
            self.assertEqual(len(set(broker.client_ids())), 2)


class SentAwayTest(ScriptBase):
    def test_a_reader_follows_a_disconnect_and_a_move_is_remembered(self):
        host, port = address()
        for reason, asked_again in ((0x9C, True), (0x9D, False)):
            sent = disconnect(reason, MOVED + text(f"{host}:{port}"))
            with ScriptedBroker(after_suback=sent) as broker:
                name, topic = self.on(broker, qos="at-least-once")
                got = []
                with self.reader(name, got), Peer() as peer:
                    def arrives():
                        peer.publish(topic, "there")
                        return got
                    harness.until(arrives, "messages of the other server")
                    self.assertEqual(broker.connections, 1)
                    self.assertEqual(self.post(name).status, 202)
                self.assertEqual(broker.connections, 2 if asked_again else 1, hex(reason))

    def test_a_publisher_follows_a_disconnect(self):
        host, port = address()
        sent = disconnect(0x9D, MOVED + text(f"{host}:{port}"))
        with ScriptedBroker(after_puback=sent) as broker:
            name, topic = self.on(broker, consumer=False)
            self.assertEqual(self.post(name).status, 202)
            harness.until(lambda: self.lost(name) == 1, "the loss is known")
            with Peer(topic) as peer:
                self.assertEqual(self.post(name, b"there").status, 202)
                self.assertEqual(peer.wait(1)[0].payload, b"there")
            self.assertEqual(broker.connections, 1)

    def test_who_moved_to_where_nobody_is_is_asked_again(self):
        with ScriptedBroker() as broker:
            nowhere = MOVED + text(f"127.0.0.1:{harness.closed_port()}")
            broker.answers["connack"] = lambda n: connack(0x9D, nowhere) if n == 1 else connack()
            name, _ = self.on(broker)
            self.assertEqual(self.post(name).status, 503)
            harness.until(lambda: self.post(name).status == 202, "the settings' server again")

    def test_taken_in_and_sent_away_at_once_is_no_circle(self):
        with ScriptedBroker() as broker:
            here = MOVED + text(f"127.0.0.1:{broker.port}")
            broker.answers["connack"] = connack() + disconnect(0x9C, here)
            name, _ = self.on(broker, endpoint="reconnectAttempts: 0")
            self.assertEqual(self.post(name).status, 503)
            self.assertLessEqual(broker.connections, 8)


class SilentTest(ScriptBase):
    """A broker that is gone without a word: its machine, or the way to it."""

    def test_a_reader_comes_back_within_one_and_a_half_of_the_keep_alive(self):
        two_seconds = connack(properties=b"\x13\x00\x02")
        with ScriptedBroker(connack=two_seconds, pings=False) as broker:
            name, _ = self.on(broker, qos="at-least-once")
            with self.gateway.sse(f"/{name}"):
                harness.until(lambda: len(broker.times) >= 2, "another connection")
            # 3 s and the pause before an attempt, at most 1.25 s; with the keep-alive that we have
            # asked for it were 45 s. Between them is room for slow machines.
            self.assertLess(broker.times[1] - broker.times[0], 30)
            self.assertTrue(self.logged("no answer to a ping within 1000 ms", name))

    def test_a_publisher_notices_without_publishing(self):
        two_seconds = connack(properties=b"\x13\x00\x02")
        with ScriptedBroker(connack=two_seconds, pings=False) as broker:
            name, _ = self.on(broker, consumer=False)
            self.assertEqual(self.post(name).status, 202)
            harness.until(lambda: len(broker.times) >= 2, "another connection")
            self.assertEqual(broker.count(3), 1)


class AttemptsTest(ScriptBase):
    def test_a_publishers_connection_is_made_again_so_often_without_a_message(self):
        with contextlib.ExitStack() as stack:
            brokers = {}
            for attempts in (0, 2):
                broker = stack.enter_context(ScriptedBroker(
                    hangs_up=True, connack=lambda n: connack(0 if n == 1 else 0x88)))
                name, _ = self.on(broker, consumer=False,
                                  endpoint=f"reconnectAttempts: {attempts}")
                brokers[attempts] = broker, name
                self.assertEqual(self.post(name).status, 202)
            broker, name = brokers[2]
            harness.until(lambda: broker.connections == 3, "two attempts of its own")
            self.assertGreater(broker.times[1] - broker.times[0], 0.7)
            self.assertGreater(broker.times[2] - broker.times[1], 1.4)
            self.assertEqual(brokers[0][0].connections, 1)
            # Whatever the number: a message asks for a connection.
            for broker, name in brokers.values():
                before = broker.connections
                broker.answers["connack"] = connack()
                harness.until(lambda n=name: self.post(n).status == 202, "published")
                self.assertEqual(broker.connections, before + 1)


class ReceiveMaximumTest(ScriptBase):
    def test_a_reader_announces_its_own_and_bears_a_broker_that_sends_more(self):
        count = 1000
        sent = b"".join(publish("t", str(i).encode(), qos=1, identifier=i + 1)
                        for i in range(count))
        for qos in ("at-least-once", "at-most-once", "auto"):
            with ScriptedBroker(after_suback=sent) as broker:
                name, _ = self.on(broker, qos=qos)
                with self.gateway.sse(f"/{name}") as client:
                    got = [event.data for event in client.messages(count)]
                    self.assertEqual(got, [str(i) for i in range(count)], qos)
                    harness.until(lambda: broker.count(4) == count, "every PUBACK")
                self.assertEqual(broker.connections, 1)
            connect = next(body for kind, body in broker.seen if kind == 1)
            self.assertIn(b"\x21\x00\x40", connect[11:11 + connect[10]])  # 64
            acknowledged = [struct.unpack(">H", body[:2])[0]
                            for kind, body in broker.seen if kind == 4]
            self.assertEqual(acknowledged, list(range(1, count + 1)), qos)

    def test_a_publisher_keeps_to_the_brokers(self):
        with ScriptedBroker(connack=connack(properties=b"\x21\x00\x02"), puback=None) as broker:
            name, _ = self.on(broker, consumer=False)
            with concurrent.futures.ThreadPoolExecutor(5) as pool:
                answers = [pool.submit(self.post, name) for _ in range(5)]
                harness.until(lambda: len(broker.held) == 2, "two unconfirmed")
                self.assertEqual(broker.count(3), 2)
                broker.release()
                self.assertEqual([answer.result().status for answer in answers], [202] * 5)
            self.assertEqual(broker.count(3), 5)

    def test_a_publisher_that_is_told_off_knows_nothing_of_what_was_under_way(self):
        with ScriptedBroker(puback=None, after_puback=disconnect(0x93)) as broker:
            name, _ = self.on(broker, consumer=False)
            answer = self.post(name, Accept="application/json")
            self.assertEqual(answer.status, 502)
            self.assertEqual(answer.json["outcome"], "unknown")
            self.assertTrue(self.logged("receive maximum exceeded", name))


if __name__ == "__main__":
    unittest.main()
