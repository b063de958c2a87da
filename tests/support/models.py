"""Small models of every family with heavy-tailed random weights of odd sizes, and the layers they should show."""

from dataclasses import dataclass, field

import numpy as np

from support.number_formats import round_to
from support.safetensors_files import file_bytes, write_checkpoint


@dataclass
class Layer:
    """A Linear layer as alpha-hill should list it."""
    name: str
    category: str
    tensor: str
    transposed: bool = False  # stored [in, out]


@dataclass
class Model:
    """Tensors as they are stored and, in layer order, the layers made of them."""
    config: dict
    precision: str
    tensors: dict = field(default_factory=dict)
    layers: list = field(default_factory=list)
    seed: int = 1

    def __post_init__(self):
        self._random = np.random.default_rng(self.seed)

    def write(self, folder, shards=1):
        return write_checkpoint(folder, self.config, self.tensors, self.precision, shards)

    def stored(self, layer):
        """The layer's weights, [out, in]."""
        weights = self.tensors[layer.tensor]
        return weights.T if layer.transposed else weights

    def add_tensor(self, name, *shape):
        self.add_values(name, 0.02 * self._random.standard_t(3, shape))

    def add_values(self, name, values):
        self.tensors[name] = round_to(values, self.precision)

    def add_layer(self, name, category, rows, cols, transposed=False):
        self.add_tensor(name + ".weight", rows, cols)
        self.layers.append(Layer(name, category, name + ".weight", transposed))


def llama(precision, blocks=2):
    model = Model({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": blocks,
                   "hidden_size": 77, "vocab_size": 301, "tie_word_embeddings": False}, precision)
    model.add_tensor("model.embed_tokens.weight", 301, 77)
    for block in range(blocks):
        prefix = f"model.layers.{block}."
        model.add_tensor(prefix + "input_layernorm.weight", 77)
        _add_llama_attention(model, prefix, hidden=77, key_value=35)
        for role, category, shape in (("gate_proj", "mlp_gate", (203, 77)), ("up_proj", "mlp_up", (203, 77)),
                                      ("down_proj", "mlp_down", (77, 203))):
            model.add_layer(f"{prefix}mlp.{role}", category, *shape)
    model.add_tensor("model.norm.weight", 77)
    model.add_layer("lm_head", "other_linear", 301, 77)
    return model


def _add_llama_attention(model, prefix, hidden, key_value):
    for letter, rows in zip("qkvo", (hidden, key_value, key_value, hidden)):
        model.add_layer(f"{prefix}self_attn.{letter}_proj", f"attn_{letter}", rows, hidden)


def mixtral(precision, blocks=2, experts=3):
    model = Model({"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "num_hidden_layers": blocks,
                   "hidden_size": 57, "vocab_size": 149, "num_local_experts": experts, "tie_word_embeddings": False},
                  precision)
    model.add_tensor("model.embed_tokens.weight", 149, 57)
    for block in range(blocks):
        _add_llama_attention(model, f"model.layers.{block}.", hidden=57, key_value=19)
        prefix = f"model.layers.{block}.block_sparse_moe."
        model.add_layer(prefix + "gate", "router_or_gate", experts, 57)
        for expert in range(experts):
            for role, category, shape in (("w1", "mlp_up", (130, 57)), ("w2", "mlp_down", (57, 130)),
                                          ("w3", "expert_linear", (130, 57))):
                model.add_layer(f"{prefix}experts.{expert}.{role}", category, *shape)
    model.add_layer("lm_head", "other_linear", 149, 57)
    return model


def gpt2(precision, blocks=2):
    """Layers stored [in, out]; the head is the embedding matrix."""
    model = Model({"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_layer": blocks, "n_embd": 65,
                   "vocab_size": 251}, precision)
    model.add_tensor("wte.weight", 251, 65)
    model.add_tensor("wpe.weight", 33, 65)
    for block in range(blocks):
        model.add_tensor(f"h.{block}.ln_1.weight", 65)
        for role, category, shape in (("attn.c_attn", "attn_qkv", (65, 195)), ("attn.c_proj", "attn_o", (65, 65)),
                                      ("mlp.c_fc", "mlp_up", (65, 260)), ("mlp.c_proj", "mlp_down", (260, 65))):
            model.add_layer(f"h.{block}.{role}", category, *shape, transposed=True)
            model.add_tensor(f"h.{block}.{role}.bias", shape[1])
    model.layers.append(Layer("lm_head", "other_linear", "wte.weight"))
    return model


def bert(precision, blocks=2):
    model = Model({"architectures": ["BertModel"], "model_type": "bert", "num_hidden_layers": blocks,
                   "hidden_size": 84, "vocab_size": 199}, precision)
    model.add_tensor("embeddings.word_embeddings.weight", 199, 84)
    model.add_tensor("embeddings.position_embeddings.weight", 31, 84)
    model.add_tensor("embeddings.token_type_embeddings.weight", 2, 84)
    model.add_tensor("embeddings.LayerNorm.weight", 84)
    for block in range(blocks):
        add_bert_layers(model.add_layer, f"encoder.layer.{block}.", hidden=84, intermediate=300)
    model.add_layer("pooler.dense", "other_linear", 84, 84)
    return model


def add_bert_layers(add_layer, prefix, hidden, intermediate):
    for role, letter in (("query", "q"), ("key", "k"), ("value", "v")):
        add_layer(f"{prefix}attention.self.{role}", f"attn_{letter}", hidden, hidden)
    add_layer(prefix + "attention.output.dense", "attn_o", hidden, hidden)
    add_layer(prefix + "intermediate.dense", "mlp_up", intermediate, hidden)
    add_layer(prefix + "output.dense", "mlp_down", hidden, intermediate)


def model_of(matrices, precision="fp32"):
    """A model whose layers are these matrices, one a block, each the up projection; name_of(i) is the i-th."""
    model = Model({"architectures": ["LlamaForCausalLM"], "model_type": "llama",
                   "num_hidden_layers": len(matrices), "tie_word_embeddings": False}, precision)
    for i, matrix in enumerate(matrices):
        model.add_values(name_of(i) + ".weight", matrix)
        model.layers.append(Layer(name_of(i), "mlp_up", name_of(i) + ".weight"))
    return model


def write_fp8(folder, codes, scales):
    """A checkpoint of one layer in fp8_e4m3 codes, with a scale for each block of 128 x 128."""
    folder.mkdir()
    scales = scales.astype("<f4")
    header = {"q_proj.weight": {"dtype": "F8_E4M3", "shape": codes.shape, "data_offsets": [0, codes.size]},
              "q_proj.weight_scale_inv": {"dtype": "F32", "shape": scales.shape,
                                          "data_offsets": [codes.size, codes.size + scales.nbytes]}}
    (folder / "model.safetensors").write_bytes(file_bytes(header, codes.tobytes() + scales.tobytes()))
    (folder / "config.json").write_text(
        '{"model_type": "llama", "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}')
    return folder


def name_of(i):
    return f"model.layers.{i}.mlp.up_proj"


def with_singular_values(values, rows, random):
    """A dense matrix of random singular vectors."""
    n = len(values)
    left, _ = np.linalg.qr(random.standard_normal((rows, n)))
    right, _ = np.linalg.qr(random.standard_normal((n, n)))
    return left * values @ right.T


FAMILIES = {"llama": llama, "mixtral": mixtral, "gpt2": gpt2, "bert": bert}
