# SPDX-License-Identifier: Apache-2.0
"""Where programs run: this machine, or an emulated Arm one; phones and boards come here too."""

from mace.devices.base import Device, DeviceInfo, RunResult
from mace.devices.select import select_device

__all__ = ["Device", "DeviceInfo", "RunResult", "select_device"]
