# SPDX-License-Identifier: Apache-2.0
"""Where programs run: this machine, an emulated Arm one, Android devices, boards with Linux."""

from mace.devices.base import Device, DeviceInfo, RunResult
from mace.devices.select import Request, select_devices

__all__ = ["Device", "DeviceInfo", "Request", "RunResult", "select_devices"]
