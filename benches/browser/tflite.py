"""Writes Keras' MobileNetV2 with random weights as .tflite files, for LiteRT.js.

    python tflite.py FOLDER WIDTH-RESOLUTION...
"""

import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

folder, *networks = sys.argv[1:]
for network in networks:
    width, resolution = float(network.split("-")[0]), int(network.split("-")[1])
    tf.keras.utils.set_random_seed(1)
    model = tf.keras.applications.MobileNetV2(
        weights=None, alpha=width, input_shape=(resolution, resolution, 3), classifier_activation=None
    )
    # Statistics like those of a trained network, so that no part of batch norm folds away for being zero or one.
    for layer in model.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            layer.set_weights([np.random.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    function = tf.function(lambda x: model(x, training=False))
    concrete = function.get_concrete_function(tf.TensorSpec((1, resolution, resolution, 3), tf.float32))
    frozen = convert_variables_to_constants_v2(concrete)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    pathlib.Path(folder, f"{network}.tflite").write_bytes(converter.convert())
