"""An independent MQTT 5 client (Eclipse Paho) and the Mosquitto of the run, for the e2e tests."""

import os
import pathlib
import subprocess
import threading

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

import harness

SUPPORT = harness.ROOT / "tests" / "support" / "mosquitto"


def address(suffix=""):
    """HOST, PORT of a listener; a test that needs it fails without it, it is never skipped."""
    text = os.environ.get("TIDEGATE_TEST_MQTT" + suffix)
    if not text:
        raise AssertionError(f"TIDEGATE_TEST_MQTT{suffix} is not set: start with tests/run.sh")
    host, port = text.rsplit(":", 1)
    return host, int(port)


def directory():
    return pathlib.Path(os.environ["TIDEGATE_TEST_MQTT_DIR"])


class OwnBroker:
    """A Mosquitto that a test may stop, kill and start again."""

    def __init__(self, path):
        self.path = path
        self.start()

    def start(self):
        subprocess.run([str(SUPPORT / "start_mosquitto.sh"), str(self.path)], check=True,
                       timeout=90, stdout=subprocess.DEVNULL)
        for line in (self.path / "mosquitto.env").read_text().splitlines():
            name, _, value = line.partition("=")
            if name == "TIDEGATE_TEST_MQTT":
                self.host, port = value.rsplit(":", 1)
                self.port = int(port)

    def stop(self, *arguments):
        subprocess.run([str(SUPPORT / "stop_mosquitto.sh"), str(self.path), *arguments],
                       check=True, timeout=60)


class Peer:
    """Paho: subscribes to `topic` when it is given, keeps what comes."""

    def __init__(self, topic=None, qos=1, host=None, port=None):
        default_host, default_port = address()
        self.messages, self.lock = [], threading.Lock()
        self.subscribed = threading.Event()
        self.client = paho.Client(client_id=harness.unique("peer"), protocol=paho.MQTTv5)
        self.client.on_message = self._on_message
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.connect(host or default_host, port or default_port)
        self.client.loop_start()
        if topic:
            self.client.subscribe(topic, qos=qos)
            assert self.subscribed.wait(harness.DEADLINE), "no SUBACK"

    def _on_message(self, _client, _data, message):
        with self.lock:
            self.messages.append(message)

    def wait(self, count):
        harness.until(lambda: len(self.messages) >= count, f"{count} messages at the peer")
        with self.lock:
            return list(self.messages)

    def publish(self, topic, payload, qos=1, retain=False, **properties):
        made = Properties(PacketTypes.PUBLISH)
        for name, value in properties.items():
            setattr(made, name, value)
        info = self.client.publish(topic, payload, qos=qos, retain=retain, properties=made)
        info.wait_for_publish(harness.DEADLINE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()
        self.client.loop_stop()
