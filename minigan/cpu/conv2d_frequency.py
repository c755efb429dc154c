"""The three convolutions of stride 1 in the frequency domain, where a convolution is one product per frequency.

The trilinear form Σ g[i] x[i + p − top] w[p] that all three are derivatives of does not change on a circle of length L as long
as no index comes around it: i + p − top lies in [−top, h + bottom), so L = h + max(top, bottom) will do. Its discrete
Fourier transform is

    ŷ = x̂ · conj(ŵ)        x̂' = ĝ · ŵ        ŵ' = x̂ · conj(ĝ)

with every · a matrix product over channels or images: for a 5×5 filter on 32×32 pixels a tenth of the multiplications.

Transforms are matrix products themselves. Columns come first, and only the L/2 + 1 frequencies that a real signal needs;
rows follow one column frequency at a time, so that the whole spectra never exist at once.
"""

from typing import NamedTuple

import numpy as np


class Axis(NamedTuple):
    """Along one axis: how many pixels, how far the first is from the origin, and the length of the circle."""

    pixels: int
    start: int
    length: int

    @property
    def half(self):
        """How many frequencies a real signal needs."""
        return self.length // 2 + 1

    def forward(self, dtype, sign=-1):
        """The transform as a complex matrix (length, pixels); sign +1 makes the conjugate of a real signal's spectrum."""
        frequency, place = np.arange(self.length)[:, None], self.start + np.arange(self.pixels)
        turns = frequency * place % self.length / self.length  # whole turns dropped while they are integers
        return np.exp(sign * 2j * np.pi * turns).astype(np.result_type(dtype, np.complex64))

    def half_forward(self, dtype, sign=-1):
        """Real parts, then imaginary parts, of the frequencies 0 to L/2: a real matrix (2 half, pixels)."""
        half = self.forward(np.float64, sign)[: self.half]
        return np.concatenate((half.real, half.imag)).astype(dtype)

    def inverse(self, dtype):
        """From a spectrum back to the pixels: (pixels, length)."""
        return self.forward(dtype, +1).T / np.array(self.length, dtype)

    def half_inverse(self, dtype):
        """From half_forward's numbers back to the pixels: frequencies above L/2 are the conjugates of those below."""
        twice = np.full(self.half, 2.0)
        twice[0] = 1
        if self.length % 2 == 0:
            twice[-1] = 1
        half = self.half_forward(np.float64) * np.tile(twice / self.length, 2)[:, None]
        return half.astype(dtype)


class Geometry(NamedTuple):
    """The rows and the columns of each operand."""

    x: tuple
    w: tuple
    y: tuple


def geometry(size, window, padding):
    """Geometry of a convolution of stride 1 of images of `size` (height, width)."""
    axes = []
    for n, k, (before, behind) in zip(size, window, padding):
        length = n + max(before, behind)
        axes.append((Axis(n, 0, length), Axis(k, 0, length), Axis(n + before + behind - k + 1, -before, length)))
    rows, columns = axes
    return Geometry(*zip(rows, columns))


def conv2d(x, w, padding):
    where = geometry(x.shape[2:], w.shape[2:], padding)
    products = (a @ b.transpose(0, 2, 1) for a, b in zip(_spectra(x, where.x), _spectra(w, where.w, +1)))
    return _images(products, (len(x), len(w)), where.y, x.dtype)


def conv2d_backward_data(gradient, w, shape, padding):
    where = geometry(shape[2:], w.shape[2:], padding)
    products = (a @ b for a, b in zip(_spectra(gradient, where.y), _spectra(w, where.w)))
    return _images(products, shape[:2], where.x, w.dtype)


def conv2d_backward_weight(gradient, x, window, padding):
    where = geometry(x.shape[2:], window, padding)
    products = (a.transpose(0, 2, 1) @ b for a, b in zip(_spectra(gradient, where.y, +1), _spectra(x, where.x)))
    return _images(products, (gradient.shape[1], x.shape[1]), where.w, x.dtype)


def _spectra(values, axes, sign=-1):
    """For each column frequency, the spectrum (row frequencies, n, c) of values (n, c, h, w)."""
    n, c, height, width = values.shape
    rows, columns = axes
    by_column = columns.half_forward(values.dtype, sign) @ values.reshape(n * c * height, width).T
    real, imaginary = by_column.reshape(2, columns.half, n * c, height)
    transform = rows.forward(values.dtype, sign)
    signal = np.empty((n * c, height), transform.dtype)
    for real_part, imaginary_part in zip(real, imaginary):
        signal.real, signal.imag = real_part, imaginary_part
        yield (transform @ signal.T).reshape(rows.length, n, c)


def _images(spectra, shape, axes, dtype):
    """The real (n, c, h, w) whose spectra these are; shape is (n, c)."""
    rows, columns = axes
    back = rows.inverse(dtype).T
    by_column = np.empty((2, columns.half, shape[0] * shape[1], rows.pixels), dtype)
    for f, spectrum in enumerate(spectra):
        signal = spectrum.reshape(rows.length, -1).T @ back
        by_column[0, f], by_column[1, f] = signal.real, signal.imag
    flat = by_column.reshape(2 * columns.half, shape[0] * shape[1] * rows.pixels).T @ columns.half_inverse(dtype)
    return flat.reshape(*shape, rows.pixels, columns.pixels)
