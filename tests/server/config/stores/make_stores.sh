#!/usr/bin/env bash
# Makes the key stores of the tests anew, with the tools that people use: keytool and openssl. They
# are committed, so that tests need neither; run this after a change here (Debian: default-jdk
# openssl). Passwords: changeit for stores, keypass1 for keys that have their own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
days=36500
quiet() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; return 1; }; }
keytool() { quiet command keytool -J-Xshare:auto -noprompt "$@"; }
uni='pässwörd€😀'

# root -> intermediate -> client; another root, another client.
quiet openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days $days \
  -subj "/CN=Store Test Root" -keyout "$work/root.key" -out "$work/root.crt"
quiet openssl req -x509 -newkey rsa:2048 -nodes -days $days \
  -subj "/CN=Store Test Other Root" -keyout "$work/other.key" -out "$work/other.crt"
issue() {  # issue NAME SUBJECT CA EXTENSION [KEYALG…]
  local name=$1 subject=$2 ca=$3 extension=$4
  shift 4
  quiet openssl req -newkey "$@" -nodes -subj "$subject" \
    -keyout "$work/$name.key" -out "$work/$name.csr"
  printf '%s\n' "$extension" >"$work/ext"
  quiet openssl x509 -req -in "$work/$name.csr" -CA "$work/$ca.crt" -CAkey "$work/$ca.key" \
    -CAcreateserial -days $days -extfile "$work/ext" -out "$work/$name.crt"
}
issue middle "/CN=Store Test Intermediate" root "basicConstraints=critical,CA:TRUE" \
  ec -pkeyopt ec_paramgen_curve:P-256
issue client "/CN=store-test-client" middle "extendedKeyUsage=clientAuth" rsa:2048
issue second "/CN=store-test-second" root "extendedKeyUsage=clientAuth" \
  ec -pkeyopt ec_paramgen_curve:P-256
cat "$work/client.crt" "$work/middle.crt" >client-chain.pem
cat "$work/root.crt" "$work/other.crt" >trust.pem

# PEM keys
cp "$work/client.key" client.key
cp "$work/second.key" second.key
cat "$work/client.key" client-chain.pem >client-both.pem
quiet openssl pkcs8 -topk8 -in client.key -out client-aes.key -v2 aes-256-cbc -passout pass:keypass1
quiet openssl pkcs8 -topk8 -in client.key -out client-des.key -v1 PBE-MD5-DES \
  -passout pass:keypass1 -provider default -provider legacy
quiet openssl rsa -in client.key -traditional -aes128 -passout pass:keypass1 -out client-header.key
quiet openssl rsa -in client.key -traditional -out client-rsa.key

# PKCS #12 by openssl: current, and as it was before 3.0 (RC2-40, 3DES)
quiet openssl pkcs12 -export -inkey client.key -in client-chain.pem -name client \
  -passout pass:changeit -out client.p12
quiet openssl pkcs12 -export -legacy -inkey client.key -in client-chain.pem -name client \
  -passout pass:changeit -out client-rc2.p12
quiet openssl pkcs12 -export -nokeys -in trust.pem -passout pass:changeit -out trust-openssl.p12
quiet openssl pkcs12 -export -legacy -nokeys -in trust.pem -passout pass:changeit \
  -out trust-rc2.p12
# Hashes its password so often that reading it would take seconds.
quiet openssl pkcs12 -export -iter 3000000 -inkey client.key -in client-chain.pem \
  -passout pass:changeit -out slow.p12

# Trust stores by keytool
trust() {  # trust FILE TYPE PASSWORD [JAVA OPTION]
  rm -f "$1"
  for name in root other; do
    keytool "${@:4}" -importcert -storetype "$2" -keystore "$1" -storepass "$3" \
      -alias "${name/root/ca}" -file "$work/$name.crt"
  done
}
trust trust.jks JKS changeit
trust trust.p12 PKCS12 changeit
trust trust-oldjava.p12 PKCS12 changeit -J-Dkeystore.pkcs12.legacy

# Key stores by keytool: JKS with a password of the key's own, several entries, JCEKS
import() {  # import FILE TYPE STOREPASS KEYPASS SOURCE SOURCEALIAS ALIAS [JAVA OPTION]
  keytool "${@:8}" -importkeystore -srckeystore "$5" -srcstoretype PKCS12 -srcstorepass changeit \
    -srcalias "$6" -destkeystore "$1" -deststoretype "$2" -deststorepass "$3" -destkeypass "$4" \
    -destalias "$7"
}
quiet openssl pkcs12 -export -inkey second.key -in "$work/second.crt" -name second \
  -passout pass:changeit -out "$work/second.p12"
rm -f client.jks client-samepass.jks two.jks client.jceks unicode.jks
import client.jks JKS changeit keypass1 client.p12 client client
import client-samepass.jks JKS changeit changeit client.p12 client client
import two.jks JKS changeit changeit client.p12 client client
import two.jks JKS changeit changeit "$work/second.p12" second Second
import client.jceks JCEKS changeit changeit client.p12 client client
import unicode.jks JKS "$uni" "$uni" client.p12 client 'klient-😀'
rm -f client-keytool.p12 client-oldjava.p12 two.p12 unicode.p12
import client-keytool.p12 PKCS12 changeit changeit client.p12 client client
import client-oldjava.p12 PKCS12 changeit changeit client.p12 client client \
  -J-Dkeystore.pkcs12.legacy
import two.p12 PKCS12 changeit changeit client.p12 client client
import two.p12 PKCS12 changeit changeit "$work/second.p12" second Second
quiet openssl pkcs12 -export -inkey client.key -in client-chain.pem -name client \
  -passout "pass:$uni" -out unicode.p12
# A store with a key and its chain in trust entries too, as some make one for both.
cp two.jks both.jks
keytool -importcert -storetype JKS -keystore both.jks -storepass changeit -alias ca \
  -file "$work/root.crt"
ls -l
