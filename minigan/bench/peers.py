"""What a kernel is measured against: NumPy, cuBLAS by CuPy, and PyTorch where it is installed."""

from functools import partial
from importlib.util import find_spec

from .. import cpu
from ..devices import array_module


def peers_of(primitive, on_gpu):
    """{name: function that takes the arguments and returns one without any, which makes the call}."""
    peers = {}
    if on_gpu and primitive == "matmul":
        import cupy

        peers["cuBLAS"] = lambda a, b: partial(cupy.matmul, a, b)
    if not on_gpu:
        peers["NumPy"] = partial(partial, getattr(cpu, primitive))
    if primitive in TORCH and find_spec("torch"):
        peers["PyTorch"] = partial(_torch, primitive, tf32=False)
        if on_gpu and primitive.startswith(("matmul", "conv2d")):
            peers["PyTorch, TF32"] = partial(_torch, primitive, tf32=True)
    return peers


def _torch(primitive, *arguments, tf32):
    """A call of PyTorch's function, on the memory of NumPy's or CuPy's arrays."""
    import torch

    xp = array_module(next(argument for argument in arguments if hasattr(argument, "dtype")))
    tensors = [_as_tensor(torch, argument) for argument in arguments]

    def call():
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
        torch.backends.cudnn.benchmark = True  # it tries its algorithms while it warms up
        with torch.no_grad():
            result = TORCH[primitive](torch, *tensors)
        if isinstance(result, tuple):
            return tuple(map(xp.from_dlpack, result))
        return None if result is None else xp.from_dlpack(result)  # None: the arguments were changed

    return call


def _as_tensor(torch, value):
    """An array's memory as a tensor; a count, which PyTorch keeps as a float, copied; anything else as it is."""
    if not hasattr(value, "dtype"):
        return value
    return torch.from_dlpack(value if value.dtype.kind == "f" else value.astype("float32").reshape(()))


def _pads(torch, x, padding):
    """(x, what is left of the padding): PyTorch pads by the same on both sides, anything else goes around x first."""
    (top, bottom), (left, right) = padding
    if top == bottom and left == right:
        return x, (top, left)
    return torch.nn.functional.pad(x, (left, right, top, bottom)), (0, 0)


def _conv2d(torch, x, w, bias, stride, padding):
    x, pads = _pads(torch, x, padding)
    return torch.nn.functional.conv2d(x, w, bias, stride, pads)


def _convolution_backward(torch, gradient, x, w, stride, pads, wanted):
    return torch.ops.aten.convolution_backward(
        gradient, x, w, None, stride, pads, (1, 1), False, (0, 0), 1, (*wanted, False)
    )


def _backward_data(torch, gradient, w, shape, stride, padding):
    (top, bottom), (left, right) = padding
    even = top == bottom and left == right
    size = shape[2:] if even else (shape[2] + top + bottom, shape[3] + left + right)
    x = gradient.new_empty((*shape[:2], *size))
    pads = (top, left) if even else (0, 0)
    whole = _convolution_backward(torch, gradient, x, w, stride, pads, (True, False))[0]
    return whole if even else whole[:, :, top : top + shape[2], left : left + shape[3]].contiguous()


def _backward_weight(torch, gradient, x, window, stride, padding):
    x, pads = _pads(torch, x, padding)
    w = gradient.new_empty((gradient.shape[1], x.shape[1], *window))
    return _convolution_backward(torch, gradient, x, w, stride, pads, (False, True))[1]


def _batch_norm_forward(torch, x, gamma, beta, epsilon, activation):
    y, mean, scale = torch.native_batch_norm(x, gamma, beta, None, None, True, 0.1, epsilon)
    return torch.nn.functional.leaky_relu(y, activation[1]), mean, 1 / scale**2 - epsilon


def _batch_norm_backward(torch, gradient, x, mean, variance, gamma, epsilon):
    scale = (variance + epsilon) ** -0.5
    wanted = [True, True, True]
    return torch.ops.aten.native_batch_norm_backward(gradient, x, gamma, None, None, mean, scale, True, epsilon, wanted)


def _adam(torch, parameter, gradient, first, second, step, rate, beta1, beta2, epsilon):
    torch._fused_adam_(
        [parameter], [gradient], [first], [second], [], [step], lr=rate, beta1=beta1, beta2=beta2, weight_decay=0.0,
        eps=epsilon, amsgrad=False, maximize=False,
    )  # fmt: skip


TORCH = {
    "matmul": lambda torch, a, b: a @ b,
    "conv2d": _conv2d,
    "conv2d_backward_data": _backward_data,
    "conv2d_backward_weight": _backward_weight,
    "batch_norm_statistics": lambda torch, x: tuple(reversed(torch.var_mean(x, (0, 2, 3), correction=0))),
    "batch_norm_forward": _batch_norm_forward,
    "batch_norm_backward": _batch_norm_backward,
    "sum": lambda torch, x, axes=None: torch.sum(x) if axes is None else torch.sum(x, axes),
    "leaky_relu": lambda torch, x, slope: torch.nn.functional.leaky_relu(x, slope),
    "leaky_relu_backward": lambda torch, g, x, slope: torch.ops.aten.leaky_relu_backward(g, x, slope, False),
    "tanh": lambda torch, x: torch.tanh(x),
    "sigmoid": lambda torch, x: torch.sigmoid(x),
    "adam": _adam,
}
