#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs "$@": an Arm ELF file under qemu-user, anything else as it is.
# MACE_QEMU_CPU names the emulated core; the default "max" has every extension that qemu knows.
set -eu
if (( $# == 0 )); then
  echo "usage: emulate.sh PROGRAM [ARGUMENT...]" >&2
  exit 2
fi
cpu="${MACE_QEMU_CPU:-max}"

emulate() {  # qemu program, library folder
  local qemu="$1" sysroot="$2"
  shift 2
  if ! command -v "$qemu" > /dev/null; then
    echo "emulate.sh: $1 is an Arm program and $qemu is missing: apt-get install qemu-user" >&2
    exit 127
  fi
  if [[ "$cpu" != max ]] && ! "$qemu" -cpu help | grep -qw -- "$cpu"; then
    echo "emulate.sh: $qemu has no core '$cpu' (MACE_QEMU_CPU); '$qemu -cpu help' lists them" >&2
    exit 2
  fi
  exec "$qemu" -cpu "$cpu" -L "$sysroot" "$@"
}

# e_ident (class, byte order), e_type and e_machine of the ELF header.
header="$(od -An -v -t x1 -N 20 -- "$1" 2> /dev/null | tr -d ' \n')" || header=""
case "$header" in
  7f454c460201*b700) emulate qemu-aarch64 /usr/aarch64-linux-gnu "$@" ;;
  7f454c460101*2800) emulate qemu-arm /usr/arm-linux-gnueabihf "$@" ;;
  *) exec "$@" ;;
esac
