# Sourced by the scripts beside it: where the broker is, how it is started and awaited.

BROKERJ_VERSION=9.2.0

brokerj_fail() {
  echo "brokerj: $*" >&2
  exit 1
}

# Sets BROKERJ_HOME; fetches the broker once, into a cache outside the tree.
brokerj_fetch() {
  local cache=${TIDEGATE_CACHE:-$HOME/.cache/tidegate}/brokerj-$BROKERJ_VERSION
  BROKERJ_HOME=$cache/home
  [ -f "$cache/complete" ] && return 0
  command -v mvn >/dev/null || brokerj_fail "mvn is needed once, to fetch the broker"
  mkdir -p "$cache"
  # Two runs at once must not fetch into one folder.
  exec 8>"$cache/lock"
  flock 8
  if [ ! -f "$cache/complete" ]; then
    mvn -q dependency:copy \
      -Dartifact="org.apache.qpid:apache-qpid-broker-j:$BROKERJ_VERSION:tar.gz:bin" \
      -DoutputDirectory="$cache" || brokerj_fail "the broker could not be fetched"
    mkdir -p "$BROKERJ_HOME"
    tar -xzf "$cache/apache-qpid-broker-j-$BROKERJ_VERSION-bin.tar.gz" -C "$BROKERJ_HOME" \
      --strip-components=2
    rm -f "$cache/apache-qpid-broker-j-$BROKERJ_VERSION-bin.tar.gz"
    touch "$cache/complete"
  fi
  exec 8>&-
}

# The broker's first settings: one AMQP 1.0 port, user admin, a host on disk.
brokerj_settings() {
  cat <<END
{
  "name": "tests",
  "modelVersion": "9.0",
  "authenticationproviders": [{
    "name": "plain", "type": "Plain", "secureOnlyMechanisms": [],
    "users": [{"name": "admin", "type": "managed", "password": "admin"}]
  }],
  "ports": [{
    "name": "AMQP", "port": "$1", "bindingAddress": "127.0.0.1",
    "authenticationProvider": "plain", "protocols": ["AMQP_1_0"],
    "virtualhostaliases": [
      {"name": "nameAlias", "type": "nameAlias"},
      {"name": "defaultAlias", "type": "defaultAlias"},
      {"name": "hostnameAlias", "type": "hostnameAlias"}]
  }],
  "virtualhostnodes": [{
    "name": "default", "type": "JSON", "defaultVirtualHostNode": "true",
    "virtualHostInitialConfiguration": "{\"type\": \"DERBY\"}"
  }]
}
END
}
