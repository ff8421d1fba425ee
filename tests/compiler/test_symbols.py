"""Symbols as arrays of NumPy's: its functions, its ways to write, and what is refused with the line and the way out."""

import re
from numbers import Real
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tests.compiler.test_rule_book import require_equal
from tinygrad_ko.compiler.tracing import functions
from tinygrad_ko.ops.elementwise import tensor_power

X = np.random.default_rng(0).normal(size=(4, 6))
M = np.random.default_rng(1).normal(size=(6, 6)) + 6 * np.eye(6)
V = np.arange(6.0)
IDS = np.array([2, 0, 3])
GIVEN = {"x": X, "m": M, "v": V, "i": IDS}


def flat(result):
    """The arrays in lists and tuples."""
    return [y for x in result for y in flat(x)] if isinstance(result, list | tuple) else [np.asarray(result)]


def function_of(text):
    """A function whose body is an expression, and its arguments."""
    names = [name for name in GIVEN if re.search(rf"\b{name}\b", text)]
    return eval(f"lambda {', '.join(names)}: {text}", {"np": np, "tg": tg}), [GIVEN[name].copy() for name in names]


COMPILES = """
np.dot(x, x.T); x.dot(x.T); np.einsum("ij,kj->ik", x, x); np.tensordot(x, x, axes=([1], [1])); np.vdot(v, v); np.outer(v, v)
np.kron(v, v); np.concatenate([x, x], axis=1); np.stack([x, x + 1]); np.vstack([x, x]); np.block([[x, x], [x, x]])
np.append(v, 1.0); np.split(x, 2); np.clip(x, -1, 1); x.clip(0); x.clip(max=1); np.nan_to_num(x); np.where(x > 0, x, 0)
np.select([x > 0, x < 0], [x, -x]); np.linalg.inv(m); np.linalg.solve(m, v); np.linalg.norm(x, axis=1); np.linalg.svd(m)
np.linalg.slogdet(m); np.fft.rfft(v); np.argmax(x, axis=1); x.argmin(); np.argsort(x)
np.take_along_axis(x, np.argsort(x, axis=1), 1); x.take([1, 2]); np.take(v, i); v[i]; x[i, i]; tg.take(np.eye(4), i, axis=0)
x[i[0]]; x[:, i[1]]; x[[0, 1], [1, 2]]; x[::2, ::-1]; x[..., None]; x[()]; x.mean(); x.mean(axis=0); x.mean(1, keepdims=True)
x.var(axis=1); x.std(ddof=1); np.std(x, axis=0); np.mean(x > 0); np.var(i); x.sum(0); np.sum(x, axis=(0, 1)); np.sum(x, 1, float)
np.sum(x, dtype=np.float32); np.sum(x, where=x > 0); np.max(x, initial=0); x.astype(np.float32).mean()
x.astype(np.float16).sum(axis=1); x.astype(np.float32).var(axis=0); (x > 0).sum(axis=1); np.prod(i); np.cumsum(x, 1)
x.cumprod(axis=0); np.median(x, axis=0); np.quantile(x, 0.3); np.sort(x, axis=0); np.diff(x); np.flip(x, 0); np.roll(x, 1)
np.tile(x, 2); np.repeat(x, 2, axis=0); np.pad(x, 1); np.diag(v); np.diagonal(m); np.trace(m); np.tril(m); np.histogram(x)
np.isin(i, [1]); np.count_nonzero(x > 0, axis=1); np.count_nonzero(x > 0) / 2; np.any(x > 3); (x > 0).all(axis=1)
np.logical_and(x > 0, x < 1); ~(x > 0); divmod(x, 2); x // 1; x % 1; x**2; x**-1; abs(x) ** 0.5; 2**x; np.modf(x)
np.add.accumulate(x); np.add.outer(v, v); np.maximum.reduce(x); np.zeros_like(x) + 1; np.full_like(x, 2); np.linspace(0, v[1], 3)
len(x) * x; x.shape[0] * x; np.shape(x) + x.shape; [row.sum() for row in x]; x.ravel(); x.reshape(6, 4); x.flatten()
x.swapaxes(0, 1); x.real; x.conj(); x.copy("F"); x.view(np.int64); round(v[1], 1); sum(v); np.eye(4) @ x
np.exp(x, dtype=np.float32); np.meshgrid(v, v); np.average(x, weights=abs(x)); np.matmul(x, x.T); np.broadcast_to(v, (4, 6))
x[np.newaxis]; x.view() * 2
"""


@pytest.mark.parametrize("text", [text.strip() for text in COMPILES.replace("\n", ";").split(";") if text.strip()])
def test_numpys_functions_have_the_same_bits(text):
    f, given = function_of(text)
    require_equal(flat(f(*given)), flat(tg.compile(f)(*given)))


READS = """
np.nonzero(x); np.unique(x); x[x > 0]; np.where(x > 0); np.allclose(x, 0); np.array_equal(x, x); np.bincount(i)
np.histogram(x, bins="auto"); x.tolist(); v[0].item(); float(x.sum()); int(v[1]); bool(v[1]); f"{v[1]:.3f}"; max(v); sorted(v)
3 in x; np.asarray(x); np.array([v, v]); x.tobytes(); np.repeat(v, np.arange(6) * i[0]); np.tile(v, i[0]); np.save("x.npy", x)
np.linalg.eig(m); np.linalg.lstsq(x, x[:, 0]); np.eye(6)[i]; round(v[1])
"""
UNKNOWN = """
np.piecewise(x, [x > 0], [lambda a: a]); np.apply_along_axis(np.sum, 0, x); np.exp(x, where=x > 0); x.flat[0]; x.tofile("x")
x.byteswap()
"""
WRITES = """
np.put(x * 1, 0, 1); np.copyto(x * 1, 0); np.fill_diagonal(m * 1, 0); np.nan_to_num(x * 1, copy=False); np.add.at(x * 1, [0], 1)
np.sum(x, axis=0, out=np.zeros(6)); np.median(x, overwrite_input=True); np.add(x, 1, out=np.zeros((4, 6)))
"""


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (
            READS,
            r"of a traced array at .+: (the program would depend|its numbers are not known|it has no numbers yet|how many elements)",
        ),
        (UNKNOWN, r"is not supported inside of a compiled function \(at .+\); use another function"),
        (WRITES, r"is not supported \(at .+\); return a new array instead of writing to one"),
    ],
)
def test_what_is_refused_names_the_way_out(texts, message):
    for text in [text.strip() for text in texts.replace("\n", ";").split(";") if text.strip()]:
        f, given = function_of(text)
        with pytest.raises(TypeError, match=f"^compile: .+{message}") as caught:
            tg.compile(f)(*given)
        assert any(re.search("[가-힣]", note) for note in caught.value.__notes__), text


def test_every_function_of_numpys_is_in_a_list():
    dispatched = {
        f"{of.__name__}.{name}": f
        for of in (np, np.linalg, np.fft)
        for name, f in vars(of).items()
        if type(f).__name__ == "_ArrayFunctionDispatcher"
    }
    listed = functions._STATIC | functions._DEPENDENT | functions._CALLS | functions._WRITING | {*functions._OWN}
    # These take functions, look at memory, make text of dates, or take what is no array of floats.
    unlisted = {name.rpartition(".")[2] for name, f in dispatched.items() if f not in listed}
    assert unlisted <= {
        *(
            "apply_along_axis",
            "apply_over_axes",
            "piecewise",
            "may_share_memory",
            "shares_memory",
            "datetime_as_string",
        ),
        *("busday_count", "busday_offset", "is_busday", "histogramdd", "array2string"),
    }


def view_then_write(x):
    y = 2 * x
    v = y[1:3]
    v += 1
    return y, v


def write_then_view(x):
    y = 2 * x
    v, w = y[1:3], y.reshape(-1)[::2]
    y[...] = 0
    return y, v + 1, w


def two_views(x):
    y = 2 * x
    a, b, c = y[:2], y[2:], y.T
    a += 1
    b *= 3
    c[0] = 7
    return y, a, b, c


def view_of_views(x):
    y = 2 * x
    v = y.reshape(2, 2, 6)[1].T
    v[2] = 9
    y.ravel()[0] = 1
    y.flatten()[1] = 8
    return y, v


def items(x):
    y = np.zeros_like(x)
    y[1] += x[0]
    y[:, 2] -= 1
    y[[0, 1]] = y[[1, 0]]
    y[1:] = y[:-1]
    y[y < 0] = 5
    for row in y:
        row /= 2
    return y


def copies(x):
    y = 1 * x
    z, w, u = y.astype(float), y.copy(), tg.reshape(y, (6, 4))
    z += 1
    w -= 1
    u *= 2
    return y, z, w, u


def numbers(x):
    s = x.sum()
    t = s
    s += 1
    return s, t


def into(x):
    y = 2 * x
    z = y[0]
    np.add(x, 1, out=y)
    np.exp(y, out=y)
    y.sort(axis=1)
    single = x.astype(np.float32)
    single += x
    return y, z, single, np.real(y), np.diagonal(y)


@pytest.mark.parametrize(
    "f",
    [view_then_write, write_then_view, two_views, view_of_views, items, copies, numbers, into],
    ids=lambda f: f.__name__,
)
def test_writing_is_numpys(f):
    compiled = tg.compile(f)
    for x in (X, -X):
        require_equal(flat(f(x.copy())), flat(compiled(x)))


def of_both_orders(a, b):
    y = a * 2
    y[...] = b * 3
    z = a * 2
    np.multiply(z, b, out=z.T) if a.shape[0] == a.shape[1] else None
    w = b + 1
    w[:2] = a[:2]
    return y, y.sum(), z, z.sum(), w, w.sum()


def copies_of_gaps(a, b):
    t = tg.Tensor(a)
    copy, other, conversion = np.copy(b), b.copy(), b.astype(float)
    return tg.sum(t).data, copy.sum(), other.sum(), conversion.sum(), tg.exp(t).data.sum()


@pytest.mark.parametrize("f", [of_both_orders, copies_of_gaps])
@pytest.mark.parametrize(
    "layout",
    [
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x[::-1],
        lambda x: np.broadcast_to(x[0], x.shape),
        lambda x: np.broadcast_to(x[:, :1], x.shape),
    ],
    ids=["fortran", "gaps", "backwards", "rows", "columns"],
)
def test_sums_are_added_up_in_the_order_in_which_the_engine_has_them_in_memory(f, layout):
    x = np.random.default_rng(0).normal(size=(41, 41))
    for a, b in ((x, layout(x + 1)), (layout(x), x + 1), (layout(x), layout(x + 1))):
        right, found = flat(f(a, b)), flat(tg.compile(f)(a, b))
        require_equal(right, found)
        assert [y.strides for y in right] == [y.strides for y in found]


def test_a_gradient_of_three_parts_lies_in_memory_as_that_of_the_engine():
    """The third part is added in place, in the order of the sum of the first two."""
    a, b, c = np.random.default_rng(0).normal(size=(3, 2, 5, 7)).astype(np.float32)

    def f(x):
        return (x * c).sum() + (x.mT * a.swapaxes(1, 2).copy()).sum() + (x.mT * b.swapaxes(1, 2).copy()).sum()

    def row_sums(x):
        gradient = tg.func.grad(f)(x)
        return gradient * 1, np.sum(gradient, axis=(1, 2))

    x = np.ones((2, 5, 7), np.float32)
    right, found = row_sums(x), tg.compile(row_sums)(x)
    require_equal(right, found)
    assert [y.strides for y in right] == [y.strides for y in found]


def a_buffer(x):
    buffer, total = np.empty(6), 0
    for i in range(3):
        buffer[:] = i
        total = total + x * buffer
    return total


def a_mask_and_an_index(x):
    mask, index = np.array([True, False] * 3), np.array([0, 1, 2])
    before = np.where(mask, x, 0), x[index]
    mask[0], index[0] = False, 2
    return *before, np.where(mask, x, 0), x[index], np.concatenate([x, [mask]])


def a_view_of_it(x):
    c = np.zeros(6)
    view = c[:3]
    before = x[:, :3] * view
    c[1] = 4
    return before, x[:, :3] * view, x * c, c


@pytest.mark.parametrize("f", [a_buffer, a_mask_and_an_index, a_view_of_it])
def test_an_array_of_the_function_is_what_it_is_where_it_is_used(f):
    require_equal(flat(f(X)), flat(tg.compile(f)(X)))


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda c: np.repeat(c, 2, axis=1)[:, ::2], lambda c: c[::-1]])
def test_an_array_of_the_function_lies_in_memory_as_it_does_there(layout):
    numbers = np.random.default_rng(2).normal(size=(41, 41))

    def f(x):
        c = layout(np.cos(np.arange(1681.0)).reshape(41, 41))
        return np.sum(x * c), x @ c, np.sum(np.exp(c + x), axis=0), x * c

    for x in (numbers, np.asfortranarray(numbers)):
        right, found = f(x), tg.compile(f)(x)
        require_equal(right, found)
        assert right[-1].strides == found[-1].strides


def test_the_function_is_told_what_it_is_given():
    def f(x, a):
        s = x.sum()
        kinds = [
            isinstance(x, np.ndarray),
            isinstance(a, float),
            isinstance(a, Real),
            isinstance(s, np.generic),
            isinstance(x, tg.Tensor),
        ]
        return [x * (i + 2) for i, kind in enumerate(kinds) if kind]

    require_equal(f(V, 0.5), tg.compile(f)(V, 0.5))


def test_powers_of_single_numbers():
    def f(x, a):
        s, t = x.sum(), x.astype(np.float32).mean()
        return s**t, s**s, t**t, 1.7**s, a**s, s**a, s**2, np.power(s, t), x**s, s**x

    for x in np.random.default_rng(3).uniform(0.1, 2, (60, 5)):
        require_equal(flat(f(x, 1.3)), flat(tg.compile(f)(x, 1.3)))


def test_a_single_number_from_the_end_is_computed_as_its_copy_is():
    for name in ("exp2", "log", "tanh"):
        function = getattr(np, name)
        compiled = tg.compile(lambda x, function=function: function(np.copy(x)))
        for x in np.random.default_rng(4).uniform(0.1, 2, (200, 1)):
            require_equal([compiled.f(x[::-1])], [compiled(x[::-1])])


def test_one_array_is_converted_to_two_dtypes():
    def f(x):
        return x.astype(np.float32), x.astype(np.int64), x.astype(bool)

    require_equal(f(X), tg.compile(f)(X))


def test_an_argument_is_not_written_to():
    for write in ("x += 1", "x[0] = 1", "x.fill(0)", "x[0] += 1", "x.T[0] = 1", "x.reshape(-1)[0] = 1"):
        room: dict[str, Any] = {}
        exec(f"def f(x):\n    {write}\n    return x", room)
        with pytest.raises(TypeError, match="writes to its argument x"):
            tg.compile(room["f"])(X)


def test_what_a_call_has_given_a_view_of_is_not_written_to():
    def f(x):
        y = 2 * x
        a, _ = np.split(y, 2)
        y += 1
        return a + 1

    with pytest.raises(TypeError, match=r"np\.split or the like"):
        tg.compile(f)(X)


LABELS = np.array([0, 5, 2, 1])


def hinge(t):
    return tg.hinge_loss(V[:4], t)


@pytest.mark.parametrize(
    ("f", "good", "bad"),
    [
        (lambda t: tg.softmax_cross_entropy(X, t), LABELS, LABELS + 1),
        (lambda t: tg.cross_entropy_error(abs(X), t), LABELS, LABELS - 1),
        (lambda t: tg.negative_log_likelihood(X, t), LABELS, LABELS + 9),
        (lambda ids: tg.embedding(X, ids), IDS, IDS - 1),
        (lambda ids: tg.take(X, ids, axis=0), IDS, IDS + 2),
        (lambda ids: tg.take_along_axis(X, ids, axis=1), LABELS[:, None], LABELS[:, None] + 1),
        (hinge, np.array([1.0, -1, 1, -1]), np.array([1.0, 0, 1, -1])),
        (lambda w: tg.average(V, weights=w), V, 0 * V),
        (lambda mask: tg.attention(X, X, X, mask=mask), np.eye(4, dtype=bool), np.tri(4, k=-1, dtype=bool)),
        (lambda x: tg.linalg.inv(x), M, 0 * M),
    ],
)
def test_what_is_checked_is_checked_at_every_call(f, good, bad):
    compiled = tg.compile(f)
    require_equal(flat(f(good)), flat(compiled(good)))
    with pytest.raises((ValueError, IndexError, ZeroDivisionError, np.linalg.LinAlgError)) as ours:
        f(bad)
    with pytest.raises(type(ours.value), match=re.escape(str(ours.value))) as theirs:
        compiled(bad)
    assert ours.value.__notes__[0] in theirs.value.__notes__


def test_indices_are_looked_at_where_the_engine_looks_at_them():
    compiled = tg.compile(lambda x, i: tg.take_along_axis(x, i, axis=0))
    nothing, indices = np.empty((2, 0)), np.array([[5], [0]])
    require_equal([tg.take_along_axis(nothing, indices, axis=0)], [compiled(nothing, indices)])
    with pytest.raises(IndexError, match=r"index 5 .*out of range for axis 0 of length 2"):
        compiled(np.ones((2, 1)), indices)


@pytest.mark.parametrize("exponent", [2.5, 0.5, -1.5, 3, 2.8e-07])
@pytest.mark.parametrize("dtype", [np.float32, float])
def test_the_exponent_of_a_derivative_stays_a_number_of_pythons(exponent, dtype):
    """As an array of float64 it would have the derivative computed in float64."""
    slope = tg.func.grad(lambda x: tg.sum(tensor_power(x, exponent)))
    second = tg.func.grad(lambda x: tg.sum(slope(x)))
    for x in (np.array([0.3, 1.7, 2.9], dtype), np.array([0.0, 1.7, 2.9], dtype)):
        with np.errstate(all="ignore"):
            require_equal([slope(x), second(x)], [tg.compile(slope)(x), tg.compile(second)(x)])


@pytest.mark.parametrize("exponent", [2.0, 0.5, 3.0, -1.0, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, float])
def test_an_exponent_without_axes_has_the_operators_bits(exponent, dtype):
    """NumPy before 2.2 computes `x ** np.array(2.0)` as a square, in the bits of one."""
    x, exponent = np.array([0.3, 1.7, 2.9], dtype), np.array(exponent, dtype)
    powers = tg.func.grad(lambda x, exponent: tg.sum(tg.pow(x, exponent)))
    for f in (lambda x, exponent: x**exponent, powers):
        require_equal([f(x, exponent)], [tg.compile(f)(x, exponent)])
