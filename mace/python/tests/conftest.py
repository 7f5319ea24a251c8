# SPDX-License-Identifier: Apache-2.0
"""Lets tests import the package from the source tree and the helpers beside this file."""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
for _folder in (_HERE, _HERE.parent):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))
