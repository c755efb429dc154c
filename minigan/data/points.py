"""Gaussians in the plane, whose modes can be counted: does a GAN find them all?

Source: Lin et al. 2018, PacGAN, section 4.1, after Metz et al. 2017 and Srivastava et al. 2017.
"""

import numpy as np

COUNT = 50_000


def ring():
    """(centres (8, 2), deviation): on a circle of radius 1."""
    angles = 2 * np.pi * np.arange(8) / 8
    return np.stack((np.cos(angles), np.sin(angles)), 1), 0.01


def grid():
    """(centres (25, 2), deviation): five by five, 2 apart."""
    steps = np.arange(-4.0, 5.0, 2.0)
    return np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2), 0.05


MIXTURES = {"ring": ring, "grid": grid}


def draw_points(centres, deviation, count=COUNT, seed=0):
    """(points (count, 2) float64, their modes (count,) uint8): as many of each mode, as near as may be."""
    random = np.random.default_rng(seed)
    modes = random.permutation(np.arange(count) % len(centres)).astype(np.uint8)
    return centres[modes] + random.normal(0, deviation, (count, 2)), modes
