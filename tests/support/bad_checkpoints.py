"""Broken checkpoints: what is wrong, the words that the error must have, and how to make it."""

import json
import os
import struct

from support.safetensors_files import file_bytes

TENSOR = "model.layers.0.mlp.up_proj.weight"
CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "tie_word_embeddings": False}
SHARD = "model-00001-of-00001.safetensors"
LIMIT = 100_000_000


def entry(dtype="F32", shape=(2, 3), data_offsets=(0, 24)):
    return {"dtype": dtype, "shape": shape, "data_offsets": data_offsets}


def one_tensor(payload=bytes(24), **fields):
    return file_bytes({TENSOR: entry(**fields)}, payload)


def without(field):
    fields = entry()
    del fields[field]
    return file_bytes({TENSOR: fields}, bytes(24))


def two_tensors(first, second, payload):
    return file_bytes({TENSOR: entry(data_offsets=first), "b.weight": entry(data_offsets=second)}, bytes(payload))


# What is wrong with model.safetensors, a pattern that the error must match, the bytes.
BAD_FILES = [
    ("an empty file", "8 bytes", b""),
    ("a file of 7 bytes", "8 bytes", bytes(7)),
    ("a header of 0 bytes", "header", file_bytes(b"")),
    ("a header of 2^63 bytes", "9223372036854775808", struct.pack("<Q", 2**63) + b"{}"),
    ("a header of 2^64-1 bytes", "18446744073709551615", struct.pack("<Q", 2**64 - 1) + b"{}"),
    ("a header beyond the file", "3", struct.pack("<Q", 3) + b"{}"),
    ("a header over the limit", str(LIMIT + 1), struct.pack("<Q", LIMIT + 1) + b"{}"),
    ("a header that is not UTF-8", "(?i)utf-?8", file_bytes(b'{"\xff": {}}')),
    ("a header that is not JSON", "JSON", file_bytes(b"weights")),
    ("a header cut off", "JSON", file_bytes(b'{"a": {"dtype": "F32"')),
    ("a header that is a list", "object", file_bytes([])),
    ("a deeply nested header", "(?i)deep|depth|nest", file_bytes(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)),
    ("a tensor named twice", "(?i)twice|duplicate", file_bytes(
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        bytes(8))),
    ("a tensor that is no object", TENSOR, file_bytes({TENSOR: 3})),
    ("no dtype", f"{TENSOR}.*dtype", without("dtype")),
    ("no shape", f"{TENSOR}.*shape", without("shape")),
    ("no data_offsets", f"{TENSOR}.*data_offsets", without("data_offsets")),
    ("an unknown dtype", f"{TENSOR}.*F99", one_tensor(dtype="F99")),
    ("a dtype in lower case", f"{TENSOR}.*f32", one_tensor(dtype="f32")),
    ("a dtype that is a number", f"{TENSOR}.*dtype", one_tensor(dtype=32)),
    ("a negative dimension", f"{TENSOR}.*shape", one_tensor(shape=(-2, 3))),
    ("a fractional dimension", f"{TENSOR}.*shape", one_tensor(shape=(2.5, 3))),
    ("a dimension of 2^64", f"{TENSOR}.*shape", one_tensor(shape=(2**64, 3))),
    ("a shape that is text", f"{TENSOR}.*shape", one_tensor(shape="2x3")),
    ("three offsets", f"{TENSOR}.*data_offsets", one_tensor(data_offsets=(0, 12, 24))),
    ("one offset", f"{TENSOR}.*data_offsets", one_tensor(data_offsets=(24,))),
    ("a negative offset", f"{TENSOR}.*data_offsets", one_tensor(data_offsets=(-24, 0))),
    ("a fractional offset", f"{TENSOR}.*data_offsets", one_tensor(data_offsets=(0, 24.5))),
    ("reversed offsets", TENSOR, one_tensor(data_offsets=(24, 0))),
    ("offsets near 2^64", TENSOR, one_tensor(data_offsets=(2**64 - 25, 2**64 - 1))),
    ("a hole before the first tensor", TENSOR, one_tensor(data_offsets=(4, 28), payload=bytes(28))),
    ("a hole between tensors", "b.weight", two_tensors((0, 24), (32, 56), 56)),
    ("tensors that overlap", "b.weight", two_tensors((0, 24), (16, 40), 40)),
    ("trailing bytes", "25", one_tensor(payload=bytes(25))),
    ("a truncated file", "23", one_tensor(payload=bytes(23))),
    ("too few bytes for the shape", TENSOR, one_tensor(shape=(2, 4))),
    ("a shape whose size wraps to 0", TENSOR, one_tensor(shape=(2**32, 2**32), data_offsets=(0, 0), payload=b"")),
    ("a shape whose size wraps to 4", TENSOR,
     one_tensor(shape=(4194305, 4194305, 211106198978564), data_offsets=(0, 16), payload=bytes(16))),
    ("a shape that overflows before a 0", TENSOR,
     one_tensor(shape=(2**63, 2**63, 0), data_offsets=(0, 0), payload=b"")),
]


def index_of(weight_map):
    return json.dumps({"metadata": {}, "weight_map": weight_map}).encode()


# What is wrong with model.safetensors.index.json, a pattern, its bytes. SHARD is there and holds TENSOR.
BAD_INDEXES = [
    ("an index that is not JSON", "JSON", b"weights"),
    ("no weight_map", "weight_map", b"{}"),
    ("a weight_map that is a list", "weight_map", index_of([SHARD])),
    ("an empty weight_map", "weight_map", index_of({})),
    ("a shard that is a number", TENSOR, index_of({TENSOR: 1})),
    ("a shard outside the folder", r"\.\./outside", index_of({TENSOR: "../outside.safetensors"})),
    ("an absolute shard", "/outside", index_of({TENSOR: "/outside.safetensors"})),
    ("a missing shard", "model-00002", index_of({TENSOR: SHARD, "b": "model-00002-of-00002.safetensors"})),
    ("a tensor twice in the index", "(?i)twice|duplicate",
     f'{{"weight_map": {{"{TENSOR}": "{SHARD}", "{TENSOR}": "{SHARD}"}}}}'.encode()),
]


def truncated_shard(folder):
    (folder / "model.safetensors.index.json").write_bytes(index_of({TENSOR: SHARD}))
    (folder / SHARD).write_bytes(one_tensor()[:-1])


def fifo_shard(folder):
    (folder / "model.safetensors.index.json").write_bytes(index_of({TENSOR: SHARD}))
    os.mkfifo(folder / SHARD)


def device_shard(folder):
    (folder / "model.safetensors.index.json").write_bytes(index_of({TENSOR: SHARD}))
    (folder / SHARD).symlink_to("/dev/zero")


def lfs_pointer(folder):
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n")


def several_files(folder):
    for name in ("a.safetensors", "b.safetensors"):
        (folder / name).write_bytes(one_tensor())


def pipeline(folder):
    (folder / "unet").mkdir()
    (folder / "unet/diffusion_pytorch_model.safetensors").write_bytes(one_tensor())


def placeholders(folder):
    (folder / "model.safetensors").write_bytes(file_bytes({TENSOR: entry(shape=(0,), data_offsets=(0, 0))}))


def unmerged_adapter(folder):
    name = TENSOR.replace(".weight", ".base_layer.weight")
    (folder / "model.safetensors").write_bytes(file_bytes({name: entry()}, bytes(24)))


def lora_adapter(folder):
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(one_tensor())


def broken_config(folder):
    (folder / "config.json").write_text("{")
    (folder / "model.safetensors").write_bytes(one_tensor())


def only_norms(folder):
    (folder / "model.safetensors").write_bytes(
        file_bytes({"norm.weight": entry(shape=(6,))}, bytes(24)))


# What is wrong with the folder, a pattern, a function that fills it.
BAD_FOLDERS = [
    ("an empty folder", "model.safetensors", lambda folder: None),
    ("a folder in place of the file", "model.safetensors", lambda folder: (folder / "model.safetensors").mkdir()),
    ("a truncated shard", SHARD, truncated_shard),
    ("a FIFO in place of a shard", SHARD, fifo_shard),
    ("a device in place of a shard", SHARD, device_shard),
    ("a git-lfs pointer", "a git-lfs pointer", lfs_pointer),
    ("several files without an index", r"a\.safetensors, b\.safetensors", several_files),
    ("the root of a pipeline", "sub-folders unet: --model .*/unet", pipeline),
    ("placeholders of ZeRO-3", f"'{TENSOR}' first.*ZeRO-3", placeholders),
    ("an adapter that is not merged", "base_layer.*merge_and_unload.*--allow-unmerged", unmerged_adapter),
    ("a LoRA adapter", "(?i)lora|adapter", lora_adapter),
    ("a config.json that is not JSON", "config.json", broken_config),
    ("no Linear layers", "(?i)linear", only_norms),
]


def checkpoints():
    """(what is wrong, pattern, function that fills a folder which holds config.json)."""
    for what, pattern, stored in BAD_FILES:
        yield what, pattern, lambda folder, stored=stored: (folder / "model.safetensors").write_bytes(stored)
    for what, pattern, index in BAD_INDEXES:
        def fill(folder, index=index):
            (folder / SHARD).write_bytes(one_tensor())
            (folder / "model.safetensors.index.json").write_bytes(index)
        yield what, pattern, fill
    yield from BAD_FOLDERS
