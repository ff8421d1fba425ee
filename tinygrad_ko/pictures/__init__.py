"""Pictures of learning: curves, weights, activations, gradients and the way down."""

from tinygrad_ko.pictures.curves import learning_curves
from tinygrad_ko.pictures.histograms import activation_histograms
from tinygrad_ko.pictures.mosaics import filters, images, weights
from tinygrad_ko.pictures.plane import contour, gradient_field, wireframe
from tinygrad_ko.pictures.tangents import tangent_line

__all__ = [
    "activation_histograms",
    "contour",
    "filters",
    "gradient_field",
    "images",
    "learning_curves",
    "tangent_line",
    "weights",
    "wireframe",
]
