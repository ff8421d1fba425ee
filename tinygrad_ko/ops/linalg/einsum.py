"""Einstein's notation, composed of diagonals, sums, products and matrix products of two arrays at a time, whose formulas do the rest."""

from collections import Counter
from functools import lru_cache
from itertools import combinations
from math import prod
from string import ascii_letters

from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import multiply
from tinygrad_ko.ops.inputs import as_operand, in_float32
from tinygrad_ko.ops.linalg.diagonals import diagonal
from tinygrad_ko.ops.linalg.products import as_matrices, dot_products, matrix_product, merged
from tinygrad_ko.ops.networks.activations import identity_function
from tinygrad_ko.ops.reduction import sum
from tinygrad_ko.ops.shape import permute_dims, reshape


@in_float32
def einsum(subscripts, /, *operands):
    """Sums of products by the letters of their axes: `einsum("ij,jk->ik", a, b)` is a @ b.

    - A letter of several operands multiplies them along that axis; one that is not in the result is summed over.
    - A letter that an operand has twice takes its diagonal: "ii->i"; "ii->" is the trace.
    - "..." stands for any axes, which broadcast: "...ij,...jk->...ik" multiplies stacks of matrices.
    - Without "->" the result has the axes of "..." and then, in alphabetical order, the letters that occur once.
    - An axis of length 1 broadcasts against a longer one of the same letter, as in NumPy.

    Two operands at a time are contracted, those first whose product is smallest compared with them, else from left to right.

    Raises ValueError for subscripts that do not fit the operands, TypeError if the first argument is not a string.

    >>> import numpy as np, tinygrad_ko as tg
    >>> a = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> tg.einsum("ij,j->i", a, [1.0, 10.0])
    array([21., 43.])
    >>> tg.einsum("ii->i", a)
    array([1., 4.])
    """
    if not isinstance(subscripts, str):
        raise explain(
            TypeError(f"einsum: the first argument must be a string, as 'ij,jk->ik', not {type(subscripts).__name__}"),
            f"einsum: 첫 번째 인수에는 'ij,jk->ik'와 같은 문자열을 넘겨야 합니다. 받은 값의 종류: {type(subscripts).__name__}",
        )
    arrays = [as_operand(x, "einsum") for x in operands]
    labels, result, lengths = _parsed(subscripts, tuple([x.shape for x in arrays]))
    factors = [_prepared(x, axes, lengths) for x, axes in zip(arrays, labels, strict=True)]
    while len(factors) > 1:
        i, j = (0, 1) if len(factors) == 2 else _cheapest(factors, result, lengths)
        b, a = factors.pop(j), factors.pop(i)
        factors.insert(i, _product(a, b, _wanted([*factors, (None, result)])))
    x, axes = _summed(factors[0], result)
    out = _turned(x, axes, result)
    return identity_function(out) if any(out is x for x in arrays) else out


# What the letters say


@lru_cache(maxsize=256)  # for small arrays, reading takes as long as computing
def _parsed(subscripts, shapes):
    """The labels of the axes of all operands and of the result (letters; for "..." places from the right: -1, -2 ...) and their lengths."""

    def refuse(what, korean):
        raise explain(
            ValueError(f"einsum: {subscripts!r}: {what}; the shapes are {', '.join(map(str, shapes))}"),
            f"einsum: {subscripts!r}: {korean} 형상: {', '.join(map(str, shapes))}",
        )

    def labelled(term, ndim):
        head, dots, tail = term.partition("...")
        if strange := [c for c in head + tail if c not in ascii_letters]:
            refuse(f"{strange[0]!r} is no letter", f"쓸 수 없는 글자가 있습니다: {strange[0]!r}.")
        more = ndim - len(head + tail)
        if more < 0 or (more and not dots):
            refuse(
                f"{term!r} does not have one letter for each of {ndim} axes",
                f"{term!r}: 축이 {ndim}개이므로 글자도 {ndim}개여야 합니다.",
            )
        return (*head, *range(-more, 0), *tail)

    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        refuse(
            f"there are subscripts for {len(terms)} operands, but {len(shapes)} operands",
            f"피연산자가 {len(terms)}개 필요한데 {len(shapes)}개를 받았습니다.",
        )
    labels = [labelled(term, len(shape)) for term, shape in zip(terms, shapes, strict=True)]
    count = Counter(label for axes in labels for label in axes)
    places = sorted(label for label in count if isinstance(label, int))
    if not arrow:
        right = "..." + "".join(sorted(label for label in count if label not in places and count[label] == 1))
    result = labelled(right, len(right.replace("...", "")) + len(places) * ("..." in right))
    for label, n in Counter(result).items():
        if label not in count:
            refuse(
                f"the letter {label!r} of the result is in no operand",
                f"어느 피연산자에도 없는 글자가 결과에 있습니다: {label!r}.",
            )
        if n > 1:
            refuse(f"the letter {label!r} is twice in the result", f"결과에 두 번 적은 글자가 있습니다: {label!r}.")
    if places and "..." not in right:
        refuse("the result needs '...' too", "결과에도 '...'을 적어야 합니다.")
    return labels, result, _measured(subscripts, labels, shapes)


def _measured(subscripts, labels, shapes):
    """The length of the axes of each label; a 1 broadcasts, but not against another axis of the same operand."""
    lengths: dict[str | int, int] = {}
    for k, (axes, shape) in enumerate(zip(labels, shapes, strict=True)):
        for i, (label, n) in enumerate(zip(axes, shape, strict=True)):
            again = label in axes[:i]
            known = shape[axes.index(label)] if again else lengths.get(label, 1)
            if known != n and (again or 1 not in (known, n)):
                axis = f"the letter {label!r}" if isinstance(label, str) else f"axis {label} of '...'"
                raise explain(
                    ValueError(
                        f"einsum: {subscripts!r}: {axis} has length {n} in operand {k} of shape {shape}, not {known}"
                    ),
                    f"einsum: {subscripts!r}: {label!r}의 길이가 앞에서는 {known}, 형상이 {shape}인 {k}번 피연산자에서는 {n}입니다.",
                )
            if lengths.get(label, 1) == 1:
                lengths[label] = n
    return lengths


# One operand


def _prepared(x, axes, lengths):
    """An operand with each label once, and without axes of length 1 that would have to broadcast."""
    for label in dict.fromkeys(axes):
        while axes.count(label) > 1:
            x, axes = _along_both(x, axes, label)
    kept = tuple(label for label, n in zip(axes, x.shape, strict=True) if n == lengths[label])
    return (x if kept == axes else reshape(x, tuple(lengths[label] for label in kept))), kept


def _along_both(x, axes, label):
    """The diagonal of two axes that have the same label."""
    i = axes.index(label)
    j = axes.index(label, i + 1)
    rest = [k for k in range(x.ndim) if k not in (i, j)]
    return diagonal(permute_dims(x, (*rest, i, j))), (*(axes[k] for k in rest), label)


def _summed(factor, kept):
    x, axes = factor
    gone = tuple(i for i, label in enumerate(axes) if label not in kept)
    return (sum(x, axis=gone), tuple(label for label in axes if label in kept)) if gone else (x, axes)


def _turned(x, axes, order):
    return x if axes == order else permute_dims(x, _places(axes, order))


# Two operands


def _wanted(factors):
    return {label for _, axes in factors for label in axes}


def _cheapest(factors, result, lengths):
    """The two whose product is smallest compared with them: the greedy choice of D. Smith and J. Gray, "opt_einsum" (2018)."""

    def growth(pair):
        two = [factors[k] for k in pair]
        rest = [factor for k, factor in enumerate(factors) if k not in pair]
        left = _wanted(two) & _wanted([*rest, (None, result)])
        return prod(lengths[label] for label in left) - prod(two[0][0].shape) - prod(two[1][0].shape)

    return min(combinations(range(len(factors)), 2), key=growth)


def _product(a, b, kept):
    """The product of two factors, summed over all labels but those in `kept`; by a matrix product where there is one in it."""
    x, first = _summed(a, {*kept, *b[1]})
    y, second = _summed(b, {*kept, *a[1]})
    both = [label for label in first if label in second]
    stack = tuple(label for label in both if label in kept)
    inner = tuple(label for label in both if label not in kept)
    rows = tuple(label for label in first if label not in both)
    columns = tuple(label for label in second if label not in both)
    if not inner:
        x, y = _turned(x, first, (*rows, *stack)), _turned(y, second, (*columns, *stack))
        if rows and columns:
            x = reshape(x, (*x.shape[: len(rows)], *(1 for _ in columns), *x.shape[len(rows) :]))
        return multiply(x, y), (*rows, *columns, *stack)
    if not rows and not columns:
        x, y = (
            merged(z, *((axes.index(label),) for label in stack), _places(axes, inner))
            for z, axes in ((x, first), (y, second))
        )
        return dot_products(x, y, axis=-1), stack
    axes = (*stack, *rows, *columns)
    lengths = {**dict(zip(first, x.shape, strict=True)), **dict(zip(second, y.shape, strict=True))}
    x = as_matrices(x, *(_places(first, labels) for labels in (stack, rows, inner)))
    y = as_matrices(y, *(_places(second, labels) for labels in (stack, inner, columns)))
    out = matrix_product(x, y)
    shape = tuple(lengths[label] for label in axes)
    return (out if out.shape == shape else reshape(out, shape)), axes


def _places(axes, labels):
    """Where these labels are among the axes."""
    return tuple(axes.index(label) for label in labels)
