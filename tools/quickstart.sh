#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh machine to a report: installs, builds, fetches three networks, converts, runs,
# validates and measures them. A second run does only what changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ "${1:-}" == --help || "${1:-}" == -h ]]; then
  cat << 'end'
usage: bash tools/quickstart.sh

Installs what is missing (tools/setup.sh), builds the engine, fetches a face detector, a text detector
and makes a MobileNetV2, converts them, runs them, compares the results with Caffe, ONNX and
TensorFlow, measures them, and writes builds/quickstart/report.html.

Exit codes: 0 done, 1 an installation failed or an internal error, 2 something is wrong with the
machine or a model, 3 a result differs from its framework's, 4 something must be installed by hand.
end
  exit 0
elif (( $# )); then
  echo "quickstart: '$1' is not expected; see bash tools/quickstart.sh --help" >&2
  exit 2
fi

tools/setup.sh
export PYTHONPATH="$PWD/mace/python"
exec .venv/bin/python -m mace.report.quickstart
