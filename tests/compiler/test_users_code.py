"""What the code of users asks of an array, catches, or keeps in an object of a class of its own is what it is without a compiler."""

import argparse
import contextvars
import functools
import numbers
import sys
import typing
import weakref
from collections import UserDict
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg

Compiled: Any = tg.compile
ONES = np.ones(2)


def caught_truth(x):
    try:
        if x.sum() > 0:
            return x
    except TypeError:
        pass
    return -x


def caught_function(x):
    try:
        return np.unique(x)
    except Exception:
        return x


def caught_inverse(x):
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return x


def raised_anew(x):
    try:
        return x * float(x.sum())
    except TypeError as error:
        raise ValueError("x is not what I want") from error


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (caught_truth, r"bool\(\) of a traced array at .+py:\d+"),
        (caught_function, r"np.unique\(\) of a traced array"),
        (caught_inverse, "the function catches a LinAlgError"),
        (raised_anew, r"float\(\) of a traced array"),
    ],
)
def test_what_the_function_catches_is_refused_all_the_same(f, said):
    with pytest.raises(TypeError, match=f"^compile: .*{said}"):
        Compiled(f)(np.zeros((2, 2)))


def test_an_error_that_the_function_catches_when_a_program_runs():
    f = Compiled(caught_inverse)
    assert np.array_equal(f(np.eye(2)), np.eye(2))
    with pytest.raises(np.linalg.LinAlgError) as caught:
        f(np.zeros((2, 2)))
    assert "if it catches this one" in caught.value.__notes__[0]


@pytest.mark.parametrize("read", [np.load, lambda path: float(path.read_text())])
def test_what_is_in_a_file_is_read_outside(read, tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, ONES)
    with pytest.raises(TypeError, match=r"compile: open\(.+x.npy.+ is not supported inside of a compiled function"):
        Compiled(lambda x: x * read(path))(ONES)
    assert np.array_equal(np.load(path), ONES)


HELD = [
    np.ma.array([1.0, 2.0]),
    np.array([1.0, None]),
    np.array(["1", "2"]),
    np.zeros(2, [("a", float)]),
]


@pytest.mark.parametrize("held", HELD)
@pytest.mark.parametrize(
    "use", [lambda x, held: x * held, lambda x, held: held[0], lambda x, held: held.shape, lambda x, held: -held]
)
def test_arrays_that_are_not_followed_are_refused_where_they_are_used(held, use):
    with pytest.raises(TypeError, match="that the function holds is not supported inside of a compiled function"):
        Compiled(lambda x: use(x, held))(ONES)
    kept = [held]
    assert Compiled(lambda x: x * len(kept))(ONES).tolist() == [1, 1]


def test_errors_for_infinities_are_asked_for_outside():
    def f(x):
        try:
            with np.errstate(divide="raise"):
                return 1 / x
        except FloatingPointError:
            return x

    for x in (ONES, 0 * ONES):
        with pytest.raises(TypeError, match=r"np.errstate\(divide='raise'\) .+ put it around the calls"):
            Compiled(f)(x)
    compiled = Compiled(lambda x: 1 / x)
    with np.errstate(divide="raise"):
        assert compiled(ONES).tolist() == [1, 1]
        with pytest.raises(FloatingPointError):
            compiled(0 * ONES)


def test_an_array_that_is_not_there_is_no_reason_to_refuse():
    def f(x):
        try:
            return x * missing  # type: ignore[name-defined]
        except NameError:
            return x

    assert np.array_equal(Compiled(f)(ONES), ONES)


KINDS = [float, np.ndarray, np.generic, np.floating, numbers.Number, tuple]
NAMES = ["shape", "dtype", "item", "sum", "__array__", "is_integer", "grad"]


def asked(x):
    kinds = [isinstance(x, kind) for kind in KINDS]
    return kinds, x.__class__.__name__, np.isscalar(x), [hasattr(x, name) for name in NAMES if name != "is_integer"]


@pytest.mark.parametrize("x", [ONES, 2.0, np.float64(2), np.float32(2), np.int64(2), np.array(2.0), tg.Tensor([2.0])])
def test_kinds_and_attributes_are_those_of_the_array(x):
    assert Compiled(asked)(x) == asked(x)


def test_a_function_that_is_chosen_by_the_kind_of_its_argument():
    @functools.singledispatch
    def chosen(x):
        return -x

    chosen.register(np.ndarray, lambda x: x * 2)
    chosen.register(float, lambda x: x * 3)

    def matched(x):
        match x:
            case np.ndarray():
                return x * 2
            case float():
                return x * 3

    for f in (Compiled(lambda x: chosen(x)), Compiled(matched)):
        assert (f(ONES).tolist(), f(2.0)) == ([2, 2], 6.0)


def test_a_method_of_a_number_is_refused():
    with pytest.raises(TypeError, match="the method is_integer of a number"):
        Compiled(lambda a: a.is_integer())(2.0)
    with pytest.raises(AttributeError, match="'float' object has no attribute 'shape'"):
        Compiled(lambda a: a.shape)(2.0)


def test_divmod_of_numbers_gives_numbers():
    x = np.ones(2, np.float32)
    f = Compiled(lambda a, b, x: [x * part for part in (*divmod(a, b), *divmod(7, a))])
    assert [part.dtype for part in f(3.5, 2.0, x)] == [np.float32] * 4


@pytest.mark.parametrize("requires_grad", [False, True])
def test_the_array_of_an_argument_may_be_read(requires_grad):
    x = tg.Tensor([1.0, 2.0], requires_grad=requires_grad)
    assert Compiled(lambda x: x.data * 2)(x).tolist() == [2, 4]


def test_an_attribute_that_hides_that_of_a_base_class():
    class Base:
        scale = 2.0

    class Scaled(Base):
        def __call__(self, x):
            return x * self.scale

    model = Scaled()
    f = Compiled(lambda x: model(x))
    assert f(ONES).tolist() == [2, 2]
    Scaled.scale = 3.0
    assert f(ONES).tolist() == [3, 3]
    del Scaled.scale
    assert f(ONES).tolist() == [2, 2]


def test_what_appears_is_refused_and_taken_away():
    class Base:
        count = 0

    class Counting(Base):
        def __call__(self, x):
            type(self).count += 1
            return x * self.count

    class Slotted:
        __slots__ = ("last",)

        def __call__(self, x):
            self.last = x
            return x

    counting, slotted = Counting(), Slotted()
    for f, what in ((lambda x: counting(x), "Counting.count"), (lambda x: slotted(x), "last")):
        with pytest.raises(TypeError, match=f"the function changes {what}"):
            Compiled(f)(ONES)
    assert "count" not in vars(Counting)
    assert not hasattr(slotted, "last")


def test_a_variable_that_has_no_value_yet():
    kept: Any

    def f(x):
        nonlocal kept
        kept = x
        return x

    with pytest.raises(TypeError, match="the function changes kept"):
        Compiled(f)(ONES)
    (cell,) = f.__closure__ or ()
    with pytest.raises(ValueError, match="empty"):
        cell.cell_contents


def test_attributes_of_a_function_and_of_a_compiled_one():
    def counting(own: Any) -> Any:
        def f(x):
            owner: Any = own[0]
            owner.calls = getattr(owner, "calls", 0) + 1
            return x * owner.calls

        return f

    plain: list[Any] = []
    plain.append(counting(plain))
    compiled: list[Any] = []
    compiled.append(Compiled(counting(compiled)))
    for f, owner in ((Compiled(plain[0]), plain[0]), (compiled[0], compiled[0])):
        assert [f(ONES)[0] for _ in range(4)] == [1, 2, 3, 4]
        owner.calls = 7
        assert f(ONES).tolist() == [8, 8]
        assert owner.calls == 8


def test_a_decorator_around_a_compiled_method():
    def twice(f):
        @functools.wraps(f)
        def g(*arguments):
            return 2 * f(*arguments)

        return g

    class Model:
        def __init__(self, w):
            self.w = w

        @twice
        @Compiled
        def __call__(self, x):
            return x * self.w

    assert [Model(w)(ONES).tolist() for w in (2.0, ONES, ONES)] == [[4, 4], [2, 2], [2, 2]]


def test_a_compiled_classmethod():
    class Model:
        scale = 2.0

        @classmethod
        @Compiled
        def scaled(cls, x):
            return x * cls.scale

    class Other(Model):
        scale = 5.0

    assert [kind.scaled(ONES)[0] for kind in (Model, Other, Model(), Other())] == [2, 5, 2, 5]
    Model.scale = 3.0
    assert [kind.scaled(ONES)[0] for kind in (Model, Other)] == [3, 5]
    assert Model.scaled == Model.scaled


def test_a_sum_of_results_stays_one_of_numpys_numbers():
    class Meter:
        def __init__(self):
            self.total = 0.0

        def __call__(self, x):
            self.total = self.total + x.mean()
            return self.total

    eager, meter = Meter(), Meter()
    f = Compiled(lambda x: meter(x))
    for k in range(4):
        assert f(ONES * k) == eager(ONES * k)
        assert [type(x).__name__ for x in (meter.total, eager.total)] == ["float64", "float64"]
    assert sum(map(len, f.programs.values())) == 2  # for a float, and for one of NumPy's from then on


class Pair(typing.NamedTuple):
    w: Any
    b: float

    def __call__(self, x):
        return x * self.w + self.b


class Settings(dict[str, Any]):
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


class Layers(list[Any]):
    kept = 1.0


def test_containers_of_classes_of_ones_own():
    settings: Any
    settings, layers, pair = Settings(lr=0.5, w=ONES), Layers([ONES, 2.0]), Pair(ONES.copy(), 1.0)

    def f(x):
        settings.w = settings.w * 2
        layers[0] = layers[0] + x
        layers.kept += 1
        return pair(x) * settings.lr * settings.w * layers[0] * layers[1] * layers.kept

    compiled = Compiled(f)
    assert compiled(ONES).tolist() == [16, 16]  # 2 * 0.5 * 2 * 2 * 2 * 2
    settings.lr, layers.kept = 0.25, 3.0
    pair.w[0] = 2
    assert compiled(ONES).tolist() == [72, 48]  # (3, 2) * 0.25 * 4 * 3 * 2 * 4
    assert (settings.w.tolist(), layers[0].tolist(), layers.kept) == ([4, 4], [3, 3], 4.0)


class Holder:
    scale = 2.0


@pytest.mark.parametrize("kind", ["Namespace", "UserDict", "ContextVar", "ref"])
def test_settings_in_objects_of_pythons_library(kind):
    options, known, variable, holder = (
        argparse.Namespace(scale=2.0),
        UserDict(scale=2.0),
        contextvars.ContextVar("scale", default=2.0),
        Holder(),
    )
    behind: Any = weakref.ref(holder)
    f, change = {
        "Namespace": (lambda x: x * options.scale, lambda: setattr(options, "scale", 3.0)),
        "UserDict": (lambda x: x * known["scale"], lambda: known.update(scale=3.0)),
        "ContextVar": (lambda x: x * variable.get(), lambda: variable.set(3.0)),
        "ref": (lambda x: x * behind().scale, lambda: setattr(holder, "scale", 3.0)),
    }[kind]
    compiled = Compiled(f)
    assert compiled(ONES).tolist() == [2, 2]
    change()
    assert compiled(ONES).tolist() == [3, 3]


def test_a_module_that_keeps_open_while_a_function_is_traced(tmp_path, monkeypatch):
    (tmp_path / "keeps_open.py").write_text("import builtins\nkept = builtins.open\n")
    monkeypatch.syspath_prepend(tmp_path)

    def f(x):
        import keeps_open  # type: ignore[import-not-found]

        assert keeps_open.kept is not None
        return x

    assert Compiled(f)(ONES).tolist() == [1, 1]
    with sys.modules.pop("keeps_open").kept(tmp_path / "keeps_open.py") as file:
        assert file.read().startswith("import")
