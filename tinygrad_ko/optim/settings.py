"""The ranges that the settings of optimizers, schedules and gradient clipping have to lie in."""

from math import inf

from tinygrad_ko.errors import explain


def require_above_0(*, finite: bool = True, **settings: float) -> None:
    """Raise ValueError for a setting that is not a number above 0, or is infinite where it may not be."""
    for name, value in settings.items():
        if not value > 0 or (finite and value == inf):
            raise explain(
                ValueError(f"{name} must be above 0{' and finite' if finite else ''}, not {value}"),
                f"{name}: 0보다 큰{' 유한한' if finite else ''} 수여야 합니다. 받은 값: {value}",
            )


def require_below_1(**settings: float) -> None:
    """Raise ValueError for a setting that is not in [0, 1)."""
    for name, value in settings.items():
        if not 0 <= value < 1:
            raise explain(
                ValueError(f"{name} must be in [0, 1), not {value}"),
                f"{name}: 0 이상 1 미만인 수여야 합니다. 받은 값: {value}",
            )
