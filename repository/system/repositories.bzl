# SPDX-License-Identifier: Apache-2.0
"""The outside libraries and programs of the build. Their BUILD files are in third_party/."""

load(":python.bzl", "system_python")
load(":system_repository.bzl", "system_repository")

# Repository -> (Debian packages, {path in the repository: path on the system}).
_REPOSITORIES = {
    "benchmark": (["libbenchmark-dev"], {
        "include/benchmark": "/usr/include/benchmark",
        "lib/libbenchmark.so": "/usr/lib/x86_64-linux-gnu/libbenchmark.so",
        "lib/libbenchmark_main.a": "/usr/lib/x86_64-linux-gnu/libbenchmark_main.a",
    }),
    "cxxopts": (["libcxxopts-dev"], {"include/cxxopts.hpp": "/usr/include/cxxopts.hpp"}),
    "googletest": (["googletest"], {
        "googlemock": "/usr/src/googletest/googlemock",
        "googletest": "/usr/src/googletest/googletest",
    }),
    "highway": (["libhwy-dev"], {"include/hwy": "/usr/include/hwy"}),
    "nlohmann_json": (["nlohmann-json3-dev"], {"include/nlohmann": "/usr/include/nlohmann"}),
    "opencl_headers": (["opencl-c-headers"], {"include/CL": "/usr/include/CL"}),
    "protoc": (["protobuf-compiler"], {"bin/protoc": "/usr/bin/protoc"}),
    "protozero": (["libprotozero-dev"], {"include/protozero": "/usr/include/protozero"}),
}

def system_repositories():
    """Declares @benchmark, @googletest and the others, and @system_python."""
    for name, (packages, links) in _REPOSITORIES.items():
        system_repository(
            name = name,
            build_file = "//third_party/%s:%s.BUILD" % (name, name),
            links = links,
            packages = packages,
        )
    system_python(
        name = "system_python",
        modules = {
            "jinja2": "python3-jinja2",
            "yaml": "python3-yaml",
        },
    )
