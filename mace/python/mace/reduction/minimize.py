# SPDX-License-Identifier: Apache-2.0
"""Delta debugging: the smallest subset of a list that still fails (Zeller and Hildebrandt,
Simplifying and Isolating Failure-Inducing Input, 2002), with the halves of an ordered list first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Test = Callable[[Sequence[int]], bool]


class Budget:
    """How many more tests may be run. Equal questions are asked once."""

    def __init__(self, test: Test, most: int) -> None:
        self.left = most
        self.asked = 0
        self._test = test
        self._known: dict[tuple[int, ...], bool] = {}

    def fails(self, items: Sequence[int]) -> bool:
        """Whether the subset fails; False when nothing more may be asked."""
        key = tuple(items)
        if key not in self._known:
            if self.left <= 0 or not key:
                return False
            self.left -= 1
            self.asked += 1
            self._known[key] = self._test(key)
        return self._known[key]


def minimize(items: Sequence[int], budget: Budget) -> list[int]:
    """A subset, in the same order, of which no single item can be left out (as far as the budget
    goes). `items` itself must fail."""
    current = _cut_ends(list(items), budget)
    parts = 2
    while len(current) >= 2:
        size = max(1, len(current) // parts)
        chunks = [current[i : i + size] for i in range(0, len(current), size)]
        for index, chunk in enumerate(chunks):
            rest = [item for other in chunks[:index] + chunks[index + 1 :] for item in other]
            if len(chunks) > 2 and budget.fails(chunk):
                current, parts = chunk, 2
                break
            if budget.fails(rest):
                current, parts = rest, max(2, parts - 1)
                break
        else:
            if size == 1:
                break
            parts = min(len(current), parts * 2)
    return current


def _cut_ends(items: list[int], budget: Budget) -> list[int]:
    """Cuts the end, then the beginning, by halves: a model fails at one place most often."""
    for keep_front in (True, False):
        step = len(items) // 2
        while step >= 1:
            shorter = items[:-step] if keep_front else items[step:]
            if shorter and budget.fails(shorter):
                items = shorter
                step = min(step, len(items) // 2)
            else:
                step //= 2
    return items
