"""A jax.custom_vjp with a mistake, checked in double precision though JAX computes in single precision.

    python examples/check_a_jax_rule.py

It needs JAX: python -m pip install jax
"""

import sys

import tinygrad_ko as tg

try:
    import jax
    import jax.numpy as jnp
except ModuleNotFoundError:
    sys.exit(print("This example needs JAX: python -m pip install jax"))

sys.stdout.reconfigure(errors="replace")  # 한글을 출력하지 못하는 터미널에서는 물음표로 보입니다.


def norm(x):
    """The length of each row; its own derivative is NaN where a row is 0."""
    return jnp.sqrt(jnp.sum(x * x, -1))


def checked(f):
    try:
        print(tg.check_gradient(f, x))
    except tg.GradientMismatch as error:
        print(error, *error.__notes__, sep="\n")


x = jax.random.normal(jax.random.key(0), (4, 3))

print("1. With an epsilon in the backward, which the forward does not have:\n")
with_epsilon = jax.custom_vjp(norm)
with_epsilon.defvjp(lambda x: (norm(x), x), lambda x, g: ((g / (norm(x) + 1e-6))[:, None] * x,))
checked(with_epsilon)

print("\n2. With a where in place of the epsilon; jitted functions are checked as they are:\n")
safe = jax.custom_vjp(norm)


def backward(x, g):
    length = norm(x)
    return (jnp.where(length > 0, g / jnp.where(length > 0, length, 1), 0)[:, None] * x,)


safe.defvjp(lambda x: (norm(x), x), backward)
checked(jax.jit(lambda x: safe(x) ** 2))
