#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds libmace.so and libmace.a of the whole engine for each ABI, in builds/lib, and the headers
# in builds/include. The same as `mace build` without a deployment file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat << 'end'
usage: bash tools/build-standalone-lib.sh [--abis LIST] [--runtimes LIST] [OPTION...]

  --abis LIST      with commas: armeabi-v7a, arm64-v8a (Android if ANDROID_NDK_HOME is set, else
                   glibc), arm_linux_gnueabihf, aarch64_linux_gnu, linux-x86-64; default: all
  --runtimes LIST  with commas: cpu, cpu_gpu, cpu_gpu_dsp; default: what of the latter two there is
  --size_report    also what is in each library: sizes.txt, sizes.json, sizes.html
  --help           this text
Further options are those of `python tools/converter.py build`.

Writes builds/lib/<abi>/<runtimes>/libmace.so and libmace.a, beside them pkgconfig/ and cmake/, and
builds/include/mace/public/*.h. Exit codes: 0 done, 2 wrong use or a build failed.
end
}

words=()
while (( $# )); do
  case "$1" in
    --abis | --runtimes)
      if (( $# < 2 )); then usage >&2; exit 2; fi
      words+=("$1=$2"); shift ;;
    --help | -h) usage; exit 0 ;;
    *) words+=("$1") ;;
  esac
  shift
done
python="${MACE_PYTHON:-.venv/bin/python}"
[[ -n "${MACE_PYTHON:-}" || -x "$python" ]] || python=python3
exec "$python" tools/converter.py build ${words[@]+"${words[@]}"}
