# SPDX-License-Identifier: Apache-2.0
"""What makes a converted model harder to read for others than its developer."""
