"""The NEON kernel, cross-built and run by qemu: what it decodes is what the oracle says.

`drive` feeds chunks at the edge of pages that may not be read, so a read too far ends it here too.
"""

from __future__ import annotations

from pathlib import Path

import drive
import lines
import make_corpus
import programs
import pytest
from checks import TEXT_MODES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CASES = drive.cases()


def emulator() -> str:
    return programs.tool("qemu-aarch64")


def neon() -> drive.Machine:
    return drive.Machine(programs.build("arm64") / "drive", "neon", (emulator(),))


def test_an_arm64_machine_has_the_neon_kernel_and_prefers_it() -> None:
    machine = neon()
    assert drive.kernels(machine.program, machine.before) == ["scalar", "neon"]


@pytest.mark.parametrize("name", CASES)
def test_neon_reads_what_the_oracle_reads(name: str, tmp_path: Path) -> None:
    drive.check(neon(), CASES[name], tmp_path)


@given(st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_neon_reads_any_document_as_the_oracle_does(tmp_path: Path, data: st.DataObject) -> None:
    format = data.draw(lines.formats())
    case = drive.Case(
        data.draw(lines.documents(format)),
        str(format),
        text=data.draw(st.sampled_from(TEXT_MODES)),
        chunk=data.draw(st.sampled_from([0, 1, 63, 64, 1000])),
    )
    drive.check(neon(), case, tmp_path)


@pytest.mark.parametrize("variant", ["arm64", "arm64-small"])
def test_neon_and_scalar_agree_on_every_input_of_the_fuzzer(variant: str) -> None:
    inputs = make_corpus.kept_inputs()
    done = programs.run([emulator(), programs.build(variant) / "replay", *inputs])
    assert done.stdout.split("\n")[:-1] == list(map(str, inputs))
