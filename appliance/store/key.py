"""The store's key: 32 random bytes that no accident prints, logs, copies or pickles."""

from __future__ import annotations

import hmac
from typing import NoReturn

SIZE = 32  # bytes: SQLCipher's raw key for AES-256


class StoreKey:
    """SQLCipher's raw key. `repr`, `str` and formatting show none of it; pickling and copying are refused."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes) -> None:
        if len(raw) != SIZE:
            raise ValueError("a store key has 32 bytes")
        self._raw = raw

    def raw(self) -> bytes:
        """The 32 bytes, for wrapping into a key slot only."""
        return self._raw

    def pragma(self) -> str:
        """SQLCipher's raw key notation: used as it is, no key derivation."""
        return f"x'{self._raw.hex()}'"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoreKey) and hmac.compare_digest(self._raw, other._raw)

    __hash__ = None  # type: ignore[assignment]  # a key is no dictionary key

    def __repr__(self) -> str:
        return "StoreKey(…)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a store key is not copied or pickled")
