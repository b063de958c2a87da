"""What ends without analysing anything: help, version, the list of layers, the dry run; and configuration files."""

import json
import struct
import subprocess
import unittest

from support.models import gpt2, llama
from support.programs import ENVIRONMENT, RESULTS, STORE, ProgramTest, command, run
from support.safetensors_files import file_bytes

BLOCKS = 126  # of Llama-3.1-405B
SHAPES = {"self_attn.q_proj": (16384, 16384), "self_attn.k_proj": (1024, 16384), "self_attn.v_proj": (1024, 16384),
          "self_attn.o_proj": (16384, 16384), "mlp.gate_proj": (53248, 16384), "mlp.up_proj": (53248, 16384),
          "mlp.down_proj": (16384, 53248)}


def write_headers(folder, shards=126):
    """Llama-3.1-405B as sparse files: true headers, and holes for the weights."""
    shapes = {f"model.layers.{block}.{role}.weight": shape for block in range(BLOCKS)
              for role, shape in SHAPES.items()}
    shapes |= {"model.embed_tokens.weight": (128256, 16384), "lm_head.weight": (128256, 16384)}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": BLOCKS}))
    weight_map = {}
    for shard in range(shards):
        name = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = list(shapes)[shard::shards]
        write_sparse(folder / name, {tensor: shapes[tensor] for tensor in part})
        weight_map |= dict.fromkeys(part, name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def write_sparse(path, shapes):
    header, end = {}, 0
    for name, (rows, cols) in shapes.items():
        begin, end = end, end + 2 * rows * cols
        header[name] = {"dtype": "BF16", "shape": [rows, cols], "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)


class CommandsTest(ProgramTest):
    def test_help_names_every_option(self):
        text = self.succeed("alpha-hill", "--help").stdout
        for option in ("model", "device", "load-dtype", "precisions", "output-dir", "k-frac", "filter-layers",
                       "include-mtp", "allow-unmerged", "all", "plot-format", "max-layers-per-plot", "log-level",
                       "revision", "no-report", "restart", "list-layers", "individual-plots", "dry-run", "metrics", "config", "version", "help"):
            self.assertRegex(text, rf"--{option}\b")
        text = self.succeed("alpha-hill-report", "--help").stdout
        self.assertRegex(text, r"--k-frac\b")
        self.assertNotIn("slurm", text, "of jobs/status alone")

    def test_a_standard_error_that_is_full_stops_nothing(self):
        options = ["--model", llama("bf16", blocks=1).write(self.folder / "model"), "--no-report", "--output-dir"]
        with open("/dev/full", "w") as full:
            for output, code in ((self.folder / "results", 0), (self.folder / "model/config.json", 1)):
                done = subprocess.run(command("alpha-hill", *options, output), env=ENVIRONMENT, check=False,
                                      stdout=subprocess.PIPE, stderr=full, timeout=120)
                self.assertEqual(done.returncode, code, output)
        self.assertTrue((self.folder / "results" / STORE).exists())

    def test_version(self):
        for program in ("alpha-hill", "alpha-hill-report"):
            self.assertRegex(self.succeed(program, "--version").stdout, r"\b0\.1\.0\b")

    def test_the_list_of_layers(self):
        model = gpt2("fp16")
        listed = self.succeed("alpha-hill", "--model", model.write(self.folder / "model"), "--list-layers").stdout
        lines = [line for line in listed.splitlines() if "model.safetensors" in line]
        for line, layer in zip(lines, model.layers, strict=True):
            for word in (layer.name, layer.category, *map(str, model.stored(layer).shape), "F16"):
                self.assertRegex(line, rf"(?<![\w.]){word}(?![\w.])")

    def test_blocks_are_listed_by_number(self):
        model = llama("bf16", blocks=11)
        listed = self.succeed("alpha-hill", "--model", model.write(self.folder / "model"), "--list-layers").stdout
        places = [listed.index(f"{layer.name} ") for layer in model.layers]
        self.assertEqual(places, sorted(places))

    def test_every_tensor_is_listed_with_what_it_was_taken_for(self):
        model = llama("bf16", blocks=1)
        listed = self.succeed("alpha-hill", "--model", model.write(self.folder / "model"), "--list-layers",
                              "--all").stdout.splitlines()[1:]
        self.assertEqual([line.split()[0] for line in listed], sorted(model.tensors))
        taken_for = {line.split()[0]: line for line in listed}
        self.assertRegex(taken_for["model.embed_tokens.weight"], r"\[301, 77\] +BF16 +embedding$")
        self.assertRegex(taken_for["model.norm.weight"], r"\[77\] +BF16 +norm$")
        self.assertEqual(sum(line.endswith("  layer") for line in listed), len(model.layers))

    def test_what_is_nothing_known_is_told_at_the_end(self):
        model = llama("bf16", blocks=1)
        model.add_tensor("model.mystery", 300, 300)
        folder = model.write(self.folder / "model")
        line = r"warning.* 1 tensor of two and more dimensions is neither.*the largest is model.mystery \[300, 300\]"
        for options in (["--list-layers"], ["--dry-run"], ["--no-report", "--output-dir", self.folder / "results"]):
            with self.subTest(options):
                told = self.succeed("alpha-hill", "--model", folder, *options).stderr.splitlines()[-1]
                self.assertRegex(told, line)

    def test_a_model_may_be_one_file(self):
        model = llama("fp32", blocks=1)
        folder = model.write(self.folder / "model")
        (folder / "model.safetensors").rename(folder / "other name.safetensors")
        rows = self.analyse(folder / "other name.safetensors", self.folder / "results")
        self.assertEqual([row["layer_name"] for row in rows], [layer.name for layer in model.layers])
        again = self.succeed("alpha-hill", "--model", folder, "--output-dir", self.folder / "results", "--no-report")
        self.assertIn("other name.safetensors is read, since", again.stderr)
        self.assertIn(f"{len(rows)} of {len(rows)} layers already done", again.stderr)

    def test_a_task_that_srun_has_started_alone_says_so(self):
        options = ["--model", llama("bf16", blocks=1).write(self.folder / "model"), "--no-report", "--output-dir"]
        slurm = {"SLURM_JOB_ID": "1", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "2"}
        of_users = {"OMPI_MCA_ess_singleton_isolated": "0", "OMPI_MCA_orte_create_session_dirs": "1"}
        alone = self.succeed("alpha-hill", *options, self.folder / "alone", environment=slurm | of_users)
        self.assertRegex(alone.stderr, "warning Slurm says that there are 4 tasks, .* srun --mpi=pmix")
        joined = self.succeed("alpha-hill", *options, self.folder / "joined", environment=slurm, ranks=1)
        self.assertNotIn("srun", joined.stderr)

    def test_a_large_model_is_listed_and_planned_from_its_headers(self):
        write_headers(self.folder / "model")
        output = self.folder / "results"
        listed = self.succeed("alpha-hill", "--model", self.folder / "model", "--list-layers").stdout
        self.assertEqual(sum("BF16" in line for line in listed.splitlines()), 7 * BLOCKS + 1)
        planned = self.succeed("alpha-hill", "--model", self.folder / "model", "--dry-run", "--output-dir", output)
        self.assertRegex(planned.stdout, r"\b883\b")
        self.assertFalse(output.exists(), "a dry run writes nothing")

    def test_a_dry_run_counts_only_what_the_output_folder_lacks(self):
        model = llama("fp32", blocks=1).write(self.folder / "model")
        output = self.folder / "results"
        self.succeed("alpha-hill", "--model", model, "--output-dir", output, "--filter-layers", "mlp", "--no-report")
        planned = self.succeed("alpha-hill", "--model", model, "--output-dir", output, "--dry-run").stdout
        self.assertIn("of which 3 are done and 0 cannot be analysed", planned)
        self.assertIn("5 layers on one rank", planned)
        anew = self.succeed("alpha-hill", "--model", model, "--output-dir", output, "--dry-run", "--restart").stdout
        self.assertIn("8 layers on one rank", anew)
        nothing_left = self.succeed("alpha-hill", "--model", model, "--output-dir", output, "--dry-run",
                                    "--filter-layers", "mlp").stdout
        self.assertIn("nothing to compute", nothing_left)
        refused = run("alpha-hill", "--model", model, "--output-dir", output, "--dry-run", "--load-dtype", "bf16")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("--load-dtype", refused.stderr)

    def test_a_dry_run_of_a_model_of_which_nothing_can_be_computed_fails_as_the_run_would(self):
        folder = self.folder / "model"
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        header = {"up_proj.weight": {"dtype": "I32", "shape": [40, 20], "data_offsets": [0, 3200]}}
        (folder / "model.safetensors").write_bytes(file_bytes(header, bytes(3200)))
        for options in (["--dry-run"], []):
            done = run("alpha-hill", "--model", folder, "--output-dir", self.folder / "results", "--no-report", *options)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, "error: .*: no layer has a figure; 1 of 1 layer: unsupported: ")

    def test_a_model_is_opened_once(self):
        model = llama("fp32", blocks=1)
        model.add_tensor("mtp.layers.0.up_proj.weight", 30, 30)
        folder = model.write(self.folder / "model")
        (folder / "model.safetensors").rename(folder / "other.safetensors")
        for more in ((), ("--dry-run",), ("--list-layers",)):
            with self.subTest(more):
                said = self.succeed("alpha-hill", "--model", folder, "--output-dir", self.folder / "results",
                                    "--no-report", *more).stderr
                for line in ("other.safetensors is read, since", "left out: 1 layer of multi-token prediction"):
                    self.assertEqual(said.count(line), 1, said)

    def test_what_computes_nothing_needs_no_mpi(self):
        model = llama("fp32", blocks=1).write(self.folder / "model")
        no_mpi = {"OMPI_MCA_pml": "none", "FI_PROVIDER": "none", "UCX_TLS": "none"}
        self.assertNotEqual(run("alpha-hill", "--model", model, "--output-dir", self.folder / "results",
                                environment=no_mpi).returncode, 0, "MPI is to be missing")
        for option in ("--help", "--list-layers", "--dry-run"):
            self.succeed("alpha-hill", "--model", model, option, environment=no_mpi)

    def test_one_of_several_processes_shows_the_dry_run_of_all(self):
        model = llama("fp32", blocks=1).write(self.folder / "model")
        planned = self.succeed("alpha-hill", "--model", model, "--dry-run", ranks=3).stdout
        self.assertEqual(planned.count("checkpoint "), 1)
        self.assertIn("on 3 ranks", planned)

    def test_a_dry_run_says_which_memory_it_counts_on(self):
        model = llama("fp32", blocks=1).write(self.folder / "model")
        own = self.succeed("alpha-hill", "--model", model, "--dry-run").stdout
        self.assertIn("shared by 1 rank;", own)
        told = self.succeed("alpha-hill", "--model", model, "--dry-run", "--memory-per-rank", "129M").stdout
        self.assertRegex(told, r"of 129.0 MiB \(--memory-per-rank\)")
        too_little = run("alpha-hill", "--model", model, "--dry-run", "--memory-per-rank", "131073K")
        self.assertRegex(too_little.stdout, r"and 8 need more memory than any team's ranks have")
        self.assertEqual(too_little.returncode, 1, "a run would have no figure")
        self.assertRegex(too_little.stderr, r"error: .*model: no layer has a figure; \d of 8 layers: .*failed: needs .* of "
                                            r"memory, a rank has 128.0 MiB \(--memory-per-rank\)")

    def test_a_configuration_file_and_options_that_override_it(self):
        model = llama("fp32", blocks=1).write(self.folder / "model")
        (self.folder / "run.cfg").write_text("precisions = bf16, fp16\nk-frac = 0.5\nfilter-layers = q_proj\nrestart\n")
        rows = self.analyse(model, self.folder / "results", "--config", self.folder / "run.cfg", "--k-frac", "0.3")
        self.assertEqual([row["layer_name"] for row in rows], ["model.layers.0.self_attn.q_proj"])
        self.assertNotIn("alpha_fp32", rows[0])
        self.assertEqual(rows[0]["k_used_bf16"], "23")

    def test_no_report_leaves_the_store_alone_and_the_report_makes_the_rest(self):
        model, output = llama("fp32", blocks=1).write(self.folder / "model"), self.folder / "results"
        self.succeed("alpha-hill", "--model", model, "--output-dir", output, "--no-report")
        self.assertFalse((output / RESULTS).exists())
        self.assertFalse((output / "plots").exists())
        self.succeed("alpha-hill-report", output / STORE, "--output-dir", output)
        self.assertTrue((output / RESULTS).exists())
        self.assertTrue((output / "plots/individual_layers/layer_001_model_layers_0_self_attn_q_proj.png").exists())

    def test_a_hub_id_is_found_in_the_cache(self):
        repository = self.folder / "hub/models--org--name"
        model = llama("bf16", blocks=1)
        model.write(repository / "snapshots/abc")
        (repository / "refs").mkdir()
        (repository / "refs/main").write_text("abc\n")
        listed = self.succeed("alpha-hill", "--model", "org/name", "--list-layers",
                              environment={"HF_HUB_CACHE": str(self.folder / "hub")})
        self.assertIn("model.layers.0.mlp.down_proj", listed.stdout)


if __name__ == "__main__":
    unittest.main()
