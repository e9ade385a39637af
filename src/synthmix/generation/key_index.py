"""Which requests are settled, and where: a hash table in two flat arrays, 16 bytes a slot.

A Python dictionary of a million keys takes over 100 MB; this takes 32 MB.
"""

from array import array

_EMPTY = 0


class KeyIndex:
    """Maps a request's key (16 hexadecimal digits) to a number. Open addressing, at most two thirds full."""

    def __init__(self) -> None:
        self._count = 0
        self._make(1 << 10)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: str) -> bool:
        return self._keys[self._slot(_number(key))] != _EMPTY

    def get(self, key: str) -> int | None:
        """The number of ``key``."""
        slot = self._slot(_number(key))
        return self._values[slot] if self._keys[slot] != _EMPTY else None

    def put(self, key: str, value: int) -> bool:
        """Set the number of ``key``; whether it is new."""
        if 3 * self._count >= 2 * len(self._keys):
            self._grow()
        number = _number(key)
        slot = self._slot(number)
        new = self._keys[slot] == _EMPTY
        self._keys[slot], self._values[slot] = number, value
        self._count += new
        return new

    def _make(self, size: int) -> None:
        self._keys, self._values = array("Q", bytes(8 * size)), array("q", bytes(8 * size))
        self._mask = size - 1

    def _slot(self, number: int) -> int:
        keys, mask = self._keys, self._mask
        slot = number & mask
        while keys[slot] not in (_EMPTY, number):
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        keys, values = self._keys, self._values
        self._make(2 * len(keys))
        for at, number in enumerate(keys):
            if number != _EMPTY:
                slot = self._slot(number)
                self._keys[slot], self._values[slot] = number, values[at]


def _number(key: str) -> int:
    return int(key, 16) or 1  # zero marks an empty slot
