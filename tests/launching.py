"""A kernel on the emulator in one line."""

import minigan as mg


def run(source, grid, block, *args, shared=0):
    name = source.split("(")[0].split()[-1]
    mg.kernel(source='extern "C" __global__ void ' + source, name=name)(grid, block, args, shared=shared)
