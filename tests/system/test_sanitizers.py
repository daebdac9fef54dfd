"""The kernels under AddressSanitizer and UndefinedBehaviorSanitizer: on known inputs with GCC, and
under libFuzzer with clang for VPCFLOW_FUZZ_SECONDS (two minutes)."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import drive
import lines
import make_corpus
import programs
import pytest
from attrs import frozen
from checks import TEXT_MODES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CASES = drive.cases()
SECONDS = int(os.environ.get("VPCFLOW_FUZZ_SECONDS", "120"))
STRICT = {"ASAN_OPTIONS": "detect_stack_use_after_return=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
REPORT = "ERROR: AddressSanitizer: heap-buffer-overflow"
FOUND = programs.BUILD / "fuzz" / "found"


def machines() -> list[drive.Machine]:
    """Every kernel of this machine, sanitized."""
    program = programs.build("sanitize") / "drive"
    return [drive.Machine(program, kernel) for kernel in drive.kernels(program)]


# Known inputs


@pytest.mark.parametrize("name", CASES)
def test_every_kernel_reads_what_the_oracle_reads(name: str, tmp_path: Path) -> None:
    for machine in machines():
        drive.check(machine, CASES[name], tmp_path)


@given(st.data())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_kernel_reads_any_document(tmp_path: Path, data: st.DataObject) -> None:
    format = data.draw(lines.formats())
    case = drive.Case(
        data.draw(lines.documents(format)),
        str(format),
        text=data.draw(st.sampled_from(TEXT_MODES)),
        chunk=data.draw(st.sampled_from([0, 1, 63, 64, 1000])),
    )
    for machine in machines():
        drive.check(machine, case, tmp_path)


@pytest.mark.parametrize("variant", ["sanitize", "sanitize-small"])
def test_every_kept_input_passes_all_checks(variant: str) -> None:
    inputs = make_corpus.kept_inputs()
    done = programs.run([programs.build(variant) / "replay", *inputs], environment=STRICT)
    assert done.stdout.split("\n")[:-1] == list(map(str, inputs))


@pytest.mark.parametrize("variant", ["sanitize", "sanitize-small"])
def test_the_key_set_is_one_that_is_searched_from_its_beginning(variant: str) -> None:
    for seed in range(20):
        done = programs.run([programs.build(variant) / "keys", seed, 100], environment=STRICT)
        assert done.stdout == "equal\n"


def test_the_programs_number_the_plans_as_the_corpus_does() -> None:
    done = programs.run([programs.build("sanitize") / "replay", "--plans"])
    assert done.stdout.split("\n")[:-1] == list(make_corpus.PLANS)


# The alarm works: one bug is planted (VF_PLANTED_BUG in decoder.c)


def test_a_planted_read_past_the_buffer_is_reported() -> None:
    program = programs.build("sanitize-planted") / "replay"
    done = programs.run([program, make_corpus.CORPUS / "default-view-good"], check=False)
    assert done.returncode != 0
    assert REPORT in done.stderr


def test_libfuzzer_finds_the_planted_bug(tmp_path: Path) -> None:
    ran = Fuzzer("fuzz-planted", tmp_path, tmp_path).start(seconds=30).wait()
    assert ran.status != 0
    assert REPORT in ran.log
    assert list(tmp_path.glob("crash-*"))


# libFuzzer


@frozen
class Fuzzed:
    status: int
    log: str

    @property
    def executions(self) -> int:
        return int(re.findall(r"stat::number_of_executed_units: *(\d+)", self.log)[-1])

    @property
    def coverage(self) -> tuple[int, int, int]:
        """Edges reached, features, inputs in the corpus."""
        edges, features, inputs = re.findall(r" cov: (\d+) ft: (\d+) corp: (\d+)", self.log)[-1]
        return int(edges), int(features), int(inputs)


@frozen
class Fuzzer:
    """One libFuzzer program. corpus: where inputs that reach something new are kept."""

    variant: str
    corpus: Path
    found: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.found / f"{self.variant}.log"

    def start(self, seconds: int) -> Fuzzer:
        program = programs.build(self.variant) / "fuzz"
        self.corpus.mkdir(parents=True, exist_ok=True)
        self.found.mkdir(parents=True, exist_ok=True)
        options = [f"-max_total_time={seconds}", f"-artifact_prefix={self.found}/", "-timeout=25"]
        options += [f"-dict={programs.FUZZ / 'fuzz.dict'}", "-print_final_stats=1"]
        folders = [self.corpus, make_corpus.CORPUS, make_corpus.CRASHES]
        # short stack traces of allocations: a third of the time otherwise
        environment = {**os.environ, "ASAN_OPTIONS": "malloc_context_size=3"}
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [program, *options, *folders], stdout=log, stderr=log, env=environment
            )
        return Fuzzer(self.variant, self.corpus, self.found, process)

    def wait(self) -> Fuzzed:
        assert self.process is not None
        return Fuzzed(self.process.wait(), self.log.read_text(errors="backslashreplace"))


def test_fuzzing_finds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Two programs, one on each processor, share a corpus: the kernel as it is, and with sizes so
    small that short inputs cross pieces, fill dictionaries and exceed limits."""
    corpus = programs.BUILD / "fuzz" / "corpus"
    programs.build("fuzz")  # before the clock runs
    programs.build("fuzz-small")
    fuzzers = [Fuzzer(v, corpus, FOUND).start(SECONDS) for v in ("fuzz", "fuzz-small")]
    for fuzzer, ran in [(fuzzer, fuzzer.wait()) for fuzzer in fuzzers]:
        assert ran.status == 0, (
            f"{fuzzer.variant} failed: see {fuzzer.log}, and tests/fuzz/crashes/README.md for what "
            f"to do with the input\n{ran.log[-6000:]}"
        )
        edges, features, inputs = ran.coverage
        with capsys.disabled():
            print(
                f"\n{fuzzer.variant}: {ran.executions:,} inputs in {SECONDS} s, {edges:,} edges, "
                f"{features:,} features, corpus of {inputs:,}",
                end="",
            )
        assert ran.executions > 10 * SECONDS
