# SPDX-License-Identifier: Apache-2.0
# What Portcullis needs from Debian 12, and how it is installed. Sourced by packaging/quickstart and tests/run.
# Everything comes from Debian; nothing is downloaded by the build itself.

# The release build with tests/venue and the demonstration.
build_packages=(
  g++ cmake ninja-build pkg-config
  libboost-dev libcli11-dev libfmt-dev libmimalloc-dev libquickfix-dev libsodium-dev libsystemd-dev
  libtomlplusplus-dev nlohmann-json3-dev
)
# The tests, on top of it.
test_packages=(binutils catch2 libbenchmark-dev strace valgrind)
# Building and judging the packages.
package_packages=(dpkg-dev file gzip lintian)
# tests/host, on top of both: boots a systemd in a container, on this root and on a fresh one.
host_packages=(dbus libnss-systemd mmdebstrap systemd-container)

die() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  exit "${2:-1}"
}

# The packages among the arguments that are not installed, one a line.
missing_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || printf '%s\n' "$package"
  done
}

# Installs what is missing of the arguments: as root, or with sudo; otherwise says the command and ends.
install_packages() {
  command -v dpkg-query >/dev/null || die 'this needs Debian 12 (no dpkg here); install by hand: '"$*"
  local missing=() as_root=()
  mapfile -t missing < <(missing_packages "$@")
  if ((${#missing[@]} == 0)); then
    printf 'packages: all %d are installed\n' "$#" >&2
    return
  fi
  if ((EUID != 0)); then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null || [[ -t 0 && -x /usr/bin/sudo ]] ||
      die "packages are missing and this is not root; as root run:
  apt-get update && apt-get install --no-install-recommends -y ${missing[*]}"
    as_root=(sudo)
  fi
  printf 'packages: installing %s\n' "${missing[*]}" >&2
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
  "${apt[@]}" update >&2 || printf 'packages: apt-get update failed; trying with the lists that are here\n' >&2
  "${apt[@]}" install --no-install-recommends -y "${missing[@]}" >&2 ||
    die "apt-get could not install: ${missing[*]}"
}

# Configures a preset in build/PRESET. A build folder that was made for another place is made anew.
configure_preset() {
  local root=$1 preset=$2 fresh=()
  local cache="$root/build/$preset/CMakeCache.txt"
  shift 2
  if [[ -f $cache ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$cache"; then
    printf 'configure: build/%s belongs to another folder and is made anew\n' "$preset" >&2
    fresh=(--fresh)
  fi
  (cd "$root" && cmake "${fresh[@]}" --preset "$preset" "$@") >&2 || die "cmake could not configure preset $preset"
}
