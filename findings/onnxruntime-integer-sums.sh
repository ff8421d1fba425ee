#!/usr/bin/env bash
# Version: onnxruntime 1.32.0 (CPU) with onnx 1.23.2.
# Behaviour: ReduceSum of integers is not integer arithmetic. Of int64 it is taken in float64, so numbers above 2**53 are rounded; a sum
#     that does not fit stays at the largest number, where Add, NumPy and the ONNX reference wrap round.
# Output seen: ReduceSum of int64 [2**53 + 1, 0]: 9007199254740992, one too small; of int32 [2**31 - 1, 1]: 2147483647, and Add of the
#     same two: -2147483648.
# What to do: keep ids, hashes and nanoseconds since 1970 out of ReduceSum, or split them in two halves of 32 bits first.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'onnx==1.23.2' 'onnxruntime==1.32.0' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import helper


def run(op, *arrays, **attributes):
    """Run one ONNX node in onnxruntime."""
    names = [f"x{i}" for i in range(len(arrays))]
    kind = helper.np_dtype_to_tensor_dtype(arrays[0].dtype)
    inputs = [helper.make_tensor_value_info(n, kind, a.shape) for n, a in zip(names, arrays, strict=True)]
    node = helper.make_node(op, names, ["y"], **attributes)
    graph = helper.make_graph([node], op, inputs, [helper.make_tensor_value_info("y", kind, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip(names, arrays, strict=True)))[0].item()


wide = np.array([2**53 + 1, 0], dtype=np.int64)
full = np.array([2**31 - 1, 1], dtype=np.int32)
seen = {
    "int64": run("ReduceSum", wide, keepdims=0),
    "int32": run("ReduceSum", full, keepdims=0),
    "Add": run("Add", full[:1], full[1:]),
}
print(seen, "| NumPy:", wide.sum(), full.sum(dtype=np.int32))
if seen != {"int64": 2**53, "int32": 2**31 - 1, "Add": -(2**31)}:
    raise SystemExit("changed: expected 2**53, 2**31 - 1 and -2**31")
PYTHON
