"""Compiled programs: steps, chains of small operations and a formula on millions of numbers, beside NumPy by hand and, with the peers,
`jax.jit`. And what it takes to compile them.
"""

from collections.abc import Iterator

from benchmarks import contenders
from benchmarks.comparison import compared
from benchmarks.problems import CHAINS, CONVOLUTIONS, FORMULAS, STEPS, TRANSFORMER, ConvNetwork, Network, Transformer
from benchmarks.process import Process
from benchmarks.report import Row, duration
from benchmarks.small_ops import SHORT
from benchmarks.training_step import answers

COMPILED = "compiled"
STEP_GOALS = {
    (784, 50, 10): (1.03, 1.03),
    (784, 100, 10): (1.03, 1.03),
    (784, 256, 128, 10): (1.00, 1.02),
}  # in float32, float64
CONVOLUTION_GOALS = (0.95, 1.00)
CHAIN_GOALS = {(CHAINS[0], (4,)): 0.80, (CHAINS[0], ()): 0.28}
FORMULA_GOAL = 0.55
TRANSFORMER_GOAL = 0.65  # times PyTorch's eager step
TIME_GOALS: tuple[tuple[Network | Transformer, str, float], ...] = (
    (STEPS[0][0], "TrainingStep", 0.010),
    (TRANSFORMER, "TransformerStep", 0.300),
)  # seconds that compiling takes


def goal_of(network: Network | ConvNetwork) -> float:
    """The most that a compiled step may take, times the step by hand."""
    goals = CONVOLUTION_GOALS if isinstance(network, ConvNetwork) else STEP_GOALS[network.sizes]
    return goals[network.dtype == "float64"]


def rows(peers: bool, rounds: int) -> Iterator[Row]:
    for maker, networks in (("TrainingStep", STEPS), ("ConvolutionStep", CONVOLUTIONS)):
        for network, _ in networks:
            works = contenders.works(maker, network, peers=peers, compiled=True)
            goal = goal_of(network)
            title = f"step {network.title}"
            yield from compared(title, works, rounds, dtype=network.dtype, answers=answers, bar=goal, of=COMPILED)
    works = contenders.works("TransformerStep", TRANSFORMER, peers=peers, compiled=True)
    yield from compared(
        f"step {TRANSFORMER.title}",
        works,
        rounds,
        dtype=TRANSFORMER.dtype,
        answers=answers,
        bar=TRANSFORMER_GOAL,
        of=COMPILED,
        against="torch",
    )
    for kind in CHAINS:
        for shape in ((4,), ()):
            works = contenders.works("chain", kind, shape, SHORT, peers=peers, compiled=True)
            task, bar = f"{SHORT:,} ops: {kind}, shape {shape}, each", CHAIN_GOALS.get((kind, shape))
            yield from compared(task, works, rounds, bar=bar, of=COMPILED, count=SHORT)
    for problem in FORMULAS:
        works = contenders.works("formula", problem, peers=peers, compiled=True)
        yield from compared(
            problem.title, works, max(3, rounds // 3), dtype=problem.dtype, bar=FORMULA_GOAL, of=COMPILED
        )
    for problem_of_step, maker, most in TIME_GOALS:
        with Process(contenders.work(COMPILED, maker, problem_of_step)) as process:
            seconds = process.call("seconds_to_compile")
        title = f"to compile a step {problem_of_step.title}"
        yield Row(title, COMPILED, duration(seconds), bar=f"<= {duration(most)}", met=seconds <= most)
