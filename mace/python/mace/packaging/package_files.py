# SPDX-License-Identifier: Apache-2.0
"""The files by which pkg-config and CMake find the libraries. All paths in them are relative to the
files themselves, so that the folder builds/ may be moved or copied as a whole."""

from __future__ import annotations

# From lib/<abi>/<runtimes>/pkgconfig and .../cmake/mace to the folder with lib and include.
_PKG_CONFIG = """\
# Found with PKG_CONFIG_PATH, see `pkg-config --cflags --libs {name}`.
prefix=${{pcfiledir}}/../../../..
libdir=${{pcfiledir}}/..
includedir=${{prefix}}/include

Name: {name}
Description: Mobile AI Compute Engine, {kind} library
Version: {version}
Cflags: -I${{includedir}}
Libs: {libs}
"""

_CONFIG = """\
# Targets mace::mace (libmace.so) and mace::mace_static (libmace.a), by find_package(mace).
get_filename_component(_mace_library "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
get_filename_component(_mace_prefix "${_mace_library}/../../.." ABSOLUTE)
find_package(Threads REQUIRED)

if(NOT TARGET mace::mace)
  add_library(mace::mace SHARED IMPORTED)
  set_target_properties(mace::mace PROPERTIES
    IMPORTED_LOCATION "${_mace_library}/libmace.so"
    INTERFACE_INCLUDE_DIRECTORIES "${_mace_prefix}/include")
  add_library(mace::mace_static STATIC IMPORTED)
  set_target_properties(mace::mace_static PROPERTIES
    IMPORTED_LOCATION "${_mace_library}/libmace.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_mace_prefix}/include"
    INTERFACE_LINK_LIBRARIES "stdc++;m;Threads::Threads;${CMAKE_DL_LIBS}")
  if(ANDROID)
    set_property(TARGET mace::mace_static APPEND PROPERTY INTERFACE_LINK_LIBRARIES log)
  endif()
endif()
set(mace_FOUND TRUE)
"""

_VERSION = """\
set(PACKAGE_VERSION "{version}")
set(PACKAGE_VERSION_COMPATIBLE FALSE)
if(PACKAGE_FIND_VERSION_MAJOR STREQUAL "{major}" AND
   NOT PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
if(PACKAGE_FIND_VERSION STREQUAL PACKAGE_VERSION)
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
"""


def pkg_config_files(version: str) -> dict[str, str]:
    """mace.pc for libmace.so and mace-static.pc for libmace.a, by their paths beside them."""
    shared = _PKG_CONFIG.format(
        name="mace", kind="shared", version=version, libs="-L${libdir} -lmace"
    )
    static = _PKG_CONFIG.format(
        name="mace-static",
        kind="static",
        version=version,
        libs="${libdir}/libmace.a -lstdc++ -lm -ldl -pthread",
    )
    return {"pkgconfig/mace.pc": shared, "pkgconfig/mace-static.pc": static}


def cmake_files(version: str) -> dict[str, str]:
    """The package "mace" of CMake, by the paths of its files beside the libraries."""
    text = _VERSION.format(version=version, major=version.partition(".")[0])
    return {"cmake/mace/maceConfig.cmake": _CONFIG, "cmake/mace/maceConfigVersion.cmake": text}
