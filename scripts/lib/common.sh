# shellcheck shell=bash
# Shared by the commands in scripts/: messages, logs, configure, build and test. Source it, do not run it.

# shellcheck disable=SC2034
invoked_from=$PWD
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
cd -- "$root" || exit
logs=$root/build/logs

say() { printf '%s\n' "$*"; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Prints the comment at the top of the calling script, which is its manual.
usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; }

mkdir -p -- "$logs" || die "cannot write to $root/build. Was it made by another user? Remove it, or run as that user."

# Compilers need about 1 GB each here, so a small machine gets fewer jobs than it has cores.
job_count() {
  local jobs memory_kb
  jobs=$(nproc)
  if memory_kb=$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo 2>/dev/null) && [[ -n $memory_kb ]]; then
    local fit=$((memory_kb / 1000000))
    ((fit >= jobs)) || jobs=$fit
  fi
  ((jobs >= 1)) || jobs=1
  echo "$jobs"
}

# Prints what a person needs of the log of a failed command: from the first failure on if there is one, or else the end.
show_log() {
  local log=$1 failure
  failure=$(grep -n -m1 -E '^(FAILED:|CMake Error|E: )' "$log" | cut -d: -f1) || true
  if [[ -n $failure ]]; then
    sed -n "$failure,$((failure + 80))p" "$log"
  else
    tail -n 40 "$log"
  fi | cut -c 1-500 >&2  # The commands of a linker go on for pages.
  printf '(the whole log: %s)\n' "$log" >&2
}

# logged NAME COMMAND...: runs the command with its output in NAME.log, which is shown only if the command fails.
logged() {
  local log=$logs/$1.log
  shift
  if ! "$@" >"$log" 2>&1 </dev/null; then
    show_log "$log"
    return 1
  fi
}

# The build compiles through ccache where that is installed: a second checkout, in another folder, is then quick too.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
# Without a home to keep its files in, ccache would fail and not compile at all.
[[ -w ${CCACHE_DIR:-${HOME:-}} ]] || export CCACHE_DISABLE=1

# configure PRESET [-DNAME=VALUE...]
configure() {
  local preset=$1
  shift
  local command=(logged "configure-$preset" cmake --preset "$preset" "$@")
  "${command[@]}" || die "could not configure the build."
  # CMake forgets all other settings of a build when its compiler changes. It takes them the second time.
  ! grep -qF "require your cache to be deleted" "$logs/configure-$preset.log" || "${command[@]}" ||
    die "could not configure the build."
}

# configure_with_tests PRESET: says it, because the demo may have configured the same build without them.
configure_with_tests() { configure "$1" -DGRADUS_BUILD_TESTS=ON; }

# build PRESET [TARGET...]: builds everything if no target is given. Shows how far it is every 20 seconds.
build() {
  local preset=$1 log=$logs/build-$1.log jobs
  shift
  jobs=$(job_count)
  local command=(cmake --build --preset "$preset" --parallel "$jobs")
  (($# == 0)) || command+=(--target "$@")
  say "Building ($preset, $jobs at a time) ..."
  local start=$SECONDS
  if ! NINJA_STATUS='[%f/%t] ' "${command[@]}" 2>&1 </dev/null | show_progress "$log"; then
    show_log "$log"
    die "the build failed."
  fi
  say "Built in $((SECONDS - start)) s."
}

show_progress() {
  local log=$1 line shown=$SECONDS
  while IFS= read -r line; do
    printf '%s\n' "$line"
    if [[ $line =~ ^\[([0-9]+/[0-9]+)\] ]] && ((SECONDS - shown >= 20)); then
      printf '  %s\n' "${BASH_REMATCH[1]}" >&2
      shown=$SECONDS
    fi
  done >"$log"
}

# run_tests PRESET [CTEST ARGUMENT...]
run_tests() {
  local preset=$1 jobs
  shift
  jobs=$(job_count)
  ctest --preset "$preset" --parallel "$jobs" "$@" </dev/null
}
