# shellcheck shell=bash
# The one list of Debian packages that this project needs, and how they get installed. Source it after common.sh.

# To build and run the server and the client.
# shellcheck disable=SC2034
build_packages=(
  g++ cmake ninja-build pkg-config ccache
  protobuf-compiler protobuf-compiler-grpc libgrpc++-dev libprotobuf-dev
  libabsl-dev libspdlog-dev libeigen3-dev libmuparser-dev libcli11-dev prometheus-cpp-dev
  libssl-dev libjwt-dev
)

# To build and run the tests, beyond the above.
# shellcheck disable=SC2034
test_packages=(
  libgtest-dev libgmock-dev nlohmann-json3-dev
  # Brings python3-protobuf too; the stubs come from protobuf-compiler-grpc.
  python3-grpcio
)

# For scripts/test-clients, beyond the above and beside Go and Node.js.
# shellcheck disable=SC2034
client_packages=(openssl ca-certificates)

# For scripts/test-docker, beyond the above and beside Docker itself.
# shellcheck disable=SC2034
docker_packages=(openssl python3-yaml)

# For scripts/sanitize asan and scripts/fuzz, beyond the above.
# shellcheck disable=SC2034
fuzz_packages=(clang libclang-rt-dev)

# For scripts/lint, beyond the above.
# shellcheck disable=SC2034
lint_packages=(clang-format clang-tidy git shellcheck)

# Prints those of the given packages that are not installed.
missing_packages() {
  local installed package
  # dpkg-query fails when it knows nothing of some package, which is what we ask about.
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null) || true
  for package in "$@"; do
    grep -qxF "installed $package" <<<"$installed" || printf '%s\n' "$package"
  done
}

# install_packages PACKAGE...: installs what is missing. Touches neither apt nor the network if nothing is.
install_packages() {
  local names missing as_root=() program
  for program in dpkg-query apt-get; do
    command -v "$program" >/dev/null ||
      die "this is not Debian: $program is missing. Use Debian 12 or 13 (a container will do), or build with CMake (see README.md)."
  done
  # Not < <(...): that needs /dev/fd, which a chroot may not have.
  names=$(missing_packages "$@")
  [[ -n $names ]] || return 0
  mapfile -t missing <<<"$names"

  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "need root to install packages, and there is no sudo. As root, run: apt-get install ${missing[*]}"
    # Asks for a password here, if at all: later its question would end in a log.
    sudo -n true 2>/dev/null || sudo true || die "sudo refused. As root, run: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi

  say "Installing with apt (once; a minute or two): ${missing[*]}"
  # Another apt may be at work, as it often is on a machine that has just started: wait for it.
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  logged apt-update "${apt[@]}" update || die "apt-get update failed. Is the network up?"
  logged apt-install "${apt[@]}" install --no-install-recommends "${missing[@]}" || {
    # apt-get update calls it a success when it could reach no server at all, so the cause may stand in its log.
    # shellcheck disable=SC2154
    grep -hE '^(E|W|Err)[: ]' "$logs/apt-update.log" >&2 || true
    die "apt-get install failed."
  }
}
