"""How long quantized weights take to read, against weights in bf16."""

import json
import random
import struct

from benchmarks.figures import Figure
from benchmarks.programs import BIN, WORK, run

ROWS = COLS = 4096
FP8_BLOCK = "model.layers.0.fp8_block"
PLAIN = "model.layers.0.bf16"
SHAPE = ("I64", [2], struct.pack("<2q", ROWS, COLS))


def floats(count):
    return struct.pack("<f", 0.01) * count


def halves(count):
    return struct.pack("<e", 0.01) * count


def powers_of_two(count):
    return bytes([120]) * count


def codes(size):
    """Bytes that are numbers in every format: 0x7F and 0xFF are none in FP8."""
    return random.randbytes(size).replace(b"\x7f", b"\x01").replace(b"\xff", b"\x01")


def packed(bits, group):
    words = COLS * bits // 32
    return {"weight_packed": ("I32", [ROWS, words], codes(ROWS * words * 4)), "weight_shape": SHAPE,
            "weight_scale": ("F32", [ROWS, COLS // group], floats(ROWS * COLS // group))}


def asymmetric(tensors, bits, group):
    words = ROWS * bits // 32
    return tensors | {"weight_zero_point": ("I32", [words, COLS // group], codes(words * COLS // group * 4))}


def gptq(bits, group):
    """[in, out], as are AWQ's."""
    return {"qweight": ("I32", [COLS * bits // 32, ROWS], codes(COLS * ROWS * bits // 8)),
            "qzeros": ("I32", [COLS // group, ROWS * bits // 32], codes(COLS // group * ROWS * bits // 8)),
            "scales": ("F16", [COLS // group, ROWS], halves(COLS // group * ROWS)),
            "g_idx": ("I32", [COLS], struct.pack(f"<{COLS}i", *(col // group for col in range(COLS))))}


def awq(group):
    return {"qweight": ("I32", [COLS, ROWS // 8], codes(COLS * ROWS // 2)),
            "qzeros": ("I32", [COLS // group, ROWS // 8], codes(COLS // group * ROWS // 2)),
            "scales": ("F16", [COLS // group, ROWS], halves(COLS // group * ROWS))}


def nf4(block):
    weights = ROWS * COLS
    state = json.dumps({"quant_type": "nf4", "blocksize": block, "dtype": "bfloat16", "shape": [ROWS, COLS]}).encode()
    return {"weight": ("U8", [weights // 2, 1], codes(weights // 2)),
            "weight.absmax": ("F32", [weights // block], floats(weights // block)),
            "weight.quant_map": ("F32", [16], struct.pack("<16f", *(i / 8 - 1 for i in range(16)))),
            "weight.quant_state.bitsandbytes__nf4": ("U8", [len(state)], state)}


def with_indices(tensors, group):
    """Each column with the index of its group, in no order."""
    groups = [col // group for col in range(COLS)]
    random.shuffle(groups)
    return tensors | {"weight_g_idx": ("I32", [COLS], struct.pack(f"<{COLS}i", *groups))}


def mlx(bits, group):
    return {"weight": ("U32", [ROWS, COLS * bits // 32], codes(ROWS * COLS * bits // 8)),
            "scales": ("F16", [ROWS, COLS // group], halves(ROWS * COLS // group)),
            "biases": ("F16", [ROWS, COLS // group], halves(ROWS * COLS // group))}


def layers():
    """The tensors of each layer by its name: dtype, shape, bytes."""
    weights = ROWS * COLS
    fp8 = ("F8_E4M3", [ROWS, COLS], codes(weights))
    fp4 = ("U8", [ROWS, COLS // 2], codes(weights // 2))
    return {
        PLAIN: {"weight": ("BF16", [ROWS, COLS], codes(2 * weights))},
        FP8_BLOCK: {"weight": fp8, "weight_scale_inv": ("F32", [ROWS // 128, COLS // 128], floats(weights // 128 ** 2))},
        "model.layers.0.fp8_row": {"weight": fp8, "weight_scale": ("F32", [ROWS, 1], floats(ROWS))},
        "model.layers.0.mxfp8": {"weight": fp8, "weight_scale": ("U8", [ROWS, COLS // 32], powers_of_two(weights // 32))},
        "model.layers.0.mxfp4": {"weight_packed": fp4,
                                 "weight_scale": ("U8", [ROWS, COLS // 32], powers_of_two(weights // 32))},
        "model.layers.0.nvfp4": {"weight_packed": fp4, "weight_global_scale": ("F32", [1], floats(1)),
                                 "weight_scale": ("F8_E4M3", [ROWS, COLS // 16], powers_of_two(weights // 16))},
        "model.layers.0.int4": packed(4, 32),
        "model.layers.0.int4_asym": asymmetric(packed(4, 128), 4, 128),
        "model.layers.0.int4_indices": with_indices(packed(4, 128), 128),
        "model.layers.0.int3": packed(3, 32),
        "model.layers.0.gptq": gptq(4, 128),
        "model.layers.0.gptq3": gptq(3, 128),
        "model.layers.0.awq": awq(64),
        "model.layers.0.nf4": nf4(64),
        "model.layers.0.int8_row": {"weight": ("I8", [ROWS, COLS], codes(weights)),
                                    "SCB": ("F32", [ROWS], floats(ROWS))},
        "model.layers.0.mlx": mlx(4, 64),
    }


def experts():
    """The tensors of one expert, by their names: gpt-oss's gate and up, row by row in turn; transposed in FP8 and NVFP4."""
    weights = ROWS * COLS
    mxfp4, fp8, nvfp4 = (f"model.layers.{layer}.mlp.experts.{name}"
                         for layer, name in enumerate(("gate_up_proj", "down_proj", "down_proj")))
    return {f"{mxfp4}_blocks": ("U8", [1, 2 * ROWS, COLS // 32, 16], codes(weights)),
            f"{mxfp4}_scales": ("U8", [1, 2 * ROWS, COLS // 32], powers_of_two(weights // 16)),
            fp8: ("F8_E4M3", [1, ROWS, COLS], codes(weights)),
            f"{fp8}_scale": ("F32", [1, COLS, 1], floats(COLS)),
            nvfp4: ("U8", [1, ROWS // 2, COLS], codes(weights // 2)),
            f"{nvfp4}_weight_scale": ("F8_E4M3", [1, ROWS // 16, COLS], powers_of_two(weights // 16)),
            f"{nvfp4}_weight_scale_2": ("F32", [], floats(1))}


def write_checkpoint(folder):
    random.seed(1)
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_type": "gpt_oss", "hidden_size": COLS, "quantization": {"bits": 4, "group_size": 64},
              "quantization_config": {"weight_block_size": [128, 128]}}
    (folder / "config.json").write_text(json.dumps(config))
    header, values = {}, []
    end = 0
    named = {f"{layer}.{name}": tensor for layer, tensors in layers().items() for name, tensor in tensors.items()}
    for name, (dtype, shape, stored) in (named | experts()).items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + len(stored)]}
        values.append(stored)
        end += len(stored)
    text = json.dumps(header).encode()
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(values)
    return folder


def decoding():
    nanoseconds = json.loads(run(BIN / "alpha-hill-decode", write_checkpoint(WORK / "quantized")).output)
    plain = nanoseconds.pop(PLAIN)
    for layer, taken in nanoseconds.items():
        bound = 1.5 if layer == FP8_BLOCK else 4
        yield Figure(f"weights stored as {layer.removeprefix('model.layers.')}, from the file to fp32, against bf16", taken / plain,
                     bound, bound, f"{taken:.2f} ns and {plain:.2f} ns a weight", largest=True)
