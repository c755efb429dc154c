"""Numbers for samples of the plane: which modes of a mixture does the generator find, and how well?

Source: Lin et al. 2018, PacGAN, section 4.1.
"""

import numpy as np


def modes(samples, points):
    """How samples (n, 2) spread over the modes of minigan.data.Points, as a dict.

    "high_quality": the share of samples within 3 deviations of a centre; "shares" (modes,): of all samples, those within 3
    deviations of each; "found": how many modes have at least one; "spread" (modes,): the deviation of a mode's samples
    within 3, in the data's deviations (NaN where there are none). A single sample finds a mode, so more samples find more.
    """
    steps = np.asarray(samples, np.float64)[:, None] - points.centres
    distances = np.sqrt((steps**2).sum(-1))
    mode = distances.argmin(1)
    good = distances.min(1) <= 3 * points.deviation
    counts = np.bincount(mode[good], minlength=len(points.centres))
    squares = np.bincount(mode[good], (distances.min(1) ** 2)[good], len(points.centres))
    with np.errstate(invalid="ignore"):
        spread = np.sqrt(squares / counts / 2) / points.deviation
    return {
        "high_quality": good.mean(), "shares": counts / len(samples), "found": int((counts > 0).sum()), "spread": spread,
    }  # fmt: skip


def glance(samples, points):
    """The few numbers of a look during training, under the names that they have for images: "classes" are the modes that were
    found, "precision" is the share within 3 deviations.
    """
    found = scores(samples, points)
    return {"classes": found["modes"], "precision": found["within_3"]}


def scores(samples, points):
    """The same as plain numbers: "modes" found, the share "within_3" deviations, the "smallest_mode"'s share, and the "spread" of
    all modes that were found, whose mean leaves out the rest (0 where none was).
    """
    found = modes(samples, points)
    seen = np.isfinite(found["spread"])
    return {
        "modes": found["found"],
        "within_3": float(found["high_quality"]),
        "smallest_mode": float(found["shares"].min()),
        "spread": float(found["spread"][seen].mean()) if seen.any() else 0.0,
        "shares": found["shares"].tolist(),
    }
