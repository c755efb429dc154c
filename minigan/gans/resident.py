"""What lives on the device from step to step, so that a step need not ask the host: the data, and what every step leaves."""

from contextlib import contextmanager

import numpy as np

from ..tensor import Tensor


class Counter:
    """A count in a one-element array on the device, which launches read and move on. The host knows where it stands without
    asking, and writes to it only where it should stand elsewhere.
    """

    def __init__(self, device):
        self.array, self.value = device.xp.zeros(1, np.uint64), 0

    @contextmanager
    def moving(self, start, count):
        """Have it stand at `start`, for the launches of this block, which move it on by `count`."""
        if self.value != start:
            self.array[...] = start
        self.value = None  # whoever interrupts the block leaves it nobody knows where
        yield
        self.value = start + count


class Batches:
    """The first `count` samples of a data set on the device, as they are stored, and the schedule by which they are shown.

    An epoch shows a sample at most once (those that fill no batch sit it out), by a schedule that depends on seed and epoch
    alone: a resumed run sees what an unbroken one would. `most` is how many batches are taken within one `ready`.
    """

    def __init__(self, images, count, size, most, seed, device, dtype):
        samples = np.ascontiguousarray(images.samples[:count])
        self.are_images = samples.dtype == np.uint8
        self.samples = device.xp.asarray(samples if self.are_images else samples.astype(dtype))
        self.count, self.seed, self.device, self.dtype = count, seed, device, dtype
        self.per_epoch = count // size
        # The schedules of as many epochs as `most` batches can reach into; each epoch's place in it is taken round and round.
        epochs = (most + self.per_epoch - 2) // self.per_epoch + 1
        self.schedule, self.epochs = device.xp.zeros((epochs * self.per_epoch, size), np.int32), [None] * epochs
        self.number = Counter(device)

    def ready(self, start, count):
        """A block that takes `count` batches, from number `start` on."""
        for epoch in range(start // self.per_epoch, (start + count - 1) // self.per_epoch + 1):
            place = epoch % len(self.epochs)
            if self.epochs[place] != epoch:
                rows = slice(place * self.per_epoch, (place + 1) * self.per_epoch)
                self.schedule[rows] = self.device.xp.asarray(self._schedule_of(epoch))
                self.epochs[place] = epoch
        return self.number.moving(start, count)

    def _schedule_of(self, epoch):
        shape = self.per_epoch, self.schedule.shape[1]
        shuffled = np.random.default_rng((self.seed, epoch)).permutation(self.count)
        return shuffled[: shape[0] * shape[1]].reshape(shape).astype(np.int32)

    def take(self):
        """The next batch, (n, …) in [−1, 1], in launches alone."""
        primitives, where = self.device.primitives, (self.samples, self.schedule, self.number.array)
        batch = primitives.image_batch(*where, self.dtype) if self.are_images else primitives.point_batch(*where)
        primitives.advance(self.number.array, 1)
        return Tensor(batch, self.device)


class Results:
    """What the last `most` steps left, a row each: reading waits for the device, so that many are read at once."""

    def __init__(self, most, size, device, dtype):
        self.rows, self.device = device.xp.zeros((most, 2 + 2 * size), dtype), device
        self.step = Counter(device)

    def ready(self, step):
        """A block that writes the row of this step."""
        return self.step.moving(step, 1)

    def write(self, result):
        """Note a StepResult, in launches alone."""
        primitives, start = self.device.primitives, 0
        for number in result:
            primitives.copy_rows(number.data.reshape(-1), self.rows, start, self.step.array)
            start += number.size
        primitives.advance(self.step.array, 1)

    def last(self, count):
        """(D's losses, G's losses, both (count,), D's outputs on real and on generated images, both (count, n)), of the last
        `count` steps, the oldest first, as NumPy arrays."""
        newest = np.arange(self.step.value - count, self.step.value) % len(self.rows)
        rows = self.device.to_numpy(self.rows)[newest]
        middle = (rows.shape[1] + 2) // 2
        return tuple(np.ascontiguousarray(rows[:, part]) for part in (0, 1, slice(2, middle), slice(middle, None)))
