from tinygrad_ko.data.batches import minibatches as minibatches
from tinygrad_ko.data.batches import sample_minibatch as sample_minibatch
from tinygrad_ko.data.digits import load_digits as load_digits
from tinygrad_ko.data.mnist import load_mnist as load_mnist
