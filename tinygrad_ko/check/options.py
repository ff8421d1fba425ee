"""The options that every check has, and what other checkers call them."""

from typing import Any, TypedDict

from tinygrad_ko.check.verdicts.verdict import Effort
from tinygrad_ko.errors import explain
from tinygrad_ko.state.randomness import Rng


class Options(TypedDict, total=False):
    """How hard a check looks: options of `check_gradient` that every check has."""

    effort: Effort
    rtol: float
    float32: bool
    domain: Any
    rng: Rng


_CURES = {  # options of other checkers, and what is said here instead
    "args": ("pass the constants one by one after x0", "상수는 x0 다음에 하나씩 넘기십시오"),
    "jac": (
        "pass grad=True where f returns its value and its gradient in a pair",
        "f가 값과 기울기를 쌍으로 반환하면 grad=True를 넘기십시오",
    ),
    "tol": (
        "the error estimate is the tolerance; rtol= says how exactly f is computed",
        "허용 오차는 따로 정하지 않습니다. f가 정확히 계산되지 않는다면 그 정도를 rtol=로 지정하십시오",
    ),
    "kwargs": ("wrap f in a lambda that passes them on", "f를 lambda로 감싸서 넘기십시오"),
}
_CURES |= dict.fromkeys(("atol", "eps", "epsilon", "h", "step", "tolerance"), _CURES["tol"])


def in_double(caller: str, options: Options) -> Options:
    """The options of a check of NumPy functions, which are called with float64 alone unless `float32=True`. Raises TypeError for what is no
    option, with what is said here in its place.
    """
    for name in options:
        if name not in {*Options.__annotations__, "order"}:  # of which the judge says that there is none
            known = [*Options.__annotations__]
            cure, korean = _CURES.get(name, _CURES["kwargs"])
            raise explain(
                TypeError(f"{caller}() has no option {name!r}, only {known}; {cure}"),
                f"{caller}에는 {name} 옵션이 없습니다. 쓸 수 있는 옵션: {known}. {korean}.",
            )
    return {"float32": False, **options}
