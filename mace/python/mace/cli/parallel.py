# SPDX-License-Identifier: Apache-2.0
"""Several devices at the same time, each with one line about its progress. What one of them fails in
does not end the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from mace.cli.console import Console
from mace.devices import Device
from mace.errors import MaceError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Result = TypeVar("Result")


class Lane:
    """What one device is doing: a line that changes on a terminal, else a line for each step."""

    def __init__(self, console: Console, name: str = "", bars: Progress | None = None) -> None:
        self._console, self._name, self._bars = console, name, bars
        self._task: TaskID | None = None
        if bars is not None:
            self._task = bars.add_task(f"{name}: waiting", total=None)

    @property
    def is_alone(self) -> bool:
        """Whether no other device works at the same time."""
        return not self._name

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Something that may take a while."""
        if self.is_alone:
            with self._console.step(text):
                yield
            return
        self.tell(text)
        yield

    def tell(self, text: str) -> None:
        """Changes the line."""
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, description=f"{self._name}: {text}")
        elif not self.is_alone:
            self._console.say(f"{self._name}: {text}")

    def end(self, text: str) -> None:
        """The line's last text."""
        self.tell(text)
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, total=1, completed=1)


def on_all(
    devices: Sequence[Device], work: Callable[[Device, Lane], Result], console: Console
) -> list[Result | MaceError]:
    """Calls `work` for each device at the same time; gives what it returned or the error that it
    raised, in the order of the devices. One device alone is worked with in this thread, and its
    error is raised."""
    if len(devices) == 1:
        return [work(devices[0], Lane(console))]
    with console.lines() as bars:
        lanes = [Lane(console, name, bars) for name in _names(devices)]
        found: list[Result | BaseException | None] = [None] * len(devices)

        def call(index: int) -> None:
            begin = time.monotonic()
            try:
                found[index] = work(devices[index], lanes[index])
                lanes[index].end(f"done in {time.monotonic() - begin:.1f} s")
            except BaseException as error:  # handed on to the thread that waits
                found[index] = error
                lanes[index].end("failed")

        # Daemons: an interrupt must not have to wait for a device that hangs.
        threads = [
            threading.Thread(target=call, args=(i,), daemon=True) for i in range(len(devices))
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            for device in devices:
                device.clean()
            raise
    results: list[Result | MaceError] = []
    for item in found:
        if isinstance(item, BaseException) and not isinstance(item, MaceError):
            raise item
        results.append(item)  # type: ignore[arg-type]
    return results


def raise_first(results: Sequence[object], console: Console) -> None:
    """Raises the first error among results, after the others were shown."""
    errors = [result for result in results if isinstance(result, MaceError)]
    for error in errors[1:]:
        console.error(error)
    if errors:
        raise errors[0]


def _names(devices: Sequence[Device]) -> list[str]:
    """A name for each device, told apart by numbers if need be. Devices are asked, so one that
    does not answer is called by its number."""
    names: list[str] = []
    for number, device in enumerate(devices, 1):
        try:
            name = device.info().name
        except MaceError:
            name = f"device {number}"
        names.append(f"{name} ({number})" if name in names else name)
    return names
