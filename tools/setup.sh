#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what MACE is built, tested and run with: Debian packages, and Python packages in .venv.
# What is to be installed stands in setup/*.txt; a second run finds it done within a second.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat << 'end'
usage: tools/setup.sh [OPTION...]

Installs the Debian packages of setup/apt.txt and, in the virtual environment .venv, the Python
packages of setup/requirements.txt, setup/optionals.txt and setup/dev.txt.

  --core     of the Python packages only setup/requirements.txt: enough to convert and to run
  --clang    also the Debian packages of setup/apt_clang.txt, the second compiler
  --no-apt   leave Debian's packages alone
  --check    install nothing; say what is missing and exit with 4 if something is
  --help     this text

Environment: MACE_PYTHON, the Python 3.11 or newer that .venv is made from (/usr/bin/python3).
Exit codes: 0 done, 1 an installation failed, 2 wrong use, 4 something must be installed by hand.
end
}

say() { echo "setup: $*"; }
fail() {  # exit code, sentence
  echo "setup: $2" >&2
  exit "$1"
}

lists=(setup/requirements.txt setup/optionals.txt setup/dev.txt)
apt_lists=(setup/apt.txt)
use_apt=true
check=false
while (( $# )); do
  case "$1" in
    --core) lists=(setup/requirements.txt) ;;
    --clang) apt_lists+=(setup/apt_clang.txt) ;;
    --no-apt) use_apt=false ;;
    --check) check=true ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; fail 2 "unknown option '$1'" ;;
  esac
  shift
done

missing_packages() {
  local wanted installed
  wanted="$(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "${apt_lists[@]}" | sort -u)"
  # shellcheck disable=SC2086  # a list of names
  installed="$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2> /dev/null |
    sed -n 's/^installed //p' | sort -u)" || true
  comm -23 <(echo "$wanted") <(echo "$installed") | paste -sd ' '
}

install_packages() {
  local missing command as_root=()
  if ! command -v dpkg-query > /dev/null; then
    fail 4 "this is no Debian system; install the equivalents of setup/apt.txt, then use --no-apt"
  fi
  missing="$(missing_packages)"
  [[ -n "$missing" ]] || return 0
  command="apt-get install -y --no-install-recommends $missing"
  if $check; then
    say "Debian packages are missing: $command"
    return 4
  fi
  if [[ "$(id -u)" != 0 ]]; then
    if ! command -v sudo > /dev/null || { [[ ! -t 0 ]] && ! sudo -n true 2> /dev/null; }; then
      fail 4 "Debian packages are missing and this user may not install them; as root, run: $command"
    fi
    as_root=(sudo)
  fi
  say "installing Debian packages: $missing"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086  # a command line
  if ! "${as_root[@]}" $command > "$log" 2>&1; then
    # The index of packages may be old, or absent as in a fresh container.
    say "updating the list of Debian packages"
    "${as_root[@]}" apt-get update > "$log" 2>&1 || true
    # shellcheck disable=SC2086
    if ! "${as_root[@]}" $command > "$log" 2>&1; then
      tail -n 15 "$log" >&2
      fail 1 "apt-get failed, see above; the command was: $command"
    fi
  fi
}

stamp_text() {  # what .venv was made from; the same text means that nothing has to be done
  "$python" --version
  local list
  for list in "${lists[@]}"; do sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$list"; done
}

install_python() {
  local python="${MACE_PYTHON:-/usr/bin/python3}" stamp=.venv/mace_setup.txt
  if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
    fail 4 "$python is missing or older than Python 3.11; set MACE_PYTHON to a newer one"
  fi
  local text
  text="$(stamp_text)"
  # A folder made with more than what is asked for now will do as well.
  if [[ -x .venv/bin/python && -f "$stamp" ]] &&
    ! grep -qvxFf "$stamp" <(echo "$text"); then
    return 0
  fi
  if $check; then
    say "the Python packages in .venv are missing or old: run tools/setup.sh"
    return 4
  fi
  if [[ ! -x .venv/bin/python ]] || ! .venv/bin/python -c 'import pip' 2> /dev/null; then
    say "making the virtual environment .venv"
    rm -rf .venv
    "$python" -m venv .venv > "$log" 2>&1 ||
      { cat "$log" >&2; fail 1 "'$python -m venv' failed, see above"; }
  fi
  rm -f "$stamp"
  say "installing Python packages of ${lists[*]} (some minutes the first time)"
  local arguments=() list
  for list in "${lists[@]}"; do arguments+=(-r "$list"); done
  if ! .venv/bin/python -m pip install --disable-pip-version-check --no-input -q \
    "${arguments[@]}" > "$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail 1 "pip failed, see above"
  fi
  # Makes the mace package of this tree importable.
  .venv/bin/python - "$PWD/mace/python" << 'end'
import pathlib, sys, sysconfig
path = pathlib.Path(sysconfig.get_path("purelib"), "mace_tree.pth")
path.write_text(sys.argv[1] + "\n")
end
  echo "$text" > "$stamp"
}

# One at a time: quickstart.sh and test.sh may be started side by side.
exec 9< setup
flock 9
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
status=0
if $use_apt; then install_packages || status=$?; fi
install_python || status=$?
if (( status == 0 )); then say "ready"; fi
exit "$status"
