"""A function of launches captured once and then replayed, without the Python between them.

What is captured must do all its work in launches whose arguments never change: what is to differ from one replay to the next (a
count, a rate, the data) lives in device arrays, which stay where they are. While it is captured nothing runs, so that nothing
may be read back either.
"""

from contextlib import suppress

from ..plan import recording


class Graph:
    """A function without arguments, as a callable: the first call runs it as it is, which compiles all its kernels; the second
    captures it; that and every later one replays it. They return what the function returned, in arrays that each replay writes
    anew.
    """

    is_warm = is_captured = False

    def __init__(self, function):
        self.function = function

    def __call__(self):
        if not self.is_warm:
            result, self.is_warm = self.function(), True
            return result
        if not self.is_captured:
            self.capture()
            self.is_captured = True
        self.replay()
        return self.result


class CudaGraph(Graph):
    """On a GPU: a CUDA graph. It knows addresses and holds no memory, so all that the function allocates while it is captured
    comes from a pool of its own, which lives as long as the graph.
    """

    def capture(self):
        import cupy

        cupy.get_default_memory_pool().free_all_blocks()  # what the first call left there, the private pool takes again
        self.pool = cupy.cuda.MemoryPool()
        stream = cupy.cuda.Stream(non_blocking=True)  # the default stream cannot be captured
        with cupy.cuda.using_allocator(self.pool.malloc), stream:
            stream.begin_capture()
            try:
                self.result = self.function()
            except BaseException:
                with suppress(
                    cupy.cuda.runtime.CUDARuntimeError
                ):  # the stream is left as it was; the first error is raised
                    stream.end_capture()
                raise
            self.graph = stream.end_capture()

    def replay(self):
        self.graph.launch()  # on the current stream: after all that was asked of it before, and before all that will be


class LaunchList(Graph):
    """On the emulator: what a graph is, the launches with their arguments, first to last."""

    def capture(self):
        with recording() as self.launches:
            self.result = self.function()

    def replay(self):
        for launch in self.launches:
            launch.run()
