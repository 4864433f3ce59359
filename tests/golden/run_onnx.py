"""onnxruntime's side of tests/onnx.rs: checks a model of ours and runs it.

    python tests/golden/run_onnx.py MODEL IMAGES LOGITS       # needs onnx, onnxruntime, safetensors

IMAGES holds `images` (N, R, R, 3), normalised; LOGITS gets the `logits` of the whole batch and, as metadata, those of
the model.
"""

import sys

import numpy
import onnx
import onnxruntime
from safetensors.numpy import load_file, save_file

path, images, logits = sys.argv[1:]
model = onnx.load(path)
onnx.checker.check_model(model, full_check=True)
assert {node.op_type for node in model.graph.node} <= {"Add", "Clip", "Conv", "Flatten", "Gemm", "GlobalAveragePool", "Relu"}
session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
batch = numpy.ascontiguousarray(load_file(images)["images"].transpose(0, 3, 1, 2))
(found,) = session.run(["logits"], {"image": batch})
save_file({"logits": found}, logits, session.get_modelmeta().custom_metadata_map)
