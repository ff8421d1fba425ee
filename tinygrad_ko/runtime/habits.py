"""What PyTorch, NumPy, JAX and Keras call it, and what it is called here: names, arguments, attributes. In the tables what is
written here stands before the colon, and the others' words for it after that.
"""


def _by_habit(table: str) -> dict[str, str]:
    entries = (entry.split(" : ") for line in table.splitlines() if line for entry in line.split("; "))
    return {habit: here.strip() for here, habits in entries for habit in habits.split()}


# Names in the package and its rooms, where the same name in another room, or NumPy's, does not lead there.
HABITS = _by_habit("""
tg.Tensor : array as_tensor from_numpy; tg.eye : identity; data.minibatches : DataLoader
nn.Affine : Dense Linear; nn.BatchNorm : BatchNorm1d BatchNorm2d BatchNormalization; nn.Conv2d : Convolution
nn.MaxPool2d : Pooling; nn.Sequential : ModuleList; nn.Silu : Swish
nn.SoftmaxWithLoss : CrossEntropyLoss; nn.he : kaiming_normal_; nn.xavier : xavier_normal_
optim.cosine_decay : CosineAnnealingLR; optim.exponential_decay : ExponentialLR; optim.linear_warmup : LinearLR
optim.step_decay : StepLR; func.checkpoint : remat; func.flatten : ravel_pytree; func.jacobian : jacfwd jacrev
func.grad : grad_and_aux elementwise_grad; func.vjp : make_vjp; func.jvp : make_jvp; func.hvp : make_hvp
func.value_and_grad : grad_and_value
tg.check_gradient : gradcheck; tg.identity_function : Identity; tg.silu : swish
tg.huber_loss : SmoothL1Loss; tg.kl_divergence : KLDivLoss kl_div; tg.mean_absolute_error : L1Loss l1_loss
tg.mean_squared_error : MSELoss mse_loss; tg.negative_log_likelihood : NLLLoss nll_loss
tg.sigmoid_cross_entropy : BCELoss BCEWithLogitsLoss bce_loss binary_cross_entropy binary_cross_entropy_with_logits
tg.softmax_cross_entropy : cross_entropy
tg.abs : fabs; tg.divide : div; tg.multiply : mul; tg.negative : neg; tg.subtract : sub; tg.clip : clamp
tg.max : amax; tg.min : amin; tg.top_k : topk; tg.cumulative_prod : cumprod; tg.cumulative_sum : cumsum
tg.affine : addmm linear; tg.matmul : bmm dot mm; linalg.solve : lu_solve; linalg.vector_norm : norm
tg.reshape : flatten ravel view; tg.permute_dims : permute; tg.expand_dims : unsqueeze; tg.broadcast_to : expand
tg.concat : cat; tg.array_split : chunk; tg.attention : MultiheadAttention scaled_dot_product_attention
special.gammaln : lgamma loggamma; special.gammainc : igamma; special.gammaincc : igammac; special.multigammaln : mvlgamma
special.j0 : bessel_j0; special.j1 : bessel_j1; special.y0 : bessel_y0; special.y1 : bessel_y1
tg.gru : GRUCell; tg.lstm : LSTMCell
tg.take : index_select; tg.take_along_axis : gather; tg.scatter_add : index_add; tg.where : masked_fill
""")

# What is no name of the package, and what to write for it.
CALLS = _by_habit("""
tg.Tensor(data, requires_grad=True) : Parameter Variable; tg.Tensor(rng.random(shape)) : rand
tg.Tensor(rng.standard_normal(shape)) : randn; np.random.seed(0) : manual_seed; model.save(path) : save; model.load(path) : load
tg.relu(x), tg.softmax(x), ... : functional; tg.stats.gamma.pdf(x, 1, loc, scale) : expon
""")

# Arguments: an argument, or else what to write; after a dot, those of one class alone.
ARGUMENTS = _by_habit("""
betas : beta1 beta2; axis : dim dims; dim : embedding_dim; num : num_embeddings; size : kernel_size; p : rate
y : outputs; g : grad_outputs gradient; keep_graph : retain_graph
tg.grad(y, x, create_graph=True) : create_graph
parameters : params; lr : learning_rate; decay : rho; optim.Momentum : momentum; optim.Nesterov : nesterov
decay=1 - momentum : BatchNorm.momentum
mask : attn_mask; mask=np.tri(n, dtype=bool) : causal is_causal; h0 : hx initial_state; np.moveaxis(x, 1, 0) : batch_first
""")

# Attributes of a Tensor x.
TENSOR = _by_habit("""
x.numpy() : cpu; x[...] = y : copy_; x[...] = 0 : fill fill_ zero_; np.put(x, places, y) : put
x.data.partition(...) : partition; tg.Tensor(data) : new_tensor; tg.Tensor(cupy_array) : cuda
x.ndim : dim ndimension; x.size : numel; x.dtype.itemsize : element_size
x.astype(dtype) : to type; x.astype(np.float16) : half; x.astype(np.float32) : float; x.astype(np.float64) : double
x.detach().astype(np.int32) : int; x.detach().astype(np.int64) : long
x.requires_grad = True : requires_grad_; tg.grad(z, x) : retain_grad; x.node : grad_fn; x.node.op is None : is_leaf
x : contiguous; +x : clone; x.T : t; x.transpose(axes) : permute; tg.unfold(x, size) : unfold
tg.where(mask, value, x) : at
""")

# Attributes of a network or a layer m; nothing stands before the colon for a GPU, on which none of tg.nn runs.
MODULE = _by_habit("""
m.W : weight; m.b : bias; m.parameters() : params trainable_variables weights; m(x) : predict; y.backward() : backward
m.summary() : children modules named_children named_modules; m.summary().parameters : count_params
for p in m.parameters(): ... : apply; p.requires_grad = False : requires_grad_
m.named_tensors() : buffers named_buffers; m.name = tensor : register_buffer register_parameter
m.name = layer : add_module register_module; m.load(path) : load_state_dict; m.save(path) : state_dict
tg.nn.Affine(..., dtype=np.float16) : half; tg.nn.Affine(..., dtype=np.float32) : float
tg.nn.Affine(..., dtype=np.float64) : double
 : cpu cuda to
""")

# Attributes of an optimizer o.
OPTIMIZER = _by_habit("""
o.load_state(state) : load_state_dict; o.state() : state_dict; o.parameters : param_groups; o.step() : minimize update
""")
