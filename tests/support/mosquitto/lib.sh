# Sourced by the scripts beside it: certificates, settings, how a broker is started and awaited.

mosquitto_fail() {
  echo "mosquitto: $*" >&2
  exit 1
}

mosquitto_program() {
  command -v mosquitto || { [ -x /usr/sbin/mosquitto ] && echo /usr/sbin/mosquitto; } ||
    mosquitto_fail "mosquitto is needed"
}

# A certificate $1.pem with key $1.key for name $2, signed by $3; `self` makes an authority.
mosquitto_certificate() {
  local file=$1 name=$2 by=$3
  if [ "$by" = self ]; then
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$file.key" -out "$file.pem" -days 2 \
      -subj "/CN=$name" 2>/dev/null
    return
  fi
  openssl req -newkey rsa:2048 -nodes -keyout "$file.key" -out "$file.csr" -subj "/CN=$name" \
    2>/dev/null
  printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >"$file.ext"
  openssl x509 -req -in "$file.csr" -CA "$by.pem" -CAkey "$by.key" -CAcreateserial -days 2 \
    -extfile "$file.ext" -out "$file.pem" 2>/dev/null
}

mosquitto_settings() {
  local dir=$1 plain=$2 auth=$3 tls=$4 mtls=$5
  cat >"$dir/mosquitto.conf" <<END
per_listener_settings true
persistence true
persistence_location $dir/data/
autosave_on_changes true
autosave_interval 1
max_queued_messages 0
log_dest file $dir/mosquitto.log
log_type error
log_type warning
log_type notice

listener $plain 127.0.0.1
allow_anonymous true

listener $auth 127.0.0.1
allow_anonymous false
password_file $dir/passwords
acl_file $dir/acl

listener $tls 127.0.0.1
allow_anonymous true
certfile $dir/server.pem
keyfile $dir/server.key

listener $mtls 127.0.0.1
allow_anonymous true
cafile $dir/ca.pem
certfile $dir/server.pem
keyfile $dir/server.key
require_certificate true
END
  cat >"$dir/acl" <<END
user gateway
topic readwrite #

user limited
topic readwrite allowed/#
END
}

# Starts the broker of folder $1 and waits until it answers, at most 60 s.
mosquitto_run() {
  local dir=$1 program
  program=$(mosquitto_program)
  # shellcheck source=/dev/null
  . "$dir/mosquitto.ports"
  ("$program" -c "$dir/mosquitto.conf" >>"$dir/mosquitto.out" 2>&1 </dev/null &
   echo $! >"$dir/mosquitto.pid")
  local pid tries=0
  pid=$(cat "$dir/mosquitto.pid")
  until mosquitto_pub -V 5 -h 127.0.0.1 -p "$PLAIN" -t tidegate/ready -n 2>/dev/null; do
    kill -0 "$pid" 2>/dev/null || mosquitto_fail "the broker has ended; see $dir/mosquitto.log"
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || mosquitto_fail "the broker does not answer; see $dir/mosquitto.log"
    sleep 0.2
  done
  {
    echo "TIDEGATE_TEST_MQTT=127.0.0.1:$PLAIN"
    echo "TIDEGATE_TEST_MQTT_AUTH=127.0.0.1:$AUTH"
    echo "TIDEGATE_TEST_MQTT_TLS=localhost:$TLS"
    echo "TIDEGATE_TEST_MQTT_MTLS=localhost:$MTLS"
    echo "MOSQUITTO_PID=$pid"
  } >"$dir/mosquitto.env.new"
  mv "$dir/mosquitto.env.new" "$dir/mosquitto.env"
}
