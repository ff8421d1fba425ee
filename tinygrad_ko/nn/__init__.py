"""Layers, their parameters, and the networks of the book."""

from tinygrad_ko.nn.initializers import he, normal, xavier
from tinygrad_ko.nn.layers import Affine, Dropout, Embedding, Flatten, Relu, Sequential, Sigmoid, SoftmaxWithLoss
from tinygrad_ko.nn.module import Module
from tinygrad_ko.nn.networks import SimpleNet, ThreeLayerNet, TwoLayerNet
from tinygrad_ko.nn.normalization import BatchNorm, LayerNorm

__all__ = [
    "Affine",
    "BatchNorm",
    "Dropout",
    "Embedding",
    "Flatten",
    "LayerNorm",
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
