"""Operations of neural networks: activations, losses, convolution, pooling, normalization."""
