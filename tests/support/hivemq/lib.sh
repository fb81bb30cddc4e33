# Sourced by the scripts beside it: where the jars are, how a broker is started and awaited.

HIVEMQ_VERSION=2024.3

hivemq_fail() {
  echo "hivemq: $*" >&2
  exit 1
}

# Sets HIVEMQ_LIBS; fetches the jars once, into a cache outside the tree, and compiles Broker.java.
hivemq_fetch() {
  local here=$1
  local cache=${TIDEGATE_CACHE:-$HOME/.cache/tidegate}/hivemq-$HIVEMQ_VERSION
  HIVEMQ_LIBS=$cache/libs
  [ -f "$cache/complete" ] && return 0
  command -v mvn >/dev/null || hivemq_fail "mvn is needed once, to fetch the broker's jars"
  mkdir -p "$cache"
  # Two runs at once must not fetch into one folder.
  exec 8>"$cache/lock"
  flock 8
  if [ ! -f "$cache/complete" ]; then
    local work
    work=$(mktemp -d)
    cp "$here/pom.xml" "$work/pom.xml"
    mvn -q -f "$work/pom.xml" dependency:copy-dependencies -DoutputDirectory="$HIVEMQ_LIBS" ||
      hivemq_fail "the broker's jars could not be fetched"
    rm -rf "$work"
    javac -cp "$HIVEMQ_LIBS/*" -d "$HIVEMQ_LIBS" "$here/Broker.java" ||
      hivemq_fail "Broker.java does not compile"
    touch "$cache/complete"
  fi
  exec 8>&-
}

hivemq_settings() {
  mkdir -p "$1/conf" "$1/data" "$1/extensions"
  cat >"$1/conf/config.xml" <<END
<?xml version="1.0"?>
<hivemq>
  <listeners>
    <tcp-listener><port>$2</port><bind-address>127.0.0.1</bind-address></tcp-listener>
  </listeners>
  <anonymous-usage-statistics><enabled>false</enabled></anonymous-usage-statistics>
</hivemq>
END
}
