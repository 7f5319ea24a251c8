# SPDX-License-Identifier: Apache-2.0
"""Deployment files: what they may say (schema), and reading them with exact complaints (loader)."""
