"""How tests compare numbers: finite, and close relative to the largest truth."""

from minigan.check import relative_error


def assert_close(found, truth, tolerance=1e-12):
    error = relative_error(found, truth)
    assert error <= tolerance, f"relative error {error:.3g} > {tolerance}\nfound {found}\ntruth {truth}"
