# SPDX-License-Identifier: Apache-2.0
"""`python -m mace`."""

import sys

from mace.cli.main import main

sys.exit(main())
