from tinygrad_ko.ops.distributions.numbers import beta as beta
from tinygrad_ko.ops.distributions.numbers import chi2 as chi2
from tinygrad_ko.ops.distributions.numbers import gamma as gamma
from tinygrad_ko.ops.distributions.numbers import norm as norm
from tinygrad_ko.ops.distributions.numbers import poisson as poisson
from tinygrad_ko.ops.distributions.numbers import t as t
from tinygrad_ko.ops.distributions.vectors import dirichlet as dirichlet
from tinygrad_ko.ops.distributions.vectors import multivariate_normal as multivariate_normal
