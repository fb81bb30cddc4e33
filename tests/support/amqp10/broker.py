"""A small message broker that looks like Solace over AMQP 1.0.

Addresses: topic://a/b, queue://q, a bare name is a queue. Subscriptions have Solace's wildcards.
A receiving link on topic://t with a durable source and expiry policy "never" is a durable topic
endpoint, named by the link and bound by one consumer; any other is a temporary endpoint. Queues
must have been made before. Nothing is delivered directly: every subscription is an endpoint.
Publishing to some topics is answered in a way of its own, see OUTCOMES.
Threads: Proton's container has one; commands come in through an EventInjector.
"""

import collections

from proton import Condition, Delivery, Endpoint, Message, Terminus, symbol
from proton.handlers import MessagingHandler
from proton.reactor import ApplicationEvent, EventInjector

# What the broker says of a message to these topics (first level).
OUTCOMES = ("reject", "release", "modify", "silent")
FORBIDDEN = "forbidden"  # its topics may be neither published to nor read


def matches(subscription, topic):
    """Solace's rules: `*` matches the rest of a level, a last `>` one or more levels."""
    wanted, levels = subscription.split("/"), topic.split("/")
    for i, want in enumerate(wanted):
        if want == ">" and i == len(wanted) - 1:
            return len(levels) > i
        if i >= len(levels):
            return False
        if want.endswith("*"):
            if not levels[i].startswith(want[:-1]):
                return False
        elif want != levels[i]:
            return False
    return len(wanted) == len(levels)


class EndpointQueue:
    """Messages of one queue or topic endpoint, and the links that are bound to it."""

    def __init__(self, name, subscription=None, durable=False):
        self.name = name
        self.subscription = subscription
        self.durable = durable
        self.messages = collections.deque()
        self.links = []
        self.turn = 0

    def put(self, message):
        self.messages.append(message)
        self.pump()

    def pump(self):
        """Hands messages to links with credit, one after the other."""
        while self.messages:
            ready = [link for link in self.links if link.credit > 0]
            if not ready:
                return
            link = ready[self.turn % len(ready)]
            self.turn += 1
            message = self.messages.popleft()
            presettled = link.remote_snd_settle_mode == link.SND_SETTLED
            delivery = link.send(message)
            if presettled:
                delivery.settle()
            else:
                link.held[delivery] = message

    def leave(self, link):
        """What the link had and did not settle is delivered again, marked."""
        if link in self.links:
            self.links.remove(link)
        for delivery, message in reversed(list(link.held.items())):
            message.delivery_count += 1
            self.messages.appendleft(message)
        link.held.clear()
        self.pump()


class Broker(MessagingHandler):
    def __init__(self, port, queues=(), max_message_size=0):
        super().__init__(auto_accept=False, auto_settle=False, prefetch=0)
        self.port = port
        self.endpoints = {}
        for queue in queues:
            self.add_queue(*queue.split("="))
        self.max_message_size = max_message_size
        self.credit = 100
        self.connections = set()
        self.links = []       # what clients have asked for, as they asked
        self.received = []    # the last messages, with every property
        self.outcomes = collections.Counter()
        self.injector = EventInjector()

    def add_queue(self, name, subscription=None):
        self.endpoints[f"queue:{name}"] = EndpointQueue(name, subscription, durable=True)

    # --- commands --------------------------------------------------------------------------------

    def post(self, function, reply):
        event = ApplicationEvent("command", subject=(function, reply))
        self.injector.trigger(event)

    def on_command(self, event):
        function, reply = event.subject
        try:
            reply(function(self))
        except Exception as error:  # what a test asked for wrongly is told to it
            reply({"error": repr(error)})

    def on_start(self, event):
        event.container.selectable(self.injector)
        self.acceptor = event.container.listen(f"127.0.0.1:{self.port}")

    # --- connections and links -------------------------------------------------------------------

    def on_connection_opening(self, event):
        self.connections.add(event.connection)
        event.connection.properties = {
            symbol("product"): "tidegate-test-peer",
            symbol("topic-prefix"): "topic://",
            symbol("queue-prefix"): "queue://",
        }

    def on_connection_closing(self, event):
        self._drop(event.connection)

    def on_connection_closed(self, event):
        self._drop(event.connection)

    def on_disconnected(self, event):
        self._drop(event.connection)

    def _drop(self, connection):
        self.connections.discard(connection)
        for endpoint in list(self.endpoints.values()):
            for link in [link for link in endpoint.links if link.connection == connection]:
                self._leave(endpoint, link)

    def _leave(self, endpoint, link):
        endpoint.leave(link)
        if not endpoint.durable and endpoint.subscription is not None:
            self.endpoints = {k: v for k, v in self.endpoints.items() if v is not endpoint}

    def _refuse(self, link, name, text):
        """Attaches without a terminus, and ends the link with the reason."""
        link.source.type = link.target.type = Terminus.UNSPECIFIED
        link.open()

        def end(_):
            link.condition = Condition(name, text)
            link.close()

        self.post(end, lambda _: None)  # in the same turn Proton would keep it back

    def on_link_opening(self, event):
        link = event.link
        terminus = link.remote_target if link.is_receiver else link.remote_source
        address = terminus.address or ""
        self.links.append({
            "name": link.name, "address": address, "receives": link.is_sender,
            "durability": link.remote_source.durability,
            "expiry": link.remote_source.expiry_policy,
            "presettled": link.remote_snd_settle_mode == link.SND_SETTLED,
            "container": link.connection.remote_container,
            "hostname": link.connection.remote_hostname,
        })
        topic = address[len("topic://"):] if address.startswith("topic://") else None
        if topic is not None and topic.split("/")[0] == FORBIDDEN:
            return self._refuse(link, "amqp:unauthorized-access", "ACL profile denies the topic")
        if topic is None:
            name = address[len("queue://"):] if address.startswith("queue://") else address
            endpoint = self.endpoints.get(f"queue:{name}")
            if endpoint is None:
                return self._refuse(link, "amqp:not-found", "Unknown Queue")
        elif link.is_sender:
            endpoint = self._topic_endpoint(link, topic)
            if endpoint is None:
                return self._refuse(link, "amqp:resource-limit-exceeded",
                                    "Max clients exceeded for durable topic endpoint")
        link.source.copy(link.remote_source)
        link.target.copy(link.remote_target)
        if link.is_receiver:
            if self.max_message_size:
                link.max_message_size = self.max_message_size
            link.open()
            link.flow(self.credit)
            return None
        link.held = {}
        link.endpoint_queue = endpoint
        link.snd_settle_mode = link.remote_snd_settle_mode
        link.open()
        endpoint.links.append(link)
        return None

    def _topic_endpoint(self, link, topic):
        source = link.remote_source
        durable = (source.durability != Terminus.NONDURABLE
                   and source.expiry_policy == Terminus.EXPIRE_NEVER)
        key = f"dte:{link.name}" if durable else f"tmp:{id(link)}:{link.name}"
        endpoint = self.endpoints.get(key)
        if endpoint is None:
            endpoint = EndpointQueue(link.name, topic, durable)
            self.endpoints[key] = endpoint
        elif endpoint.links:
            return None
        endpoint.subscription = topic
        return endpoint

    def on_link_closing(self, event):
        self._ended(event.link, closed=True)

    def on_link_remote_detach(self, event):
        self._ended(event.link, closed=False)
        event.link.detach()

    def on_session_closing(self, event):
        link = event.connection.link_head(0)
        while link is not None:
            if link.session == event.session:
                self._ended(link, closed=False)
            link = link.next(0)

    def _ended(self, link, closed):
        endpoint = getattr(link, "endpoint_queue", None)
        if endpoint is None:
            return
        self._leave(endpoint, link)
        if closed and endpoint.durable and endpoint.subscription is not None:
            self.endpoints.pop(f"dte:{endpoint.name}", None)  # a closed link ends what it named

    # --- messages --------------------------------------------------------------------------------

    def on_sendable(self, event):
        if endpoint := getattr(event.link, "endpoint_queue", None):
            endpoint.pump()

    def on_message(self, event):
        message, delivery = event.message, event.delivery
        address = event.link.target.address
        topic = address.removeprefix("topic://")
        self.received = (self.received + [message])[-200:]
        event.link.flow(1)
        kind = topic.split("/")[0]
        if kind == "silent":
            return
        if kind == "reject":
            delivery.local.condition = Condition("amqp:not-allowed", "the topic takes nothing")
            delivery.update(Delivery.REJECTED)
        elif kind == "release":
            delivery.update(Delivery.RELEASED)
        elif kind == "modify":
            delivery.local.failed = True
            delivery.update(Delivery.MODIFIED)
        else:
            delivery.update(Delivery.ACCEPTED)
            self._publish(address, topic, message)
        delivery.settle()

    def _publish(self, address, topic, message):
        if address.startswith("topic://"):
            takers = [e for e in self.endpoints.values()
                      if e.subscription is not None and matches(e.subscription, topic)]
        else:
            takers = [self.endpoints[f"queue:{address.removeprefix('queue://')}"]]
        for taker in takers:
            copy = Message()
            copy.decode(message.encode())
            copy.delivery_count = 0
            taker.put(copy)

    def on_accepted(self, event):
        self._settled(event, "accepted")

    def on_rejected(self, event):
        self._settled(event, "rejected")

    def on_released(self, event):  # Proton calls it for both
        modified = event.delivery.remote_state == Delivery.MODIFIED
        self._settled(event, "modified" if modified else "released")

    def _settled(self, event, outcome):
        delivery, link = event.delivery, event.link
        message = getattr(link, "held", {}).pop(delivery, None)
        if message is None:
            return
        self.outcomes[outcome] += 1
        delivery.settle()
        endpoint = link.endpoint_queue
        if outcome in ("released", "modified"):
            message.delivery_count += 1 if delivery.remote.failed else 0
            endpoint.messages.appendleft(message)
            endpoint.pump()

    # --- what tests ask for ----------------------------------------------------------------------

    def detach_all(self, condition, text):
        for endpoint in list(self.endpoints.values()):
            for link in list(endpoint.links):
                self._leave(endpoint, link)
                link.condition = Condition(condition, text)
                link.close()

    def close_all(self, condition, text):
        for connection in list(self.connections):
            if connection.state & Endpoint.LOCAL_ACTIVE:
                connection.condition = Condition(condition, text)
                connection.close()
