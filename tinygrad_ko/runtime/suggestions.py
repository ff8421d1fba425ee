"""Name suggestions: the error for a name, an attribute or an argument that there is not, with what was probably meant.

A name is looked for in every room of the package, in NumPy, in a table of habits from other libraries, and among names that look
alike. Classes hold the names of other libraries as descriptors that raise: `__getattr__` would slow down every other attribute.
"""

import inspect
import re
from collections.abc import Callable, Sequence
from functools import wraps
from importlib import import_module
from typing import Any, TypeVar, cast

import numpy as np

from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.names import homes

F = TypeVar("F", bound=Callable[..., Any])

_ROOMS = ("tg", "nn", "optim", "func", "linalg", "data")

# What PyTorch, NumPy and JAX call it, and what it is called here, where no rule below finds it.
HABITS = {
    "BCEWithLogitsLoss": "tg.sigmoid_cross_entropy",
    "BatchNorm1d": "nn.BatchNorm",
    "BatchNorm2d": "nn.BatchNorm",
    "CosineAnnealingLR": "optim.cosine_decay",
    "CrossEntropyLoss": "nn.SoftmaxWithLoss",
    "DataLoader": "data.minibatches",
    "Dense": "nn.Affine",
    "ExponentialLR": "optim.exponential_decay",
    "Identity": "tg.identity_function",
    "KLDivLoss": "tg.kl_divergence",
    "L1Loss": "tg.mean_absolute_error",
    "Linear": "nn.Affine",
    "LinearLR": "optim.linear_warmup",
    "MSELoss": "tg.mean_squared_error",
    "ModuleList": "nn.Sequential",
    "NLLLoss": "tg.negative_log_likelihood",
    "Parameter": "tg.Tensor",
    "SmoothL1Loss": "tg.huber_loss",
    "StepLR": "optim.step_decay",
    "Swish": "nn.Silu",
    "Variable": "tg.Tensor",
    "absolute_": "tg.abs",
    "addmm": "tg.affine",
    "amax": "tg.max",
    "amin": "tg.min",
    "array": "tg.Tensor",
    "as_tensor": "tg.Tensor",
    "asarray": "tg.Tensor",
    "bce_loss": "tg.sigmoid_cross_entropy",
    "binary_cross_entropy_with_logits": "tg.sigmoid_cross_entropy",
    "bmm": "tg.matmul",
    "cat": "tg.concat",
    "chunk": "tg.array_split",
    "clamp": "tg.clip",
    "cross_entropy": "tg.softmax_cross_entropy",
    "cumprod": "tg.cumulative_prod",
    "cumsum": "tg.cumulative_sum",
    "div": "tg.divide",
    "dot": "tg.matmul",
    "enable_grad": "tg.no_grad",
    "expand": "tg.broadcast_to",
    "fabs": "tg.abs",
    "flatten": "tg.reshape",
    "from_numpy": "tg.Tensor",
    "gather": "tg.take_along_axis",
    "grad_and_value": "func.value_and_grad",
    "gradcheck": "tg.check_gradient",
    "index_add": "tg.scatter_add",
    "index_select": "tg.take",
    "jacfwd": "func.jacobian",
    "jacrev": "func.jacobian",
    "kaiming_normal_": "nn.he",
    "kl_div": "tg.kl_divergence",
    "l1_loss": "tg.mean_absolute_error",
    "linear": "tg.affine",
    "lu_solve": "linalg.solve",
    "masked_fill": "tg.where",
    "mm": "tg.matmul",
    "mse_loss": "tg.mean_squared_error",
    "mul": "tg.multiply",
    "neg": "tg.negative",
    "nll_loss": "tg.negative_log_likelihood",
    "norm": "linalg.vector_norm",
    "permute": "tg.permute_dims",
    "ravel": "tg.reshape",
    "remat": "func.checkpoint",
    "rsqrt": "tg.sqrt",
    "sub": "tg.subtract",
    "swish": "tg.silu",
    "topk": "tg.top_k",
    "unsqueeze": "tg.expand_dims",
    "value_and_gradient": "func.value_and_grad",
    "view": "tg.reshape",
    "xavier_normal_": "nn.xavier",
}

# The same for arguments: an argument, or else the function or class that has it.
_ARGUMENTS = {
    "beta1": "betas",
    "beta2": "betas",
    "dim": "axis",
    "dims": "axis",
    "embedding_dim": "dim",
    "grad_outputs": "g",
    "gradient": "g",
    "kernel_size": "size",
    "learning_rate": "lr",
    "momentum": "optim.Momentum",
    "nesterov": "optim.Nesterov",
    "num_embeddings": "num",
    "outputs": "y",
    "params": "parameters",
    "rate": "p",
    "retain_graph": "keep_graph",
    "rho": "decay",
}

# Attributes of a Tensor x, and what to write.
_TENSOR = {
    "at": "tg.where(mask, value, x)",
    "clone": "+x",
    "contiguous": "x",
    "copy": "x.numpy()",
    "copy_": "x.data[...] = y",
    "cpu": "x.numpy()",
    "cuda": "tg.Tensor(cupy_array)",
    "dim": "x.ndim",
    "double": "x.astype(np.float64)",
    "element_size": "x.dtype.itemsize",
    "float": "x.astype(np.float32)",
    "grad_fn": "x.node",
    "half": "x.astype(np.float16)",
    "int": "x.detach().astype(np.int32)",
    "is_leaf": "x.node.op is None",
    "long": "x.detach().astype(np.int64)",
    "ndimension": "x.ndim",
    "new_tensor": "tg.Tensor(data)",
    "numel": "x.size",
    "permute": "x.transpose(axes)",
    "requires_grad_": "x.requires_grad = True",
    "retain_grad": "tg.grad(z, x)",
    "t": "x.T",
    "to": "x.astype(dtype)",
    "type": "x.astype(dtype)",
    "unfold": "tg.unfold(x, size)",
}

# Attributes of a network or a layer m, and what to write; on a GPU nothing of tg.nn runs.
_MODULE = {
    "add_module": "m.name = layer",
    "apply": "for p in m.parameters(): ...",
    "bias": "m.b",
    "buffers": "m.named_tensors()",
    "children": "m.summary()",
    "count_params": "m.summary().parameters",
    "cpu": "",
    "cuda": "",
    "double": "tg.nn.Affine(..., dtype=np.float64)",
    "float": "tg.nn.Affine(..., dtype=np.float32)",
    "half": "tg.nn.Affine(..., dtype=np.float16)",
    "load_state_dict": "m.load(path)",
    "modules": "m.summary()",
    "named_buffers": "m.named_tensors()",
    "named_children": "m.summary()",
    "named_modules": "m.summary()",
    "params": "m.parameters()",
    "predict": "m(x)",
    "register_buffer": "m.name = tensor",
    "register_module": "m.name = layer",
    "register_parameter": "m.name = tensor",
    "requires_grad_": "p.requires_grad = False",
    "state_dict": "m.save(path)",
    "to": "",
    "trainable_variables": "m.parameters()",
    "weight": "m.W",
    "weights": "m.parameters()",
}

# Attributes of an optimizer o, and what to write.
_OPTIMIZER = {
    "load_state_dict": "o.load_state(state)",
    "minimize": "o.step()",
    "param_groups": "o.parameters",
    "state_dict": "o.state()",
}


def no_such_name(module: str, name: str) -> AttributeError:
    """The error for a name that a module of the package does not have."""
    if name.startswith("_"):  # a question of the interpreter's or of a tool's
        return AttributeError(f"module {module!r} has no attribute {name!r}", name=name)
    cure = korean = ""
    if near := [full.removeprefix("tg.") if module == "tinygrad_ko" else full for full in _meant(name, module)]:
        cure, korean = f"; did you mean {' or '.join(near)}?", f" 비슷한 이름: {', '.join(near)}"
    elif hasattr(np, name):
        cure = f"; np.{name} is for arrays, and for x.numpy() where no gradient is wanted"
        korean = f" np.{name}에는 배열을 넘길 수 있습니다. Tensor라면 x.numpy()로 값을 꺼내십시오(기울기는 이어지지 않습니다)."
    return explain(
        AttributeError(f"module {module!r} has no attribute {name!r}{cure}", name=name),
        f"{module}에 없는 이름입니다: {name}.{korean}",
    )


def _meant(name: str, module: str) -> list[str]:
    """The names, each with its room, that were probably meant: one in another room, NumPy's other name for the same function, a
    known habit, the same letters in another case, or else names that look alike.
    """
    own = module.replace("tinygrad_ko.", "").replace("tinygrad_ko", "tg")
    known = {f"{room}.{n}": n for room in dict.fromkeys([own, *_ROOMS]) for n in _room(room).__all__}
    numpys = getattr(np, name, None)
    if same := [full for full, n in known.items() if n == name]:
        return same[:1]
    if numpys is not None and (same := [full for full, n in known.items() if getattr(np, n, None) is numpys]):
        return same[:1]
    if name in HABITS:
        return [HABITS[name]]
    if same := [full for full, n in known.items() if n.casefold() == name.casefold()]:
        return same
    from difflib import get_close_matches

    last = {n: full for full, n in reversed(known.items())}
    return [] if numpys is not None else [last[n] for n in get_close_matches(name, last, n=3, cutoff=0.7)]


def _room(name: str) -> Any:
    return import_module("tinygrad_ko" if name == "tg" else f"tinygrad_ko.{name}")


class _Foreign:
    """An attribute that there is not, by its name in another library: asked for, it raises AttributeError with what to write."""

    def __init__(self, cure: str) -> None:
        self.cure = cure

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner, self.name = owner, name

    def __get__(self, instance: Any, kind: type) -> Any:
        others = super(self.owner, kind if instance is None else instance)  # a class of the user's may stand behind
        if hasattr(others, self.name):
            return getattr(others, self.name)
        cure = _written(self.cure, kind)
        english, korean = f"write {cure}", f"다음과 같이 쓰십시오: {cure}"
        if not cure:
            english, korean = "layers compute on NumPy's arrays, on the CPU", "계층은 NumPy 배열로 CPU에서 계산합니다."
        raise explain(
            AttributeError(f"{kind.__name__!r} object has no attribute {self.name!r}; {english}", name=self.name),
            f"{kind.__name__}에 없는 이름입니다: {self.name}. {korean}",
        )


class _ForeignNames:
    __slots__ = ()

    def __dir__(self) -> list[str]:
        return [
            n
            for n in object.__dir__(self)
            if not isinstance(inspect.getattr_static(self, n), _Foreign) or hasattr(self, n)
        ]


class ForeignToTensor(_ForeignNames):
    """Base of Tensor: NumPy's methods, habits, and the functions of the rule book, where Tensor has no attribute of that name."""

    __slots__ = ()
    vars().update({name: _Foreign(f"x.numpy().{name}") for name in vars(np.ndarray) if not name.startswith("_")})
    vars().update({name: _Foreign(full) for name, full in HABITS.items() if name.islower()})
    vars().update({name: _Foreign(f"tg.{name}") for name, home in homes("tinygrad_ko").items() if ".ops." in home})
    vars().update({name: _Foreign(cure) for name, cure in _TENSOR.items()})


class ForeignToModule(_ForeignNames):
    """Base of Module: the attributes of networks and layers in other libraries."""

    vars().update({name: _Foreign(cure) for name, cure in _MODULE.items()})


class ForeignToOptimizer(_ForeignNames):
    """Base of Optimizer: the attributes of optimizers in other libraries."""

    vars().update({name: _Foreign(cure) for name, cure in _OPTIMIZER.items()})


def _written(cure: str, kind: type) -> str:
    """What to write: the name of a function becomes the method of a class, where it has one, or else a call with its arguments."""
    room, _, name = cure.rpartition(".")
    if room not in _ROOMS or not name.isidentifier():
        return cure
    if not isinstance(inspect.getattr_static(kind, name, _Foreign), _Foreign | type):
        return f"x.{name}(...)"
    function = getattr(_room(room), name)
    if isinstance(function, type):
        return f"tg.{name}(...)"
    needed = [
        n for n, p in inspect.signature(function).parameters.items() if p.default is p.empty and p.kind < p.KEYWORD_ONLY
    ]
    return f"{'' if room == 'tg' else 'tg.'}{cure}({', '.join(needed)})"


def explained(function: F) -> F:
    """Decorator: a call with a wrong argument, or without one that is needed, says what was probably meant."""

    @wraps(function)
    def called(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except TypeError as error:
            if (
                error.__traceback__ is None or error.__traceback__.tb_next is not None
            ):  # it comes from inside the function
                raise
            name = type(arguments[0]).__name__ if function.__name__ == "__init__" else function.__name__
            raise _wrong_call(function, name, str(error)) from None

    return cast(F, called)


def _wrong_call(function: Callable[..., Any], name: str, said: str) -> TypeError:
    """Python's error for arguments that a function does not take, with those that it does."""
    signature = inspect.signature(function)
    parameters = [
        p.replace(
            annotation=p.empty, default=_Dots() if "<" in repr(p.default) and p.default is not p.empty else p.default
        )
        for p in signature.parameters.values()
        if p.name != "self"
    ]
    usage = f"{name}{inspect.Signature(parameters)}"
    sentence = f"{name}() {said.partition('() ')[2]}"
    if word := re.search(r"unexpected keyword argument '(\w+)'", said):
        if near := _meant_argument(word[1], [p.name for p in parameters]):
            return explain(
                TypeError(f"{sentence.partition('. Did')[0]}; did you mean {' or '.join(near)}?"),
                f"{name}: 없는 인수입니다: {word[1]}. 비슷한 이름: {', '.join(near)}",
            )
        return explain(
            TypeError(f"{sentence}; it is {usage}"), f"{name}: 없는 인수입니다: {word[1]}. 올바른 호출: {usage}"
        )
    missing = ", ".join(re.findall(r"'(\w+)'", said))
    korean = f"필요한 인수가 빠졌습니다: {missing}" if missing else "인수의 수나 순서가 맞지 않습니다"
    return explain(TypeError(f"{sentence}; it is {usage}"), f"{name}: {korean}. 올바른 호출: {usage}")


def _meant_argument(word: str, known: Sequence[str]) -> list[str]:
    """The arguments that were probably meant, or the class that has it."""
    habit = _ARGUMENTS.get(word, "")
    if "." in habit:
        return [habit]
    from difflib import get_close_matches

    near = [habit] if habit in known else [] if habit else get_close_matches(word, known, n=2, cutoff=0.7)
    return [f"{name}=" for name in near]


class _Dots:
    def __repr__(self) -> str:
        return "..."
