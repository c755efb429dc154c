"""A stranger's kernel runs in a process of its own: whatever it does there, Python lives on."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import minigan as mg
from minigan import emulator
from minigan.emulator import KernelError, worker

TEXT = """
__device__ int calls;
__global__ void count(int* x) { x[0] = ++calls; }
__global__ void leave(int* x) { x[0] = 1; _exit(3); }
__global__ void kill_it(int* x) { kill(getpid(), 9); }
__global__ void say(int n) { printf("number %d\\n", n); }
__global__ void shift(const int* from, int* to, int n) { for (int i = 0; i < n; ++i) to[i] = from[i] + 1; }
__global__ void for_ever(volatile int* x) { while (!x[0]) {} }
"""


def kernel(name):
    return mg.kernel(source=TEXT, name=name)


def counted():
    x = np.zeros(1, np.int32)
    kernel("count")(1, 1, (x,))
    return x[0]


def test_what_ends_the_process_is_an_error_with_the_kernels_name():
    x = np.zeros(1, np.int32)
    first = counted()
    assert counted() == first + 1  # a variable lives from launch to launch
    with pytest.raises(KernelError, match=r"^kernel leave: it ended the process that ran it, with exit code 3$"):
        kernel("leave")(1, 1, (x,))
    assert counted() == 1  # in a new process
    with pytest.raises(KernelError, match=r"^kernel kill_it: it ended the process that ran it, by SIGKILL$"):
        kernel("kill_it")(1, 1, (x,))
    (finding,) = emulator.check(kernel("leave"), 1, 1, (x,)).findings
    assert finding.kind == "fault" and "exit code 3" in finding.message
    assert counted() == 1


def test_code_that_runs_at_loading_cannot_take_python_down():
    text = 'extern "C" __device__ __attribute__((constructor)) void early() { __builtin_trap(); }\n'
    text += "__global__ void k(int* x) { if (x[1]) early(); x[0] = 1; }\n"
    with pytest.raises(KernelError, match="kernel k: it ended the process that ran it, by SIG(ILL|TRAP)"):
        mg.kernel(source=text, name="k")(1, 1, (np.zeros(2, np.int32),))


def test_what_a_kernel_prints_comes_out_where_python_prints(capfd):
    kernel("say")(1, 2, (7,))
    assert capfd.readouterr().out == "number 7\n" * 2


def test_arrays_that_share_memory_share_it_there_too():
    x = np.arange(10, dtype=np.int32)
    kernel("shift")(1, 1, (x[:9], x[1:], 9))  # each element is made of the one before
    assert x.tolist() == list(range(10))
    y = np.zeros(4, np.int32)
    kernel("shift")(1, 1, (np.zeros(0, np.int32), y, 0))
    fixed = np.ones(4, np.int32)
    fixed.flags.writeable = False
    kernel("shift")(1, 1, (fixed, y, 4))
    assert y.tolist() == [2] * 4 and fixed.tolist() == [1] * 4


def test_what_is_observed_when_it_begins_is_observed_no_longer():
    x = np.zeros(1, np.int32)
    worker.dismiss()
    emulator.profile(kernel("count"), 1, 1, (x,))
    assert emulator.check(kernel("count"), 1, 2, (x,)).findings


def test_ctrl_c_ends_a_launch():
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        kernel("for_ever")(1, 1, (np.zeros(1, np.int32),))
    assert time.monotonic() - began < 10 and counted() == 1


def test_a_process_that_is_forked_has_a_worker_of_its_own():
    first = counted()
    child = os.fork()
    if not child:
        os._exit(0 if counted() == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert counted() == first + 1
