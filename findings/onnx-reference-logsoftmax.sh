#!/usr/bin/env bash
# Version: onnx 1.23.2 and onnxruntime 1.32.0.
# Behaviour: onnx.reference, the evaluator that others are compared with, computes LogSoftmax as log(softmax(x)): for inputs more than
#     about 104 apart (float32) it gives -inf, and SoftmaxCrossEntropyLoss gives inf. onnxruntime subtracts the logarithm of the sum.
# Output seen: LogSoftmax of [105, 0]: reference [0, -inf], onnxruntime [0, -105].
# What to do: do not take the reference for an oracle at large logits; compare with x - logsumexp(x) in float64.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'onnx==1.23.2' 'onnxruntime==1.32.0' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

graph = helper.make_graph(
    [helper.make_node("LogSoftmax", ["x"], ["y"])],
    "logsoftmax",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
feed = {"x": np.array([105, 0], dtype=np.float32)}
(reference,) = ReferenceEvaluator(model).run(None, feed)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
(runtime,) = session.run(None, feed)
print("reference:", reference, "onnxruntime:", runtime)
if reference.tolist() != [0, -np.inf]:
    raise SystemExit(f"changed: the reference gives {reference}")
if runtime.tolist() != [0, -105]:
    raise SystemExit(f"changed: onnxruntime gives {runtime}")
PYTHON
