"""How files that this package wrote are known again.

In them null is what is missing, and nothing else: a tag whose value is `-` or the word `None` is a
text, and tags are decoded already. Other files are read with more caution (`values.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

_KEY = b"vpcflow.values"
_EXACT = b"exact"

MARK: Mapping[bytes, bytes] = {_KEY: _EXACT}
"""In the key-value metadata of such a file."""


def is_marked(metadata: Mapping[bytes, bytes] | None) -> bool:
    """Whether a file with this key-value metadata was written by this package."""
    return metadata is not None and metadata.get(_KEY) == _EXACT
