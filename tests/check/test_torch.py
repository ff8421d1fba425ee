"""Functions, autograd.Functions and Modules of PyTorch: judged as they are, left as they were. Skipped where PyTorch is missing."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko.check import GradientMismatch, GradientUndecided, check_gradient

torch: Any = pytest.importorskip("torch")
nn = torch.nn


def numbers(*shape: int, seed: int = 0) -> Any:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


X = numbers(3, 4)


class Swish(torch.autograd.Function):
    """x * sigmoid(k x)."""

    factor = 1.0

    @staticmethod
    def forward(ctx, x, k):
        ctx.save_for_backward(x)
        ctx.k = k
        return x * torch.sigmoid(k * x)

    @classmethod
    def backward(cls, ctx, g):
        (x,), k = ctx.saved_tensors, ctx.k
        s = torch.sigmoid(k * x)
        return g * (s + k * x * s * (1 - s)), None


class ForgetsK(Swish):
    @staticmethod
    def backward(ctx, g):
        (x,), k = ctx.saved_tensors, ctx.k
        s = torch.sigmoid(k * x)
        return g * (s + x * s * (1 - s)), None


class Net(torch.nn.Module):
    """With all that is hard to leave alone: running statistics, random numbers, a plain tensor, a counter."""

    def __init__(self, function=Swish):
        super().__init__()
        self.function, self.calls, self.scale = function, 0, torch.tensor(2.0)
        self.first, self.norm = nn.Linear(4, 5, bias=False), nn.BatchNorm1d(5)
        self.drop, self.last = nn.Dropout(0.3), nn.Linear(5, 2)

    def forward(self, x):
        self.calls += 1
        return self.last(self.drop(self.function.apply(self.norm(self.first(x)), 2.0))) * self.scale


def blame(error):
    return error.value.report.blame


class TestFunctions:
    def test_an_autograd_function(self):
        report = check_gradient(Swish, X, 2.0)
        assert (report.name, report.verdict, list(report.shapes)) == ("Swish", "agrees", ["x", "k"])
        assert "judged in float64; given: float32" in report.remarks[0]
        assert "float32 agrees" in report.remarks[1]

    def test_a_wrong_backward_is_named_with_its_place(self):
        with pytest.raises(GradientMismatch, match=r"the formula of ForgetsK for 'x', at .*test_torch.py") as error:
            check_gradient(ForgetsK, X, 2.0)
        assert blame(error).op == "ForgetsK"
        assert "given: float32" in str(error.value)

    def test_one_entry_of_a_thousand_off_by_a_millionth(self):
        """What gradcheck accepts in both of its modes."""

        class Sine(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return torch.sin(x)

            @staticmethod
            def backward(ctx, g):
                gradient = g * torch.cos(ctx.saved_tensors[0])
                gradient[123] *= 1 + 1e-6
                return gradient

        x = numbers(1000).double().requires_grad_()
        assert torch.autograd.gradcheck(Sine.apply, x, fast_mode=True)
        with pytest.raises(GradientMismatch) as error:
            check_gradient(Sine, x)
        assert blame(error).index == (123,)

    @pytest.mark.parametrize(
        ("backward", "text"),
        [
            (lambda ctx, g: torch.cos(ctx.saved_tensors[0]), "not zero for a zero cotangent"),
            (lambda ctx, g: g.abs() * torch.cos(ctx.saved_tensors[0]), "not linear in the cotangent"),
        ],
    )
    def test_properties(self, backward, text):
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.sin(x)

        made: Any = type(
            "Made", (torch.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)}
        )
        with pytest.raises(GradientMismatch, match=f"the formula of Made for 'x'.* {text}"):
            check_gradient(made, X)
        with pytest.raises(GradientMismatch, match=f"the formula of Made for 'x'.* {text}"):
            check_gradient(lambda x: made.apply(x) * 2, X)

    def test_what_shows_only_among_others(self):
        class Mask(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                Mask.mask = x > 0  # of the last call, whoever made it
                return x * Mask.mask

            @staticmethod
            def backward(ctx, g):
                return g * Mask.mask

        class Doubles(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return 2 * x

            @staticmethod
            def backward(ctx, g):
                return g.mul_(2)

        with pytest.raises(GradientMismatch, match=r"the formula of Mask for 'x'.* an earlier call left behind"):
            check_gradient(Mask, X)
        with pytest.raises(GradientMismatch, match="the vjp of Doubles writes to its cotangent g"):
            check_gradient(Doubles, X)
        with pytest.raises(GradientMismatch, match="Doubles is wrong by itself") as error:
            check_gradient(lambda x: Doubles.apply(x) + x, X)
        assert blame(error).line.startswith(__file__)

    def test_plain_functions_and_several_results(self):
        assert check_gradient(torch.linalg.svdvals, X).verdict == "agrees"
        assert check_gradient(lambda x: {"sorted": x.sort(), "sum": [x.sum()]}, X).verdict == "agrees"
        with pytest.raises(GradientMismatch, match=r"d out\['b'\]\[0\]\[2\] / d x\[2\]"):
            check_gradient(lambda x: {"a": x.sum(), "b": [x.detach() * torch.tensor([0.0, 0.0, 1.0])]}, numbers(3))

    def test_structures_of_inputs(self):
        report = check_gradient(lambda p, x: x @ p["W"] + p["b"][0], {"W": numbers(4, 2), "b": [numbers(2)]}, X)
        assert list(report.shapes) == ["p['W']", "p['b'][0]", "x"]

    def test_those_that_require_gradients_if_any_do(self):
        w = numbers(4, 2).requires_grad_()
        assert [row["argument"] for row in check_gradient(lambda x, w: x.detach() @ w, X, w).rows()] == ["w"]
        assert [row["argument"] for row in check_gradient(lambda x, w: x @ w, X, w.detach()).rows()] == ["x", "w"]
        assert [row["argument"] for row in check_gradient(lambda x, w: x @ w, X, w, wrt="x").rows()] == ["x"]

    def test_the_second_order(self):
        assert {row["order"] for row in check_gradient(Swish, X, 2.0, order=2).rows()} == {1, 2}
        assert check_gradient(torch.relu, torch.tensor([0.0, 1.0]), order=2).verdict == "agrees"

        class OnceOnly(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x**3

            @staticmethod
            def backward(ctx, g):
                return g * 3 * ctx.saved_tensors[0].detach() ** 2

        for f in (OnceOnly, lambda x: {"y": OnceOnly.apply(x) * 2}):
            assert check_gradient(f, X).verdict == "agrees"
            with pytest.raises(
                GradientMismatch, match=r"d gradient\['x'\]\[\d, \d\] / d x\[\d, \d\], at order 2"
            ) as error:
                check_gradient(f, X, order=2)
            assert blame(error).op == "OnceOnly"

    def test_kinks(self):
        assert check_gradient(torch.relu, torch.tensor([0.0, 1.0])).projections[0].verdict == "subgradient"
        with pytest.raises(GradientUndecided, match="kinks"):
            check_gradient(lambda x: torch.relu(x) - torch.relu(-x), torch.tensor([0.0, 1.0]))

    def test_a_part_outside_the_graph(self):
        with pytest.raises(GradientMismatch, match=r"outside the graph\? look for \.detach\(\)"):
            check_gradient(lambda x: torch.sin(x.detach()).sum() + 0 * x.sum(), X)
        with pytest.raises(GradientMismatch, match=r"outside the graph\? look for \.detach\(\)"):
            check_gradient(lambda x: torch.from_numpy(np.sin(x.detach().numpy())), X)

    def test_only_float64_if_told_so(self):
        seen = set()

        def noting(x):
            seen.add(x.dtype)
            return torch.sin(x)

        check_gradient(noting, X, float32=False)
        assert seen == {torch.float64}
        check_gradient(noting, X)
        assert torch.float32 in seen

    def test_inputs_are_left_alone(self):
        x = X.clone().requires_grad_()
        x.grad = torch.ones_like(x)
        check_gradient(torch.sin, x)
        assert torch.equal(x, X)
        assert x.grad.sum() == 12
        with pytest.raises(ValueError, match="writes to its argument"):
            check_gradient(lambda x, y: x.add_(1) * y, X, numbers(3, 4, seed=1), wrt="y")

    def test_what_cannot_be_checked(self):
        with pytest.raises(TypeError, match="'x' is complex"):
            check_gradient(lambda x: x * 2, X + 1j)
        with pytest.raises(TypeError, match="'y' is sparse"):
            check_gradient(lambda x, y: x, X, X.to_sparse())
        with pytest.raises(ValueError, match="nothing to check"):
            check_gradient(lambda x: x * 2, torch.tensor([1, 2]))


class TestModules:
    @pytest.mark.parametrize("training", [True, False])
    @pytest.mark.parametrize("function", [Swish, ForgetsK])
    def test_it_is_left_bit_for_bit_as_it_was(self, training, function):
        torch.manual_seed(0)
        net = Net(function).train(training)
        net(X).sum().backward()
        net.last.weight.requires_grad_(False)
        state, named = {k: v.clone() for k, v in net.state_dict().items()}, dict(net.named_parameters())
        before = {k: (id(p), p.data_ptr(), p._version, p.requires_grad, p.dtype) for k, p in named.items()}
        gradients, random = {k: p.grad.clone() for k, p in named.items()}, torch.get_rng_state()
        if function is Swish:
            assert {row["argument"] for row in check_gradient(net, X).rows()} == {"x", *named} - {"last.weight"}
        else:
            with pytest.raises(GradientMismatch) as error:
                check_gradient(net, X)
            assert blame(error).op == "ForgetsK"
            assert blame(error).line.startswith(__file__)
        assert all(torch.equal(v, state[k]) and v.dtype == state[k].dtype for k, v in net.state_dict().items())
        after = {k: (id(p), p.data_ptr(), p._version, p.requires_grad, p.dtype) for k, p in net.named_parameters()}
        assert after == before
        assert all(torch.equal(p.grad, gradients[k]) for k, p in named.items())
        assert torch.equal(torch.get_rng_state(), random)
        assert (net.training, net.calls, net.scale.dtype, torch.get_default_dtype()) == (
            training,
            1,
            torch.float32,
            torch.float32,
        )

    def test_the_second_order(self):
        report = check_gradient(nn.Sequential(nn.Linear(4, 3), nn.Tanh()), X, order=2, wrt=["input", "0.weight"])
        assert [row["argument"] for row in report.rows() if row["order"] == 2] == ["input", "0.weight", "the cotangent"]

    def test_a_loss_that_reads_a_module(self):
        net, t = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)), torch.tensor([0, 1, 1])

        def loss(x):
            return nn.functional.cross_entropy(net(x), t)

        assert list(check_gradient(loss, X, parameters=net).shapes) == ["x", "0.weight", "0.bias", "2.weight", "2.bias"]
        with pytest.raises(RuntimeError, match="dtype") as error:
            check_gradient(loss, X)
        assert "parameters=model" in error.value.__notes__[0]
        assert check_gradient(
            lambda: loss(X.double()), parameters=list(net.parameters()), wrt="parameter 1", float32=False
        ).verdict

    def test_a_wrong_parameter_is_named(self):
        class Scaled(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = nn.Linear(4, 2)

            def forward(self, x):
                return x @ self.inner.weight.T + self.inner.bias.detach()

        with pytest.raises(GradientMismatch, match=r"d out\[\d, (\d)\] / d inner.bias\[\1\]: backpropagation gives 0"):
            check_gradient(Scaled(), X)

    @pytest.mark.parametrize(
        ("module", "inputs"),
        [
            (lambda: nn.LSTM(4, 3, batch_first=True), [numbers(2, 5, 4)]),
            (lambda: nn.Embedding(5, 3, sparse=True), [torch.tensor([1, 2, 2])]),
            (lambda: nn.Conv2d(2, 3, 3), [numbers(1, 2, 5, 5)]),
            (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(4, 2)), [X]),
            (lambda: nn.Linear(4, 2).bfloat16(), [X.bfloat16()]),
            (lambda: nn.Linear(4, 2).double(), [X.double()]),
        ],
    )
    def test_layers(self, module, inputs):
        torch.manual_seed(0)
        report = check_gradient(module(), *inputs)
        assert report.verdict == "agrees"
        assert len(report.rows()) > 1 or len(inputs[0].shape) == 1

    def test_a_module_is_checked_on_a_copy(self):
        """What another thread predicts meanwhile is not disturbed, and what forward leaves in lists is not left behind."""
        seen = []

        class Noting(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.linear, self.history = torch.nn.Linear(3, 2), []

            def forward(self, x):
                self.history.append(1)
                seen.append(model.linear.weight.dtype)
                return self.linear(x)

        model = Noting()
        assert check_gradient(model, torch.ones(3)).verdict == "agrees"
        assert model.history == []
        assert set(seen) == {torch.float32}

    def test_in_several_threads(self):
        net = nn.Sequential(nn.Linear(4, 3), nn.Tanh())
        state = {k: v.clone() for k, v in net.state_dict().items()}
        with ThreadPoolExecutor(4) as pool:
            reports = list(pool.map(lambda seed: check_gradient(net, X, rng=seed), range(8)))
        assert all(report.verdict == "agrees" for report in reports)
        assert all(torch.equal(v, state[k]) for k, v in net.state_dict().items())

    @pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
    def test_where_gradients_are_off(self, mode):
        net = nn.Linear(4, 2)
        with mode():
            assert check_gradient(net, X).verdict == "agrees"

    def test_computed_again_in_the_backward(self):
        net = Net()
        net.drop.p = 0.0
        report = check_gradient(
            lambda x: torch.utils.checkpoint.checkpoint(net, x, use_reentrant=False), X, parameters=net
        )
        assert report.verdict == "agrees"

    def test_after_an_error_all_is_as_it_was(self):
        class Breaks(Net):
            def forward(self, x):
                super().forward(x)
                raise KeyError("mine")

        net = Breaks()
        before = {k: (v.clone(), v.dtype) for k, v in net.state_dict().items()}
        with pytest.raises(KeyError, match="mine"):
            check_gradient(net, X)
        assert all(torch.equal(v, before[k][0]) and v.dtype == before[k][1] for k, v in net.state_dict().items())
        assert torch.get_default_dtype() == torch.float32

    def test_tied_weights_are_one(self):
        net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
        net[2].weight = net[0].weight
        assert list(check_gradient(net, X).shapes) == ["input", "0.weight", "0.bias", "2.bias"]


def test_the_packages_own_functions_are_still_judged_as_such():
    assert check_gradient(tg.tanh, X.numpy()).remarks[0].startswith("float32")


@pytest.mark.parametrize(
    ("dtype", "factor", "message"),
    [
        (torch.float32, float("nan"), "in float32 is NaN where the result is finite"),
        (torch.float16, 3.0, "in float16 is far from that in float64"),
    ],
)
def test_a_backward_that_is_wrong_in_one_precision(dtype, factor, message):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * g * x * (factor if x.dtype is dtype else 1)

    with pytest.raises(GradientMismatch, match=message):
        check_gradient(Square, torch.tensor([0.5, -1.0, 2.0], dtype=dtype))


def test_the_door_of_another_library_is_named():
    with pytest.raises(TypeError) as error:
        check_gradient(lambda x: torch.sin(x), np.ones(3))
    assert "give it torch's own (on the command line --library torch)" in error.value.__notes__[-2]
    with pytest.raises(TypeError, match=r"check_vjp takes arrays of NumPy, not of torch: .*tg.check_gradient\(F, x\)"):
        tg.check.check_vjp(Swish.forward, Swish.backward, X, X)


def test_parameters_may_be_a_generator_or_modules_and_tensors_in_a_list():
    net, x = nn.Linear(4, 2), X.clone()
    names = [*check_gradient(lambda x: net(x).sum(), X, parameters=net.parameters()).shapes]
    assert names == ["x", "parameter 0", "parameter 1"]
    report = check_gradient(lambda: net(x).sum(), parameters=[net, x])
    assert [row.argument for row in report.projections if row.argument in ("weight", "bias")]
    assert x.dtype is torch.float32
    other = nn.Linear(4, 2)
    twice = check_gradient(lambda x: (net(x) + other(x)).sum(), X, parameters=[net, other])
    assert {"0.weight", "1.weight", "0.bias", "1.bias"} <= {*twice.shapes}


def test_a_float32_tensor_that_is_read_is_told_with_its_cure():
    net, x = nn.Linear(4, 2), X.clone()
    with pytest.raises(RuntimeError) as error:
        check_gradient(lambda: net(x).sum(), parameters=net)
    assert "reads a float32 tensor that is not among its inputs" in error.value.__notes__[-2]
    assert "parameters=[model, x]" in error.value.__notes__[-1]


def test_a_function_of_pytorch_given_tensors_of_this_package_is_refused():
    """Its forward would run on them, and its backward never."""
    with pytest.raises(
        TypeError, match="Swish is a Function of PyTorch, and f was given no tensors of PyTorch"
    ) as error:
        check_gradient(lambda x: Swish.apply(x, 1.0), np.ones(3))
    assert "torch.tensor(...)로 넘기십시오" in error.value.__notes__[0]
    assert check_gradient(lambda x: Swish.apply(x, 1.0), torch.ones(3)).verdict == "agrees"
