# SPDX-License-Identifier: Apache-2.0
"""The platforms that MACE is built for: an operating system and a CPU each."""

# Platform name -> (operating system, CPU), as @platforms spells them.
PLATFORMS = {
    "android-arm64-v8a": ("android", "aarch64"),
    "android-armeabi-v7a": ("android", "armv7"),
    "arm64-v8a": ("linux", "aarch64"),
    "armeabi-v7a": ("linux", "armv7"),
    "host": ("linux", "x86_64"),
}

def constraints(platform):
    """The constraint values of a platform.

    Args:
      platform: a key of PLATFORMS.
    Returns:
      A list of two labels.
    """
    system, cpu = PLATFORMS[platform]
    return ["@platforms//os:" + system, "@platforms//cpu:" + cpu]

def platforms():
    """Declares one platform() for each entry of PLATFORMS."""
    for name in PLATFORMS:
        native.platform(name = name, constraint_values = constraints(name))
