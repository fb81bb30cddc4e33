#!/usr/bin/env bash
# Starts a Kerberos KDC (MIT krb5kdc) of a realm of its own for the tests: loopback, a free port.
#
# usage: start_kdc.sh DIR
#
# DIR holds everything: krb5.conf (for KRB5_CONFIG), the database, kdc.log, the key tables and, once
# the KDC answers, kdc.env with KDC_PID, KDC_PORT and KDC_REALM. Principals, all of TIDEGATE.TEST:
#   kafka/127.0.0.1   kafka.keytab     the brokers
#   gateway           gateway.keytab   an ordinary client
#   brief             brief.keytab     a client whose tickets live for 20 s
# stranger.keytab has a key of the principal gateway that is not its key any more.
# Run again on a DIR whose KDC has ended, it starts with the same database on the same port.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || { echo "usage: start_kdc.sh DIR" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
realm=TIDEGATE.TEST
PATH=$PATH:/usr/sbin

kdc_fail() {
  echo "kdc: $*" >&2
  exit 1
}
command -v krb5kdc >/dev/null || kdc_fail "krb5kdc is needed (package krb5-kdc)"
if [ -f "$dir/kdc.env" ]; then
  . "$dir/kdc.env"
  if kill -0 "$KDC_PID" 2>/dev/null; then
    echo "kdc: $KDC_REALM runs already, pid $KDC_PID"
    exit 0
  fi
  rm -f "$dir/kdc.env"
fi
export KRB5_CONFIG=$dir/krb5.conf KRB5_KDC_PROFILE=$dir/kdc.conf

kdc_make() {
  local port
  port=$("$here/../ports.py" 1)
  cat >"$dir/krb5.conf" <<END
[libdefaults]
default_realm = $realm
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 1
[realms]
$realm = {
  kdc = 127.0.0.1:$port
}
[domain_realm]
127.0.0.1 = $realm
END
  cat >"$dir/kdc.conf" <<END
[realms]
$realm = {
  database_name = $dir/principal
  key_stash_file = $dir/stash
  kdc_listen = 127.0.0.1:$port
  kdc_tcp_listen = 127.0.0.1:$port
  max_life = 1h
  supported_enctypes = aes256-cts:normal
}
[logging]
kdc = FILE:$dir/kdc.log
END
  local master
  master=$(head -c 24 /dev/urandom | base64)
  kdb5_util create -s -r "$realm" -P "$master" -W >"$dir/make.log" 2>&1 ||
    kdc_fail "the database could not be made; see $dir/make.log"
  kadmin.local -r "$realm" >>"$dir/make.log" 2>&1 <<END || kdc_fail "see $dir/make.log"
addprinc -randkey kafka/127.0.0.1
addprinc -randkey gateway
addprinc -randkey -maxlife "20 seconds" brief
ktadd -k $dir/kafka.keytab -norandkey kafka/127.0.0.1
ktadd -k $dir/stranger.keytab gateway
ktadd -k $dir/gateway.keytab gateway
ktadd -k $dir/brief.keytab -norandkey brief
END
  echo "$port" >"$dir/port"
}

[ -f "$dir/port" ] || kdc_make
(
  cd "$dir" || exit 1
  exec setsid krb5kdc -n -r "$realm"
) >>"$dir/kdc.out" 2>&1 8>&- 9>&- </dev/null &
pid=$!
port=$(cat "$dir/port")
for _ in $(seq 100); do
  kill -0 "$pid" 2>/dev/null || kdc_fail "it has ended; see $dir/kdc.log and $dir/kdc.out"
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
  sleep 0.05
done
(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || kdc_fail "it does not answer; see $dir/kdc.log"
{
  echo "KDC_PID=$pid"
  echo "KDC_PORT=$port"
  echo "KDC_REALM=$realm"
} >"$dir/kdc.env"
echo "kdc: $realm ready on 127.0.0.1:$port, pid $pid"
