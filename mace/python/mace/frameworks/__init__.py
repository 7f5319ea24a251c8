# SPDX-License-Identifier: Apache-2.0
"""Programs that load a large framework, each run in a process of its own."""
