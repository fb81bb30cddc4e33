"""Who may include whom: the table of the house, checked on the files as they stand."""

import fnmatch
import re

import cpp_text

# room: the rooms it may include; what those include comes with them.
LAYERS = {
    "server/base": (),
    "server/telemetry": ("server/base",),
    "server/net": ("server/telemetry",),
    "server/http": ("server/net",),
    "server/config": ("server/base",),
    "server/model": ("server/config",),
    "connectors/api": ("server/http", "server/config"),
    "connectors/*": ("connectors/api",),
    "server/exchange": ("server/http", "server/model", "connectors/api"),
    "server/state": ("server/http", "server/config"),
    "server/security": ("server/exchange",),
    "server/policy": ("server/exchange", "server/state"),
    "server/flow": ("server/security", "server/policy"),
    "server/entrypoints": ("server/flow", "server/state"),
    "server/admin": ("server/flow", "server/state"),
}
OURS = ("server", "connectors", "sidecar", "proto", "tests", "bench")
ANYTHING = ("sidecar", "tests", "bench")

# headers (pattern): the files that may include them
OWNERS = (
    ("generated or protobuf", r"(?:.*\.pb\.h|google/protobuf/.*)",
     ("server/config/*", "server/model/*", "server/admin/*", "server/state/*_engine.cc",
      "sidecar/*", "proto/*", "connectors/*_config.cc", "server/entrypoints/*_config.cc",
      "server/policy/*_config.cc", "server/security/*_config.cc")),
    ("mock cluster", r"librdkafka/rdkafka_mock\.h", ("connectors/kafka/dev_cluster.cc",)),
    ("librdkafka", r"librdkafka/rdkafka(?!_mock).*\.h", ("connectors/kafka/*.cc",)),
    ("paho", r"(?:mqtt/.*|MQTT\w+\.h)", ("connectors/mqtt5/*.cc",)),
    ("rabbitmq-c", r"(?:rabbitmq-c/.*|amqp.*\.h)", ("connectors/rabbitmq/*.cc",)),
    ("Proton", r"proton/.*", ("connectors/solace/*.cc",)),
    ("OpenSSL", r"(?:openssl/.*|boost/asio/ssl.*)",
     ("server/base/*.cc", "server/net/*.cc", "server/config/*.cc", "server/security/*.cc",
      "server/state/*.cc", "server/http/websocket*.cc")),
    ("nghttp2", r"nghttp2/.*", ("server/http/*.cc",)),
    ("Beast", r"boost/beast.*", ("server/http/*.cc", "server/net/boost_src.cc")),
)
FREE_OF_OWNERS = ("tests/*", "bench/*")
# The mock cluster is one file's also for tests and bench.
FOR_ALL = ("mock cluster",)
# Headers that cost seconds: never in a header of ours.
HEAVY = r"(?:boost/asio\.hpp|boost/beast\.hpp|grpcpp/grpcpp\.h)"

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.MULTILINE)


def includes(text):
    """(line, header, quoted) of every include that is not commented out."""
    code = cpp_text.code_only(text)
    for match in _INCLUDE.finditer(text):
        if "#" in code[match.start():match.end()]:
            line = text.count("\n", 0, match.start(1 if match.group(1) else 2)) + 1
            yield line, match.group(1) or match.group(2), match.group(1) is not None


def room_of(path):
    """The room of a file: "server/http", "connectors/kafka", "sidecar", "tests" …"""
    parts = path.split("/")
    if parts[0] in ("server", "connectors") and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0]


def _entry(room):
    if room in LAYERS:
        return room
    return "connectors/*" if room.startswith("connectors/") else None


def allowed_rooms(room):
    """All rooms that a room may include, itself among them."""
    found, queue = {room}, list(LAYERS.get(_entry(room), ()))
    while queue:
        other = queue.pop()
        if other not in found:
            found.add(other)
            queue += LAYERS[other]
    return found


def check_layers(path, text, known):
    """Includes of our own files: from the root, existing, and of a room below."""
    room = room_of(path)
    anything = path.startswith(tuple(f"{name}/" for name in ANYTHING))
    if not anything and path.startswith(("server/", "connectors/")) and _entry(room) is None:
        yield 1, "unknown-room", f"{room} stands in no row of the table of who includes whom"
        return
    allowed = allowed_rooms(room)
    for line, header, quoted in includes(text):
        if header.endswith(".pb.h"):
            continue
        if header not in known:
            if quoted and ("/" not in header or header.split("/", 1)[0] in OURS):
                yield line, "include-path", f'"{header}" is no file from the root'
            continue
        target = room_of(header)
        if target in ("tests", "bench") and room != target and room not in ("tests", "bench"):
            yield line, "layer", f"{room} includes {header}: nobody includes {target}"
        elif not anything and target not in allowed:
            yield line, "layer", f"{room} includes {header}: {target} is not below it"


def check_owners(path, text):
    """Library headers only in the files that own the library."""
    free = any(fnmatch.fnmatch(path, pattern) for pattern in FREE_OF_OWNERS)
    for line, header, _ in includes(text):
        for name, pattern, owners in OWNERS:
            if (free and name not in FOR_ALL) or not re.fullmatch(pattern, header):
                continue
            if not any(fnmatch.fnmatch(path, owner) for owner in owners):
                yield line, "owner", f"{header} ({name}) only in {', '.join(owners)}: " \
                    "go through their interface"
        if path.endswith(".h") and re.fullmatch(HEAVY, header):
            yield line, "heavy-header", f"{header} in a header costs every includer seconds: " \
                "include the part you use, in the .cc"


def check_cycles(graph):
    """Headers that include each other in a ring; `graph`: file -> the files it includes."""
    state, found = {}, []

    def visit(node, trail):
        state[node] = "open"
        for other in graph.get(node, ()):
            if state.get(other) == "open":
                found.append(trail[trail.index(other):] + [other] if other in trail else [other])
            elif other not in state:
                visit(other, trail + [other])
        state[node] = "done"

    for node in sorted(graph):
        if node not in state:
            visit(node, [node])
    return found
