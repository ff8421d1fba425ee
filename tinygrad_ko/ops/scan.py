"""Cumulative sums and products: a gradient sums over the results that come after its place."""

from tinygrad_ko.arrays.opaque import either
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import zeros_like
from tinygrad_ko.ops.inputs import as_int, as_operand, normalized_axis
from tinygrad_ko.ops.queries import divisible
from tinygrad_ko.ops.shape import along, broadcast_to, concat, flip


@op(x=lambda g, axis, include_initial: _sums_from_the_end(_without_initial(g, axis, include_initial), axis))
def cumulative_sum(xp, x, /, *, axis=None, include_initial=False, dtype=None):
    """The cumulative sums along an axis: of the first element, the first two, ...; with `include_initial` a 0 stands before them, and the
    axis is longer by one. With a `dtype` they are those of x in that dtype.

    Raises ValueError if x is a number, or has several axes and none is given.

    >>> import tinygrad_ko as tg
    >>> tg.cumulative_sum([1.0, 2.0, 3.0], include_initial=True)
    array([0., 1., 3., 6.])
    """
    _require_axis(x, axis)
    if dtype is not None:
        return xp.cumulative_sum(x, axis=axis, dtype=dtype, include_initial=include_initial)
    return xp.cumulative_sum(x, axis=axis, include_initial=include_initial)


@op(
    x=lambda g, x, out, axis, include_initial: _slope_of_products(
        _without_initial(g, axis, include_initial), x, _without_initial(out, axis, include_initial), axis
    )
)
def cumulative_prod(xp, x, /, *, axis=None, include_initial=False, dtype=None):
    """The cumulative products along an axis: of the first element, the first two, ...; with `include_initial` a 1 stands before them, and
    the axis is longer by one. With a `dtype` they are those of x in that dtype. The derivatives are right at zeros too, at every order.

    Raises ValueError if x is a number, or has several axes and none is given.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor([2.0, 0.0, 3.0], requires_grad=True)
    >>> tg.cumulative_prod(x).backward([0.0, 0.0, 1.0])
    >>> x.grad
    array([0., 6., 0.])
    """
    _require_axis(x, axis)
    if dtype is not None:
        return xp.cumulative_prod(x, axis=axis, dtype=dtype, include_initial=include_initial)
    return xp.cumulative_prod(x, axis=axis, include_initial=include_initial)


def diff(x, /, *, axis=-1, n=1, prepend=None, append=None):
    """The differences of neighbours along an axis, taken n times; `prepend` and `append` are put before and after x first. Of truth values
    it is whether neighbours differ.

    Raises ValueError if n is below 0 or x is a number.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor([1.0, 4.0, 9.0], requires_grad=True)
    >>> y = tg.diff(x)
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([3.0, 5.0], [-1.0, 0.0, 1.0])
    """
    x, n = as_operand(x, "diff"), as_int(n, "diff")
    if not x.ndim or n < 0:
        raise explain(
            ValueError(f"diff: x needs an axis and n must be at least 0, not x of shape {x.shape} and n={n}"),
            f"diff: x에는 축이 있어야 하고 n은 0 이상이어야 합니다. 받은 값: x의 형상 {x.shape}, n={n}",
        )
    axis = normalized_axis(axis, x.ndim, "diff")
    if n == 0:
        return x
    ends = [_edge(x, axis, numbers) for numbers in (prepend, append)]
    if any(end is not None for end in ends):
        x = concat([part for part in (ends[0], x, ends[1]) if part is not None], axis=axis)
    for _ in range(n):
        after, before = _part(x, axis, slice(1, None)), _part(x, axis, slice(-1))
        x = after != before if "bool" in str(x.dtype) else after - before
    return x


def _edge(x, axis, numbers):
    """What is put before or after x, if anything is: a number is put in every row."""
    if numbers is None:
        return None
    numbers = as_operand(numbers, "diff")
    return numbers if numbers.ndim else broadcast_to(numbers, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))


def _require_axis(x, axis):
    ndim = getattr(x, "ndim", 0)
    if ndim == 0:
        raise explain(ValueError("a number has no axis to go along"), "수 하나에는 누적할 축이 없습니다.")
    if axis is None and ndim != 1:
        raise explain(
            ValueError(f"x has {ndim} axes: name the one to go along, as in axis=0, or flatten it first"),
            f"x의 축이 {ndim}개이므로 axis=0처럼 누적할 축을 지정하거나 먼저 한 축으로 펼치십시오.",
        )


def _without_initial(x, axis, include_initial):
    return _part(x, axis, slice(1, None)) if include_initial else x


def _sums_from_the_end(g, axis):
    return flip(cumulative_sum(flip(g, axis), axis=axis), axis)


def _slope_of_products(g, x, out, axis):
    """The product before x[i], times g[i] + x[i+1] * (g[i+1] + x[i+2] * (g[i+2] + ...)): the sum of g * out from i to the end, divided by
    x[i], but found without dividing where x[i] is 0.
    """

    def by_recurrence(x, out):
        factors = _later(flip(x, axis), 1, axis)
        return products_before(x, axis) * flip(_recurrence(factors, flip(g, axis), axis), axis)

    return either(divisible(out), lambda x, out: _sums_from_the_end(g * out, axis) / x, by_recurrence, (x, out))


def _recurrence(a, b, axis):
    """s[i] = b[i] + a[i] * s[i-1] along an axis, in log2(n) steps on whole arrays, each of which doubles the terms that are added. Source:
    Hillis and Steele, "Data parallel algorithms" (1986); Blelloch, "Prefix sums and their applications" (1990).
    """
    n = b.shape[axis or 0]
    for k in range(n.bit_length()):
        b = b + a * _later(b, 2**k, axis)
        a = a * _later(a, 2**k, axis)
    return b


def _later(x, step, axis):
    """x moved towards the end by so many places; zeros move in."""
    step = min(step, x.shape[axis or 0])
    return concat([zeros_like(_part(x, axis, slice(step))), _part(x, axis, slice(-step))], axis=axis)


def products_before(x, axis):
    """At each place the product of all before it: 1 at the first."""
    return _part(cumulative_prod(x, axis=axis, include_initial=True), axis, slice(-1))


def _part(x, axis, wanted):
    return x[along(axis or 0, wanted)]
