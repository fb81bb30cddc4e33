# Which Debian 12 packages are needed, and their installation. Sourced by sidecar/quickstart.sh and
# tests/run.sh; needs bash.

TG_BUILD_PACKAGES=(
  build-essential cmake ninja-build pkg-config ccache mold
  libboost1.81-dev libboost-url1.81-dev libboost-json1.81-dev
  libabsl-dev libssl-dev libc-ares-dev zlib1g-dev
  libprotobuf-dev protobuf-compiler libgrpc++-dev protobuf-compiler-grpc
  libmimalloc-dev libyaml-cpp-dev libsqlitecpp-dev libsqlite3-dev libfmt-dev libcli11-dev
  prometheus-cpp-dev librdkafka-dev libre2-dev libkrb5-dev libsasl2-modules-gssapi-mit
  librabbitmq-dev libqpid-proton11-dev
)
TG_TEST_PACKAGES=(
  libgtest-dev libgmock-dev python3 python3-websockets curl kcat prometheus
  default-jdk-headless maven openssl procps
  libpaho-mqtt-dev libpaho-mqttpp-dev mosquitto mosquitto-clients rabbitmq-server
  krb5-kdc krb5-admin-server krb5-user libsasl2-modules
  python3-pika python3-paho-mqtt python3-qpid-proton python3-grpcio python3-protobuf
)
TG_FUZZ_PACKAGES=(clang libclang-rt-14-dev)
TG_BENCH_PACKAGES=(nginx libnginx-mod-nchan)

# tg_install PACKAGE…: installs what is missing, quietly; says what it does; does nothing, and needs
# no root, when all are there.
tg_install() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
      missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  echo "Installing ${#missing[@]} Debian packages: ${missing[*]}" >&2
  local root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "These packages are missing and there is neither root nor sudo to install them." >&2
      return 1
    }
    root=(sudo)
  fi
  local log
  log=$(mktemp)
  # Services of the packages (prometheus, nginx) must not start on the machine.
  if ! {
    "${root[@]}" apt-get update -qq &&
      "${root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq \
        --no-install-recommends "${missing[@]}"
  } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "The packages could not be installed; the full output is in $log" >&2
    return 1
  fi
  rm -f "$log"
}
