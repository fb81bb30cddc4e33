#!/usr/bin/env bash
# Makes or deletes a topic on the broker of DIR.
#
# usage: topic.sh DIR create|delete NAME [PARTITIONS] [KEY=VALUE…]
set -euo pipefail
if [ $# -lt 3 ]; then
  echo "usage: topic.sh DIR create|delete NAME [PARTITIONS] [KEY=VALUE...]" >&2
  exit 2
fi
. "$1/kafka.env"
arguments=("--$2" --topic "$3")
if [ "$2" = create ]; then
  arguments+=(--partitions "${4:-1}" --replication-factor 1)
  for setting in "${@:5}"; do arguments+=(--config "$setting"); done
fi
exec java -XX:TieredStopAtLevel=1 -Dlog4j.configuration="file:$1/log4j.properties" \
  -cp "$KAFKA_LIBS/*" org.apache.kafka.tools.TopicCommand \
  --bootstrap-server "$TIDEGATE_TEST_KAFKA" "${arguments[@]}"
