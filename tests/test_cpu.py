"""minigan.cpu is minigan.reference, arranged for speed: the same primitives, signatures and numbers."""

import inspect

import pytest

from minigan import check, cpu, devices, reference

ARRANGED = [name for name in reference.__all__ if getattr(cpu, name) is not getattr(reference, name)]
STEMS = sorted({getattr(cpu, name).__module__.split(".")[-1] for name in ARRANGED})


def test_same_names():
    assert cpu.__all__ == reference.__all__
    assert devices.device("cpu").primitives is cpu


@pytest.mark.parametrize("name", ARRANGED)
def test_same_signature_and_what_is_faster(name):
    textbook, fast = getattr(reference, name), getattr(cpu, name)
    assert inspect.signature(fast) == inspect.signature(textbook)
    assert inspect.getdoc(fast).startswith(f"As `minigan.reference.{name}`, ")


@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_arranged_equals_the_reference(dtype, stem):
    """On the awkward shapes that kernels are checked on (one element, odd, empty), and on random ones."""
    seed = check.fresh_seed()
    made = [call for call in check.calls(stem, seed) if call.primitive in ARRANGED]
    assert made
    for call in made:
        error, allowed = check.error_of(call, cpu, dtype)
        assert error <= allowed, f"{call}: {error:.2g} > {allowed:.2g} (seed {seed})"
