#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the test "$@" on Oclgrind, a simulated OpenCL device that finds every access outside of the
# memory that a kernel was given, wrong calls of OpenCL and data races. Fails if it finds one.
set -eu
if (( $# == 0 )); then
  echo "usage: oclgrind.sh TEST [ARGUMENT...]" >&2
  exit 2
fi
if ! command -v oclgrind > /dev/null; then
  echo "oclgrind.sh: there is no oclgrind: apt-get install oclgrind" >&2
  exit 127
fi
log="${TEST_TMPDIR:-$(mktemp -d)}/oclgrind.log"
# The engine opens a library by itself. This one calls the one that oclgrind puts in front, without
# compiling in two threads, which Oclgrind's compiler does not bear.
if [[ -n "${WRAPPED_OPENCL:-}" ]]; then
  MACE_OPENCL_LIBRARY="$(realpath "$WRAPPED_OPENCL")"
  export MACE_OPENCL_LIBRARY WRAPPED_SYSTEM=liboclgrind-rt.so MACE_OPENCL_DEVICE=Oclgrind
fi
# It executes one kernel at a time, and lets no child have its library.
export GTEST_FILTER="${TESTBRIDGE_TEST_ONLY:--*Threads*:*Death*}"
unset TESTBRIDGE_TEST_ONLY
# Reads of memory that nobody wrote are left out: it takes all that is in images for such.
status=0
oclgrind --check-api --data-races --local-mem-size 65536 --max-errors 1000000 --log "$log" "$@" ||
  status=$?
# An entry is a line at the margin and what is indented below. Both sides of a race being volatile
# or atomic says that the kernel means it: work-groups leave sums, which the last one, found by a
# counter, adds up.
awk '
  function finish() {
    if (entry != "" && !(entry ~ /^[A-Za-z-]+ data race/ && volatile == 2)) {
      if (++count <= 20) print entry
    }
    entry = ""
    volatile = 0
  }
  /^[^ \t]/ { finish() }
  /^[ \t]/ || /./ { entry = entry $0 "\n" }
  / (load|store) volatile |@_Z[0-9]+atomic_/ { ++volatile }
  END {
    finish()
    if (count > 0) {
      print "oclgrind.sh: " count " findings, the first of them above"
      exit 1
    }
  }
' "$log" >&2 || status=1
exit "$status"
