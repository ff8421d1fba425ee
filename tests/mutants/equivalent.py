"""Mutants that are right too, file by file: the text of each, as `python -m tests.mutants` prints it, and why no test can notice it."""

SLOTS = "slots save time and memory alone"
EQUAL = "both have the same length"
SLOWER = "the other way gives the same numbers, slower"
ONLY_ONE = "if a node is recorded its only argument requires a gradient"
COLONS = "without `...` it adds colons at the end, which take whole axes as nothing there does"
FASTER = "both ways give the same numbers; it is chosen here which is faster"

EQUIVALENT: dict[str, dict[str, str]] = {
    "tinygrad_ko/tensor/numpy_out.py": {
        "add_items: return None -> pass": "a function without a return gives None",
        "copy_items: return None -> pass": "a function without a return gives None",
        "copy_items: if where is not True: -> if where is not False:": SLOWER,
    },
    "tinygrad_ko/tensor/in_place.py": {
        "is_recorded: return False -> pass": "None is as false",
        "_become: if made._array.dtype != own: -> if True:": "a copy in the same dtype is only dearer",
    },
    "tinygrad_ko/arrays/indexing.py": {
        "taken: if x.ndim > len(before) and all(map(_is_whole, before)): -> if False:": SLOWER,
        "taken: if x.ndim > len(before) and all(map(_is_whole, before)): -> "
        "if x.ndim <= len(before) and all(map(_is_whole, before)):": SLOWER,
        "taken: last = index[-1] if type(index) is tuple and index else index -> last = index[-1] if False else index": SLOWER,
        "taken: return x.take(last, axis=len(before)) -> pass": SLOWER,
        "_add: if total.ndim == 1 == len(parts): -> if False:": SLOWER,
        "_add: if total.flags.c_contiguous and (found := _row_numbers(total.shape, parts)) is not None: -> if False:": SLOWER,
        "_add: if total.flags.c_contiguous and total.size <= 4 * np.size(values): -> if False:": SLOWER,
        "_add: if total.flags.c_contiguous and total.size <= 4 * np.size(values): -> "
        "if total.flags.c_contiguous and total.size <= 5 * np.size(values):": FASTER,
        "_add: if total.flags.c_contiguous and total.size <= 4 * np.size(values): -> "
        "if total.flags.c_contiguous and total.size < 4 * np.size(values):": FASTER,
        "_add: if total.flags.c_contiguous and total.size <= 4 * np.size(values): -> "
        "if total.flags.c_contiguous and total.size > 4 * np.size(values):": FASTER,
        "_add_rows: if width % 2 == 0 and total.dtype in _PAIRS: -> if False:": SLOWER,
        "_add_rows: width, total, values = (width // 2, total.view(_PAIRS[total.dtype]), values.view(_PAIRS[total.dtype])) -> pass": SLOWER,
        "_add_rows: if width == 1: -> if False:": SLOWER,
        "_add_rows: columns, step = (np.arange(width), max(1, _BLOCK // max(1, width))) -> "
        "columns, step = (np.arange(width), max(2, _BLOCK // max(1, width)))": "blocks of two rows at least give the same sums",
        "_add_rows: columns, step = (np.arange(width), max(1, _BLOCK // max(1, width))) -> "
        "columns, step = (np.arange(width), max(1, _BLOCK // max(2, width)))": "rows have no numbers or more than one there",
        "_add_rows: if values.shape != shape: -> if True:": SLOWER,
        "IndexedGradient: __slots__ = ('dtype', 'index', 'values') -> pass": SLOTS,
        "_row_numbers: parts = (*parts[:at], *(len(shape) + 1 - len(parts)) * (_WHOLE,), *parts[at + 1:]) "
        "if at < len(parts) else parts -> parts = (*parts[:at], *(len(shape) + 1 - len(parts)) * (_WHOLE,), *parts[at + 1:]) "
        "if at >= len(parts) else parts": SLOWER,
        "_row_numbers: parts = (*parts[:at], *(len(shape) + 1 - len(parts)) * (_WHOLE,), *parts[at + 1:]) "
        "if at < len(parts) else parts -> pass": SLOWER,
        "_row_numbers: parts = (*parts[:at], *(len(shape) + 1 - len(parts)) * (_WHOLE,), *parts[at + 1:]) "
        "if at < len(parts) else parts -> parts = (*parts[:at], *(len(shape) + 1 + len(parts)) * (_WHOLE,), *parts[at + 1:]) "
        "if at < len(parts) else parts": "behind so many colons an array stands beyond the last axis: " + SLOWER,
        "_row_numbers: if depth > len(shape) or not all((is_integer(part) or _are_integers(part) for part in named)): -> "
        "if depth > len(shape) or not all((is_integer(part) and _are_integers(part) for part in named)):": SLOWER,
        "_row_numbers: parts = (*parts[:at], *(len(shape) + 1 - len(parts)) * (_WHOLE,), *parts[at + 1:]) "
        "if at < len(parts) else parts -> parts = (*parts[:at], *(len(shape) + 1 - len(parts)) * (_WHOLE,), *parts[at + 1:]) "
        "if at <= len(parts) else parts": COLONS,
        "_row_numbers: parts = (*parts[:at], *(len(shape) + 1 - len(parts)) * (_WHOLE,), *parts[at + 1:]) "
        "if at < len(parts) else parts -> parts = (*parts[:at], *(len(shape) + 1 - len(parts)) * (_WHOLE,), *parts[at + 1:]) "
        "if True else parts": COLONS,
        "_add_elsewhere: order = np.argsort(where, stable=True) -> order = np.argsort(where, stable=False)": "a sum in any order",
    },
    "tinygrad_ko/engine/graph.py": {
        "module: next_order = count(0, -1).__next__ -> next_order = count(1, -1).__next__": "any number is a start",
        "Call: __slots__ = () -> pass": SLOTS,
    },
    "tinygrad_ko/engine/backprop.py": {
        "gradients: _add_relevant(relevant, root, max((node.order for node in wanted), default=0)) -> "
        "_add_relevant(relevant, root, max((node.order for node in wanted), default=1))": "where nothing is wanted nothing is found",
        "_recorded_values: nodes = {op.arguments[0]: node.parents} if op.variadic else "
        "dict(zip(op.differentiable, node.parents, strict=True)) -> nodes = {op.arguments[0]: node.parents} if op.variadic else "
        "dict(zip(op.differentiable, node.parents, strict=False))": EQUAL,
        "deposit: grads = [unshared(found, n) if n.grad is None else new_array(n.grad + found[n], copy=False) for n in found] -> "
        "grads = [unshared(found, n) if n.grad is None else new_array(n.grad + found[n], copy=True) for n in found]": SLOWER,
        "gradients.visit: if node not in relevant: -> if True:": "a node that is relevant is found so again",
    },
    "tinygrad_ko/engine/accumulate.py": {
        "unbroadcast: new = part.ndim - len(parent.shape) if type(part) is np.ndarray and node.op.broadcasts else 0 -> "
        "new = part.ndim + len(parent.shape) if type(part) is np.ndarray and node.op.broadcasts else 0": SLOWER,
        "unbroadcast: return np.add.reduce(part, 0 if new == 1 else tuple(range(new))) -> pass": SLOWER,
        "accumulated: if type(old) is Accumulator and type(part) in ARRAYS and (type(old.total) in ARRAYS): -> if False:": SLOWER,
        "accumulated: if isinstance(so_far, Handle) or isinstance(part, Handle): -> if True:": SLOWER,
        "unbroadcast: if new > 0 and part.shape[new:] == parent.shape and (part.dtype == parent.dtype): -> if False:": SLOWER,
        "unbroadcast: if part.shape != parent.shape: -> if True:": "the inner one: a reshape to the same shape; the outer one dies",
        "unbroadcast: if new > 0 and part.shape[new:] == parent.shape and (part.dtype == parent.dtype): -> "
        "if new > 1 and part.shape[new:] == parent.shape and (part.dtype == parent.dtype):": SLOWER,
    },
    "tinygrad_ko/engine/codegen.py": {
        "_function_text.save: only = f' if {users} else None' if len(op.differentiable) > 1 else '' -> "
        "only = f' if {users} else None' if True else ''": ONLY_ONE,
        "_function_text.save: only = f' if {users} else None' if len(op.differentiable) > 1 else '' -> "
        "only = f' if {users} else None' if len(op.differentiable) >= 1 else ''": ONLY_ONE,
    },
    "tinygrad_ko/ops/networks/recurrence.py": {
        "lstm_states: return _lstm_in_place(*arrays) if all((type(v) in NUMPYS for v in arrays)) else _lstm_by_steps(*arrays) -> "
        "return _lstm_in_place(*arrays) if False else _lstm_by_steps(*arrays)": SLOWER,
        "gru_states: return _gru_in_place(*arrays) if all((type(v) in NUMPYS for v in arrays)) else _gru_by_steps(*arrays) -> "
        "return _gru_in_place(*arrays) if False else _gru_by_steps(*arrays)": SLOWER,
        "_lstm_in_place: for slope, ht, ct in zip(slopes, *out, strict=True): -> "
        "for slope, ht, ct in zip(slopes, *out, strict=False):": EQUAL,
        "_gru_in_place: for zt, at, ht in zip(z, a, out, strict=True): -> for zt, at, ht in zip(z, a, out, strict=False):": EQUAL,
        "_require_fitting: width = gates * Wh.shape[0] if Wh.ndim else 0 -> width = gates * Wh.shape[0] if Wh.ndim else 1": (
            "a number is refused before the width is asked for"
        ),
    },
    "tinygrad_ko/func/run.py": {
        "Run.backward: return [_zeros(x, x.shape) if g is None else Tensor(g, copy=False) for x, g in zip(self.xs, grads, strict=True)] "
        "-> return [_zeros(x, x.shape) if g is None else Tensor(g, copy=False) for x, g in zip(self.xs, grads, strict=False)]": EQUAL,
        "Run.transposed: self.own.add(c._node) -> pass": "what is linear in c has a derivative that does not depend on c",
    },
}
