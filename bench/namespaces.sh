#!/bin/bash
# Raw containers in network namespaces with addresses of their own, as on a cluster: how long N of
# them take to join, to form a world and to run a list. Needs root, iproute2 and Open MPI.
#
#   namespaces.sh BIN N [COMMANDS [SECONDS]]     N up to 200; a command sleeps SECONDS
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2; }
bin=$(realpath "$1") nodes=$2 commands=${3:-$((4 * $2))} seconds=${4:-0.1}
here=$(dirname "$(realpath "$0")")
tag=$(printf 'mb%05x' $((RANDOM * 32 + RANDOM % 32)))
net=10.$((RANDOM % 64 + 128)).$((RANDOM % 256))
limit=600  # seconds for the whole run
folder=$(mktemp -d /tmp/mnp-bench-XXXXXX)
pids=() watch=
# All namespaces share one table of neighbours, which by default holds 1024: every node knows all.
neighbours=/proc/sys/net/ipv4/neigh/default/gc_thresh3
most_neighbours=$(<$neighbours)

clean_up() {
  trap '' INT TERM
  for pid in $watch "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done  # keepers end all
  wait 2>/dev/null || true
  for ((i = 0; i < nodes; i++)); do  # a closed connection may keep a namespace for minutes
    ip link delete "${tag}v$i" 2>/dev/null || true
    ip netns delete "${tag}n$i" 2>/dev/null || true
  done
  ip link delete "$tag" 2>/dev/null || true
  echo "$most_neighbours" >$neighbours
  rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

add_namespace() {
  local name=${tag}n$1 link=${tag}v$1
  ip netns add "$name"
  ip link add "$link" type veth peer name eth0 netns "$name"
  ip link set "$link" master "$tag" up
  ip -n "$name" link set lo up
  ip -n "$name" address add "$net.$(($1 + 1))/24" dev eth0
  ip -n "$name" link set eth0 up
}

start_node() {
  local main=(AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS="$net.1")
  [ "$1" -ne 0 ] || main=()
  mkdir -p "$folder/scratch-$1"
  env "${main[@]}" AWS_BATCH_JOB_ID="job#$1" AWS_BATCH_JOB_ATTEMPT=1 \
    AWS_BATCH_JOB_NODE_INDEX="$1" AWS_BATCH_JOB_NUM_NODES="$nodes" \
    AWS_BATCH_JOB_MAIN_NODE_INDEX=0 MNP_STORE="$folder/store" \
    MNP_SCRATCH_ROOT="$folder/scratch-$1" LIST_FILE_S3_PATH="$folder/list.txt" \
    ip netns exec "${tag}n$1" "$bin/mnp-node" </dev/null >"$folder/log-$1" 2>&1 &
  pids+=($!)
}

python3 -c "import sys; sys.path.insert(0, '$here'); import measure; print(measure.machine())"
[ "$most_neighbours" -ge $((2 * nodes * nodes)) ] || echo $((2 * nodes * nodes)) >$neighbours
ip link add "$tag" type bridge
ip link set "$tag" up
for ((i = 0; i < nodes; i++)); do add_namespace "$i"; done
for ((i = 0; i < commands; i++)); do echo "/bin/sleep $seconds"; done >"$folder/list.txt"
begun=$(date +%s.%N)
for ((i = 0; i < nodes; i++)); do start_node "$i"; done
timeout "$limit" tail --pid="${pids[0]}" -f /dev/null & watch=$!
wait "$watch" || kill "${pids[0]}"
status=0
wait "${pids[0]}" || status=$?
[ $status -eq 0 ] || { tail -n 20 "$folder/log-0"; echo "main ended with $status"; exit 1; }
summary() { PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 python3 - "$@"; }
summary "$folder/store" "$begun" "$nodes" "$commands" "$seconds" <<'END'
import pathlib, sys, measure, startup
store, begun, nodes, commands, seconds = sys.argv[1:]
stage = measure.Stage(store, "job")
began, ranks = startup.first_world([pathlib.Path(store).parent / "log-0"])
first = min(r["start"] for r in stage.results)
used = {r["node"] for r in stage.results}
print(f"{nodes} namespaces: the first world, of {ranks} ranks, {began - float(begun):.2f} s after the "
      f"first node was started, its first command {first - began:.2f} s later;\n"
      f"  {commands} commands of {seconds} s in {stage.span():.2f} s on {len(used)} nodes, "
      f"{sum(r['state'] == 'succeeded' for r in stage.results)} succeeded")
END
