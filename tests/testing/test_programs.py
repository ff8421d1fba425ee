"""Random programs: they run on arrays and on Tensors, say what they run, and their gradients hold at both orders."""

from typing import Any

import numpy as np
from hypothesis import given

import tinygrad_ko as tg
from tests.testing.test_strategies import drawn
from tinygrad_ko.testing import Program, graphs


@given(graphs())
def test_it_is_what_it_prints(program):
    room: dict[str, Any] = {"tg": tg, "np": np}
    exec(repr(program).rpartition("\n")[0], room)
    again = eval(repr(program).rpartition("\n")[2], room)
    assert np.array_equal(again, program(*program.inputs))
    assert np.array_equal(program(*map(tg.Tensor, program.inputs)).numpy(), again)


@given(graphs())
def test_its_value_depends_on_all_its_inputs(program):
    leaves = [tg.Tensor(x, requires_grad=True) for x in program.inputs]
    y = program(*leaves)
    assert np.max(np.abs(y.numpy())) < 500
    assert [g.shape for g in tg.grad(y, leaves, np.ones(y.shape))] == [x.shape for x in program.inputs]


def test_their_gradients_hold_at_both_orders():
    undecided = 0
    for seed, program in enumerate(drawn(graphs(), 100)):
        try:
            tg.check_gradient(program, *program.inputs, order=2, rng=seed)
        except tg.GradientUndecided:
            undecided += 1
    assert undecided <= 2


def test_programs_reuse_broadcast_reduce_and_multiply_matrices():
    every = drawn(graphs())
    sources = "".join(program.source for program in every)
    assert all(word in sources for word in ("tg.sum(", "keepdims", "softmax", " @ ", ".T", "[::-1]", "[[0, 0]]"))
    assert any(program.source.count("(a)") > 1 for program in every), "nothing is used twice"
    assert any(len({x.shape for x in program.inputs}) > 1 for program in every)
    assert all(len(program.source.splitlines()) <= 10 for program in every)


def test_a_wrong_op_in_one_is_found():
    """A program is a function like any other: the judge sees through it."""
    program = Program("def program(a):\n    b = tg.sin(a)\n    return b * b", (np.array([0.3, -0.7]),))
    assert program.__name__ == "program"
    report = tg.check_gradient(program, *program.inputs)
    assert report.name == "program"
