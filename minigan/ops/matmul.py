"""Matrix product with a bias: the dense layer.

    y = A B + b          y[i, j] = Σₚ A[i, p] B[p, j] + b[j]

∂L/∂A = G Bᵀ,  ∂L/∂B = Aᵀ G  and  ∂L/∂b = Σᵢ G[i, ·],  with G = ∂L/∂y: two more matrix products and a column sum, so
the op closes over itself and differentiates as often as one likes.
"""

from ..errors import MiniganError
from ..tensor import Function, Tensor
from .reduce import sum as sum_over


class MatMul(Function):
    def __init__(self, transpose_a=False, transpose_b=False):
        self.transpose_a, self.transpose_b = transpose_a, transpose_b

    def forward(self, a, b, bias=None):
        return self.primitives.matmul(a, b, bias, self.transpose_a, self.transpose_b)

    def backward(self, g):
        a, b = self.inputs[:2]
        ta, tb = self.transpose_a, self.transpose_b
        grad_a = grad_b = grad_bias = None
        if self.wanted[0]:  # of op(a): g op(b)ᵀ; where a was transposed, the transpose of that
            grad_a = matmul(b, g, None, tb, True) if ta else matmul(g, b, None, False, not tb)
        if self.wanted[1]:  # of op(b): op(a)ᵀ g
            grad_b = matmul(g, a, None, True, ta) if tb else matmul(a, g, None, not ta, False)
        if len(self.inputs) == 2:
            return grad_a, grad_b
        if self.wanted[2]:
            grad_bias = sum_over(g, 0)
        return grad_a, grad_b, grad_bias


def matmul(a, b, bias=None, transpose_a=False, transpose_b=False):
    """op(a) op(b) + bias for matrices a and b, where op transposes if asked to.

    Shapes: op(a) (m, k), op(b) (k, n), bias (n,) → (m, n). Raises MiniganError where they do not fit.

    >>> import minigan as mg
    >>> x = mg.tensor([[1, 2]])
    >>> w = mg.tensor([[1, 0, 2], [0, 1, 2]], requires_grad=True)
    >>> mg.ops.matmul(x, w).numpy()
    array([[1., 2., 6.]], dtype=float32)
    """
    if not (isinstance(a, Tensor) and isinstance(b, Tensor)):
        raise MiniganError(
            f"matmul takes two matrices, got {type(a).__name__} and {type(b).__name__}: minigan.tensor(…)"
        )
    return MatMul(transpose_a, transpose_b)(*((a, b) if bias is None else (a, b, bias)))
