# SPDX-License-Identifier: Apache-2.0
"""Reading what test programs and benchmarks say."""

from __future__ import annotations

import json

import pytest
from mace.devices.program_output import benchmark_rows, read_benchmarks, read_tests
from mace.errors import MaceError

_FAILED = """\
[ RUN      ] Suite.Bad
file.cc:3: Failure
[  FAILED  ] Suite.Bad (0 ms)
[ RUN      ] Suite/Cases.Worse/3
[  FAILED  ] Suite/Cases.Worse/3, where GetParam() = 4 (0 ms)
[==========] 4 tests from 2 test suites ran. (1 ms total)
[  PASSED  ] 1 test.
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] Suite.Not
[  FAILED  ] 2 tests, listed below:
[  FAILED  ] Suite.Bad
[  FAILED  ] Suite/Cases.Worse/3, where GetParam() = 4

 2 FAILED TESTS
"""


def test_all_passed() -> None:
    result = read_tests("[ RUN      ] A.B\n[       OK ] A.B (0 ms)\n[  PASSED  ] 12 tests.\n")
    assert (result.passed, result.failed, result.complete) == (12, [], True)


def test_some_failed() -> None:
    result = read_tests(_FAILED)
    assert (result.passed, result.skipped, result.complete) == (1, 1, True)
    assert result.failed == ["Suite.Bad", "Suite/Cases.Worse/3"]


def test_a_crash_is_no_summary() -> None:
    result = read_tests("[ RUN      ] A.B\n[       OK ] A.B (0 ms)\n[ RUN      ] A.C\n")
    assert not result.complete


def test_benchmarks() -> None:
    rows = [
        {
            "name": "a",
            "real_time": 2.5,
            "time_unit": "us",
            "iterations": 7,
            "bytes_per_second": 3e6,
        },
        {"name": "b", "real_time": 9.0, "iterations": 1, "items_per_second": 2e9},
        {"name": "b_mean", "run_type": "aggregate", "real_time": 9.0, "iterations": 1},
        {"name": "c", "real_time": 0, "iterations": 0, "error_occurred": True},
    ]
    found = read_benchmarks(json.dumps({"context": {}, "benchmarks": rows}))
    assert benchmark_rows(found) == [
        ["a", "2500", "7", "3.00", ""],
        ["b", "9", "1", "", "2.00"],
    ]


@pytest.mark.parametrize("text", ["", "Segmentation fault", '{"benchmarks": [{"name": "x"}]}'])
def test_no_benchmarks(text: str) -> None:
    with pytest.raises(MaceError, match="is no result of benchmarks"):
        read_benchmarks(text)
