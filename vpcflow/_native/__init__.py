"""The C kernel: what the rest of the package calls, and which instruction set it uses.

``VPCFLOW_KERNEL`` (``scalar``, ``avx2``, ``avx512`` or ``neon``) forces one; otherwise the best
that this machine can run is taken.
"""

from __future__ import annotations

import os

from vpcflow._native._core import (
    FlowRecord,
    column_names,
    decoder,
    encode,
    export_array,
    export_schema,
    export_stream,
    feed,
    find,
    finish,
    forget,
    gather,
    gather_values,
    import_batch,
    kernel,
    kernels,
    key_count,
    keys,
    length,
    live_buffers,
    live_exports,
    nbytes,
    numbers,
    pair,
    plan,
    pool,
    position,
    recode,
    records,
    render,
    take,
    use_kernel,
    values_at,
)
from vpcflow.errors import UsageError, nearest

__all__ = [
    "FlowRecord",
    "column_names",
    "decoder",
    "encode",
    "export_array",
    "export_schema",
    "export_stream",
    "feed",
    "find",
    "finish",
    "force",
    "forget",
    "gather",
    "gather_values",
    "import_batch",
    "kernel",
    "kernels",
    "key_count",
    "keys",
    "length",
    "live_buffers",
    "live_exports",
    "nbytes",
    "numbers",
    "pair",
    "plan",
    "pool",
    "position",
    "recode",
    "records",
    "render",
    "take",
    "values_at",
]


def force(name: str | None) -> None:
    """Use the kernel ``name`` for everything parsed from now on; None: the best again.

    :raises UsageError: this machine or this build does not have it.
    """
    wanted = kernels()[-1] if name is None else name
    if not use_kernel(wanted):
        close = nearest(wanted, kernels())
        raise UsageError(
            f"no kernel {wanted!r} on this machine; it has {', '.join(kernels())}",
            hint=f"did you mean {close!r}?" if close else None,
        )


if os.environ.get("VPCFLOW_KERNEL"):
    force(os.environ["VPCFLOW_KERNEL"])
