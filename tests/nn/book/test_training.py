"""The book's optimizers hold dicts of arrays to the formulas of tg.optim; its Trainer trains."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import optim
from tinygrad_ko.nn import book

PAIRS = [
    (lambda: book.SGD(lr=0.1), lambda p: optim.SGD(p, lr=0.1)),
    (lambda: book.Momentum(lr=0.1, momentum=0.8), lambda p: optim.Momentum(p, lr=0.1, momentum=0.8)),
    (lambda: book.Nesterov(lr=0.1), lambda p: optim.Nesterov(p, lr=0.1)),
    (lambda: book.AdaGrad(lr=0.1), lambda p: optim.AdaGrad(p, lr=0.1)),
    (lambda: book.RMSprop(lr=0.1, decay_rate=0.9), lambda p: optim.RMSprop(p, lr=0.1, decay=0.9)),
    (lambda: book.Adam(lr=0.1, beta1=0.8), lambda p: optim.Adam(p, lr=0.1, betas=(0.8, 0.999))),
]


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


@pytest.mark.parametrize(("ours", "make"), PAIRS, ids=["SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_steps_are_those_of_the_optimizer_of_tensors(ours, make, dtype):
    optimizer, rng = ours(), np.random.default_rng(0)
    params: dict[str, Any] = {
        "W": rng.normal(size=(3, 2)).astype(dtype),
        "b": rng.normal(size=2).astype(dtype),
        "s": 3.0,
    }
    arrays = dict(params)
    tensors = {name: tg.Tensor(array, requires_grad=True) for name, array in params.items()}
    other = make(list(tensors.values()))
    for _ in range(4):
        grads = {name: np.asarray(rng.normal(size=np.shape(p)), dtype) for name, p in params.items()}
        for name, tensor in tensors.items():
            tensor.grad = grads[name].astype(tensor.dtype)
        other.step()
        optimizer.update(params, grads)
    for name, tensor in tensors.items():
        np.testing.assert_allclose(params[name], tensor.numpy(), rtol=1e-6 if dtype == np.float32 else 1e-14)
    assert params["W"] is arrays["W"]
    assert params["W"].dtype == dtype
    assert type(params["s"]) is float


def test_two_parameters_of_one_network_are_trained():
    params, grads = {"x": -7.0, "y": 2.0}, {"x": 0.0, "y": 0.0}  # as the book compares optimizers
    optimizer = book.Momentum(lr=0.1)
    for _ in range(60):
        grads["x"], grads["y"] = params["x"] / 10, 2 * params["y"]
        optimizer.update(params, grads)
    assert abs(params["x"]) < 2
    assert abs(params["y"]) < 0.2


def test_one_optimizer_for_two_networks_keeps_the_shapes_apart():
    optimizer = book.SGD(lr=0.1)
    for size in (2, 3):
        params = {"W": np.ones(size)}
        optimizer.update(params, {"W": np.ones(size)})
        np.testing.assert_allclose(params["W"], 0.9)


def test_what_is_kept_for_one_network_is_not_used_for_another():
    optimizer = book.Momentum()
    optimizer.update({"W": np.ones(1)}, {"W": np.ones(1)})
    params = {"W": np.ones(3)}
    with pytest.raises(ValueError, match="make one for each network") as caught:
        optimizer.update(params, {"W": np.ones(3)})
    assert korean(caught.value)
    np.testing.assert_array_equal(params["W"], np.ones(3))


@pytest.mark.parametrize(
    ("params", "grads", "error", "said"),
    [
        ({"a": np.ones(2), "W": np.ones(2)}, {"a": np.ones(2)}, KeyError, "grads has no 'W'"),
        ({"a": np.ones(2), "W": np.ones(2)}, {"a": np.ones(2), "W": np.ones(3)}, ValueError, r"its gradient \(3,\)"),
        ({"a": np.ones(2), "W": np.ones(2, int)}, {"a": np.ones(2), "W": np.ones(2)}, TypeError, "array of floats"),
        ({"a": np.ones(2), "W": [1.0]}, {"a": np.ones(2), "W": np.ones(1)}, TypeError, "is list"),
        (
            {"a": np.ones(2), "W": tg.Tensor([1.0], requires_grad=True)},
            {"a": np.ones(2), "W": np.ones(1)},
            TypeError,
            "must be a writable array",
        ),
        (
            {"a": np.ones(2), "W": np.ones(2)},
            {"a": np.ones(2), "W": np.ones(2, complex)},
            TypeError,
            r"grads\['W'\]: exp",
        ),
        ({"a": (a := np.ones(2)), "W": a}, {"a": np.ones(2), "W": np.ones(2)}, ValueError, "is the array of"),
        ({"a": np.ones(2), "W": 1.0}, {"a": np.ones(2), "W": None}, TypeError, "got None"),
        ({"a": np.ones(2)}, [np.ones(2)], TypeError, "grads must be a dict of arrays by name, not list"),
    ],
)
def test_a_step_that_fails_changes_nothing(params, grads, error, said):
    optimizer = book.Adam()
    with pytest.raises(error, match=said) as caught:
        optimizer.update(params, grads)
    assert korean(caught.value)
    np.testing.assert_array_equal(params["a"], np.ones(2))
    assert optimizer.iter == 0
    assert optimizer.kept == {}


def test_settings_out_of_range():
    for make in (lambda: book.SGD(lr=0), lambda: book.Momentum(momentum=1.0), lambda: book.Adam(beta2=1.0)):
        with pytest.raises(ValueError, match="must be"):
            make()


def test_the_trainer_trains_and_prints(capsys):
    (x, t), (x_test, t_test) = tg.data.load_digits()
    np.random.seed(0)
    net = book.MultiLayerNet(64, [30], 10)
    trainer = book.Trainer(
        net, x, t, x_test, t_test, epochs=4, optimizer="Adam", optimizer_param={"lr": 0.01}, verbose=False
    )
    trainer.train()
    assert capsys.readouterr().out == ""
    assert len(trainer.train_loss_list) == 4 * 14
    assert len(trainer.train_acc_list) == len(trainer.test_acc_list) == 4
    assert net.accuracy(x_test, t_test) > 0.85
    short = book.Trainer(net, x, t, x_test, t_test, epochs=1, mini_batch_size=1000, evaluate_sample_num_per_epoch=10)
    short.train()
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("train loss:0.")
    assert out[1].startswith("=== epoch:1, train acc:")
    assert out[-1] == f"test acc:{net.accuracy(x_test, t_test)}"
    assert short.optimizer.lr == 0.01
    assert short.test_acc_list[0] * 10 == round(short.test_acc_list[0] * 10)
    with pytest.raises(ValueError, match="optimizer must be one of") as caught:
        book.Trainer(net, x, t, x_test, t_test, optimizer="lbfgs")
    assert korean(caught.value)
    with pytest.raises(ValueError, match="optimizer must be one of"):
        book.Trainer(net, x, t, x_test, t_test, optimizer=book.SGD())  # type: ignore[arg-type]  # what is refused
    for name in ("mini_batch_size", "evaluate_sample_num_per_epoch"):
        with pytest.raises(ValueError, match=f"{name} must be a whole number of at least 1"):
            book.Trainer(net, x, t, x_test, t_test, **dict[str, Any]({name: 0}))


def test_smooth_curve_and_shuffle_dataset():
    line = np.arange(40.0)
    smooth = book.smooth_curve(line.tolist())
    assert smooth.shape == line.shape
    np.testing.assert_allclose(smooth[5:-5], line[5:-5])
    np.testing.assert_allclose(book.smooth_curve(np.ones(11)), 1)
    with pytest.raises(ValueError, match="11 numbers or more"):
        book.smooth_curve(np.ones(10))
    images, labels = np.arange(48.0).reshape(6, 2, 2, 2), np.arange(6)
    np.random.seed(0)
    x, t = book.shuffle_dataset(images, labels)
    np.testing.assert_array_equal(x, images[t])
    assert sorted(t) == list(range(6)) != list(t)
    with pytest.raises(ValueError, match="x has 6 samples, but t has 5") as caught:
        book.shuffle_dataset(images, labels[:5])
    assert korean(caught.value)
