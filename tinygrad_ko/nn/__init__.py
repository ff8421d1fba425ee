"""Layers, their parameters, and the networks of the book."""

from tinygrad_ko.nn.initializers import he, normal, xavier
from tinygrad_ko.nn.layers import Affine, Relu, Sequential, Sigmoid, SoftmaxWithLoss
from tinygrad_ko.nn.module import Module
from tinygrad_ko.nn.networks import SimpleNet, ThreeLayerNet, TwoLayerNet

__all__ = [
    "Affine",
    "Module",
    "Relu",
    "Sequential",
    "Sigmoid",
    "SimpleNet",
    "SoftmaxWithLoss",
    "ThreeLayerNet",
    "TwoLayerNet",
    "he",
    "normal",
    "xavier",
]
