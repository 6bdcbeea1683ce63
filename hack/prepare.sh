#!/usr/bin/env bash
# Looks for what the build (and with "test" the tests, with "lab" the hosts of kanrin lab) need. What is missing and comes from Debian is installed when run
# as root there; everything else is named exactly.
set -euo pipefail

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
newer() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -1)" = "$1" ]; } # is $2 at least $1?

packages=()
package() { # package COMMAND DEBIAN-PACKAGE
  command -v "$1" >/dev/null 2>&1 || packages+=("$2")
}

if command -v go >/dev/null 2>&1; then
  have=$(go env GOVERSION | sed 's/^go//; s/[^0-9.].*//')
  newer 1.26 "$have" || missing+=("Go 1.26 or newer (found $have; https://go.dev/dl/)")
else
  missing+=("Go 1.26 or newer (https://go.dev/dl/)")
fi
if command -v node >/dev/null 2>&1; then
  have=$(node --version | sed 's/^v//')
  newer 20.19 "$have" || missing+=("Node.js 20.19 or newer (found $have; https://nodejs.org/)")
else
  missing+=("Node.js 20.19 or newer with npm (https://nodejs.org/)")
fi
need npm "npm, which comes with Node.js"
package git git
package flock util-linux

if [ "${1:-}" = test ]; then
  package chromium chromium
  [ -x /usr/sbin/sshd ] || packages+=(openssh-server)
  package ssh-keygen openssh-client
  package ipmi_sim openipmi
  package sudo sudo
  # Proofs of database dumps run servers of their own; the machine's stay off (see below).
  [ -x /usr/sbin/mariadbd ] || packages+=(mariadb-server)
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || packages+=(postgresql)
  fc-list 2>/dev/null | grep -qi 'Noto Sans CJK' || packages+=(fonts-noto-cjk)
fi

if [ "${1:-}" = lab ]; then
  package systemd-nspawn systemd-container
  package debootstrap debootstrap
  package ip iproute2
  package nsenter util-linux
fi

if [ ${#packages[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing: ${packages[*]}" >&2
    policy=/usr/sbin/policy-rc.d # nothing that is installed here is to be started
    if [ ! -e $policy ]; then
      trap 'rm -f $policy' EXIT
      printf '#!/bin/sh\nexit 101\n' >$policy
      chmod 0755 $policy
    fi
    DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
    for service in mariadb postgresql; do
      case " ${packages[*]} " in *" $service"*) systemctl disable --quiet $service 2>/dev/null || true ;; esac
    done
  else
    missing+=("the Debian packages: ${packages[*]} (apt-get install ${packages[*]})")
  fi
fi

if [ ${#missing[@]} -gt 0 ]; then
  echo 'Missing on this machine:' >&2
  printf '  %s\n' "${missing[@]}" >&2
  exit 1
fi
