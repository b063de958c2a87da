"""Every figure against a full fp64 SVD by numpy."""

import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np

from support.models import FAMILIES, Layer, Model, add_bert_layers, llama, model_of, name_of, with_singular_values
from support.number_formats import nvfp4
from support.oracle import cast, figures
from support.programs import REPOSITORY, STORE, ProgramTest
from support.results_files import read_table
from support.safetensors_files import read_safetensors

PRECISIONS = ("fp64", "fp32", "fp16", "bf16")
RELATIVE_DIFFERENCE = 1e-9
REAL_MODEL = REPOSITORY.parent / "shared/models/all-MiniLM-L6-v2"


class FiguresTest(ProgramTest):
    def check(self, rows, model, load_dtype="fp32"):
        self.assertEqual([(row["layer_name"], row["category"]) for row in rows],
                         [(layer.name, layer.category) for layer in model.layers])
        for row, layer in zip(rows, model.layers):
            stored = model.stored(layer)
            self.assertEqual((int(row["out_features"]), int(row["in_features"])), stored.shape, layer.name)
            self.assertEqual(int(row["numel"]), stored.size)
            for precision in PRECISIONS:
                with self.subTest(layer=layer.name, precision=precision):
                    self.check_cell(row, precision, figures(cast(stored, load_dtype, precision)))

    def check_cell(self, row, precision, expected):
        self.assertEqual(int(row["k_used_" + precision]), expected.k_used)
        self.assertEqual(int(row["n_eigs_" + precision]), expected.n_eigs)
        self.assertIn(row["method_" + precision], ("gram_eigen", "svd_full"))
        difference = abs(float(row["alpha_" + precision]) - expected.alpha) / expected.alpha
        self.assertLessEqual(difference, RELATIVE_DIFFERENCE)

    def analyse_model(self, model, *options, shards=1):
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        rows = self.analyse(model.write(folder / "model", shards), folder / "results", "--precisions",
                            ",".join(PRECISIONS), *options)
        return rows, folder / "results" / STORE

    def check_model(self, model, load_dtype="fp32", shards=1):
        rows, _ = self.analyse_model(model, "--load-dtype", load_dtype, "--share-tolerance", "0", shards=shards)
        self.check(rows, model, load_dtype)
        return rows

    def check_family(self, family):
        for precision in ("fp32", "fp16", "bf16"):
            for shards in (1, 3):
                with self.subTest(stored=precision, shards=shards):
                    self.check_model(FAMILIES[family](precision), shards=shards)

    def test_llama_models(self):
        self.check_family("llama")

    def test_gpt2_models(self):
        self.check_family("gpt2")

    def test_mixtral_models(self):
        self.check_family("mixtral")

    def test_bert_models(self):
        self.check_family("bert")

    def test_weights_are_first_cast_to_the_load_dtype(self):
        for stored, load_dtype in (("fp64", "fp64"), ("fp64", "fp32"), ("fp64", "bf16"), ("bf16", "fp64"),
                                   ("fp32", "fp16"), ("bf16", "fp16")):
            with self.subTest(stored=stored, load_dtype=load_dtype):
                self.check_model(llama(stored, blocks=1), load_dtype)

    def test_a_shared_figure_is_off_by_no_more_than_its_bound(self):
        shared, store = self.analyse_model(llama("bf16"))
        apart, _ = self.analyse_model(llama("bf16"), "--share-tolerance", "0")
        with h5py.File(store) as file:
            figures = read_table(file, "results")
        bounds = [row["share_bound"] for row in figures if row["precision"] == "fp16"]
        self.assertEqual(len(bounds), len(shared))
        self.assertEqual({row["shares"] for row in figures}, {"", "fp64"})
        changes = [abs(float(a["alpha_fp16"]) / float(b["alpha_fp16"]) - 1) for a, b in zip(shared, apart)]
        for change, bound in zip(changes, bounds):
            self.assertLessEqual(change, bound + RELATIVE_DIFFERENCE)
            self.assertLessEqual(bound, 1e-5)

    def test_ill_conditioned_layers(self):
        rows = self.check_model(model_of(ill_conditioned_matrices()))
        methods = {row["layer_name"]: row["method_fp32"] for row in rows}
        self.assertEqual([methods[name_of(i)] for i in range(5)],
                         ["gram_eigen", "svd_full", "svd_full", "gram_eigen", "gram_eigen"])

    @unittest.skipUnless(REAL_MODEL.is_dir(), f"{REAL_MODEL} is not there")
    def test_a_real_model(self):
        model = Model({}, "fp32", read_safetensors(REAL_MODEL / "model.safetensors"))
        add_layer = lambda name, category, *_: model.layers.append(Layer(name, category, name + ".weight"))
        for block in range(6):
            add_bert_layers(add_layer, f"encoder.layer.{block}.", hidden=384, intermediate=1536)
        add_layer("pooler.dense", "other_linear")
        rows = self.analyse(REAL_MODEL, self.folder, "--precisions", ",".join(PRECISIONS), "--share-tolerance", "0",
                            ranks=2)
        self.check(rows, model)


class FusedScalesTest(ProgramTest):
    """--fuse-scales against numpy: by layer, those whose largest weight chooses NVFP4's scale of the tensor."""

    FUSED = (("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"), ("mlp.gate_proj", "mlp.up_proj"))

    def setUp(self):
        super().setUp()
        self.model = llama("bf16")
        for i, layer in enumerate(self.model.layers):  # far apart, so that a scale tells whose weights it is of
            self.model.tensors[layer.tensor] *= 2.0**(i % 7)
        self.path = self.model.write(self.folder / "model", shards=3)

    def errors(self, output, *options, **keywords):
        self.analyse(self.path, self.folder / output, "--precisions", "fp32,nvfp4", *options, **keywords)
        with h5py.File(self.folder / output / STORE) as file:
            names = [row["name"] for row in read_table(file, "layers")]
            self.assertEqual(file.attrs["fuse_scales"], "--fuse-scales" in options)
            return {names[row["layer"] - 1]: (row["cast_error"], row["alpha"]) for row in read_table(file, "results")
                    if row["precision"] == "nvfp4"}

    def partners(self, name):
        block, role = name[:len("model.layers.0.")], name[len("model.layers.0."):]
        return next(([block + other for other in fused] for fused in self.FUSED if role in fused), [name])

    def expected(self, layer, fused):
        stored = {other.name: self.model.stored(other) for other in self.model.layers}
        largest = max(np.abs(stored[name]).max() for name in (self.partners(layer.name) if fused else [layer.name]))
        rounded = nvfp4(stored[layer.name], largest)
        error = np.linalg.norm(rounded - stored[layer.name]) / np.linalg.norm(stored[layer.name])
        return error, figures(rounded).alpha

    def test_errors_and_alphas_are_those_of_the_largest_weight_of_the_layers_that_are_fused(self):
        fused, apart = self.errors("fused", "--fuse-scales"), self.errors("apart")
        for layer in self.model.layers:
            with self.subTest(layer.name):
                np.testing.assert_allclose(fused[layer.name], self.expected(layer, True), rtol=1e-9)
                np.testing.assert_allclose(apart[layer.name], self.expected(layer, False), rtol=1e-9)
        changed = {name for name, error in fused.items() if error != apart[name]}
        self.assertIn("model.layers.0.self_attn.q_proj", changed)
        self.assertNotIn("model.layers.0.mlp.down_proj", changed)

    def test_figures_are_the_same_on_any_number_of_ranks_and_where_partners_are_not_asked_for(self):
        fused = self.errors("fused", "--fuse-scales")
        for ranks in (1, 2, 3):
            self.assertEqual(self.errors(f"on {ranks}", "--fuse-scales", ranks=ranks), fused)
        some = self.errors("some", "--fuse-scales", "--filter-layers", "q_proj|gate_proj")
        self.assertEqual(some, {name: fused[name] for name in some})
        self.assertEqual(len(some), 4)
        self.assertEqual(self.errors("some", "--fuse-scales"), fused, "and go on with all layers")
        self.analyse(self.path, self.folder / "more", "--precisions", "fp32", "--fuse-scales")
        self.assertEqual(self.errors("more", "--fuse-scales"), fused, "and go on with more formats")

    def test_a_run_says_how_many_layers_share_a_scale_and_where_there_is_none_to_share(self):
        for precision, expected in (("fp8_e4m3_tensor", "10 of 15 layers share scales of the whole tensor"),
                                    ("fp8_e4m3", "--fuse-scales changes nothing")):
            done = self.succeed("alpha-hill", "--model", self.path, "--output-dir", self.folder / precision,
                                "--survey", precision, "--spectra", "none", "--fuse-scales", "--no-report")
            self.assertIn(expected, done.stderr)


def ill_conditioned_matrices():
    random = np.random.default_rng(7)
    return [with_singular_values(np.logspace(0, -8, 150), 210, random),  # its tail covers one decade
            with_singular_values(np.logspace(0, -8, 20), 31, random),    # its tail covers four
            with_singular_values(np.logspace(0, -17.4, 30), 30, random),  # lambda_{k+1} is 1e-12 of the largest
            random.standard_t(3, (120, 40)) @ random.standard_t(3, (40, 160)) / 100,  # rank 40
            np.repeat(random.standard_t(3, (60, 90)), 2, axis=0)]  # every row twice


if __name__ == "__main__":
    unittest.main()
