"""A process of its own for the code of strangers: whatever it does there, at loading or in a launch, Python lives on.

The worker is forked from this process when it is first needed, which takes 2 ms where a new Python would take 200, and serves one
request after the other. Arrays travel in memory that both share. A worker that dies is an error of the kernel that
it ran, and the next launch gets another one; with it go the values that kernels left in `__device__` variables.
"""

import atexit
import ctypes
import mmap
import os
import pickle
import signal
import socket
import sys
import tempfile
import warnings
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import numpy as np

from . import launch, modes
from .compiler import compiler
from .findings import Finding
from .words import ADVICE

STANDARD_STREAMS = 1, 2  # a worker prints where this process prints at the time of a launch
ALIGNMENT = 64  # bytes: an array lies as far behind a multiple of this in the worker as it lies here

_worker = None  # (the process it belongs to, its compiler, its own number, the connection to it)
_memory = None  # (the file, the mapping of it) that this process shares with its worker; the worker knows the file by its inode


def parameter_types(program, name):
    """`launch.parameter_types`, in the worker."""
    return _ask(name, "parameter_types", program, name)


def variables(program, names, name):
    """`launch.variables`, in the worker."""
    return _ask(name, "variables", program, names)


def renew(program, name):
    """`launch.renew`, in the worker."""
    return _ask(name, "renew", program)


def run(program, plan, arguments, outputs=(), fills=()):
    """`launch.run`, in the worker: findings and profiles go where they are collected here."""
    name = plan.kernel.name
    shared = _Shared(arguments)
    with launch.running:
        file = shared.take_along()
        try:
            failure, findings, profiles = _ask(
                name, "run", program, plan, shared.described, outputs, fills, shared=file
            )
        except launch.KernelError as error:
            modes.report(Finding("fault", plan.kernel.file, 0, "", str(error), (), (), advice=ADVICE["fault"]))
            raise
        shared.bring_back()
    for finding in findings:
        modes.report(finding)
    for profile in profiles:
        modes.enter_profile(profile)
    if failure:
        raise failure


# ---- this process --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Array:
    """An array in shared memory: where it begins there, and what it is."""

    offset: int
    shape: tuple
    dtype: np.dtype
    writeable: bool


class _Shared:
    """Memory that holds the arrays among arguments; `described` are the arguments with an `_Array` for each."""

    def __init__(self, arguments):
        arrays = [value for value in arguments if isinstance(value, np.ndarray)]
        self.spans, end = [], 0  # [address, bytes, offset, whether it may be written]
        for array in sorted(arrays, key=lambda array: array.ctypes.data):
            at, size = array.ctypes.data, array.nbytes
            last = self.spans[-1] if self.spans else None
            if last and at < last[0] + last[1]:  # arrays that share memory share it there too
                last[1], last[3] = max(last[1], at + size - last[0]), last[3] or array.flags.writeable
            else:
                self.spans.append([at, size, end + (at - end) % ALIGNMENT, array.flags.writeable])
            end = self.spans[-1][2] + self.spans[-1][1]
        self.size = end + 1  # no memory of no bytes
        self.described = [self._described(value) if isinstance(value, np.ndarray) else value for value in arguments]

    def _described(self, array):
        at = array.ctypes.data
        begin, _, offset, _ = next(span for span in reversed(self.spans) if span[0] <= at)
        return _Array(offset + at - begin, array.shape, array.dtype, array.flags.writeable)

    def take_along(self):
        """Copy the arrays there; the file that is shared."""
        file, self.base = _room_for(self.size)
        for at, size, offset, _ in self.spans:
            ctypes.memmove(self.base + offset, at, size)
        return file

    def bring_back(self):
        for at, size, offset, writeable in self.spans:
            if writeable:
                ctypes.memmove(at, self.base + offset, size)


def _room_for(size):
    """(A shared file of at least so many bytes, where it lies in memory). It is kept: new memory costs more than the copying."""
    global _memory
    if _memory is None or _memory[1].size() < size:
        file = _new_file()
        os.ftruncate(file, size)
        if _memory:
            os.close(_memory[0])
        _memory = file, mmap.mmap(file, size)
    return _memory[0], ctypes.addressof(ctypes.c_char.from_buffer(_memory[1]))


def _new_file():
    if hasattr(os, "memfd_create"):
        return os.memfd_create("minigan")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _ask(kernel, request, *arguments, shared=None):
    """What the worker answers. Raises what it raised, KernelError where it died."""
    with launch.running:
        number, connection = _connected()
        sys.stdout.flush(), sys.stderr.flush()
        try:
            files = [*STANDARD_STREAMS, *([] if shared is None else [shared])]
            _send(connection, (request, modes.state(), arguments), files)
            answer, _ = _receive(connection, 0)
        except (EOFError, OSError):
            raise launch.KernelError(f"kernel {kernel}: {_end_of(number)}") from None
        except BaseException:  # Ctrl-C: nobody waits for its answer any more
            os.kill(number, signal.SIGKILL)
            _end_of(number)
            raise
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _connected():
    """(Its number, the connection to it) of the worker, begun where there is none: a process that was forked from its owner needs
    one of its own, and so does another compiler."""
    global _worker
    key = os.getpid(), compiler()
    if _worker and _worker[:2] != key:
        dismiss()
    if not _worker:
        ours, theirs = socket.socketpair()
        with warnings.catch_warnings():  # of other threads: the worker needs nothing that they could hold
            warnings.simplefilter("ignore", DeprecationWarning)
            number = os.fork()
        if not number:
            _serve(theirs)
        theirs.close()
        _worker = *key, number, ours
    return _worker[2:]


def _end_of(number):
    """How the worker ended, in words."""
    global _worker
    _worker[3].close()
    _worker = None
    _, status = os.waitpid(number, 0)
    code = os.waitstatus_to_exitcode(status)
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    return f"it ended the process that ran it, {how}"


@atexit.register
def dismiss():
    """End the worker, if there is one; the next launch begins another."""
    global _worker
    if _worker:
        owner, _, number, connection = _worker
        _worker = None
        connection.close()
        if owner == os.getpid():
            with suppress(OSError):
                os.waitpid(number, 0)


# ---- between the two -----------------------------------------------------------------------------------------------

LENGTH = 8  # bytes that say how many follow


def _send(connection, message, files=()):
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    socket.send_fds(connection, [len(data).to_bytes(LENGTH, "little")], files)
    connection.sendall(data)


def _receive(connection, files):
    """(a message, the files that came along, at most so many). Raises EOFError where the other side is gone."""
    head, received, _, _ = socket.recv_fds(connection, LENGTH, files)
    if not head:
        raise EOFError
    data, size = bytearray(int.from_bytes(head, "little")), 0
    while size < len(data):
        count = connection.recv_into(memoryview(data)[size:])
        if not count:
            raise EOFError
        size += count
    return pickle.loads(data), received


# ---- the worker ----------------------------------------------------------------------------------------------------


def _serve(connection):
    """The worker's life: it never returns, and runs nothing of what this process has registered for its own end."""
    global _memory
    try:
        _memory = None
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.chdir("/")  # this process's folder may be gone by then
        low = connection.fileno()
        os.closerange(3, low)
        os.closerange(low + 1, os.sysconf("SC_OPEN_MAX"))
        while True:
            (request, state, arguments), files = _receive(connection, 3)
            for stream, file in zip(STANDARD_STREAMS, files):
                os.dup2(file, stream)
            try:
                answer = _REQUESTS[request](state, *arguments, *files[2:])
            except Exception as error:
                answer = error
            for file in files:
                os.close(file)
            ctypes.CDLL(None).fflush(None)  # what the kernel printed
            _send(connection, answer)
    finally:
        os._exit(0)


def _run(state, program, plan, described, outputs, fills, shared):
    global _memory
    if _memory is None or _memory[0] != os.fstat(shared).st_ino:
        _memory = os.fstat(shared).st_ino, mmap.mmap(shared, 0)
    with ExitStack() as stack:
        arguments = [_view(_memory[1], value) if isinstance(value, _Array) else value for value in described]
        report, profiles = modes.restore(state, stack)
        failure = None
        try:
            launch.run(program, plan, arguments, outputs, fills)
        except launch.KernelError as error:
            failure = error
        return failure, report.findings if report else [], profiles or []


def _view(memory, described):
    array = np.ndarray(described.shape, described.dtype, memory, described.offset)
    array.flags.writeable = described.writeable
    return array


def _parameter_types(state, program, name):
    with ExitStack() as stack:
        modes.restore(state, stack)
        return launch.parameter_types(program, name)


def _variables(state, program, names):
    with ExitStack() as stack:
        modes.restore(state, stack)
        return launch.variables(program, names)


_REQUESTS = {
    "run": _run,
    "parameter_types": _parameter_types,
    "variables": _variables,
    "renew": lambda state, program: launch.renew(program),
}
