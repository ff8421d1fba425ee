"""A name, an attribute or an argument that there is not: what is named in its place, in both languages."""

import ast
import inspect
from typing import Any

import numpy as np
import pytest

import tinygrad_ko
from tinygrad_ko.runtime import suggestions
from tinygrad_ko.runtime.habits import HABITS

tg: Any = tinygrad_ko  # a type checker would refuse what is wrong here on purpose


def message(kind, call):
    """The error of a call: its sentence, and its note, which is Korean and names what the sentence names."""
    with pytest.raises(kind) as caught:
        call()
    (note,) = caught.value.__notes__
    assert any("가" <= letter <= "힣" for letter in note)
    sentence = str(caught.value)
    cure = sentence.partition("did you mean ")[2].rstrip("?") or sentence.rpartition("; ")[2].removeprefix(
        "write "
    ).removeprefix("call it as ")
    if "layers compute" not in cure:
        assert all(part in note for part in cure.split(" or ")), note
    return sentence


def tensor():
    return tg.Tensor([1.0, 2.0], requires_grad=True)


# ------------------------------------------------------------------ modules


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("nn.Linear", "nn.Affine"),
        ("nn.ReLU", "nn.Relu or tg.relu"),
        ("nn.GELU", "nn.Gelu or tg.gelu"),
        ("nn.CrossEntropyLoss", "nn.SoftmaxWithLoss"),
        ("nn.MSELoss", "tg.mean_squared_error"),
        ("nn.Conv2D", "nn.Conv2d or tg.conv2d"),
        ("nn.BatchNorm1d", "nn.BatchNorm"),
        ("nn.relu", "tg.relu"),
        ("nn.LSTM", "tg.lstm"),
        ("nn.GRUCell", "tg.gru"),
        ("nn.Adam", "optim.Adam"),
        ("nn.Droput", "nn.Dropout or tg.dropout"),
        ("optim.Adagrad", "optim.AdaGrad"),
        ("optim.RMSProp", "optim.RMSprop"),
        ("optim.StepLR", "optim.step_decay"),
        ("optim.clip_grad_norm_", "optim.clip_grad_norm"),
        ("data.DataLoader", "data.minibatches"),
        ("data.minibatch", "data.minibatches or data.sample_minibatch"),
        ("func.jacrev", "func.jacobian"),
        ("func.exp", "tg.exp"),
        ("linalg.norm", "linalg.vector_norm"),
        ("linalg.arccos", "tg.acos"),
    ],
)
def test_a_room_names_the_nearest(asked, meant):
    room, _, name = asked.partition(".")
    said = message(AttributeError, lambda: getattr(getattr(tg, room), name))
    assert said == f"module 'tinygrad_ko.{room}' has no attribute {name!r}; did you mean {meant}?"


@pytest.mark.parametrize("habit", HABITS)
def test_every_habit_leads_somewhere(habit):
    room, _, name = HABITS[habit].partition(".")
    assert hasattr(tg if room == "tg" else getattr(tg, room), name)
    said = message(AttributeError, lambda: getattr(tg, habit))
    assert said.endswith(f"did you mean {HABITS[habit].removeprefix('tg.')}?")


def test_a_module_that_looks_like_a_function_of_pytorch():
    assert "write tg.Tensor(data)" in message(TypeError, lambda: tg.tensor([1.0, 2.0]))


# ------------------------------------------------------------------ attributes


@pytest.mark.parametrize(
    ("asked", "cure"),
    [
        ("exp", "tg.exp(x)"),
        ("relu", "tg.relu(x)"),
        ("maximum", "tg.maximum(a, b)"),
        ("view", "x.reshape(...)"),
        ("clamp", "x.clip(...)"),
        ("t", "x.T"),
        ("dim", "x.ndim"),
        ("numel", "x.size"),
        ("unsqueeze", "tg.expand_dims(x)"),
        ("norm", "tg.linalg.vector_norm(x)"),
        ("cuda", "tg.Tensor(cupy_array)"),
        ("retain_grad", "tg.grad(z, x)"),
        ("cpu", "x.numpy()"),
        ("tobytes", "x.numpy().tobytes"),
    ],
)
def test_a_tensor_names_what_to_write(asked, cure):
    said = message(AttributeError, lambda: getattr(tensor(), asked))
    assert said == f"'Tensor' object has no attribute {asked!r}; write {cure}"
    assert not hasattr(tg.Tensor, asked)


@pytest.mark.parametrize(
    ("asked", "cure"),
    [
        ("state_dict", "write m.save(path)"),
        ("load_state_dict", "write m.load(path)"),
        ("weight", "write m.W"),
        ("cuda", "layers compute on NumPy's arrays, on the CPU"),
    ],
)
def test_a_layer_names_what_to_write(asked, cure):
    assert (
        message(AttributeError, lambda: getattr(tg.nn.Affine(2, 3), asked))
        == f"'Affine' object has no attribute {asked!r}; {cure}"
    )


def test_an_optimizer_names_what_to_write():
    optimizer = tg.optim.Adam([tensor()])
    assert message(AttributeError, lambda: optimizer.state_dict).endswith("; write o.state()")
    assert message(AttributeError, lambda: optimizer.param_groups).endswith("; write o.parameters")


KINDS = [tg.Tensor, tg.nn.Module, tg.optim.Optimizer]
FOREIGN = [suggestions.ForeignToTensor, suggestions.ForeignToModule, suggestions.ForeignToOptimizer]


@pytest.mark.parametrize(("foreign", "kind"), list(zip(FOREIGN, KINDS, strict=True)))
def test_every_foreign_name_leads_somewhere(foreign, kind):
    """What is to be written is Python that names nothing but what there is."""
    here = {
        "tg": tg,
        "np": np,
        "x": tensor(),
        "m": tg.nn.Affine(2, 3),
        "o": tg.optim.SGD([tensor()]),
        "p": tensor(),
        "y": tensor(),
    }
    names = [name for name in vars(foreign) if not name.startswith("_") and not hasattr(kind, name)]
    assert len(names) >= 4
    for name in names:
        said = message(AttributeError, lambda name=name: getattr(kind, name))
        if "; write " in said:
            for node in ast.walk(ast.parse(said.rpartition("; write ")[2])):
                if (
                    isinstance(node, ast.Attribute)
                    and not isinstance(node.ctx, ast.Store)
                    and ast.unparse(node).partition(".")[0] in here
                ):
                    exec(ast.unparse(node), dict(here))


def test_no_foreign_name_is_listed():
    for thing in (tensor(), tg.nn.Affine(2, 3), tg.optim.SGD([tensor()])):
        assert all(hasattr(type(thing), name) or name in vars(thing) for name in dir(thing) if not name.startswith("_"))
    assert {"reshape", "backward", "grad"} <= set(dir(tensor()))


def test_a_name_of_the_users_wins():
    class Fits:
        def predict(self):
            return 1

    class Net(tinygrad_ko.nn.Module, Fits):
        children = 3

        def __init__(self):
            self.weight = tensor()

    net = Net()
    assert (net.predict(), net.children, list(net.named_parameters())) == (1, 3, ["weight"])
    assert {"predict", "children", "weight"} <= set(dir(net))
    assert getattr(net, "state_dict", 5) == 5

    class Mine(tinygrad_ko.Tensor):
        def exp(self):
            return 2

    assert Mine([1.0]).exp() == 2


def test_what_libraries_ask_of_a_tensor_stays_quiet_and_cheap():
    """They do not pass through Python: an attribute that no library is known for is looked up as in any other class."""
    assert not any("__getattr__" in vars(part) for kind in KINDS for part in kind.__mro__)
    with pytest.raises(AttributeError, match=r"has no attribute '__cuda_array_interface__'$") as caught:
        tensor().__cuda_array_interface__
    assert not hasattr(caught.value, "__notes__")


# ------------------------------------------------------------------ arguments


AFFINE = "call it as Affine(in_features, out_features, *, init=..., dtype=..., rng=None)"
SGD = "call it as SGD(parameters, lr=0.01, *, weight_decay=0.0)"


@pytest.mark.parametrize(
    ("call", "argument", "cure"),
    [
        (lambda: tensor().sum().backward(retain_graph=True), "retain_graph", "did you mean keep_graph=?"),
        (lambda: tg.grad(tensor().sum(), tensor(), allow_unusd=True), "allow_unusd", "did you mean allow_unused=?"),
        (lambda: tg.Tensor([1.0], require_grad=True), "require_grad", "did you mean requires_grad=?"),
        (lambda: tg.optim.SGD([tensor()], momentum=0.9), "momentum", "did you mean optim.Momentum?"),
        (lambda: tg.optim.Adam([tensor()], learning_rate=1), "learning_rate", "did you mean lr=?"),
        (lambda: tg.nn.Dropout(rate=0.5), "rate", "did you mean p=?"),
        (lambda: tg.nn.BatchNorm(3, momentum=0.1), "momentum", "did you mean decay=1 - momentum?"),
        (lambda: tg.lstm(*[None] * 4, hx=None), "hx", "did you mean h0=?"),
        (lambda: tg.gru(*[None] * 4, batch_first=True), "batch_first", "did you mean np.moveaxis(x, 1, 0)?"),
        (lambda: tg.attention(1, 2, 3, attn_mask=None), "attn_mask", "did you mean mask=?"),
        (lambda: tg.attention(1, 2, 3, is_causal=True), "is_causal", "did you mean mask=np.tri(n, dtype=bool)?"),
        (lambda: tg.layer_norm(1, 2, 3, dim=1), "dim", "call it as layer_norm(x, gamma, beta, eps=1e-05)"),
        (lambda: tg.batch_norm(1, 2, 3, training=True), "training", "call it as batch_norm(x, gamma, beta, eps=1e-05)"),
        (lambda: tg.nn.Conv2d(1, 2, kernel_size=3), "kernel_size", "did you mean size=?"),
        (lambda: tg.nn.Affine(in_feature=2), "in_feature", "did you mean in_features= or out_features=?"),
        (lambda: tg.nn.Affine(2, 3, bias=False), "bias", AFFINE),
        (lambda: tg.sum(tensor(), dim=0), "dim", "did you mean axis=?"),
        (lambda: tg.softmax([1.0], dim=0), "dim", "did you mean axis=?"),
        (lambda: tensor().sum(dim=0), "dim", "did you mean axis=?"),
        (lambda: tensor().mean(keepdim=True, axis=0), "keepdim", "did you mean keepdims=?"),
        (lambda: tensor().max(axes=0, dim=1), "axes", "did you mean axis=?"),
    ],
)
def test_a_wrong_argument_names_the_nearest(call, argument, cure):
    assert message(TypeError, call).endswith(f"() got an unexpected keyword argument {argument!r}; {cure}")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: tg.nn.Affine(64), f"Affine() missing 1 required positional argument: 'out_features'; {AFFINE}"),
        (lambda: tg.optim.SGD(), f"SGD() missing 1 required positional argument: 'parameters'; {SGD}"),
        (lambda: tg.optim.SGD(1, 2, 3), f"SGD() takes from 2 to 3 positional arguments but 4 were given; {SGD}"),
    ],
)
def test_a_call_with_too_few_or_too_many_arguments_shows_how_it_is_called(call, said):
    assert message(TypeError, call) == said


def test_an_argument_that_is_not_needed_here_suggests_no_other():
    assert "did you mean" not in message(TypeError, lambda: tg.grad(tensor().sum(), tensor(), retain_graph=True))


def test_an_error_from_inside_a_constructor_is_its_own():
    class Net(tinygrad_ko.nn.Module):
        def __init__(self, layers):
            self.layers = [tg.exp(layer, layer) for layer in layers]

    with pytest.raises(TypeError, match=r"^exp\(\) takes 1 positional argument but 2 were given$") as caught:
        Net([1.0])
    assert not hasattr(caught.value, "__notes__")
    assert message(TypeError, Net) == "Net() missing 1 required positional argument: 'layers'; call it as Net(layers)"


def test_a_wrong_call_of_the_base_names_the_base():
    class Net(tinygrad_ko.nn.Sequential):
        def __init__(self):
            super().__init__(**{"activation": None})

    assert (
        message(TypeError, Net)
        == "Sequential() got an unexpected keyword argument 'activation'; call it as Sequential(*layers)"
    )


def test_a_constructor_keeps_its_signature_and_its_place():
    assert list(inspect.signature(tg.nn.Dropout).parameters) == ["p", "rng"]
    assert "def __init__(self, p: float = 0.5" in inspect.getsource(tg.nn.Dropout.__init__)
