#!/usr/bin/env bash
# All measurements, one after the other; about half an hour with the default settings.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for name in post sse ws idle rest consume mqtt rabbitmq; do
  echo "== $name" >&2
  "$here/run_$name.sh"
done
