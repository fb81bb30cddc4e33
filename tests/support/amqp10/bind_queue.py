#!/usr/bin/env python3
"""Makes a queue at RabbitMQ (over AMQP 0-9-1) and binds it to a topic.

usage: bind_queue.py HOST:PORT [--drop] QUEUE TOPIC

`--drop`: the queue takes messages and keeps none. Queues go two minutes after their last use.
"""

import argparse

import pika

parser = argparse.ArgumentParser()
parser.add_argument("broker")
parser.add_argument("--drop", action="store_true")
parser.add_argument("queue")
parser.add_argument("topic")
options = parser.parse_args()
host, port = options.broker.rsplit(":", 1)
connection = pika.BlockingConnection(pika.ConnectionParameters(
    host, int(port), credentials=pika.PlainCredentials("guest", "guest"),
    connection_attempts=20, retry_delay=0.5))
channel = connection.channel()
arguments = {"x-expires": 120_000}
if options.drop:
    arguments["x-max-length"] = 0
channel.queue_declare(options.queue, durable=True, arguments=arguments)
channel.queue_bind(options.queue, "amq.topic", options.topic.replace("/", "."))
connection.close()
