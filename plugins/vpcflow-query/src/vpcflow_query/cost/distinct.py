"""How many different keys there were, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

KEPT = 1 << 15
_RANGE = 1 << 64


@define
class Distinct:
    """Counts distinct 64-bit hashes: exactly up to `kept` of them, beyond that within about 2 %.

    Only hashes below `bound` are kept; whenever they become too many, the bound is halved. Hashes
    are spread evenly, so what is kept stands for all (P. Flajolet, On Adaptive Sampling, 1990). A
    key that comes a million times counts once, in the sample or not.
    """

    kept: int = KEPT
    bound: int = field(default=_RANGE, init=False)
    _hashes: set[int] = field(factory=set, init=False, repr=False)

    def add(self, hashes: Iterable[int]) -> None:
        """Take hashes; those at or above `bound` may have been left out by whoever made them."""
        self._hashes.update(hashes)
        while len(self._hashes) > self.kept:
            self.bound >>= 1
            self._hashes = {one for one in self._hashes if one < self.bound}

    @property
    def exact(self) -> bool:
        return self.bound == _RANGE

    @property
    def count(self) -> int:
        return round(len(self._hashes) * (_RANGE / self.bound))
