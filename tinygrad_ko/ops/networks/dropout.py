"""Dropout: elements are set to 0 at random."""

from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.elementwise import where
from tinygrad_ko.ops.inputs import as_floating, namespace_of, require_below_1
from tinygrad_ko.ops.networks.activations import identity_function
from tinygrad_ko.state.randomness import generator


def dropout(x, p=0.5, training=True, rng=None):
    """x with each of its numbers set to 0 with probability p, and the others divided by 1 - p, so that the mean of what comes out is what
    goes in. With training=False it has the values of x. Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014).

    What was left out has the derivative 0, and stays left out when gradients are differentiated again. The random numbers obey
    np.random.seed unless rng is a Generator or a seed; a seed leaves out the same numbers at every call. Raises ValueError unless p is in
    [0, 1).

    >>> import numpy as np, tinygrad_ko as tg
    >>> x = tg.Tensor(np.ones((2, 4)), requires_grad=True)
    >>> y = tg.dropout(x, 0.5, rng=0)
    >>> y.numpy()
    array([[2., 0., 0., 0.],
           [2., 2., 2., 2.]])
    >>> y.sum().backward()
    >>> np.array_equal(x.grad, y.numpy())
    True
    """
    x = as_floating(x, "dropout")
    source = generator(rng)
    require_below_1("dropout: ", p=p)
    if p == 0 or not training:
        return identity_function(x)
    return thinned(x, namespace_of(x).asarray(source.random(x.shape) >= p), 1 / (1 - float(p)))


@op(name="dropout", x=lambda g, kept, scale: where(kept, g * scale, 0), kept=None)
def thinned(xp, x, kept, /, scale):
    """x times the scale where it is kept, else 0."""
    return xp.where(kept, x * scale, 0)
