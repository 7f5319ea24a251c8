# SPDX-License-Identifier: Apache-2.0
"""What tools/compare_frameworks.py is made of. Everything but net.save() runs without the mace
package, so that the peers may live in an environment of their own."""
