#!/usr/bin/env bash
# Kafka → WebSocket subscribers, 256 B: 1,000 at 50 messages/s, and 100 at 500/s (window 5 ms).
# The floor, nchan (fed by POST) and the gateway (fed by Kafka), in turns. Settings: lib.sh.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$bench/fanout.sh"
fanout_main ws
