# Sourced by the scripts beside it: ports, certificates, how the broker is started and awaited.

rabbitmq_fail() {
  echo "rabbitmq: $*" >&2
  exit 1
}

# The programs themselves, not Debian's wrappers: those want to be root and change the user.
RABBITMQ_SCRIPTS=/usr/lib/rabbitmq/bin

# Authority, server and client certificates in folder $1, and an authority nobody has heard of.
rabbitmq_certificates() {
  local dir=$1
  mkdir -p "$dir"
  (
    cd "$dir" || exit 1
    local subject
    for subject in ca stranger; do
      openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=tidegate test $subject" \
        -keyout $subject.key -out $subject.crt
    done
    for subject in server client; do
      openssl req -newkey rsa:2048 -nodes -subj "/CN=$subject" -keyout $subject.key \
        -out $subject.csr
      printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >$subject.ext
      openssl x509 -req -in $subject.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 \
        -extfile $subject.ext -out $subject.crt
    done
  ) >"$dir/openssl.log" 2>&1 || rabbitmq_fail "no certificates; see $dir/openssl.log"
}

# Users, virtual hosts and rights, as the broker loads them at its start.
#   guest/guest     everything, on / and on "side"
#   writer/writer   may write and read, may declare nothing, on /
#   nobody/nobody   no right on any virtual host
rabbitmq_definitions() {
  python3 - >"$1" <<'END'
import base64, hashlib, json

def user(name, tags=""):
    salt = b"tgsa"
    digest = hashlib.sha256(salt + name.encode()).digest()
    return {"name": name, "password_hash": base64.b64encode(salt + digest).decode(),
            "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": tags}

def rights(name, vhost, configure=".*", write=".*", read=".*"):
    return {"user": name, "vhost": vhost, "configure": configure, "write": write, "read": read}

print(json.dumps({
    "users": [user("guest", "administrator"), user("writer"), user("nobody")],
    "vhosts": [{"name": "/"}, {"name": "side"}],
    "permissions": [rights("guest", "/"), rights("guest", "side"),
                    rights("writer", "/", configure="^$")],
}, indent=1))
END
}

rabbitmq_settings() {
  local dir=$1
  cat >"$dir/rabbitmq.conf" <<END
listeners.tcp.1 = 127.0.0.1:$RABBITMQ_PORT
listeners.ssl.1 = 127.0.0.1:$RABBITMQ_TLS_PORT
ssl_options.cacertfile = $dir/tls/ca.crt
ssl_options.certfile = $dir/tls/server.crt
ssl_options.keyfile = $dir/tls/server.key
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = false
num_acceptors.tcp = 4
num_acceptors.ssl = 2
loopback_users = none
load_definitions = $dir/definitions.json
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
log.console = true
log.console.level = info
log.file = false
amqp1_0.default_user = guest
END
  echo '[rabbitmq_amqp1_0].' >"$dir/enabled_plugins"
}

# What the broker and its tools are told by their environment: nothing of this machine's own.
rabbitmq_environment() {
  local dir=$1
  export HOME=$dir ERL_EPMD_PORT=$RABBITMQ_EPMD_PORT ERL_EPMD_ADDRESS=127.0.0.1
  export RABBITMQ_NODENAME=tidegate$RABBITMQ_PORT@localhost
  export RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf
  export RABBITMQ_ADVANCED_CONFIG_FILE=$dir/advanced.config
  export RABBITMQ_MNESIA_BASE=$dir/mnesia RABBITMQ_LOG_BASE=$dir/log
  export RABBITMQ_ENABLED_PLUGINS_FILE=$dir/enabled_plugins
  export RABBITMQ_PID_FILE=$dir/rabbitmq.pid RABBITMQ_DIST_PORT=$RABBITMQ_DIST_PORT
  export RABBITMQ_GENERATED_CONFIG_DIR=$dir/generated RABBITMQ_FEATURE_FLAGS_FILE=$dir/features
  # Two schedulers that do not spin while they wait: a broker at rest costs nothing.
  export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none \
-kernel inet_dist_use_interface {127,0,0,1}"
  export RABBITMQ_CTL_ERL_ARGS="+S 1:1 -kernel inet_dist_use_interface {127,0,0,1}"
}

# Whether the broker answers the AMQP header on its plain port and takes connections on the other.
rabbitmq_answers() {
  python3 -c 'import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2) as s:
    s.settimeout(2)
    s.sendall(b"AMQP\x00\x00\x09\x01")
    assert s.recv(1) == b"\x01"
socket.create_connection(("127.0.0.1", int(sys.argv[2])), 2).close()' \
    "$RABBITMQ_PORT" "$RABBITMQ_TLS_PORT" 2>/dev/null
}

# Starts epmd and the broker of folder $1 and waits until it answers, at most about 120 s.
rabbitmq_run() {
  local dir=$1 epmd broker tries=0
  # shellcheck source=/dev/null
  . "$dir/rabbitmq.ports"
  rm -f "$dir/rabbitmq.pid"
  (
    rabbitmq_environment "$dir"
    cd "$dir" || exit 1
    exec epmd -port "$RABBITMQ_EPMD_PORT" -address 127.0.0.1
  ) >>"$dir/epmd.log" 2>&1 8>&- 9>&- </dev/null &
  epmd=$!
  (
    rabbitmq_environment "$dir"
    cd "$dir" || exit 1
    exec setsid "$RABBITMQ_SCRIPTS/rabbitmq-server"
  ) >>"$dir/rabbitmq.log" 2>&1 8>&- 9>&- </dev/null &
  broker=$!
  until rabbitmq_answers; do
    if ! kill -0 "$broker" 2>/dev/null; then
      kill "$epmd" 2>/dev/null
      rabbitmq_fail "the broker has ended; see $dir/rabbitmq.log"
    fi
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || rabbitmq_fail "the broker does not answer; see $dir/rabbitmq.log"
    sleep 0.2
  done
  {
    echo "TIDEGATE_TEST_RABBITMQ=127.0.0.1:$RABBITMQ_PORT"
    echo "TIDEGATE_TEST_RABBITMQ_TLS=127.0.0.1:$RABBITMQ_TLS_PORT"
    echo "TIDEGATE_TEST_AMQP10=127.0.0.1:$RABBITMQ_PORT"
    echo "TIDEGATE_TEST_RABBITMQ_DIR=$dir"
    echo "RABBITMQ_BEAM_PID=$(cat "$dir/rabbitmq.pid")"
    echo "RABBITMQ_EPMD_PID=$epmd"
  } >"$dir/rabbitmq.env.new"
  mv "$dir/rabbitmq.env.new" "$dir/rabbitmq.env"
}
