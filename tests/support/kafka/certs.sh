# Sourced by start_kafka.sh: the certificates of the broker's TLS listeners and of a client.

# Makes in folder $1: ca (the authority of brokers and clients), other-ca (of nobody), server.pem
# and expired.pem (for 127.0.0.1 and kafka.tidegate.test), client.crt with an intermediate behind
# it, client.key (encrypted, its password in client.password) and client.p12 (the same password).
kafka_make_certificates() {
  local dir=$1 name
  local curve=(-newkey ec -pkeyopt ec_paramgen_curve:P-256)
  mkdir -p "$dir"
  (
    cd "$dir"
    for name in ca other-ca; do
      openssl req -x509 "${curve[@]}" -nodes -keyout "$name.key" -out "$name.crt" -days 3650 \
        -subj "/CN=tidegate test $name" -addext basicConstraints=critical,CA:TRUE \
        -addext keyUsage=critical,keyCertSign
    done
    echo "subjectAltName=IP:127.0.0.1,DNS:kafka.tidegate.test" >server.ext
    for name in server expired; do
      openssl req "${curve[@]}" -nodes -keyout "$name.key" -out "$name.csr" -subj "/CN=broker"
      openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -out "$name.crt" \
        -days "$([ $name = server ] && echo 3650 || echo -1)" -extfile server.ext \
        -set_serial "0x$(openssl rand -hex 8)"
      cat "$name.key" "$name.crt" >"$name.pem"
    done
    echo "basicConstraints=critical,CA:TRUE" >middle.ext
    openssl req "${curve[@]}" -nodes -keyout middle.key -out middle.csr -subj "/CN=middle"
    openssl x509 -req -in middle.csr -CA ca.crt -CAkey ca.key -out middle.crt -days 3650 \
      -set_serial 17 -extfile middle.ext
    openssl rand -hex 12 >client.password
    openssl req "${curve[@]}" -nodes -keyout client.plain -out client.csr -subj "/CN=gateway"
    openssl x509 -req -in client.csr -CA middle.crt -CAkey middle.key -out leaf.crt -days 3650 \
      -set_serial 18
    cat leaf.crt middle.crt >client.crt
    openssl pkcs8 -topk8 -in client.plain -out client.key -passout file:client.password
    openssl pkcs12 -export -in client.crt -inkey client.plain -name client -out client.p12 \
      -passout file:client.password
  ) >"$dir/make.log" 2>&1
}
