"""`python -m vpcflow`: the same as the command `vpcflow`."""

from __future__ import annotations

from vpcflow.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
