"""Writes cases.json: what Keras's own layers answer, for test/frontend/keras.test.ts.

  pip install keras jax
  KERAS_BACKEND=jax python test/frontend/keras/generate.py > test/frontend/keras/cases.json

Each case is a layer, its arguments, inputs, weights in Keras's order, and the outputs. Arguments are written once, in
Keras's spelling; the JSON has them in camelCase. Numbers are rounded so that the file stays small.
"""

import json
import re
import sys

import keras
import numpy as np

L = keras.layers
random = np.random.default_rng(7)
cases = []


def camel(name):
    return re.sub(r"_(\w)", lambda m: m.group(1).upper(), name)


def options_of(arguments):
    def value(v):
        return v.__name__ if callable(v) else list(map(value, v)) if isinstance(v, (list, tuple)) else v

    return {camel(k): value(v) for k, v in arguments.items()}


def flat(a, digits):
    return [float(round(float(x), digits)) for x in np.asarray(a).ravel()]


def tensor(a, digits=6):
    a = np.asarray(a)
    kind = "int32" if a.dtype.kind == "i" else "bool" if a.dtype.kind == "b" else "float32"
    return {"dtype": kind, "shape": list(a.shape), "data": flat(a, digits)}


def given(shape, low=None):
    if low is not None:
        return random.integers(0, low, shape).astype("int32")
    return np.round(random.normal(size=shape), 2).astype("float32")


def fill(layer):
    values = []
    for w in layer.weights:
        v = np.round(random.normal(size=w.shape) * 0.5, 2).astype("float32")
        values.append(np.abs(v) + np.float32(0.5) if "variance" in w.path else v)
    layer.set_weights(values)


def case(factory, cls, shapes, call=None, inputs=None, wrap=None, options=None, **arguments):
    layer = cls(**arguments) if wrap is None else wrap(cls(**arguments))
    xs = inputs if inputs is not None else [given(s) for s in shapes]
    first = xs[0] if len(xs) == 1 and not call else xs
    run = call or (lambda layer, x: layer(x))
    run(layer, first)
    fill(layer)
    out = run(layer, first)
    outs = list(out) if isinstance(out, (list, tuple)) else [out]
    cases.append(
        {
            "layer": factory,
            "options": options if options is not None else options_of(arguments),
            "inputs": [tensor(x, 2) for x in xs],
            "weights": [tensor(w, 2) for w in layer.get_weights()],
            "outputs": [tensor(o) for o in outs],
        }
    )


case("dense", L.Dense, [(2, 3)], units=4, activation="relu")
case("dense", L.Dense, [(2, 2, 3)], units=2, use_bias=False)
case("dense", L.Dense, [(2, 3)], units=3, activation="softmax")

for name in """celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu linear log_sigmoid
    log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid
    sparsemax squareplus swish tanh tanh_shrink""".split():
    x = np.array([[-8, -2.5, -1, -0.5, -0.25, 0, 0.25, 0.5, 1, 1.5, 3, 7]], "float32")
    case("activation", L.Activation, None, inputs=[x], activation=name)

x3 = (2, 5, 7, 2)
for padding in ("valid", "same"):
    for strides in (1, 2, (2, 3)):
        case("conv2d", L.Conv2D, [(1, 5, 6, 2)], filters=2, kernel_size=3, strides=strides, padding=padding)
    case("conv2d", L.Conv2D, [(1, 5, 6, 2)], filters=2, kernel_size=(2, 3), dilation_rate=2, padding=padding)
    case("conv2d", L.Conv2D, [(1, 4, 5, 1)], filters=1, kernel_size=2, strides=3, padding=padding)
    case("conv1d", L.Conv1D, [(1, 6, 2)], filters=3, kernel_size=3, strides=2, padding=padding, activation="tanh")
    case("conv3d", L.Conv3D, [(1, 3, 4, 3, 1)], filters=2, kernel_size=2, strides=2, padding=padding)
    case("depthwiseConv2d", L.DepthwiseConv2D, [(1, 4, 5, 2)], kernel_size=3, depth_multiplier=2, padding=padding)
    case("separableConv2d", L.SeparableConv2D, [(1, 5, 4, 2)], filters=3, kernel_size=3, strides=2, padding=padding)
    case("separableConv1d", L.SeparableConv1D, [(1, 5, 2)], filters=2, kernel_size=2, depth_multiplier=2, padding=padding)
    for k, s, op in ((3, 2, None), (4, 2, None), (2, 3, None), (3, 1, None), (3, 2, 1), (1, 2, None), (5, 3, 2)):
        case("conv2dTranspose", L.Conv2DTranspose, [(1, 3, 2, 2)], filters=2, kernel_size=k, strides=s, padding=padding, **({} if op is None else {"output_padding": op}))
    case("conv2dTranspose", L.Conv2DTranspose, [(1, 3, 3, 1)], filters=1, kernel_size=2, dilation_rate=2, padding=padding)
    case("conv1dTranspose", L.Conv1DTranspose, [(1, 4, 2)], filters=2, kernel_size=3, strides=2, padding=padding)
    case("conv3dTranspose", L.Conv3DTranspose, [(1, 2, 2, 2, 1)], filters=1, kernel_size=2, strides=2, padding=padding)
    for pool in (("maxPooling", L.MaxPooling1D, L.MaxPooling2D, L.MaxPooling3D), ("averagePooling", L.AveragePooling1D, L.AveragePooling2D, L.AveragePooling3D)):
        case(pool[0] + "1d", pool[1], [(1, 7, 2)], pool_size=3, strides=2, padding=padding)
        case(pool[0] + "2d", pool[2], [(1, 5, 4, 2)], pool_size=2, padding=padding)
        case(pool[0] + "2d", pool[2], [(1, 5, 6, 1)], pool_size=(3, 2), strides=(2, 1), padding=padding)
        case(pool[0] + "3d", pool[3], [(1, 3, 3, 3, 1)], pool_size=2, padding=padding)
case("conv1d", L.Conv1D, [(1, 6, 2)], filters=2, kernel_size=3, dilation_rate=2, padding="causal")
case("conv1d", L.Conv1D, [(1, 6, 4)], filters=6, kernel_size=2, groups=2)
case("conv2d", L.Conv2D, [(1, 2, 4, 5)], filters=3, kernel_size=2, strides=2, padding="same", data_format="channels_first")
case("depthwiseConv2d", L.DepthwiseConv2D, [(1, 2, 4, 5)], kernel_size=2, padding="same", data_format="channels_first")
case("conv2dTranspose", L.Conv2DTranspose, [(1, 2, 3, 2)], filters=1, kernel_size=3, strides=2, padding="same", data_format="channels_first")
case("separableConv2d", L.SeparableConv2D, [(1, 2, 3, 4)], filters=2, kernel_size=2, data_format="channels_first")
case("maxPooling2d", L.MaxPooling2D, [(1, 2, 5, 4)], padding="same", data_format="channels_first")
case("averagePooling2d", L.AveragePooling2D, [(1, 2, 5, 4)], padding="same", pool_size=3, strides=2, data_format="channels_first")
for n, s in ((1, (2, 3, 2)), (2, (2, 3, 2, 2)), (3, (1, 2, 2, 2, 2))):
    for pool in ("Max", "Average"):
        case(f"global{pool}Pooling{n}d", getattr(L, f"Global{pool}Pooling{n}D"), [s])
case("globalAveragePooling2d", L.GlobalAveragePooling2D, [(2, 2, 3, 2)], data_format="channels_first", options={"dataFormat": "channelsFirst", "keepDims": True}, keepdims=True)

case("batchNormalization", L.BatchNormalization, [(2, 3)])
case("batchNormalization", L.BatchNormalization, [(1, 2, 3, 2)], axis=1, epsilon=0.01)
case("batchNormalization", L.BatchNormalization, [(2, 2, 3)], scale=False, center=False)
case("layerNormalization", L.LayerNormalization, [(2, 4)])
case("layerNormalization", L.LayerNormalization, [(2, 3, 4)], axis=[1, 2])
case("layerNormalization", L.LayerNormalization, [(2, 3, 4)], axis=1, epsilon=0.1)
case("groupNormalization", L.GroupNormalization, [(2, 3, 4)], groups=2)
case("groupNormalization", L.GroupNormalization, [(1, 2, 2, 6)], groups=3)
case("groupNormalization", L.GroupNormalization, [(2, 4, 3)], groups=2, axis=1)
case("groupNormalization", L.GroupNormalization, [(2, 3, 2)], groups=-1)
case("rmsNormalization", L.RMSNormalization, [(2, 4)])
case("rmsNormalization", L.RMSNormalization, [(2, 3, 4)], axis=[1, 2])
case("unitNormalization", L.UnitNormalization, [(2, 4)])
case("unitNormalization", L.UnitNormalization, None, inputs=[np.zeros((1, 3), "float32")])
case("normalization", L.Normalization, [(2, 3)], mean=[1.0, 2.0, 3.0], variance=[4.0, 1.0, 0.25])
case("normalization", L.Normalization, [(2, 3)], mean=1.5, variance=4.0, axis=None, invert=True)
case("rescaling", L.Rescaling, [(2, 3)], scale=0.5, offset=-1.0)

for arguments in ({}, {"return_sequences": True}, {"go_backwards": True}, {"go_backwards": True, "return_sequences": True}, {"use_bias": False}):
    case("simpleRNN", L.SimpleRNN, [(2, 3, 2)], units=2, **arguments)
    case("lstm", L.LSTM, [(2, 3, 2)], units=2, **arguments)
    case("gru", L.GRU, [(2, 3, 2)], units=2, **arguments)
    case("gru", L.GRU, [(2, 3, 2)], units=2, reset_after=False, **arguments)
case("lstm", L.LSTM, [(2, 3, 2)], units=3, return_state=True, return_sequences=True)
case("gru", L.GRU, [(2, 3, 2)], units=3, return_state=True)
case("lstm", L.LSTM, [(2, 3, 2)], units=2, activation="relu", recurrent_activation="hard_sigmoid")
case("lstm", L.LSTM, [(2, 3, 2), (2, 2), (2, 2)], call=lambda layer, x: layer(x[0], initial_state=x[1:]), units=2)
case("gru", L.GRU, [(2, 3, 2), (2, 2)], call=lambda layer, x: layer(x[0], initial_state=x[1]), units=2)


def nested(factory, inner_factory, inner, cls, shapes, inner_options, **arguments):
    case(factory, inner, shapes, wrap=lambda layer: cls(layer, **arguments), options={**options_of(arguments), "layer": {"layer": inner_factory, "options": options_of(inner_options)}}, **inner_options)


for mode in ("concat", "sum", "mul", "ave"):
    nested("bidirectional", "lstm", L.LSTM, L.Bidirectional, [(2, 3, 2)], {"units": 2, "return_sequences": True}, merge_mode=mode)
nested("bidirectional", "gru", L.GRU, L.Bidirectional, [(2, 3, 2)], {"units": 2})
nested("bidirectional", "lstm", L.LSTM, L.Bidirectional, [(1, 3, 2)], {"units": 2, "return_sequences": True, "return_state": True})
nested("bidirectional", "simpleRNN", L.SimpleRNN, L.Bidirectional, [(1, 3, 2)], {"units": 2, "return_sequences": True, "use_bias": False})
nested("timeDistributed", "dense", L.Dense, L.TimeDistributed, [(2, 3, 2)], {"units": 2})
nested("timeDistributed", "conv1d", L.Conv1D, L.TimeDistributed, [(1, 2, 4, 2)], {"filters": 2, "kernel_size": 2})

mha = lambda causal: (lambda layer, x: layer(x[0], *x[1:], use_causal_mask=causal))
for causal in (False, True):
    extra = {"useCausalMask": True} if causal else {}
    case("multiHeadAttention", L.MultiHeadAttention, [(2, 3, 4), (2, 3, 4)], call=mha(causal), num_heads=2, key_dim=3, options={"numHeads": 2, "keyDim": 3, **extra})
    case("groupQueryAttention", L.GroupQueryAttention, [(2, 3, 4), (2, 3, 4)], call=mha(causal), head_dim=2, num_query_heads=4, num_key_value_heads=2, options={"headDim": 2, "numQueryHeads": 4, "numKeyValueHeads": 2, **extra})
case("multiHeadAttention", L.MultiHeadAttention, [(1, 2, 4), (1, 3, 5)], call=mha(False), num_heads=2, key_dim=2, value_dim=3, output_shape=3, use_bias=False, dropout=0.1, options={"numHeads": 2, "keyDim": 2, "valueDim": 3, "outputShape": 3, "useBias": False})
case("multiHeadAttention", L.MultiHeadAttention, [(1, 2, 4), (1, 3, 5), (1, 3, 2)], call=mha(False), num_heads=1, key_dim=2, options={"numHeads": 1, "keyDim": 2})
mask = np.array([[[1, 0, 1], [0, 1, 1]]], bool)
case("multiHeadAttention", L.MultiHeadAttention, None, inputs=[given((1, 2, 4)), given((1, 3, 4)), given((1, 3, 4)), mask], call=lambda layer, x: layer(x[0], x[1], x[2], attention_mask=x[3]), num_heads=2, key_dim=2, options={"numHeads": 2, "keyDim": 2})

case("embedding", L.Embedding, None, inputs=[given((2, 3), 5)], input_dim=5, output_dim=2)
case("flatten", L.Flatten, [(2, 3, 2)])
case("flatten", L.Flatten, [(1, 2, 2, 3)], data_format="channels_first")
case("reshape", L.Reshape, [(2, 6)], target_shape=(3, -1))
case("permute", L.Permute, [(1, 2, 3, 2)], dims=(3, 1, 2))
case("repeatVector", L.RepeatVector, [(2, 3)], n=2)
case("zeroPadding1d", L.ZeroPadding1D, [(1, 2, 2)], padding=(1, 2))
case("zeroPadding2d", L.ZeroPadding2D, [(1, 2, 2, 1)], padding=((1, 0), (2, 1)))
case("zeroPadding2d", L.ZeroPadding2D, [(1, 1, 2, 2)], padding=(1, 2), data_format="channels_first")
case("zeroPadding3d", L.ZeroPadding3D, [(1, 1, 2, 1, 1)])
case("cropping1d", L.Cropping1D, [(1, 5, 2)], cropping=(1, 2))
case("cropping2d", L.Cropping2D, [(1, 4, 5, 1)], cropping=((1, 0), (2, 1)))
case("cropping3d", L.Cropping3D, [(1, 3, 4, 3, 1)])
case("upSampling1d", L.UpSampling1D, [(1, 2, 2)], size=3)
case("upSampling2d", L.UpSampling2D, [(1, 2, 2, 2)], size=(2, 3))
case("upSampling2d", L.UpSampling2D, [(1, 3, 2, 1)], size=2, interpolation="bilinear")
case("upSampling2d", L.UpSampling2D, [(1, 1, 2, 3)], size=3, interpolation="bilinear", data_format="channels_first")
case("upSampling3d", L.UpSampling3D, [(1, 2, 1, 2, 1)])

for name in ("Add", "Multiply", "Average", "Maximum", "Minimum"):
    case(name.lower(), getattr(L, name), [(2, 3)] * 3, call=lambda layer, x: layer(x))
case("subtract", L.Subtract, [(2, 3)] * 2, call=lambda layer, x: layer(x))
case("add", L.Add, [(2, 1, 3), (2, 2, 1)], call=lambda layer, x: layer(x))
case("add", L.Add, [(2, 3), (2, 2, 3)], call=lambda layer, x: layer(x))
case("concatenate", L.Concatenate, [(2, 3), (2, 1)], call=lambda layer, x: layer(x))
case("concatenate", L.Concatenate, [(2, 1, 3), (2, 2, 3)], call=lambda layer, x: layer(x), axis=1)
case("dot", L.Dot, [(2, 3), (2, 3)], call=lambda layer, x: layer(x), axes=1)
case("dot", L.Dot, [(2, 3, 4), (2, 4, 2)], call=lambda layer, x: layer(x), axes=(2, 1))
case("dot", L.Dot, [(2, 3), (2, 3)], call=lambda layer, x: layer(x), axes=-1, normalize=True)

case("softmax", L.Softmax, [(2, 3, 2)], axis=1)
case("softmax", L.Softmax, [(2, 3, 2)], axis=[1, 2])
case("relu", L.ReLU, [(2, 4)])
case("relu", L.ReLU, [(2, 6)], max_value=1.0, negative_slope=0.25, threshold=0.5)
case("leakyRelu", L.LeakyReLU, [(2, 4)])
case("prelu", L.PReLU, [(2, 3, 2)])
case("prelu", L.PReLU, [(2, 3, 2)], shared_axes=[1])
case("elu", L.ELU, [(2, 4)], alpha=0.5)
case("dropout", L.Dropout, [(2, 3)], rate=0.5)

print("{", json.dumps("keras") + ":", json.dumps(keras.__version__) + ',\n"cases": [')
print(",\n".join(json.dumps(c, separators=(",", ":")) for c in cases))
print("]}")
print(len(cases), "cases", file=sys.stderr)
