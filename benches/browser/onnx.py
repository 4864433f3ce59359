"""Times onnxruntime on ONNX models of one image.

    python onnx.py THREADS

Reads requests from standard input, a line of JSON each, {"model", "runs"}, and answers each with a line: the
milliseconds of the runs, after three that warm up, as ours do. The first line says which onnxruntime it is.
"""

import json
import sys
import time

import numpy as np
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[1])
print(json.dumps(f"onnxruntime {onnxruntime.__version__}"), flush=True)
sessions = {}
for line in sys.stdin:
    model, runs = json.loads(line).values()
    if model not in sessions:
        sessions[model] = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
    session = sessions[model]
    (image,) = session.get_inputs()
    x = np.random.default_rng(1).standard_normal((1, *image.shape[1:]), dtype=np.float32)
    times = []
    for _ in range(3 + runs):
        start = time.perf_counter()
        session.run(None, {image.name: x})
        times.append((time.perf_counter() - start) * 1e3)
    print(json.dumps(times[3:]), flush=True)
