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

# The settings of the broker in folder $1, its listeners on the ports of kafka.ports.
# Clients that come to PROXIED_PORT are sent on to PROXY_PORT, where a test's fault proxy stands.
kafka_broker_settings() {
  local dir=$1 name mechanism plain="org.apache.kafka.common.security"
  cat <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$CONTROLLER_PORT
listeners=$(kafka_listeners),PROXIED://127.0.0.1:$PROXIED_PORT,\
CONTROLLER://127.0.0.1:$CONTROLLER_PORT
advertised.listeners=$(kafka_listeners),PROXIED://127.0.0.1:$PROXY_PORT
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT,\
SSL:SSL,MTLS:SSL,EXPIRED:SSL,SASL:SASL_PLAINTEXT,SASLSSL:SASL_SSL,UNSIGNED:SASL_PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
num.network.threads=1
num.io.threads=2
log.retention.check.interval.ms=1000
log.cleaner.enable=false
controlled.shutdown.enable=true
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=true
ssl.truststore.type=PEM
ssl.truststore.location=$dir/tls/ca.crt
ssl.keystore.type=PEM
ssl.keystore.location=$dir/tls/server.pem
listener.name.expired.ssl.keystore.location=$dir/tls/expired.pem
listener.name.mtls.ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/\$1/,DEFAULT
sasl.oauthbearer.jwks.endpoint.url=file:$dir/jwks.json
sasl.oauthbearer.expected.issuer=https://tokens.tidegate.test
sasl.oauthbearer.expected.audience=kafka
sasl.kerberos.service.name=kafka
listener.name.unsigned.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.unsigned.oauthbearer.sasl.jaas.config=\\
  $plain.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";
listener.name.unsigned.oauthbearer.sasl.server.callback.handler.class=\\
  $plain.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler
END
  for name in sasl saslssl; do
    cat <<END
listener.name.$name.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER,GSSAPI
listener.name.$name.plain.sasl.jaas.config=$plain.plain.PlainLoginModule required \
  user_gateway="$KAFKA_PASSWORD" user_stranger="$KAFKA_PASSWORD";
listener.name.$name.oauthbearer.sasl.jaas.config=\
  $plain.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";
listener.name.$name.oauthbearer.sasl.server.callback.handler.class=\
  $plain.oauthbearer.secured.OAuthBearerValidatorCallbackHandler
listener.name.$name.oauthbearer.connections.max.reauth.ms=3600000
listener.name.$name.gssapi.sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required \
  useKeyTab=true storeKey=true keyTab="$dir/kdc/kafka.keytab" \
  principal="kafka/127.0.0.1@TIDEGATE.TEST";
END
    for mechanism in scram-sha-256 scram-sha-512; do
      echo "listener.name.$name.$mechanism.sasl.jaas.config=$plain.scram.ScramLoginModule required;"
    done
  done
}

kafka_listeners() {
  local name port listeners=()
  for name in PLAINTEXT SSL MTLS EXPIRED SASL SASLSSL UNSIGNED; do
    port=${name}_PORT
    [ $name = PLAINTEXT ] && port=KAFKA_PORT
    listeners+=("$name://127.0.0.1:${!port}")
  done
  (IFS=, && echo "${listeners[*]}")
}

# Makes everything of a new broker in folder $1.
kafka_make() {
  local dir=$1 here=$2 id
  local names=(KAFKA CONTROLLER SSL MTLS EXPIRED SASL SASLSSL UNSIGNED PROXIED PROXY)
  . "$here/certs.sh"
  kafka_make_certificates "$dir/tls" || kafka_fail "no certificates; see $dir/tls/make.log"
  openssl genrsa -out "$dir/token.key" 2048 2>>"$dir/tls/make.log"
  openssl rand -hex 12 >"$dir/token.secret"
  openssl rand -hex 12 >"$dir/sasl.password"
  kafka_log_settings "$dir"
  "$here/../ports.py" ${#names[@]} |
    for name in "${names[@]}"; do read -r port && echo "${name}_PORT=$port"; done >"$dir/ports.new"
  # shellcheck source=/dev/null
  . "$dir/ports.new"
  KAFKA_PASSWORD=$(cat "$dir/sasl.password")
  kafka_broker_settings "$dir" >"$dir/server.properties"
  local scram=() mechanism user
  for mechanism in SCRAM-SHA-256 SCRAM-SHA-512; do
    for user in gateway stranger; do
      scram+=(--add-scram "$mechanism=[name=$user,iterations=4096,password=$KAFKA_PASSWORD]")
    done
  done
  id=$(openssl rand -base64 16 | tr '+/' 'AB' | tr -d =)  # no option: no '-' in front
  java -XX:TieredStopAtLevel=1 -Xmx128M -cp "$KAFKA_LIBS/*" kafka.tools.StorageTool format \
    -t "$id" -c "$dir/server.properties" "${scram[@]}" >"$dir/format.log" 2>&1 ||
    kafka_fail "formatting has failed; see $dir/format.log"
  mv "$dir/ports.new" "$dir/kafka.ports"
}

# Starts the token endpoint of folder $1, unless it runs.
kafka_run_tokens() {
  local dir=$1 here=$2 pid
  if [ -f "$dir/token.pid" ] && kill -0 "$(cat "$dir/token.pid")" 2>/dev/null; then return 0; fi
  setsid python3 "$here/token_server.py" "$dir" "$dir/token.key" \
    >>"$dir/token.out" 2>&1 8>&- 9>&- </dev/null &
  pid=$!
  echo "$pid" >"$dir/token.pid"
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || kafka_fail "no token endpoint; see $dir/token.out"
    if [ -f "$dir/token.port" ] &&
      (exec 3<>"/dev/tcp/127.0.0.1/$(cat "$dir/token.port")") 2>/dev/null; then
      return 0
    fi
    sleep 0.05
  done
  kafka_fail "the token endpoint does not answer; see $dir/token.out"
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
      -Dlog4j.configuration=file:log4j.properties \
      -Djava.security.krb5.conf="$dir/kdc/krb5.conf" \
      -cp "$KAFKA_LIBS/*" kafka.Kafka server.properties
  ) >>"$dir/kafka.log" 2>&1 8>&- 9>&- </dev/null &
  local pid=$! tries=0 name port
  until kafka_answers; do
    kill -0 "$pid" 2>/dev/null || kafka_fail "the broker has ended; see $dir/kafka.log"
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || kafka_fail "the broker does not answer; see $dir/kafka.log"
    sleep 0.2
  done
  {
    echo "TIDEGATE_TEST_KAFKA=127.0.0.1:$KAFKA_PORT"
    for name in SSL MTLS EXPIRED SASL UNSIGNED; do
      port=${name}_PORT
      echo "TIDEGATE_TEST_KAFKA_$name=127.0.0.1:${!port}"
    done
    echo "TIDEGATE_TEST_KAFKA_SASL_SSL=127.0.0.1:$SASLSSL_PORT"
    echo "TIDEGATE_TEST_KAFKA_TOKENS=http://127.0.0.1:$(cat "$dir/token.port")/token"
    echo "TIDEGATE_TEST_KAFKA_TOKENS_TLS=https://127.0.0.1:$(cat "$dir/token.tls_port")/token"
    echo "KAFKA_PID=$pid"
    echo "KAFKA_DIR=$dir"
    echo "KAFKA_LIBS=$KAFKA_LIBS"
  } >"$dir/kafka.env.new"
  mv "$dir/kafka.env.new" "$dir/kafka.env"
}
