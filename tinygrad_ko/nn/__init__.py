"""Layers, their parameters, and the networks of the book."""

from tinygrad_ko.nn.activations import Elu, Gelu, LeakyRelu, Relu, Sigmoid, Silu, Softplus, Tanh
from tinygrad_ko.nn.convolution import AvgPool1d, AvgPool2d, Conv1d, Conv2d, MaxPool1d, MaxPool2d
from tinygrad_ko.nn.initializers import he, normal, xavier
from tinygrad_ko.nn.layers import Affine, Dropout, Embedding, Flatten, Sequential, SoftmaxWithLoss
from tinygrad_ko.nn.module import Module
from tinygrad_ko.nn.networks import SimpleConvNet, SimpleNet, ThreeLayerNet, TwoLayerNet
from tinygrad_ko.nn.normalization import BatchNorm, LayerNorm

__all__ = [
    "Affine",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm",
    "Conv1d",
    "Conv2d",
    "Dropout",
    "Elu",
    "Embedding",
    "Flatten",
    "Gelu",
    "LayerNorm",
    "LeakyRelu",
    "MaxPool1d",
    "MaxPool2d",
    "Module",
    "Relu",
    "Sequential",
    "Sigmoid",
    "Silu",
    "SimpleConvNet",
    "SimpleNet",
    "SoftmaxWithLoss",
    "Softplus",
    "Tanh",
    "ThreeLayerNet",
    "TwoLayerNet",
    "he",
    "normal",
    "xavier",
]
