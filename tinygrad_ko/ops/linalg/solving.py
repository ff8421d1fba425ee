"""Systems of linear equations, inverses and powers of matrices.

Source: M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation" (2008), section 2.
"""

from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import zeros_like
from tinygrad_ko.ops.inputs import as_int, as_operand, in_float32
from tinygrad_ko.ops.linalg.lapack import as_matrix_stack, refusing, square_matrices
from tinygrad_ko.ops.linalg.products import drop
from tinygrad_ko.ops.shape import inverse_permutation, permute_dims, reshape


@op(name="solve", broadcasts=True, a=lambda g, a, out: -solution(a.mT, g) @ out.mT, b=lambda g, a: solution(a.mT, g))
def solution(xp, a, b):
    """The op behind `solve`: x with a @ x = b, where a is (..., n, n) and b is (..., n, k), never a vector."""
    a, b = square_matrices(a), floating(b)
    n = a.shape[-1]
    if b.ndim < 2 or b.shape[-2] != n:
        raise explain(
            ValueError(f"b needs {n} rows, (..., n, k), or is one vector (n,); a stack of vectors is b[..., None]"),
            f"b는 행이 {n}개인 배열 (..., n, k)이거나 벡터 (n,)이어야 합니다. 벡터의 묶음은 b[..., None]으로 넘기십시오.",
        )
    with refusing(
        "solve: a is singular, so a @ x = b has no one solution; tg.linalg.pinv(a) @ b is the shortest x that comes nearest",
        "solve: a가 특이 행렬이므로 a @ x = b의 해가 하나로 정해지지 않습니다. 대신 tg.linalg.pinv(a) @ b를 쓸 수 있습니다.",
    ):
        return xp.linalg.solve(a, b)


def solve(a, b, /):
    """x with a @ x = b: from a (..., n, n) and b (..., n, k) to (..., n, k), where stacks broadcast, or from a vector b (n,) to (..., n).

    Raises LinAlgError if a matrix is singular, ValueError if the shapes do not fit.

    >>> import tinygrad_ko as tg
    >>> a = tg.Tensor([[2.0, 0.0], [1.0, 4.0]], requires_grad=True)
    >>> x = tg.linalg.solve(a, [2.0, 5.0])
    >>> x.tolist()
    [1.0, 1.0]
    >>> x.sum().backward()
    >>> a.grad
    array([[-0.375, -0.375],
           [-0.25 , -0.25 ]])
    """
    a, b = as_operand(a, "solve"), as_operand(b, "solve")
    if b.ndim == 1:
        return drop(solution(a, reshape(b, (b.shape[0], 1))), -1)
    if a.ndim == 2 < b.ndim and a.shape[-1] == b.shape[-2] > 0:  # one matrix takes a whole stack as its columns
        axes = (b.ndim - 2, *range(b.ndim - 2), b.ndim - 1)
        columns = permute_dims(b, axes)
        out = solution(a, reshape(columns, (b.shape[-2], b.size // b.shape[-2])))
        return permute_dims(reshape(out, columns.shape), inverse_permutation(axes))
    return solution(a, b)


@op(x=lambda g, out: -out.mT @ g @ out.mT)
def inv(xp, x):
    """The inverse of a square matrix. For inv(a) @ b, `solve(a, b)` is faster and more exact.

    Raises LinAlgError if a matrix is singular, ValueError if it is not square.

    >>> import tinygrad_ko as tg
    >>> tg.linalg.inv([[2.0, 0.0], [0.0, 4.0]])
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    x = square_matrices(x)
    with refusing(
        "inv: x is singular, so it has no inverse; tg.linalg.pinv(x) is what comes nearest to one",
        "inv: x가 특이 행렬이므로 역행렬이 없습니다. 역행렬에 가장 가까운 것은 tg.linalg.pinv(x)입니다.",
    ):
        return xp.linalg.inv(x)


@in_float32
def matrix_power(x, n, /):
    """x @ x @ ... @ x, n times; the identity for n = 0, and a power of the inverse for n below 0. It takes about log2(n) products.

    Raises LinAlgError if n is below 0 and a matrix is singular, ValueError if x is not square, TypeError if n is not an integer.

    >>> import tinygrad_ko as tg
    >>> tg.linalg.matrix_power([[1.0, 1.0], [1.0, 0.0]], 10)  # Fibonacci's numbers
    array([[89., 55.],
           [55., 34.]])
    """
    x, n = as_matrix_stack(x, "matrix_power"), as_int(n, "matrix_power")
    if x.shape[-1] != x.shape[-2]:
        raise explain(
            ValueError(f"matrix_power: x must be square, (..., n, n), but its shape is {x.shape}"),
            f"matrix_power: x는 정사각 행렬 (..., n, n)이어야 합니다. 받은 형상: {x.shape}",
        )
    if n <= 0:
        return matrix_power(inv(x), -n) if n else identity_like(x)
    power = None
    while n:
        if n % 2:
            power = +x if power is None else power @ x  # +x: never x itself
        n //= 2
        x = x @ x if n else x
    return power


@op(x=lambda g: zeros_like(g))
def identity_like(xp, x):
    """The identity in the shape and dtype of x. It does not depend on x: the derivative is 0."""
    return xp.zeros_like(x) + xp.eye(x.shape[-1], dtype=x.dtype)
