#!/usr/bin/env bash
# rabbitmqctl against the broker of DIR.
#
# usage: ctl.sh DIR COMMAND [ARGUMENT…]     e.g. ctl.sh DIR set_vm_memory_high_watermark 0
#
# list_queues, list_exchanges and list_bindings ([-p VHOST] COMMAND ITEM…) ask the broker's own
# functions through erl_call: rabbitmqctl needs a second of a core to start, and tests ask often.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: ctl.sh DIR COMMAND [ARGUMENT...]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
dir=$(cd "$1" && pwd)
shift
. "$dir/rabbitmq.ports"

# list MODULE VHOST ITEM…: a line for each of them, its items in their order, between tabs.
list() {
  local module=$1 vhost=$2 items said
  shift 2
  items=$(IFS=, && echo "$*")
  said=$(erl_call -r -fetch_stdout -no_result_term -timeout 60 -e \
    -address "127.0.0.1:$RABBITMQ_DIST_PORT" -c "$(cat "$dir/.erlang.cookie")" <<END
begin
true = rabbit_vhost:exists(<<"$vhost">>),
Word = fun Of(Value) -> case Value of
  {resource, _, _, Name} -> Name;
  _ when is_binary(Value) -> Value;
  _ when is_list(Value) -> ["[", lists:join(",", [Of(One) || One <- Value]), "]"];
  {Key, _Type, Inner} -> ["{\"", Key, "\",", Of(Inner), "}"];
  _ -> io_lib:format("~p", [Value])
end end,
[io:format("~ts~n", [lists:join("\t", [Word(Value) || {_, Value} <- Row])])
 || Row <- $module:info_all(<<"$vhost">>, [$items])],
io:format("that is all")
end.
END
  )
  # erl_call says nothing of what fails on the other side.
  [ "${said%that is all}" != "$said" ] || rabbitmq_fail "no answer to $module $vhost $items"
  printf '%s' "${said%that is all}"
}

vhost=/ rest=("$@")
[ "$1" = -p ] && vhost=$2 rest=("${@:3}")
case ${rest[0]} in
  list_queues) list rabbit_amqqueue "$vhost" "${rest[@]:1}" ;;
  list_exchanges) list rabbit_exchange "$vhost" "${rest[@]:1}" ;;
  list_bindings) list rabbit_binding "$vhost" "${rest[@]:1}" ;;
  *)
    rabbitmq_environment "$dir"
    cd "$dir"
    exec "$RABBITMQ_SCRIPTS/rabbitmqctl" --quiet "$@"
    ;;
esac
