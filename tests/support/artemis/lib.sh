# Sourced by the scripts beside it: where the broker is, how it is started and awaited.

ARTEMIS_VERSION=2.37.0

artemis_fail() {
  echo "artemis: $*" >&2
  exit 1
}

# Sets ARTEMIS_HOME; fetches the broker once, into a cache outside the tree.
artemis_fetch() {
  local cache=${TIDEGATE_CACHE:-$HOME/.cache/tidegate}/artemis-$ARTEMIS_VERSION
  ARTEMIS_HOME=$cache/apache-artemis-$ARTEMIS_VERSION
  [ -f "$cache/complete" ] && return 0
  command -v mvn >/dev/null || artemis_fail "mvn is needed once, to fetch the broker"
  mkdir -p "$cache"
  # Two runs at once must not fetch into one folder.
  exec 8>"$cache/lock"
  flock 8
  if [ ! -f "$cache/complete" ]; then
    mvn -q dependency:copy \
      -Dartifact="org.apache.activemq:apache-artemis:$ARTEMIS_VERSION:tar.gz:bin" \
      -DoutputDirectory="$cache" || artemis_fail "the broker could not be fetched"
    tar -xzf "$cache/apache-artemis-$ARTEMIS_VERSION-bin.tar.gz" -C "$cache"
    rm -f "$cache/apache-artemis-$ARTEMIS_VERSION-bin.tar.gz"
    touch "$cache/complete"
  fi
  exec 8>&-
}

# An instance in $1/broker with one AMQP acceptor on port $2 that has Solace's prefixes.
artemis_make() {
  local dir=$1 port=$2
  "$ARTEMIS_HOME/bin/artemis" create "$dir/broker" --silent --user admin --password admin \
    --role amq --require-login --host 127.0.0.1 --no-autotune --no-web --no-hornetq-acceptor \
    --no-mqtt-acceptor --no-stomp-acceptor --no-amqp-acceptor --default-port "$port" \
    >"$dir/create.log" 2>&1 || artemis_fail "no instance: $(tail -3 "$dir/create.log")"
  python3 - "$dir/broker/etc/broker.xml" "$port" <<'END'
import re
import sys

path, port = sys.argv[1:]
text = open(path).read()
acceptor = (f'<acceptor name="amqp">tcp://127.0.0.1:{port}?protocols=AMQP;'
            'multicastPrefix=topic://;anycastPrefix=queue://;amqpCredits=1000;'
            'amqpLowCredits=300</acceptor>')
text = re.sub(r"<acceptors>.*?</acceptors>", f"<acceptors>{acceptor}</acceptors>", text, flags=re.S)
open(path, "w").write(text)
END
}
