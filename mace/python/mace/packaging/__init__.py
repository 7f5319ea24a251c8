# SPDX-License-Identifier: Apache-2.0
"""What is handed on: libraries with headers and package files, archives of a deployment."""
