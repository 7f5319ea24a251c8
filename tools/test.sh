#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, then runs every test: see "tools/test.sh --help".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for argument in "$@"; do
  # Help must not have to wait for an installation.
  if [[ "$argument" == --help || "$argument" == -h ]]; then
    exec /usr/bin/env python3 -B tools/testing/run_tests.py --help
  fi
done
status=0
tools/setup.sh || status=$?
if (( status != 0 )); then
  echo "test: no test was run, because the set-up failed"
  echo "0 passed, 1 failed"
  exit "$status"
fi
exec .venv/bin/python -B tools/testing/run_tests.py "$@"
