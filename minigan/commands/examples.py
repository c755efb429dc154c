"""What `minigan COMMAND --help` shows below the options: examples, and what the columns mean."""

TRAIN_EXAMPLE = """\
examples:
  minigan train gan                        on the recipe's own data set, MNIST
  minigan train gan --data digits          offline, on drawn digits
  minigan train gan --loss minimax --epochs 10 --seed 3 --out runs/minimax
  minigan train --resume runs/minimax --epochs 20
"""

SAMPLE_EXAMPLE = """\
examples:
  minigan sample runs/gan-1                100 new images as runs/gan-1/sample.png
  minigan sample runs/gan-1 -n 1000 --raw samples.npy
"""

EVALUATE_EXAMPLE = """\
examples:
  minigan evaluate runs/gan-1              a table, runs/gan-1/evaluation.json and evaluation.png
  minigan evaluate runs/gan-1 -n 2000 --seed 7

for each of G's averaged and its raw weights, for as many training images, and for noise:
  Fréchet distance   to held-out images, over the features of a judge: a small net that names their classes
  Inception score    that judge's classes, by the formula of the Inception score: 1 to their number
  precision, recall  the share of samples among real images, and of real images among samples; density and coverage count
                     how many are
  classes            that have at least a tenth of their share; KL: how far the shares are from the data's
below: how near samples lie to training images, and what D says of training images, held-out ones and samples

The first evaluation of a data set teaches its judge (minutes), which is kept in the cache.
"""

COMPARE_EXAMPLE = """\
examples:
  minigan compare runs/gan-1 runs/wgan-1   the settings that differ, the results, compare-metrics.png, compare-samples.png
  minigan compare runs/* --markdown table.md --out docs/results

Runs that differ in their seeds alone share a row: medians, and ranges. A run that was not evaluated yet is evaluated first.
"""

ARGUMENTS = """
arguments, as the kernel takes them:
  f32[100,50]     an array, of random numbers for f16, bf16, f32, f64, c64 and c128 (complex), of zeros for bool, i8, u8,
                  i16, u16, i32, u32, i64, u64
  i32[1000]=7     an array of sevens
  i32[1000]=0..9  an array of random whole numbers from 0 to 9
  out:f32[1000]   an array that counts as not yet written: the kernel must not read what it has not written
  i32=1000        a number
  None            a null pointer
"""

CHECK_EXAMPLE = f"""\
examples:
  minigan check                            everything
  minigan check matmul                     one stem
  minigan check gan                        a recipe, trained by NumPy and by the kernels: do the losses agree?
  minigan check mine.cu:saxpy --grid 4 --block 256 --arg i32=1000 --arg f32=2 --arg "f32[1000]" --arg "f32[1000]"
                                           a kernel of yours: out-of-bounds accesses, races, barriers that not all reach
{ARGUMENTS}"""

INSPECT_EXAMPLE = f"""\
examples:
  minigan inspect matmul                   our own kernels, every version
  minigan inspect mine.cu:saxpy --grid 4 --block 256 --arg i32=1000 --arg f32=2 --arg "f32[1000]" --arg "f32[1000]"

for each line, over all warps:
  requests        to global memory; sectors: of 32 bytes, that one moves; ideal: if its bytes lay side by side
  shared          requests to shared memory; conflict: the turns that one takes, where 1 would do
  lanes           that take part in a request; barriers: that a thread comes to
  flops           additions, multiplications, divisions and roots of floating-point numbers
{ARGUMENTS}"""

BENCH_EXAMPLE = """\
examples:
  minigan bench                            every stem
  minigan bench matmul                     every version against cuBLAS and PyTorch; without a GPU NumPy against PyTorch
  minigan bench leaky_relu                 one primitive
  minigan bench matmul --kernel mine.cu:product --block 16,16 --grid n/16,m/16
                                           a kernel of yours too: its parameters are found by the names of ours
  minigan bench step gan                   a training step, against the same nets in PyTorch

for each contestant that is right:
  ms, ±           the median time of a call, and half the distance of the quartiles
  GFLOP/s, GB/s   of the direct formula, and of the bytes that must move
  of the limit    the least time that the machine's arithmetic and copying allow, measured here, over this time
  vs PyTorch, …   its time over this one's: above 1 this one is faster
"""
