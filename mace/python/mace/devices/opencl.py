# SPDX-License-Identifier: Apache-2.0
"""What OpenCL offers on this machine. A library alone says nothing: without a driver behind it there
is no device. Drivers are asked in a process of their own, since some crash or never answer."""

from __future__ import annotations

import sys

from mace.devices.process import TookTooLong, run_process

_PROBE = """
import ctypes, os
names = [os.environ.get("MACE_OPENCL_LIBRARY"), "libOpenCL.so", "libOpenCL.so.1"]
for name in names if not names[0] else names[:1]:
    try:
        cl = ctypes.CDLL(name) if name else None
    except OSError:
        cl = None
    if cl:
        break
else:
    raise SystemExit("no library")
def ids(call):
    count = ctypes.c_uint(0)
    if call(0, None, ctypes.byref(count)) != 0:
        return []
    found = (ctypes.c_void_p * count.value)()
    return list(found) if call(count.value, found, None) == 0 else []
for platform in ids(cl.clGetPlatformIDs):
    handle = ctypes.c_void_p(platform)
    kinds = ctypes.c_ulonglong(0xFFFFFFFF)  # CL_DEVICE_TYPE_ALL
    for device in ids(lambda n, to, count: cl.clGetDeviceIDs(handle, kinds, n, to, count)):
        text = ctypes.create_string_buffer(256)  # 0x102B: CL_DEVICE_NAME
        if cl.clGetDeviceInfo(ctypes.c_void_p(device), 0x102B, ctypes.c_size_t(256), text, None) == 0:
            print(" ".join(text.value.decode(errors="replace").split()))
"""


def opencl_devices(timeout: float = 30) -> tuple[list[str], str]:
    """The names of the devices that OpenCL offers here, and why there are none, else ""."""
    try:
        done = run_process([sys.executable, "-c", _PROBE], timeout)
    except TookTooLong:
        return [], f"its driver did not answer within {timeout:.0f} s"
    if done.code != 0:
        if "no library" in done.stderr:
            return [], "not installed"
        return [], f"asking its driver ended with {done.code}"
    names = done.stdout.splitlines()
    return names, "" if names else "libOpenCL is installed, but no driver that offers a device"
