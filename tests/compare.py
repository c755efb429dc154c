"""How tests compare numbers: finite, and close relative to the largest truth."""

import numpy as np


def relative_error(found, truth, terms=0.0):
    """max|found − truth| / max|truth|; infinite where shapes differ or anything is not finite.

    Where the truth is a sum whose terms may cancel, `terms` is their size, and the error is relative to that if larger:
    no arithmetic can do better.
    """
    found, truth = np.asarray(found, np.float64), np.asarray(truth, np.float64)
    if found.shape != truth.shape or not np.isfinite(found).all() or not np.isfinite(truth).all():
        return np.inf
    if not truth.size:
        return 0.0
    return np.abs(found - truth).max() / max(np.abs(truth).max(), terms, np.finfo(float).tiny)


def assert_close(found, truth, tolerance=1e-12):
    error = relative_error(found, truth)
    assert error <= tolerance, f"relative error {error:.3g} > {tolerance}\nfound {found}\ntruth {truth}"
