#!/usr/bin/env bash
# Makes or deletes a topic on the broker of DIR, and waits until that can be seen.
#
# usage: topic.sh DIR create|delete NAME [PARTITIONS] [KEY=VALUE…]
set -euo pipefail
if [ $# -lt 3 ]; then
  echo "usage: topic.sh DIR create|delete NAME [PARTITIONS] [KEY=VALUE...]" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$1/kafka.env"
exec /usr/bin/python3 -B "$here/topic.py" "$TIDEGATE_TEST_KAFKA" "${@:2}"
