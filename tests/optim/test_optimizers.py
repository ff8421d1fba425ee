"""Optimizers, each against its published formula written out again, and what must not be touched."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko.nn import Affine
from tinygrad_ko.nn.serialization import load_arrays, save_arrays
from tinygrad_ko.optim import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, Optimizer, RMSprop, Schedule, linear_warmup
from tinygrad_ko.optim.clipping import clip_grad_norm, clip_grad_value

BY_GRADIENT = [SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam]  # what they do depends on gradients alone
every = pytest.mark.parametrize("kind", [*BY_GRADIENT, AdamW], ids=lambda kind: kind.__name__)
every_by_gradient = pytest.mark.parametrize("kind", BY_GRADIENT, ids=lambda kind: kind.__name__)


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def leaf(value=(1.0, -2.0), dtype: Any = np.float64) -> Any:
    return tg.Tensor(np.array(value, dtype), requires_grad=True)


# ---------------------------------------------------------------- the formulas, as published


def sgd(p, gradients, lr=0.01):
    for g in gradients:
        p = p - lr * g
    return p


def momentum(p, gradients, lr=0.01, momentum=0.9):
    v = 0
    for g in gradients:
        v = momentum * v - lr * g
        p = p + v
    return p


def nesterov(p, gradients, lr=0.01, momentum=0.9):
    """With the gradient at the point ahead, as Sutskever et al. write it; p is that point, and its own walk lags behind."""
    v, behind = np.zeros_like(p), p
    for g in gradients:
        v = momentum * v - lr * g
        behind = behind + v
        p = behind + momentum * v
    return p


def ada_grad(p, gradients, lr=0.01, eps=1e-7):
    h = 0
    for g in gradients:
        h = h + g**2
        p = p - lr / (np.sqrt(h) + eps) * g
    return p


def rms_prop(p, gradients, lr=0.01, decay=0.99, eps=1e-7):
    h = 0
    for g in gradients:
        h = decay * h + (1 - decay) * g**2
        p = p - lr / (np.sqrt(h) + eps) * g
    return p


def adam(p, gradients, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    m, v = 0, 0
    for t, g in enumerate(gradients, start=1):
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        p = p - lr * (m / (1 - betas[0] ** t)) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    return p


def adam_w(p, gradients, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    m, v = 0, 0
    for t, g in enumerate(gradients, start=1):
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
        p = p - lr * (m_hat / (np.sqrt(v_hat) + eps) + weight_decay * p)
    return p


BETAS = st.tuples(st.floats(0, 0.99), st.floats(0.5, 0.99))
SHARES = st.floats(0, 0.99)
SETTINGS = {
    SGD: (sgd, st.fixed_dictionaries({})),
    Momentum: (momentum, st.fixed_dictionaries({}, optional={"momentum": SHARES})),
    Nesterov: (nesterov, st.fixed_dictionaries({}, optional={"momentum": SHARES})),
    AdaGrad: (ada_grad, st.fixed_dictionaries({}, optional={"eps": st.floats(1e-8, 1e-2)})),
    RMSprop: (rms_prop, st.fixed_dictionaries({}, optional={"decay": SHARES, "eps": st.floats(1e-8, 1e-2)})),
    Adam: (adam, st.fixed_dictionaries({}, optional={"betas": BETAS, "eps": st.floats(1e-8, 1e-2)})),
    AdamW: (
        adam_w,
        st.fixed_dictionaries({}, optional={"betas": BETAS, "weight_decay": st.floats(0.001, 0.5)}),
    ),
}


@every
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 6))
def test_the_published_formula(kind, data, seed, steps):
    formula, settings = SETTINGS[kind]
    options = data.draw(settings)
    if data.draw(st.booleans()):
        options["lr"] = data.draw(st.floats(1e-4, 1.0))
    rng = np.random.default_rng(seed)
    shapes = [(), (3,), (2, 2)]
    parameters = [leaf(rng.normal(size=shape)) for shape in shapes]
    starts = [p.numpy() for p in parameters]
    gradients = [[rng.normal(size=shape) for shape in shapes] for _ in range(steps)]
    optimizer = kind(parameters, **options)
    for step in gradients:
        for p, g in zip(parameters, step, strict=True):
            p.grad = g.copy()
        optimizer.step()
    for i, p in enumerate(parameters):
        expected = formula(starts[i], [step[i] for step in gradients], **options)
        np.testing.assert_allclose(p.numpy(), expected, rtol=1e-11, atol=1e-12)
        assert p.grad.tobytes() == gradients[-1][i].tobytes()  # a step reads gradients and leaves them as they are


def test_adam_with_a_short_memory():
    """With both betas 0 nothing is remembered, not even through the rounding of a difference."""
    p = leaf(0.0)
    optimizer = Adam([p], lr=1.0, betas=(0.0, 0.0))
    for g in (1.0, 1e-9):
        before = p.item()
        p.grad = np.array(g)
        optimizer.step()
        assert before - p.item() == pytest.approx(g / (g + 1e-8), rel=1e-6)


@every_by_gradient
@given(weight_decay=st.floats(1e-3, 1.0), seed=st.integers(0, 2**32 - 1))
def test_weight_decay_is_the_gradient_of_half_the_sum_of_squares(kind, weight_decay, seed):
    rng = np.random.default_rng(seed)
    start, targets = rng.normal(size=(2, 3))
    decayed, written = leaf(start), leaf(start)
    by_option = kind([decayed], lr=0.1, weight_decay=weight_decay)
    by_hand = kind([written], lr=0.1)
    for _ in range(4):
        tg.sum((decayed - targets) ** 2).backward()
        (tg.sum((written - targets) ** 2) + weight_decay / 2 * tg.sum(written**2)).backward()
        for optimizer in (by_option, by_hand):
            optimizer.step()
            optimizer.zero_grad()
    np.testing.assert_allclose(decayed.numpy(), written.numpy(), rtol=1e-11, atol=1e-12)
    plain = leaf(start)
    plain.grad = 2 * (start - targets)
    kind([plain], lr=0.1).step()
    assert not np.array_equal(plain.numpy(), decayed.numpy())


@every
@pytest.mark.parametrize("lr", [0.1, np.float64(0.1), np.float32(0.1)], ids=["float", "float64", "float32"])
def test_float32_stays_float32(kind, lr):
    parameters = [leaf((1, -2), np.float32), leaf(0.5, np.float32), leaf((1, 2))]
    optimizer = kind(parameters, lr=lr, weight_decay=0.1)
    for _ in range(3):
        tg.sum(tg.stack([tg.sum(p * p) for p in parameters[:2]])).backward()
        tg.sum(parameters[2] * 2.0).backward()
        optimizer.step()
    assert [p.dtype for p in parameters] == [np.float32, np.float32, np.float64]
    for name, array in optimizer.state().items():
        assert name == "steps" or array.dtype == (np.float64 if name.endswith(".2") else np.float32)


@every
def test_in_single_precision_it_is_the_same_formula(kind):
    formula, _ = SETTINGS[kind]
    p, gradients = leaf((1.0, -2.0), np.float32), np.array([[0.5, -1.0], [0.25, 2.0]], np.float32)
    optimizer = kind([p], lr=0.1)
    for g in gradients:
        p.grad = g.copy()
        optimizer.step()
    np.testing.assert_allclose(p.numpy(), formula(np.array([1.0, -2.0]), gradients, lr=0.1), rtol=1e-5)


# ---------------------------------------------------------------- downhill


@every_by_gradient
def test_a_bowl_is_descended(kind):
    target, steep = np.array([3.0, -1.0, 0.5]), np.array([1.0, 2.0, 5.0])
    p = leaf(np.zeros(3))
    optimizer = kind([p], lr={AdaGrad: 0.5, RMSprop: 0.01, Momentum: 0.02, Nesterov: 0.02}.get(kind, 0.05))
    for _ in range(700):
        optimizer.zero_grad()
        tg.sum(steep * (p - target) ** 2).backward()
        optimizer.step()
    np.testing.assert_allclose(p.numpy(), target, atol=0.02)


@every
def test_a_small_network_learns_or_exclusive(kind):
    x, t = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
    model = tg.nn.Sequential(tg.nn.Affine(2, 8, rng=0), tg.nn.Sigmoid(), tg.nn.Affine(8, 2, rng=1))
    optimizer = kind(model.parameters(), lr={SGD: 2.0, Momentum: 0.5, Nesterov: 0.5, AdaGrad: 0.3}.get(kind, 0.03))
    for _ in range(600):
        optimizer.zero_grad()
        tg.softmax_cross_entropy(model(x), t).backward()
        optimizer.step()
    assert model(x).argmax(axis=1).tolist() == t.tolist()
    assert tg.softmax_cross_entropy(model(x), t).item() < 0.1


# ---------------------------------------------------------------- what is touched and what is not


@every
def test_a_parameter_without_a_gradient_is_untouched(kind):
    used, frozen = leaf(), leaf()
    optimizer = kind([used, frozen], lr=0.1, weight_decay=0.5)
    before = frozen.numpy().tobytes()
    for _ in range(3):
        tg.sum(used * used).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert frozen.numpy().tobytes() == before
    assert all(not array.any() for name, array in optimizer.state().items() if name.endswith(".1"))
    assert (used.numpy() != [1, -2]).all()


@every
def test_a_parameter_that_joins_late_begins_at_its_beginning(kind):
    """Its first step is what the first step of an optimizer of its own would be."""
    early, late, alone = leaf(), leaf(), leaf()
    optimizer = kind([early, late], lr=0.1)
    for _ in range(5):
        early.grad = np.array([1.0, -1.0])
        optimizer.step()
    late.grad = alone.grad = np.array([0.5, 2.0])
    optimizer.step()
    kind([alone], lr=0.1).step()
    np.testing.assert_allclose(late.numpy(), alone.numpy(), rtol=1e-13)


@every
def test_parameters_change_in_place(kind):
    p = leaf()
    held = p.data
    optimizer = kind([p], lr=0.1)
    tg.sum(p * p).backward()
    optimizer.step()
    assert p.data is held
    assert held.tolist() != [1, -2]


@every
def test_a_graph_recorded_before_the_step_keeps_its_values(kind):
    p = leaf()
    y = tg.sum(p * p)
    p.grad = np.ones(2)
    kind([p], lr=0.1).step()
    p.zero_grad()
    y.backward()
    assert p.grad.tolist() == [2, -4]


@every
def test_the_gradients_add_up_until_they_are_forgotten(kind):
    p = leaf()
    optimizer = kind([p], lr=0.1)
    for _ in range(2):
        tg.sum(p * 3.0).backward()
    assert p.grad.tolist() == [6, 6]
    optimizer.zero_grad()
    assert p.grad is None


def test_forgetting_gradients_passes_over_what_is_a_constant_now():
    p, q = leaf(), leaf()
    optimizer = tg.optim.SGD([p, q], lr=0.1)
    tg.sum(p * q).backward()
    p.requires_grad = False
    optimizer.zero_grad()
    assert (p.grad, q.grad, q.requires_grad) == (None, None, True)


@every
def test_parameters_may_come_from_a_generator_or_be_one_tensor(kind):
    p, q = leaf(), leaf()
    assert kind(x for x in (p, q)).parameters == [p, q]
    assert kind(p).parameters == [p]
    assert kind(tg.nn.Affine(2, 2).parameters()).parameters


@every
def test_empty_arrays_are_parameters_too(kind):
    p = leaf(np.zeros((0, 3)))
    p.grad = np.zeros((0, 3))
    kind([p]).step()
    assert p.shape == (0, 3)


@every_by_gradient
def test_a_gradient_of_zero_moves_nothing(kind):
    p = leaf()
    optimizer = kind([p], lr=0.1)
    for _ in range(3):
        p.grad = np.zeros(2)
        optimizer.step()
    assert p.tolist() == [1, -2]


# ---------------------------------------------------------------- state


def train(optimizer, p, steps, rng):
    for _ in range(steps):
        optimizer.zero_grad()
        tg.sum((p - rng.normal(size=p.shape)) ** 2).backward()
        optimizer.step()


@every
def test_a_run_continues_exactly_from_its_state(kind, tmp_path):
    whole, half = leaf(), leaf()
    rng, again = np.random.default_rng(0), np.random.default_rng(0)
    train(kind([whole], lr=0.1), whole, 7, rng)
    first = kind([half], lr=0.1)
    train(first, half, 3, again)
    path = save_arrays(tmp_path / "optimizer", first.state())
    rest = leaf(half.numpy())
    second = kind([rest], lr=0.1)
    second.load_state(load_arrays(path))
    train(second, rest, 4, again)
    assert rest.numpy().tobytes() == whole.numpy().tobytes()


@every
def test_a_state_is_a_copy(kind):
    p = leaf()
    optimizer = kind([p], lr=0.1)
    train(optimizer, p, 2, np.random.default_rng(0))
    state = optimizer.state()
    kept = {name: array.copy() for name, array in state.items()}
    train(optimizer, p, 1, np.random.default_rng(1))
    for name, array in state.items():
        assert array.tobytes() == kept[name].tobytes()
    optimizer.load_state(state)
    for array in state.values():
        array[...] = 99
    for name, array in optimizer.state().items():
        assert array.tobytes() == kept[name].tobytes()


def spoiled(state, how):
    spoil = {
        "a name too many": lambda: state | {"more": np.zeros(1)},
        "a name missing": lambda: {name: a for name, a in state.items() if name != "v.0"},
        "no steps": lambda: {name: a for name, a in state.items() if name != "steps"},
        "another shape": lambda: state | {"v.0": np.zeros(3)},
        "text": lambda: state | {"v.0": np.array(["a", "b"])},
        "complex": lambda: state | {"v.0": np.array([1j, 2])},
        "half a step": lambda: state | {"steps": np.array(2.5)},
        "steps below 0": lambda: state | {"steps": np.array(-3)},
        "steps of text": lambda: state | {"steps": np.array("many")},
    }
    return spoil[how]()


@pytest.mark.parametrize(
    "how",
    [
        "a name too many",
        "a name missing",
        "no steps",
        "another shape",
        "text",
        "complex",
        "half a step",
        "steps below 0",
        "steps of text",
    ],
)
@pytest.mark.parametrize("kind", [Momentum, Adam], ids=["Momentum", "Adam"])
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(kind, how):
    p = leaf()
    optimizer, other = kind([p], lr=0.1), kind([leaf()], lr=0.1)
    train(optimizer, p, 2, np.random.default_rng(0))
    train(other, other.parameters[0], 5, np.random.default_rng(1))
    before = {name: array.tobytes() for name, array in optimizer.state().items()}
    with pytest.raises((ValueError, TypeError)) as caught:
        optimizer.load_state(spoiled(other.state(), how))
    assert {name: array.tobytes() for name, array in optimizer.state().items()} == before
    assert korean(caught.value)


def test_the_path_of_a_state_is_none():
    path: Any = "optimizer.npz"
    for thing in (SGD([leaf()]), Schedule(SGD([leaf()]), linear_warmup, warmup=3)):
        with pytest.raises(TypeError, match=r"load_state takes .* np\.load\(path\) .* not str") as caught:
            thing.load_state(path)
        assert korean(caught.value)


@pytest.mark.parametrize(("given", "kind"), [(SGD, Adam), (Adam, Momentum), (AdaGrad, RMSprop), (RMSprop, AdaGrad)])
def test_the_state_of_another_optimizer_is_refused(given, kind):
    """AdaGrad's sum of squares is not RMSprop's mean of squares, though both are called h."""
    with pytest.raises(ValueError, match="does not fit"):
        kind([leaf()]).load_state(given([leaf()]).state())


# ---------------------------------------------------------------- refused


@every
@pytest.mark.parametrize("lr", [0, 0.0, -0.1, float("nan"), float("inf")])
def test_a_rate_that_is_not_above_0_is_refused(kind, lr):
    with pytest.raises(ValueError, match="lr must be above 0") as caught:
        kind([leaf()], lr=lr)
    assert korean(caught.value)


@every
@pytest.mark.parametrize(
    ("lr", "given"), [("0.1", "str"), (None, "NoneType"), (1j, "complex"), (np.ones(2), r"an array of shape \(2,\)")]
)
def test_a_rate_that_is_no_number_is_refused(kind, lr, given):
    with pytest.raises(TypeError, match=f"^lr must be a number, not {given}\n") as caught:
        kind([leaf()], lr=lr)
    assert korean(caught.value)


@every
@pytest.mark.parametrize("weight_decay", [-0.1, float("nan"), float("inf")])
def test_a_weight_decay_below_0_is_refused(kind, weight_decay):
    with pytest.raises(ValueError, match="weight_decay") as caught:
        kind([leaf()], weight_decay=weight_decay)
    assert korean(caught.value)


@pytest.mark.parametrize("value", [-0.1, 1.0, 1.5, float("nan")])
@pytest.mark.parametrize(
    ("kind", "option"),
    [
        (Momentum, lambda value: {"momentum": value}),
        (RMSprop, lambda value: {"decay": value}),
        (Adam, lambda value: {"betas": (value, 0.999)}),
        (Adam, lambda value: {"betas": (0.9, value)}),
    ],
    ids=["momentum", "decay", "betas[0]", "betas[1]"],
)
def test_a_share_outside_0_to_1_is_refused(kind, option, value):
    with pytest.raises(ValueError, match=r"must be in \[0, 1\)") as caught:
        kind([leaf()], **option(value))
    assert korean(caught.value)


@pytest.mark.parametrize("kind", [AdaGrad, RMSprop, Adam], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("eps", [0.0, -1e-8, float("nan"), float("inf")])
def test_an_eps_that_does_not_keep_from_dividing_by_0_is_refused(kind, eps):
    with pytest.raises(ValueError, match="eps") as caught:
        kind([leaf()], eps=eps)
    assert korean(caught.value)


@every
def test_no_parameters_are_refused(kind):
    for nothing in (list[tg.Tensor](), iter(())):
        with pytest.raises(ValueError, match="at least one parameter") as caught:
            kind(nothing)
        assert korean(caught.value)


@every
def test_what_is_not_a_leaf_is_refused(kind):
    for wrong in (leaf() * 2.0, tg.Tensor([1.0]), np.ones(2), "W", None, 1.0, {"W": leaf()}):
        with pytest.raises(TypeError, match="parameter 1 is not a Tensor made with requires_grad=True") as caught:
            kind([leaf(), wrong])
        assert korean(caught.value)


@pytest.mark.parametrize(
    "function", [lambda p: SGD(p), lambda p: clip_grad_norm(p, 1.0), lambda p: clip_grad_value(p, 1.0)]
)
@pytest.mark.parametrize("given", [Affine(2, 3, rng=0), Affine(2, 3, rng=0).named_parameters()], ids=["module", "dict"])
def test_parameters_are_no_module_and_no_dict(function: Any, given: Any):
    with pytest.raises(TypeError, match=r"not as (Affine|dict): pass model\.parameters\(\)") as caught:
        function(given)
    assert korean(caught.value)


@every
def test_a_parameter_given_twice_is_refused(kind):
    """It would be moved twice in each step."""
    p = leaf()
    with pytest.raises(ValueError, match=r"twice|more than once") as caught:
        kind([p, leaf(), p])
    assert korean(caught.value)


@every
def test_a_step_before_backward_is_refused(kind):
    p = leaf()
    optimizer = kind([p])
    with pytest.raises(RuntimeError, match=r"call loss\.backward\(\) before step\(\)") as caught:
        optimizer.step()
    assert korean(caught.value)
    assert p.tolist() == [1, -2]


@pytest.mark.parametrize(
    ("memory", "answer", "kind", "said"),
    [
        (
            ("m",),
            lambda p: p,
            TypeError,
            r"must return the tuple \(p, m\), not ndarray",
        ),  # of two numbers, as of two values
        (("m",), lambda p: (p,), TypeError, r"must return the tuple \(p, m\), not 1 values"),
        ((), lambda p: None, TypeError, r"must return the tuple \(p,\), not NoneType"),
        ((), lambda p: (p, p), TypeError, r"must return the tuple \(p,\), not 2 values"),
        ((), lambda p: (p[0],), ValueError, r"updated returned float64\[\] where float64\[2\] is needed"),
        (("m",), lambda p: (p, p[:1]), ValueError, r"updated returned float64\[1\] where float64\[2\] is needed"),
        (("m",), lambda p: (p, 0.0), ValueError, r"updated returned float where float64\[2\] is needed"),
        ((), lambda p: (p + 1j,), ValueError, r"updated returned complex128\[2\] where float64\[2\] is needed"),
    ],
)
def test_what_an_optimizer_of_ones_own_returns_has_to_fit(memory, answer, kind, said):
    class Mine(Optimizer):
        def updated(self, p, g, steps, **kept):
            return answer(p - g)

    Mine.memory = memory
    p = leaf()
    optimizer = Mine([p], lr=0.1)
    (p * p).sum().backward()
    with pytest.raises(kind, match=said) as caught:
        optimizer.step()
    assert korean(caught.value)
    assert p.tolist() == [1, -2]
    assert optimizer.state()["steps"].tolist() == [0]


def test_an_optimizer_without_a_rule_says_what_to_write():
    p = leaf()
    (p * p).sum().backward()
    with pytest.raises(NotImplementedError, match=r"Optimizer has no updated\(p, g, steps, \*\*kept\)") as caught:
        Optimizer([p], lr=0.1).step()
    assert korean(caught.value)


def test_the_decay_of_adam_w_does_not_depend_on_the_slope():
    """With Adam a weight with a steep slope would hardly decay."""
    decayed, plain = leaf((1.0, 1.0)), leaf((1.0, 1.0))
    optimizers = AdamW([decayed], lr=0.1, weight_decay=0.5), Adam([plain], lr=0.1)
    for p, optimizer in zip((decayed, plain), optimizers, strict=True):
        p.grad = np.array([1e-3, 1e3])
        optimizer.step()
    np.testing.assert_allclose(plain.numpy() - decayed.numpy(), [0.05, 0.05], rtol=1e-12)


def test_adam_w_without_decay_is_adam():
    one, other = leaf(), leaf()
    for optimizer, p in ((AdamW([one], weight_decay=0.0), one), (Adam([other]), other)):
        train(optimizer, p, 3, np.random.default_rng(0))
    assert one.numpy().tobytes() == other.numpy().tobytes()


# ---------------------------------------------------------------- optimizers of one's own


def own(updated, memory=()):
    """A step, from a gradient of ones, of an optimizer that is made of a function; and the parameter, with a graph of its values."""
    kind = type("Own", (Optimizer,), {"memory": memory, "updated": updated})
    p = leaf()
    optimizer, y = kind([p], lr=0.5), tg.sum(p**3)
    p.grad = np.ones(2)
    return optimizer, p, y


@pytest.mark.parametrize("base", [Optimizer, SGD, AdamW], ids=lambda kind: kind.__name__)
def test_a_method_that_changes_in_place_under_its_old_name_is_refused(base):
    """It would never be called: the step of its base would be made without a word."""
    with pytest.raises(
        TypeError, match=r"Own\.update\(p, g, steps, \*\*kept\) would never be called: name it updated"
    ) as caught:
        type("Own", (base,), {"update": lambda self, p, g, steps, **kept: None})
    assert korean(caught.value)
    both = {"update": lambda self: None, "updated": lambda self, p, g, steps, **kept: (p - g,)}
    assert type("Own", (Optimizer,), both)


def test_what_is_given_to_be_updated_cannot_be_written_to():
    def in_place(which):
        def updated(self, p, g, steps, v):
            array = {"p": p, "g": g, "v": v}[which]
            array -= 1
            return p, v

        return updated

    for which in "pgv":
        optimizer, p, y = own(in_place(which), memory=("v",))
        with pytest.raises(ValueError, match="read-only"):
            optimizer.step()
        assert p.tolist() == [1, -2]
        assert p.grad.tolist() == [1, 1]
        assert optimizer.state()["v.0"].tolist() == [0, 0]
        p.zero_grad()
        y.backward()
        assert p.grad.tolist() == [3, 12]


def test_a_gradient_that_becomes_the_parameter_is_copied():
    optimizer, p, _ = own(lambda self, p, g, steps: (g,))
    optimizer.step()
    p.grad *= 5
    assert p.tolist() == [1, 1]


@every
def test_a_read_only_array_is_refused_before_any_parameter_has_moved(kind):
    """Given with copy=False, or locked by who was lent it."""
    locked, late = np.array([1.0, -2.0]), leaf()
    locked.flags.writeable = False
    held = late.data
    held.flags.writeable = False
    for last in (tg.Tensor(locked, requires_grad=True, copy=False), late):
        p = leaf()
        optimizer = kind([p, last], lr=0.1)
        p.grad = last.grad = np.ones(2)
        with pytest.raises(
            ValueError, match=r"the array of parameter 1 is read-only.*w\.data = w\.data\.copy\(\)"
        ) as caught:
            optimizer.step()
        assert korean(caught.value)
        assert (p.tolist(), last.tolist(), optimizer.steps) == ([1, -2], [1, -2], [0, 0])
        last.data = last.data.copy()
        optimizer.step()
        assert last.tolist() == p.tolist() != [1, -2]
    assert locked.tolist() == held.tolist() == [1, -2]
