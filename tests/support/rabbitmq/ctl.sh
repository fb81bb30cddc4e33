#!/usr/bin/env bash
# rabbitmqctl against the broker of DIR.
#
# usage: ctl.sh DIR COMMAND [ARGUMENT…]     e.g. ctl.sh DIR set_vm_memory_high_watermark 0
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: ctl.sh DIR COMMAND [ARGUMENT...]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
dir=$(cd "$1" && pwd)
shift
. "$dir/rabbitmq.ports"
rabbitmq_environment "$dir"
cd "$dir"
exec "$RABBITMQ_SCRIPTS/rabbitmqctl" --quiet "$@"
