"""The fuzzer's committed inputs: they are what make_corpus.py writes."""

from __future__ import annotations

import make_corpus


def test_the_committed_corpus_is_what_the_script_makes() -> None:
    committed = {path.name: path.read_bytes() for path in make_corpus.CORPUS.iterdir()}
    assert committed == make_corpus.corpus()
    assert (make_corpus.FUZZ / "fuzz.dict").read_bytes() == make_corpus.dictionary()


def test_the_corpus_is_small_and_has_every_plan() -> None:
    inputs = make_corpus.corpus().values()
    assert {content[0] for content in inputs} == set(range(len(make_corpus.PLANS)))
    assert sum(map(len, inputs)) < 200_000
