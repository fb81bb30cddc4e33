"""The ledgers of a delivery run: JSON lines, one file per actor, merged by monotonic time.

Every line has `type` and `t` (monotonic nanoseconds of one machine). The types:

  post_start {id, crc}                      a producer begins to post a message
  post_end   {id, status, outcome}          outcome: ok | no | unknown (DESIGN 5, Sink)
  broker_has {id, topic, partition, offset, crc}   read by an independent client from the broker
  subscribe  {sub, qos, topics, from, to, ordered}   from, to: {"topic/partition": offset}, to
             excluded; ordered: false where the broker may put messages back (queues)
  resume     {sub, after}                   the client came back; after: {"topic/partition": offset}
  deliver    {sub, id, topic, partition, offset, attempt, answer, event_id, crc}
  committed  {sub, topic, partition, offset}  the next offset that would be read
  backlog    {sub, count}                   what is left to deliver, sampled
  fault      {kind, state}                  state: on | off
  gateway    {state}                        start | ready | drain | exit | kill
"""

import json

REQUIRED = {
    "post_start": ("id",),
    "post_end": ("id", "outcome"),
    "broker_has": ("id", "partition", "offset"),
    "subscribe": ("sub", "qos"),
    "resume": ("sub", "after"),
    "deliver": ("sub", "id", "partition", "offset"),
    "committed": ("sub", "partition", "offset"),
    "backlog": ("sub", "count"),
    "fault": ("kind", "state"),
    "gateway": ("state",),
}
WORDS = {
    ("post_end", "outcome"): ("ok", "no", "unknown"),
    ("subscribe", "qos"): ("at-least-once", "at-most-once", "auto", "none"),
    ("fault", "state"): ("on", "off"),
    ("gateway", "state"): ("start", "ready", "drain", "exit", "kill"),
}


class LedgerError(Exception):
    """A ledger that cannot be judged: a broken line, an unknown type, a missing field."""


def parse_line(text, where):
    """One ledger line as a dict, or LedgerError naming `where`."""
    try:
        event = json.loads(text)
    except ValueError as error:
        raise LedgerError(f"{where}: not JSON: {error}") from None
    if not isinstance(event, dict):
        raise LedgerError(f"{where}: not an object")
    kind = event.get("type")
    if kind not in REQUIRED:
        raise LedgerError(f"{where}: unknown type {kind!r}")
    if not isinstance(event.get("t"), int):
        raise LedgerError(f"{where}: {kind} needs an integer t")
    for field in REQUIRED[kind]:
        if field not in event:
            raise LedgerError(f"{where}: {kind} needs {field}")
    for (owner, field), allowed in WORDS.items():
        if kind == owner and event[field] not in allowed:
            raise LedgerError(f"{where}: {kind}.{field} is none of {', '.join(allowed)}")
    return event


def read(paths):
    """All events of all ledgers in order of time; equal times keep the order of the files."""
    events = []
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    events.append(parse_line(line, f"{path}:{number}"))
    events.sort(key=lambda event: event["t"])
    return events


def partition_of(event):
    """The name of the event's partition: "topic/partition"."""
    return f"{event.get('topic', '')}/{event['partition']}"


def acknowledged(event):
    """Did the receiver of this delivery take the message?"""
    answer = event.get("answer", "ok")
    return answer == "ok" or (isinstance(answer, int) and 200 <= answer < 300)
