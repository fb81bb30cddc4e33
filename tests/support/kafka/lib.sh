# Sourced by the scripts beside it: where the jars are, how a broker is started and awaited.

kafka_fail() {
  echo "kafka: $*" >&2
  exit 1
}

# Sets KAFKA_LIBS; fetches the jars once, into a cache outside the tree.
kafka_fetch() {
  local here=$1
  local cache=${TIDEGATE_CACHE:-$HOME/.cache/tidegate}/kafka-3.9.1
  KAFKA_LIBS=$cache/libs
  [ -f "$cache/complete" ] && return 0
  command -v mvn >/dev/null || kafka_fail "mvn is needed once, to fetch the broker's jars"
  mkdir -p "$cache"
  # Two runs at once must not fetch into one folder.
  exec 8>"$cache/lock"
  flock 8
  if [ ! -f "$cache/complete" ]; then
    local work
    work=$(mktemp -d)
    cp "$here/pom.xml" "$work/pom.xml"
    mvn -q -f "$work/pom.xml" dependency:copy-dependencies -DoutputDirectory="$KAFKA_LIBS" ||
      kafka_fail "the broker's jars could not be fetched"
    rm -rf "$work"
    touch "$cache/complete"
  fi
  exec 8>&-
}

# Settings of the broker's log in folder $1: to standard output, which start_kafka.sh keeps.
kafka_log_settings() {
  cat >"$1/log4j.properties" <<END
log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n
END
}

# A free port of the loopback, chosen by the system.
kafka_free_port() {
  python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# Whether the broker on $KAFKA_PORT takes connections and answers. kcat, because each look with
# Kafka's own tools would start a JVM beside the one that is starting.
kafka_answers() {
  (exec 3<>"/dev/tcp/127.0.0.1/$KAFKA_PORT") 2>/dev/null || return 1
  kcat -b "127.0.0.1:$KAFKA_PORT" -L -m 3 >/dev/null 2>&1
}

# Starts the broker of folder $1 and waits until it answers, at most about 120 s.
kafka_run() {
  local dir=$1
  # shellcheck source=/dev/null
  . "$dir/kafka.ports"
  (
    cd "$dir" || exit 1
    exec setsid java -Xms128M -Xmx384M -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
      -Dlog4j.configuration=file:log4j.properties -cp "$KAFKA_LIBS/*" kafka.Kafka server.properties
  ) >>"$dir/kafka.log" 2>&1 8>&- 9>&- </dev/null &
  local pid=$!
  local tries=0
  until kafka_answers; do
    kill -0 "$pid" 2>/dev/null || kafka_fail "the broker has ended; see $dir/kafka.log"
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || kafka_fail "the broker does not answer; see $dir/kafka.log"
    sleep 0.2
  done
  {
    echo "TIDEGATE_TEST_KAFKA=127.0.0.1:$KAFKA_PORT"
    echo "KAFKA_PID=$pid"
    echo "KAFKA_DIR=$dir"
    echo "KAFKA_LIBS=$KAFKA_LIBS"
  } >"$dir/kafka.env.new"
  mv "$dir/kafka.env.new" "$dir/kafka.env"
}
