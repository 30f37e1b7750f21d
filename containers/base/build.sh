#!/usr/bin/env bash
# Builds slipway-base:bookworm from Debian packages: Python 3.11 and CA certificates, nothing else.
# For hosts that cannot pull an image. Needs root, docker and debootstrap (installed here where apt-get is).
#   build.sh [--force]        SLIPWAY_DEBIAN_MIRROR names another mirror than debootstrap's own
set -euo pipefail

readonly image=slipway-base:bookworm suite=bookworm
readonly packages=python3,python3-venv,ca-certificates

say() { echo "base image: $*"; }
fail() { echo "base image: $*" >&2; exit 1; }

case "${1:-}" in
  "" | --force) ;;
  *) fail "unknown option $1; the only one is --force" ;;
esac
command -v docker >/dev/null || fail "docker is not installed. Install Debian's docker.io, or set SLIPWAY_RUNTIME=process."
docker version >/dev/null 2>&1 || fail "no docker daemon answers. Start it, or set SLIPWAY_RUNTIME=process."

size() { docker image inspect --format '{{.Size}}' "$image" | awk '{printf "%.0f MB", $1 / 1e6}'; }

if [[ "${1:-}" != --force ]] && docker image inspect "$image" >/dev/null 2>&1; then
  say "$image is here already ($(size)); --force builds it again"
  exit 0
fi
[[ $EUID -eq 0 ]] || fail "debootstrap needs root. Run it with sudo."
if ! command -v debootstrap >/dev/null; then
  command -v apt-get >/dev/null || fail "debootstrap is not installed and there is no apt-get. Install debootstrap."
  say "installing debootstrap"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
fi

work=$(mktemp -d "${TMPDIR:-/var/tmp}/slipway-base.XXXXXX")
# debootstrap mounts proc into the tree while it works; nothing may be removed through a mount that is left.
clean() {
  umount -l "$work/tree/proc" "$work/tree/sys" 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

say "bootstrapping $suite into $work (under a minute on a fast mirror)"
mkdir "$work/tree"
debootstrap --variant=minbase --include="$packages" "$suite" "$work/tree" ${SLIPWAY_DEBIAN_MIRROR:+"$SLIPWAY_DEBIAN_MIRROR"} \
  >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; fail "debootstrap failed. Check the network and the mirror."; }

root=$work/tree
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/cache/debconf/*-old "$root"/var/log/* \
  "$root"/usr/share/man/* "$root"/usr/share/info/* "$root"/usr/share/lintian "$root"/tmp/*
# Licences stay.
find "$root/usr/share/doc" -type f ! -name copyright -delete
find "$root/usr/share/doc" -type l -delete
find "$root/usr/share/doc" -type d -empty -delete
find "$root/usr/share/locale" -mindepth 1 -maxdepth 1 ! -name 'en*' ! -name locale.alias -exec rm -rf {} +
: >"$root/etc/resolv.conf"
rm -f "$root/etc/hostname"

tar -C "$root" --numeric-owner --sort=name --exclude=./proc/* --exclude=./sys/* --exclude=./dev/* -c . |
  docker import --change 'CMD ["python3"]' - "$image" >/dev/null
docker run --rm --network none "$image" python3 -c 'import ssl, venv, ensurepip' || fail "the image does not run Python."
say "$image built, $(size)"
