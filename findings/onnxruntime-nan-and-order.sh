#!/usr/bin/env bash
# Version: onnxruntime 1.32.0 (CPU) with onnx 1.23.2.
# Behaviour: ReduceMax and ReduceMin see a NaN only where it comes first: of [nan, 1] both are NaN, of [1, nan] both are 1. Max and Min of
#     two inputs are NaN either way, as in NumPy, PyTorch and the ONNX reference.
# Output seen: ReduceMax [nan, 1]: nan; ReduceMax [1, nan]: 1.0; Max of the two: [nan, nan].
# What to do: an exported check such as x.max() does not find NaN; use ReduceSum(IsNaN(x)).
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'onnx==1.23.2' 'onnxruntime==1.32.0' 'numpy==2.4.6'
cat >"$room/check.py" <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

nodes = [helper.make_node(op, ["x"], [op], keepdims=0) for op in ("ReduceMax", "ReduceMin")]
nodes.append(helper.make_node("Max", ["x", "turned"], ["Max"]))
floats = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("x", "turned", "Max")}
scalars = [helper.make_tensor_value_info(op, TensorProto.FLOAT, []) for op in ("ReduceMax", "ReduceMin")]
graph = helper.make_graph(nodes, "largest", [floats["x"], floats["turned"]], [*scalars, floats["Max"]])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
for x, expected in (([np.nan, 1], [np.nan, np.nan]), ([1, np.nan], [1, 1])):
    feed = {"x": np.array(x, np.float32), "turned": np.array(x[::-1], np.float32)}
    *reduced, pairwise = session.run(None, feed)
    reference = ReferenceEvaluator(model).run(None, feed)
    print(x, "ReduceMax, ReduceMin:", *reduced, "| Max:", pairwise, "| reference:", *reference[:2])
    if not np.array_equal(reduced, expected, equal_nan=True):
        raise SystemExit(f"changed: expected {expected}")
    if not all(np.isnan(values).all() for values in (pairwise, *reference)):
        raise SystemExit("changed: Max or the reference has a number where it had NaN")
PYTHON
"$room/venv/bin/python" -I "$room/check.py"
