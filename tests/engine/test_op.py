"""`@tg.op`: three lines make an operation; what does not fit is an error when it is defined."""

import functools
import inspect
import sys
import traceback
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import array_api_strict
import numpy as np
import pytest

import tinygrad_ko as tg


@pytest.mark.skipif(sys.version_info < (3, 14), reason="before, such a function cannot be made")
def test_annotations_may_name_what_only_a_type_checker_imports() -> None:
    room: dict[str, Any] = {}
    exec("def cube(x: Nowhere, *, k: Nowhere = 1) -> Nowhere:\n    return k * x**3", room)
    cube = tg.op(x=lambda g, x, k: 3 * k * g * x**2)(room["cube"])
    tg.check_gradient(cube, [1.0, 2.0])
    tg.check_gradient(room["cube"], [1.0, 2.0])
    tg.draw(room["cube"], tg.Tensor([1.0]))


def noted(notes: list[Any], note: Any, result: Any) -> Any:
    notes.append(note)
    return result


def leaf(*values: float) -> Any:
    return tg.Tensor(list(values), requires_grad=True)


def korean(error: BaseException) -> bool:
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


# ------------------------------------------------------------------ a user's op


@tg.op(x=lambda g, out: g * out * (1 - out))
def sigmoid(xp: Any, x: Any) -> Any:
    """The logistic function."""
    return 1 / (1 + xp.exp(-x))


@tg.op(broadcasts=True, a=lambda g, b: g * b, b=lambda g, a: g * a)
def times(a: Any, b: Any) -> Any:
    return a * b


def test_the_op_of_the_readme() -> None:
    x = leaf(0, 1, -1)
    s = 1 / (1 + np.exp([0.0, -1.0, 1.0]))
    y = sigmoid(x)
    np.testing.assert_allclose(y.numpy(), s)
    y.sum().backward()
    np.testing.assert_allclose(x.grad, s * (1 - s))
    second = tg.grad(tg.grad(sigmoid(x).sum(), x, create_graph=True).sum(), x)
    np.testing.assert_allclose(second.numpy(), s * (1 - s) * (1 - 2 * s), atol=1e-15)


def test_on_bare_arrays_it_returns_plain_arrays_and_records_nothing() -> None:
    for value in (np.array([0.0, 1.0]), np.zeros((2, 2), np.float32), np.zeros(())):
        y = sigmoid(value)
        assert not isinstance(y, tg.Tensor)
        assert isinstance(y, np.ndarray | np.generic)
        assert y.dtype == value.dtype
    assert isinstance(sigmoid(0.5), float)
    assert sigmoid([0.0]).tolist() == [0.5]
    constant = sigmoid(tg.Tensor([0.0]))
    assert isinstance(constant, tg.Tensor)
    assert not constant.requires_grad


def test_the_function_looks_like_its_forward() -> None:
    assert sigmoid.__name__ == "sigmoid"
    assert sigmoid.__doc__ == "The logistic function."
    assert sigmoid.__module__ == __name__
    assert list(inspect.signature(sigmoid).parameters) == ["x"]
    assert sigmoid(x=np.zeros(1)).tolist() == [0.5]
    with pytest.raises(TypeError, match="argument"):
        sigmoid()
    with pytest.raises(TypeError, match="argument"):
        sigmoid(1.0, 2.0)


def test_the_same_forward_may_be_wrapped_many_times() -> None:
    def f(x: Any) -> Any:
        return x * 2

    right, wrong = tg.op(x=lambda g: g * 2)(f), tg.op(x=lambda g: g * 3)(f)
    for op, slope in ((right, 2), (wrong, 3), (right, 2)):
        w = leaf(1, 2)
        op(w).backward([1, 1])
        assert w.grad.tolist() == [slope, slope]
    assert f(3) == 6


def test_formulas_may_be_functions_closures_and_partials() -> None:
    def named(g: Any, x: Any) -> Any:
        return g * 2 * x

    def scaled(factor: float) -> Callable[..., Any]:
        return lambda g, x: g * factor * x

    for formula in (named, scaled(2), functools.partial(named)):

        @tg.op(x=formula)
        def square(x: Any) -> Any:
            return x * x

        w = leaf(1, 2)
        square(w).backward([1, 1])
        assert w.grad.tolist() == [2, 4]


@pytest.mark.parametrize(
    "word",
    [
        "type",
        "isinstance",
        "tuple",
        "zip",
        "any",
        "next",
        "property",
        "object",
        "n",
        "due",
        "waiting",
        "free",
        "to",
        "part",
        "id",
    ],
)
def test_any_ordinary_name_will_do(word: str) -> None:
    """For an op, for an argument and for an option: what the engine itself is written with is no business of the user."""
    room: dict[str, Any] = {"op": tg.op}
    exec(
        f"@op(x=lambda g, x: 2 * g * x)\ndef {word}(x):\n    return x * x\n"
        f"@op(broadcasts=True, {word}=lambda g, other: g * other, other=lambda g, {word}: g * {word})\n"
        f"def product({word}, other):\n    return {word} * other\n"
        f"@op(x=lambda g, {word}: g * {word})\ndef scaled(x, *, {word}):\n    return x * {word}\n"
        f"@op(keeps='{word}', x=lambda g, {word}: g * {word})\ndef keeping(x):\n    return x * 3, 3.0\n"
        f"@op({word}=lambda g, {word}_shape: [g] * len({word}_shape))\ndef total(*{word}):\n    return {word}[0] + {word}[1]\n",
        room,
    )
    w = leaf(3)
    assert tg.grad(room[word](w), w).item() == 6
    assert tg.grad(room["product"](w, 5.0), w).item() == 5
    assert tg.grad(room["scaled"](w, **{word: 7.0}), w).item() == 7
    assert tg.grad(room["keeping"](w), w).item() == 3
    assert tg.grad(room["total"](w, w), w).item() == 2


@pytest.mark.parametrize(
    "default",
    [
        None,
        2,
        -1.5,
        float("inf"),
        float("nan"),
        np.inf,
        np.float64(1.5),
        np.float32,
        "same",
        (1, 2),
        [1],
        len,
        np.ones(2),
        ...,
    ],
)
def test_an_option_may_have_any_default(default: Any) -> None:
    seen = []

    @tg.op(x=lambda g, option: noted(seen, option, g))
    def f(x: Any, *, option: Any = default) -> Any:
        seen.append(option)
        return x * 1

    w = leaf(1)
    f(w).backward()
    assert len(seen) == 2
    assert seen[0] is default or repr(seen[0]) == repr(default)
    assert w.grad.tolist() == [1]


# ------------------------------------------------------------------ None, keeps, variadic, options


def test_an_argument_without_a_formula_takes_no_tensor_that_wants_a_gradient() -> None:
    @tg.op(x=lambda g, mask: g * mask, mask=None)
    def masked(x: Any, mask: Any) -> Any:
        return x * mask

    w, m = leaf(1, 2), leaf(0, 1)
    with pytest.raises(TypeError, match=r"masked.*mask.*detach") as caught:
        masked(w, m)
    assert korean(caught.value)
    with pytest.raises(TypeError, match="mask"):
        masked(np.ones(2), m)
    with tg.no_grad():
        assert masked(w, m).tolist() == [0, 2]
    for given in (m.detach(), np.array([0.0, 1.0]), [0.0, 1.0], np.array([False, True])):
        w.zero_grad()
        masked(w, given).backward([1, 1])
        assert w.grad.tolist() == [0, 1]


def test_such_an_argument_is_a_bare_array_at_every_order() -> None:
    kinds: list[Any] = []

    @tg.op(x=lambda g, x, mask: noted(kinds, type(mask), g * 3 * x * x * mask), mask=None)
    def cube(x: Any, mask: Any) -> Any:
        return x**3 * mask

    w = leaf(1, 2)
    first = tg.grad(cube(w, tg.Tensor([1.0, 1.0])).sum(), w, create_graph=True)
    assert tg.grad(first.sum(), w).tolist() == [6, 12]
    assert set(kinds) == {np.ndarray}


def test_keeps() -> None:
    @tg.op(keeps="mask", x=lambda g, mask: g * mask)
    def positive(x: Any) -> Any:
        mask = x > 0
        return x * mask, mask

    @tg.op(keeps=("low", "high"), x=lambda g, low, high: g * (low & high))
    def between(x: Any) -> Any:
        return x * ((x > -1) & (x < 1)), x > -1, x < 1

    w = leaf(-2, 0.5, 2)
    (positive(w) + between(w)).sum().backward()
    assert w.grad.tolist() == [0, 2, 1]
    assert positive(np.array([-1.0, 1.0])).tolist() == [0, 1]
    with tg.no_grad():
        assert positive(w).tolist() == [0, 0.5, 2]


@pytest.mark.parametrize(("extra", "right"), [(1, False), (2, True), (3, False)])
def test_keeps_counts_what_the_forward_returns(extra: int, right: bool) -> None:
    @tg.op(keeps=("p", "q"), x=lambda g, p, q: g * p)
    def f(x: Any) -> Any:
        return (x * 1, *[1.0] * extra)

    if right:
        f(leaf(1))
    else:
        with pytest.raises((TypeError, ValueError), match="f"):
            f(leaf(1))


def test_a_kept_value_with_a_derivation_is_right_at_every_order() -> None:
    @tg.op(keeps="s", x=lambda g, s: g * s, s=lambda x: tg.exp(x))
    def exponential(xp: Any, x: Any) -> Any:
        s = xp.exp(x)
        return s, s

    @tg.op(keeps="s", x=lambda g, s: g * s)
    def without(xp: Any, x: Any) -> Any:
        s = xp.exp(x)
        return s, s

    x: Any = tg.Tensor(1.5, requires_grad=True)
    y = exponential(x)
    for _ in range(4):
        y = tg.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(np.exp(1.5), rel=1e-13)
    first = tg.grad(without(x) * x, x, create_graph=True)
    assert tg.grad(first, x).item() == pytest.approx(2 * np.exp(1.5))  # s counts as a constant without a derivation


def test_a_derivation_may_use_options_and_several_arguments() -> None:
    @tg.op(
        keeps="s",
        a=lambda g, s, b: g * s * b,
        b=lambda g, s, a: g * s * a,
        s=lambda a, b, scale: tg.exp(a * b * scale) * scale,
    )
    def f(xp: Any, a: Any, b: Any, *, scale: float) -> Any:
        e = xp.exp(a * b * scale)
        return e, e * scale

    a, b = tg.Tensor(0.3, requires_grad=True), tg.Tensor(0.7, requires_grad=True)
    ga = tg.grad(f(a, b, scale=2.0), a, create_graph=True)
    e = np.exp(0.3 * 0.7 * 2)
    assert ga.item() == pytest.approx(e * 2 * 0.7)
    gab, gaa = tg.grad(ga, [b, a])
    assert gab.item() == pytest.approx(2 * e + 2 * 0.7 * 2 * 0.3 * e)
    assert gaa.item() == pytest.approx((2 * 0.7) ** 2 * e)
    only = tg.grad(f(a, np.float64(0.7), scale=2.0), a, create_graph=True)
    assert tg.grad(only, a).item() == pytest.approx((2 * 0.7) ** 2 * e)


def test_variadic_arguments() -> None:
    @tg.op(xs=lambda g, xs: [g * i for i in range(1, len(xs) + 1)])
    def weighted(*xs: Any) -> Any:
        total = 0.0
        for i, x in enumerate(xs, 1):
            total = total + i * x
        return total

    a, b = leaf(1, 2), leaf(3, 4)
    y = weighted(a, np.ones(2), b, a)
    assert y.tolist() == [1 + 2 + 9 + 4, 2 + 2 + 12 + 8]
    y.backward([1, 1])
    assert (a.grad.tolist(), b.grad.tolist()) == ([5, 5], [3, 3])
    assert isinstance(weighted(np.ones(2)), np.ndarray)


def test_a_variadic_formula_sees_the_values_at_second_order() -> None:
    @tg.op(xs=lambda g, xs: [g * xs[1], g * xs[0]])
    def product(*xs: Any) -> Any:
        return xs[0] * xs[1]

    x: Any = tg.Tensor(3.0, requires_grad=True)
    first = tg.grad(product(x, x), x, create_graph=True)
    assert (first.item(), tg.grad(first, x).item()) == (6, 2)
    first = tg.grad(product(x, 2.0), x, create_graph=True)
    assert first.item() == 2


def test_variadic_arguments_of_any_dtype() -> None:
    @tg.op(xs=lambda g, xs: [(i + 1) * g for i, _ in enumerate(xs)])
    def weighted(*xs: Any) -> Any:
        return sum((i + 1) * x for i, x in enumerate(xs))

    half = tg.Tensor(np.array([1, 2], np.float16), requires_grad=True)
    y = weighted(np.array([1, 1], np.float16), half)
    y.backward(np.ones(2))
    assert (y.dtype, y.tolist()) == (np.float16, [3, 5])
    assert half.grad is not None
    assert (half.grad.dtype, half.grad.tolist()) == (np.float16, [2, 2])
    for dtype in (np.int64, np.int8):
        whole = weighted(tg.Tensor(np.array([1, 2], dtype)), np.array([1, 1], dtype))
        assert (whole.dtype, whole.tolist()) == (dtype, [3, 4])
    assert weighted(half, np.arange(2)).dtype == np.float64
    assert weighted(half, np.ones(2, np.float32)).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.longdouble])
@pytest.mark.parametrize("formula", [None, lambda g: g])
def test_a_result_is_not_the_memory_of_a_bare_argument(formula: Any, dtype: Any) -> None:
    @tg.op(a=lambda g: g, b=formula)
    def second(a: Any, b: Any) -> Any:
        return b

    @tg.op(xs=lambda g, xs: [0 * g, g])
    def second_of(*xs: Any) -> Any:
        return xs[1]

    for f in (second, second_of):
        b = np.ones(2, dtype)
        y = f(leaf(1, 2), b)
        b[0] = 5
        assert y.tolist() == [1, 1]


def test_one_tensor_anywhere_makes_a_tensor() -> None:
    @tg.op(a=lambda g: g, b=None)
    def first(a: Any, b: Any) -> Any:
        return a * 1

    @tg.op(xs=lambda g, xs: [g for _ in xs])
    def added(*xs: Any) -> Any:
        return sum(xs)

    for dtype in (np.float64, np.float16):
        bare = np.ones(2, dtype)
        for f in (first, added):
            assert type(f(bare, bare)) is np.ndarray
            assert type(f(bare, tg.Tensor(bare))) is type(f(tg.Tensor(bare), bare)) is tg.Tensor


def test_an_array_of_another_library_in_any_place_is_refused_though_the_output_does_not_show_it() -> None:
    @tg.op(a=lambda g: g, b=None, c=None)
    def first(a: Any, b: Any, c: Any) -> Any:
        return a * 1

    @tg.op(xs=lambda g, xs: [g, *[0 * g] * (len(xs) - 1)])
    def first_of(*xs: Any) -> Any:
        return xs[0] * 1

    x, other = leaf(1, 2), array_api_strict.asarray([1.0, 2.0])
    for given in ((x, other, 1.0), (x, 1.0, other)):
        for f in (first, first_of):
            with pytest.raises(TypeError, match="several libraries"):
                f(*given)


def test_a_record_is_a_key() -> None:
    assert {tg.add.op: "add", tg.multiply.op: "multiply"}[tg.add.op] == "add"


def test_watched_options_are_those_of_the_call() -> None:
    @tg.op(x=lambda g, weights: g * weights)
    def weighted(x: Any, *, weights: Any) -> Any:
        return x * weights

    weights = np.ones(2)
    with tg.watch():
        y: Any = weighted(leaf(1, 2), weights=weights)
    weights[0] = 5
    assert y.node.seen.options["weights"].tolist() == [1, 1]


def test_a_traceback_shows_the_lines_of_the_generated_code() -> None:
    @tg.op(x=lambda g: g)
    def failing(x: Any) -> Any:
        raise ValueError("too small")

    with pytest.raises(ValueError, match="too small") as caught:
        failing(leaf(1, 2))
    generated = [
        frame for frame in traceback.extract_tb(caught.value.__traceback__) if frame.filename.startswith("<op")
    ]
    assert generated
    assert all(frame.line for frame in generated)


def test_an_op_without_a_formula_has_no_class_of_nodes() -> None:
    @tg.op(x=None)
    def counted(x: Any) -> Any:
        return x + 1

    assert counted.op.source().strip().startswith("def counted(x):")


def test_an_attribute_that_a_formula_asks_for_and_is_not_there_is_told_with_the_op() -> None:
    @tg.op(x=lambda g, x: g * x.nupmy())
    def mistyped(x: Any) -> Any:
        return x * 1

    with pytest.raises(AttributeError, match="nupmy") as caught:
        mistyped(leaf(1, 2)).sum().backward()
    assert "in the backward of mistyped" in caught.value.__notes__


def test_a_variadic_formula_must_return_one_gradient_for_each() -> None:
    @tg.op(xs=lambda g: [g])
    def short(*xs: Any) -> Any:
        return xs[0] + xs[1]

    w = leaf(1, 2)
    with pytest.raises((ValueError, TypeError)) as caught:
        short(w, w).backward([1, 1])
    assert "short" in str(caught.value) + " ".join(caught.value.__notes__)
    assert w.grad is None


def test_options_after_a_slash_and_keyword_only() -> None:
    @tg.op(x=lambda g, x, power, scale: g * scale * power * x ** (power - 1))
    def monomial(x: Any, /, power: int, *, scale: float = 1.0) -> Any:
        return scale * x**power

    for call in (lambda w: monomial(w, 3, scale=2.0), lambda w: monomial(w, power=3, scale=2.0)):
        w = leaf(1, 2)
        call(w).backward([1, 1])
        assert w.grad.tolist() == [6, 24]
    with pytest.raises(TypeError):
        monomial(x=leaf(1), power=2)


def test_a_tensor_as_an_option_is_not_silently_a_constant() -> None:
    @tg.op(x=lambda g, scale: g * scale)
    def scaled(x: Any, *, scale: Any) -> Any:
        return x * scale

    w, s = leaf(1, 2), leaf(3, 4)
    with pytest.raises(TypeError, match=r"scaled|scale"):
        scaled(w, scale=s)


def test_arguments_with_defaults() -> None:
    @tg.op(x=lambda g, x, low: g * (x > low), low=None)
    def above(xp: Any, x: Any, low: Any = 0.0) -> Any:
        return xp.maximum(x, low)

    w = leaf(-1, 1, 3)
    (above(w) + above(w, 2) + above(w, low=[0.0, 2.0, 4.0])).sum().backward()
    assert w.grad.tolist() == [0, 1, 2]


# ------------------------------------------------------------------ what is refused at the definition


def one(x: Any) -> Any:
    return x


def two(a: Any, b: Any) -> Any:
    return a + b


def with_option(x: Any, *, axis: int = 0) -> Any:
    return x


def same(g: Any) -> Any:
    return g


def reserved(word: str) -> Callable[..., Any]:
    room: dict[str, Any] = {}
    exec(f"def f(x, *, {word}): return x", room)
    return room["f"]


BAD: dict[str, tuple[Callable[..., Any], dict[str, Any], str]] = {
    "no formula": (two, {"a": same}, "b"),
    "no formulas": (one, {}, "x"),
    "a formula for nothing": (one, {"x": same, "y": same}, "y"),
    "a formula for an option": (with_option, {"x": same, "axis": same}, "axis"),
    "an unknown word": (one, {"x": lambda g, y: g}, "y"),
    "a typing error": (one, {"x": lambda g, ouput: g}, "ouput"),
    "xp in a formula": (one, {"x": lambda g, xp: g}, "xp"),
    "a formula with a default": (one, {"x": lambda g, factor=2: g * factor}, "factor"),
    "a formula with *args": (one, {"x": lambda *g: g}, "g"),
    "a formula with **words": (one, {"x": lambda **x: x}, "x"),
    "a formula with keyword-only words": (one, {"x": lambda g, *, x: g}, "x"),
    "a shape of an option": (with_option, {"x": lambda g, axis_shape: g}, "axis_shape"),
    "*args with others": (lambda: None, {}, ""),
    "a formula that is no function": (one, {"x": 3}, ""),
    "no argument": (lambda: None, {}, ""),
    "a lambda": (lambda x: x, {"x": same}, "lambda"),
    "a derivation from out": (one, {"x": lambda g, s: g, "keeps": "s", "s": lambda out: out}, "s"),
    "a derivation from g": (one, {"x": lambda g, s: g, "keeps": "s", "s": lambda g: g}, "s"),
    "keeps twice": (one, {"x": same, "keeps": ("s", "s")}, "s"),
    "keeps an argument": (one, {"x": same, "keeps": "x"}, "x"),
    "keeps an option": (with_option, {"x": same, "keeps": "axis"}, "axis"),
    **{f"keeps {w}": (one, {"x": same, "keeps": w}, w) for w in ("g", "out", "xp")},
    **{f"an option called {w}": (reserved(w), {"x": same}, w) for w in ("g", "out", "keeps", "broadcasts")},
}


def mixed(x: Any, *rest: Any) -> Any:
    return x


def keywords(x: Any, **options: Any) -> Any:
    return x


def nothing() -> Any:
    return 1


def argument_called_out(out: Any) -> Any:
    return out


def argument_called_g(g: Any) -> Any:
    return g


def shape_as_argument(x: Any, x_shape: Any) -> Any:
    return x


BAD["*args with others"] = (mixed, {"x": same, "rest": same}, "args")
BAD["**options"] = (keywords, {"x": same}, r"\*\*options are not supported")
BAD["**options that have a formula"] = (keywords, {"x": same, "options": same}, r"\*\*options are not supported")
BAD["no argument"] = (nothing, {}, "argument")
BAD["an argument called out"] = (argument_called_out, {"out": same}, "out")
BAD["an argument called g"] = (argument_called_g, {"g": same}, "g")
BAD["an argument that is another's shape"] = (
    shape_as_argument,
    {"x": lambda g, x_shape: g, "x_shape": None},
    "x_shape",
)


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused_at_the_definition(name: str) -> None:
    forward, words, named = BAD[name]
    with pytest.raises(TypeError, match=named or None) as caught:
        tg.op(**words)(forward)
    assert korean(caught.value)


def test_the_decorator_without_parentheses_is_refused_at_once() -> None:
    bare: Any = tg.op
    with pytest.raises(TypeError, match=r"formula|op\("):

        @bare
        def f(x: Any) -> Any:
            return x


# ------------------------------------------------------------------ what is refused at the call and in backward


def test_a_forward_without_return() -> None:
    @tg.op(x=lambda g: g)
    def forgetful(x: Any) -> Any:
        x * 2

    with pytest.raises(TypeError, match="forgetful"):
        forgetful(leaf(1, 2))


def test_a_forward_that_returns_a_pair_without_keeps() -> None:
    @tg.op(x=lambda g: g)
    def pair(x: Any) -> Any:
        return x * 2, x

    with pytest.raises((TypeError, ValueError), match="pair"):
        pair(leaf(1, 2))


def test_a_forward_that_fails_names_the_op_and_what_it_was_given() -> None:
    w: Any = tg.Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    with pytest.raises(ValueError, match=r"times.*\[2, 3\].*\[4\]|times.*\(2, 3\).*\(4,\)") as caught:
        times(w, np.ones(4))
    assert korean(caught.value)
    with pytest.raises(ValueError, match="times"):
        times(np.ones((2, 3)), np.ones(4))


@pytest.mark.parametrize(
    "wrong", [lambda g: g[:1], lambda g: g.sum(), lambda g: np.ones((2, 2)), lambda g: g.reshape(2, 1)]
)
@pytest.mark.parametrize("broadcasts", [False, True])
@pytest.mark.parametrize("record", [False, True])
def test_a_gradient_of_a_wrong_shape(wrong: Callable[..., Any], broadcasts: bool, record: bool) -> None:
    @tg.op(broadcasts=broadcasts, weight=lambda g: wrong(g))
    def crooked(weight: Any) -> Any:
        return weight * 1

    w = leaf(1, 2)
    y = crooked(w * 1.0)
    if broadcasts and wrong(np.ones(2)).shape == (2, 2):
        return  # may well be the gradient of a broadcast
    with pytest.raises(ValueError, match=r"crooked.*weight") as caught:
        tg.grad(y.sum(), w, create_graph=True) if record else y.sum().backward()
    message = str(caught.value)
    got = np.shape(wrong(np.ones(2)))
    assert "(2,)" in message
    assert str(got) in message or str(list(got)) in message
    assert korean(caught.value)
    assert w.grad is None


@pytest.mark.parametrize("wrong", [None, 1.0, [1.0, 1.0], "g", 1])
def test_a_gradient_that_is_no_array(wrong: Any) -> None:
    @tg.op(weight=lambda g: wrong)
    def crooked(weight: Any) -> Any:
        return weight * 1

    w = leaf(1, 2)
    with pytest.raises((TypeError, ValueError), match=r"crooked.*weight"):
        crooked(w).sum().backward()
    with pytest.raises((TypeError, ValueError), match=r"crooked.*weight"):
        tg.grad(crooked(w).sum(), w, create_graph=True)
    assert w.grad is None


@pytest.mark.parametrize("wrong", [lambda g: g + 1j, lambda g: g.astype(object), lambda g: g.astype(str)])
def test_a_gradient_that_is_not_real(wrong: Callable[..., Any]) -> None:
    @tg.op(weight=lambda g: wrong(g))
    def crooked(weight: Any) -> Any:
        return weight * 1

    w = leaf(1, 2)
    with pytest.raises((TypeError, ValueError, Warning), match=r"."):
        crooked(w).sum().backward()
    assert w.grad is None


def test_a_gradient_is_summed_only_where_the_op_broadcasts() -> None:
    w: Any = tg.Tensor(np.ones((2, 1)), requires_grad=True)
    times(w, np.arange(3.0)).backward(np.ones((2, 3)))
    assert w.grad.tolist() == [[3], [3]]
    plain = tg.op(a=lambda g, b: g * b, b=lambda g, a: g * a)(lambda_free_times)
    with pytest.raises(ValueError, match="broadcasts=True"):
        plain(w, np.arange(3.0)).backward(np.ones((2, 3)))


def lambda_free_times(a: Any, b: Any) -> Any:
    return a * b


def test_a_formula_that_raises_names_the_op_in_a_note() -> None:
    @tg.op(x=lambda g, x: x[100])
    def reaching(x: Any) -> Any:
        return x * 1

    with pytest.raises(IndexError) as caught:
        reaching(leaf(1, 2)).sum().backward()
    assert any("reaching" in note for note in caught.value.__notes__)
    with pytest.raises(IndexError) as caught:
        tg.grad(reaching(w := leaf(1, 2)).sum(), w, create_graph=True)
    assert any("reaching" in note for note in caught.value.__notes__)


# ------------------------------------------------------------------ what is kept


def held(f: Callable[[], Any]) -> tuple[int, Any]:
    f()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = f()
        return tracemalloc.get_traced_memory()[0] - before, result
    finally:
        tracemalloc.stop()


def test_ten_layers_hold_one_activation_each() -> None:
    rng = np.random.default_rng(0)
    rows, width = 400, 100
    parameters = [
        (tg.Tensor(rng.normal(size=(width, width)), True), tg.Tensor(np.zeros(width), True)) for _ in range(10)
    ]
    x = rng.normal(size=(rows, width))

    def forward() -> Any:
        h: Any = tg.Tensor(x, copy=False)
        for weight, bias in parameters:
            h = tg.relu(h @ weight + bias)
        return h

    bytes_held, y = held(forward)
    assert (
        bytes_held <= 1.05 * 10 * rows * width * 8 + rows * width * 8
    )  # and the input, which is shared, so copied once
    y.backward(np.ones(y.shape))
    assert all(p.grad is not None for pair in parameters for p in pair)


N = 100_000
UNKEPT: dict[str, tuple[Callable[[Any], Any], float]] = {
    "add": (lambda w: w + 1.0, 1),
    "sum": (lambda w: w.sum(), 0),
    "mean": (lambda w: w.mean(), 0),
    "exp": (lambda w: tg.exp(w), 1),
    "exp and sum": (lambda w: tg.exp(w).sum(), 1),
    "sin and sum": (lambda w: tg.sin(w).sum(), 0),
    "times constant": (lambda w: (w * 3.0).sum(), 0),
    "reshape": (lambda w: w.reshape(10, -1).sum(), 0),
    "relu chain": (lambda w: tg.relu(tg.relu(w) + 1.0).sum(), 2),
    "constant product": (lambda w: (w * tg.Tensor(np.ones(N), copy=True)).sum(), 1),
}


@pytest.mark.parametrize("name", UNKEPT)
def test_only_what_the_wanted_formulas_name_is_kept(name: str) -> None:
    f, arrays = UNKEPT[name]
    w: Any = tg.Tensor(np.ones(N), requires_grad=True)
    bytes_held, y = held(lambda: f(w))
    assert y.requires_grad
    assert bytes_held <= (arrays + 0.02) * 8 * N


def test_an_unwanted_formula_keeps_nothing() -> None:
    w, x = leaf(1, 2), np.ones(2)
    before = sys.getrefcount(w.data)
    array = weakref.ref(w.data)
    c: Any = tg.Tensor(x)
    y = times(w, c)  # only the formula of a is wanted, and it names b
    kept = weakref.ref(c.data)
    assert kept() is not None
    after = sys.getrefcount(w.data)
    assert after == before
    del w
    assert array() is None
    y.backward([1, 1])


def test_under_no_grad_and_on_constants_nothing_is_kept() -> None:
    w: Any = tg.Tensor(np.ones(N), requires_grad=True)
    with tg.no_grad():
        bytes_held, _ = held(lambda: tg.exp(tg.exp(w) * 0.0).sum())
    assert bytes_held < 0.02 * 8 * N
    bytes_held, _ = held(lambda: tg.exp(tg.exp(w.detach()) * 0.0).sum())
    assert bytes_held < 0.02 * 8 * N


def test_a_shape_is_kept_without_its_array() -> None:
    @tg.op(x=lambda g, x_shape: np.zeros(x_shape) + g)
    def total(x: Any) -> Any:
        return x.sum()

    w: Any = tg.Tensor(np.ones(N), requires_grad=True)
    y = w + 1.0
    array = weakref.ref(y.data)
    z = total(y)
    del y
    assert array() is None
    z.backward()
    assert w.grad.sum() == N


def test_python_numbers_stay_python_numbers_among_what_is_kept() -> None:
    kinds: list[Any] = []

    @tg.op(broadcasts=True, a=lambda g, b: noted(kinds, type(b), g * b), b=None)
    def scale(a: Any, b: Any) -> Any:
        return a * b

    w: Any = tg.Tensor(np.ones(2, np.float32), requires_grad=True)
    for number in (2, 2.0, True):
        y = scale(w, number)
        assert y.dtype == np.float32
        y.backward([1, 1])
    assert kinds == [int, float, bool]


def test_a_name_with_an_underscore_would_replace_the_engines_own() -> None:
    def _add(a: Any, b: Any) -> Any:
        return a * b

    with pytest.raises(TypeError, match="underscore"):
        tg.op(broadcasts=True, a=lambda g, b: g * b, b=lambda g, a: g * a)(_add)


def test_xp_comes_first() -> None:
    with pytest.raises(TypeError, match="xp"):

        @tg.op(x=lambda g: g)
        def f(x: Any, xp: Any) -> Any:
            return x


def test_an_op_goes_by_its_own_name() -> None:
    assert tg.relu.__qualname__ == "relu"
    with pytest.raises(TypeError, match=r"relu\(\)"):
        tg.relu(1.0, 2.0, 3.0)
