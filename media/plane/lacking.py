"""Which numbers of one stream are missing, and when to ask the sender for them (RFC 4585 section 6.2.1)."""

from __future__ import annotations

from media import limits


class Lacking:
    """A number is noted when a higher one comes. Extended numbers in, times in nanoseconds."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        # number -> (noted at, due at, times asked), rising.
        self._numbers: dict[int, tuple[int, int, int]] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def jump(self, before: int, number: int, now: int) -> None:
        """`number` came and `before` was the highest so far: what is between them is missing.

        Too long a jump is no loss but a new beginning: nothing of it is missing, and what was before is given up.
        """
        numbers = self._numbers
        if number - before - 1 > limits.MAX_ASKED:
            numbers.clear()
            return
        noted = (now, now + limits.LACK_PATIENCE, 0)
        for missing in range(before + 1, number):
            numbers[missing] = noted
        while len(numbers) > limits.MAX_ASKED:
            del numbers[next(iter(numbers))]

    def came(self, number: int) -> None:
        self._numbers.pop(number, None)

    def ask(self, now: int) -> tuple[int, ...]:
        """16-bit numbers to ask for now, rising; noted as asked. What has been missing for LACK_AGE is forgotten."""
        asked = []
        for number, (noted, due, times) in list(self._numbers.items()):
            if now - noted >= limits.LACK_AGE:
                del self._numbers[number]
            elif now >= due and times < limits.MAX_ASKS:
                asked.append(number & 0xFFFF)
                self._numbers[number] = (noted, now + limits.LACK_AGAIN, times + 1)
        return tuple(asked)
