"""Modules: parameters found by name, wherever they are kept; saved and loaded whole or not at all."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko.nn import Affine, Module, Sequential, Sigmoid


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def leaf(value=1.0):
    return tg.Tensor(value, requires_grad=True)


class Everything(Module):
    """Tensors and modules in every kind of attribute."""

    def __init__(self):
        self.w = leaf()
        self.several = [leaf(), leaf()]
        self.pair = (leaf(), [leaf()])
        self.named = {"left": leaf(), "right": {"deep": leaf()}}
        self.layers = [Affine(1, 1, rng=0), Sigmoid()]
        self.constant = tg.Tensor(3.0)
        self.other = ("text", 1, None, np.ones(3), {1, 2})


NAMES = [
    "w",
    "several.0",
    "several.1",
    "pair.0",
    "pair.1.0",
    "named.left",
    "named.right.deep",
    "layers.0.W",
    "layers.0.b",
]


def test_parameters_are_found_wherever_they_are():
    module = Everything()
    assert list(module.named_parameters()) == NAMES
    assert [p is q for p, q in zip(module.parameters(), module.named_parameters().values(), strict=True)] == [True] * 9
    assert module.named_parameters()["pair.1.0"] is module.pair[1][0]


def test_a_constant_that_comes_to_require_a_gradient_is_a_parameter():
    module = Everything()
    module.constant.requires_grad = True
    module.w.requires_grad = False
    assert list(module.named_parameters()) == [*NAMES[1:], "constant"]


def test_a_shared_parameter_is_there_once_under_its_first_name():
    class Tied(Module):
        def __init__(self):
            self.a = Affine(2, 2, rng=0)
            self.again = self.a
            self.b = [self.a.W, leaf()]

    assert list(Tied().named_parameters()) == ["a.W", "a.b", "b.1"]


def test_a_module_that_contains_itself_is_walked_once():
    class Loop(Module):
        def __init__(self):
            self.w = leaf()
            self.me = self
            self.list: list = [self]
            self.list.append(self.list)

    assert list(Loop().named_parameters()) == ["w"]


def test_two_parameters_of_one_name_are_refused():
    class Clash(Module):
        def __init__(self):
            self.d = {1: leaf(), "1": leaf(), "a.b": leaf(), "a": {"b": leaf()}}

    with pytest.raises(ValueError, match=r"same name: d\.1, d\.a\.b") as caught:
        Clash().parameters()
    assert korean(caught.value)


def test_forward_has_to_be_written():
    class Nothing(Module):
        pass

    with pytest.raises(NotImplementedError, match=r"Nothing has no forward: define forward\(self, x\)") as caught:
        Nothing()(1)
    assert korean(caught.value)


def test_calling_is_forward():
    class Sum(Module):
        def forward(self, a, b):
            return a + b

    assert Sum()(tg.Tensor(1.0), 2.0).item() == 3


def test_zero_grad_forgets_every_gradient():
    module = Everything()
    tg.sum(tg.stack([p.sum() for p in module.parameters()])).backward()
    assert all(p.grad is not None for p in module.parameters())
    module.zero_grad()
    assert all(p.grad is None for p in module.parameters())


def test_repr_names_the_parameters():
    assert repr(Sequential(Affine(2, 3), Sigmoid())) == "Sequential(layers.0.W[2, 3], layers.0.b[3])"
    assert repr(Sigmoid()) == "Sigmoid()"


# ---------------------------------------------------------------- training or not


class Nested(Module):
    """Modules in every kind of attribute, and itself."""

    def __init__(self):
        self.one = Sigmoid()
        self.several: list[Any] = [Sigmoid(), (Sigmoid(), {"deep": Sigmoid()})]
        self.shared = self.one
        self.me = [self]

    def inside(self):
        return [self, self.one, self.several[0], self.several[1][0], self.several[1][1]["deep"]]


def test_a_module_is_in_training_until_it_is_told_otherwise():
    assert all(module.training for module in Nested().inside())
    assert Sequential(Affine(1, 1)).training


def test_train_and_eval_tell_every_module_inside():
    module = Nested()
    assert module.eval() is module
    assert not any(m.training for m in module.inside())
    assert module.train() is module
    assert all(m.training for m in module.inside())
    module.train(False)
    assert not any(m.training for m in module.inside())
    assert Sigmoid().training  # others are not told


def test_a_part_may_be_told_by_itself():
    """A layer that is frozen stays as it was trained."""
    model = Sequential(Sigmoid(), Sequential(Sigmoid())).train()
    model[1].eval()
    assert (model.training, model[0].training, model[1].training, model[1][0].training) == (True, True, False, False)


def test_the_mode_is_neither_saved_nor_a_parameter(tmp_path):
    model = Sequential(Affine(2, 2, rng=0)).eval()
    assert list(model.named_tensors()) == ["layers.0.W", "layers.0.b"]
    other = Sequential(Affine(2, 2, rng=1))
    other.load(model.save(tmp_path / "model"))
    assert other.training


def test_train_with_data_is_refused():
    data: Any = np.ones((2, 2))
    with pytest.raises(TypeError, match="it does not train the module") as caught:
        Nested().train(data)
    assert korean(caught.value)


# ---------------------------------------------------------------- save, load


def model(seed, dtype=np.float64):
    return Sequential(Affine(3, 4, rng=seed, dtype=dtype), Sigmoid(), Affine(4, 2, rng=seed + 1, dtype=dtype))


def values(module):
    return {name: p.numpy() for name, p in module.named_parameters().items()}


def same(module, kept):
    return all(p.tobytes() == kept[name].tobytes() for name, p in values(module).items()) and len(kept) == len(
        values(module)
    )


def test_saved_and_loaded(tmp_path):
    first, second = model(0), model(10)
    x = np.ones((2, 3))
    path = first.save(tmp_path / "model")
    assert path == tmp_path / "model.npz"
    parameters = second.parameters()
    second.load(path)
    assert same(second, values(first))
    assert all(p is q for p, q in zip(second.parameters(), parameters, strict=True))  # an optimizer still holds them
    np.testing.assert_array_equal(first(x).numpy(), second(x).numpy())


def test_training_goes_on_after_load(tmp_path):
    first, second = model(0), model(10)
    optimizer = tg.optim.SGD(second.parameters(), lr=0.5)
    second.load(first.save(tmp_path / "model"))
    tg.softmax_cross_entropy(second(np.ones((1, 3))), [0]).backward()
    optimizer.step()
    tg.softmax_cross_entropy(first(np.ones((1, 3))), [0]).backward()
    tg.optim.SGD(first.parameters(), lr=0.5).step()
    assert same(second, values(first))


def test_loading_does_not_reach_into_a_graph_recorded_before(tmp_path):
    w = Affine(1, 1, rng=0)
    other = Affine(1, 1, rng=1).save(tmp_path / "other")
    y = (w.W * w.W).sum()
    expected = 2 * w.W.numpy()
    w.load(other)
    y.backward()
    np.testing.assert_array_equal(np.asarray(w.W.grad), expected)


def test_the_dtype_of_the_module_stays(tmp_path):
    single = model(0, np.float32)
    single.load(model(1).save(tmp_path / "double"))
    assert {p.dtype for p in single.parameters()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(single[0].W.numpy(), model(1)[0].W.numpy().astype(np.float32))


def test_a_file_that_does_not_fit_is_refused_whole_and_every_reason_named(tmp_path):
    target, kept = model(0), values(model(0))
    arrays = {name: np.zeros_like(p) for name, p in kept.items()}
    del arrays["layers.0.b"]
    arrays |= {"extra": np.zeros(1), "layers.2.b": np.zeros((2, 1))}
    np.savez(tmp_path / "wrong.npz", **arrays)
    with pytest.raises(ValueError, match="Nothing was loaded") as caught:
        target.load(tmp_path / "wrong.npz")
    for reason in ("layers.0.b is missing", "extra is unknown", "layers.2.b has shape (2, 1), not (2,)"):
        assert reason in str(caught.value)
    assert korean(caught.value)
    assert same(target, kept)


@pytest.mark.parametrize("name", ["file", "allow_pickle", "args", "kwds", "self", "names", "mode"])
def test_an_attribute_may_have_any_name(name, tmp_path):
    """Names of parameters must not meet the names of some function's own arguments."""
    module, other = Module(), Module()
    setattr(module, name, leaf(2.0))
    setattr(other, name, leaf(0.0))
    other.load(module.save(tmp_path / "model"))
    assert getattr(other, name).item() == 2.0


def test_a_module_without_parameters_can_be_saved(tmp_path):
    Sigmoid().load(Sigmoid().save(tmp_path / "nothing"))


def test_frozen_tensors_are_saved_and_loaded_too(tmp_path):
    layer = Affine(2, 3, rng=0)
    layer.W.requires_grad = False
    before = layer.W.numpy()
    assert list(layer.named_parameters()) == ["b"]
    path = layer.save(tmp_path / "layer")
    layer.W.data[...] = 0
    layer.load(path)
    assert np.array_equal(layer.W.numpy(), before)
    assert not layer.W.requires_grad


def test_what_a_forward_keeps_is_no_parameter():
    class Caching(Module):
        def __init__(self):
            self.layer = Affine(2, 2, rng=0)

        def forward(self, x, *, double=False):
            self.out = self.layer(x) * (2 if double else 1)
            return self.out

    model = Caching()
    once = model([[1.0, 2.0]]).numpy()
    assert np.array_equal(model([[1.0, 2.0]], double=True).numpy(), 2 * once)
    assert list(model.named_tensors()) == ["layer.W", "layer.b"]


def test_layers_in_a_set_are_refused():
    class Lost(Module):
        def __init__(self):
            self.layers = {Affine(1, 1, rng=0)}

    with pytest.raises(TypeError, match="layers") as caught:
        Lost().parameters()
    assert korean(caught.value)
