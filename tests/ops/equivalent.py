"""Mutants that no test of gradients can catch, by op, each with the reason: they are right too."""

KINK = "at a tie any split of the gradient is right; TestConventionsAtKinks holds the one that is promised"
EMPTY = "the count is 0 only where the gradient has no entries"
STRETCHED = "only b is ever stretched"

TIES = {
    "missing factor: in share: return where(wins, g, where(ties, g, 0))": KINK,
    "wrong constant: in share: return where(wins, g, where(ties, g / 3, 0))": KINK,
}

EQUIVALENT: dict[str, dict[str, str]] = {
    "relu": {"relu.x: wrong operand: where(x > 0, g, 0), x for out": "x > 0 exactly where out > 0"},
    "maximum": {f"maximum.{a}: {mutant}": reason for a in "ab" for mutant, reason in TIES.items()},
    "minimum": {f"minimum.{a}: {mutant}": reason for a in "ab" for mutant, reason in TIES.items()},
    "clip": {
        "clip.x: wrong operand: where(inside(x, out, max), g, 0), out for min": "x >= out exactly where x >= min",
        "clip.x: wrong operand: where(inside(x, min, out), g, 0), out for max": "x <= out exactly where x <= max",
    },
    "scalar_power": {
        "power.x: ignored cotangent: g * (exponent * x ** (exponent - 1)) if exponent != 0 else zeros_like(g * 0 + 1)": (
            "zeros_like looks at a shape alone"
        ),
    },
    "tensor_power": {
        "power.a: wrong constant: g * (b * a ** where((a == 0) & (b == 0), 2, b - 1))": "times b, which is 0 there",
        "power.b: dropped condition: g * (out * log(where(a == 0, 1, a)))": "differs only at 0 ** 0, which has no slope in b",
        "power.b: wrong constant: g * (out * log(where((a == 0) & (b > 0), 2, a)))": "times out, which is 0 there",
        "power.b: wrong operand: g * (out * log(where((out == 0) & (b > 0), 1, a)))": "out is 0 exactly where a is",
    },
    "mean": {
        "mean.x: wrong constant: stretch(g * (1 / (count(x_shape, axis) or 2)), x_shape, axis)": EMPTY,
        "mean.x: one branch alone: in reduced: return {i % len(shape) for i in axes}": "the forward refuses such an axis",
    },
    "affine_batch": {
        f"affine.{a}: mean for sum: the mean of the result along stretched axes": STRETCHED for a in ("x", "W")
    },
    "getitem": {
        "getitem.x: one branch alone: in put_back: return scatter(g, shape=shape, index=index)": "a patch only costs less",
    },
}
