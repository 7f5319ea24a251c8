# SPDX-License-Identifier: Apache-2.0
"""The part of rules_proto that Bazel 4.2's own packages load, on native rules."""

proto_lang_toolchain = native.proto_lang_toolchain
proto_library = native.proto_library
