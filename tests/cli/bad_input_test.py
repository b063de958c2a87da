"""Every bad file and option gives one clear line and a non-zero exit: no crash, no hang, no table."""

import json
import unittest

import h5py

from support.bad_checkpoints import CONFIG, checkpoints
from support.models import llama
from support.programs import RESULTS, STATISTICS, STORE, ProgramTest, run

FAILED, WRONG_USAGE = 1, 2

# Options beside a good --model, the exit code, a pattern that the error must match.
BAD_OPTIONS = [
    (["--unknown"], WRONG_USAGE, "--unknown"),
    (["--%canonical_option%"], WRONG_USAGE, "%canonical_option%"),
    (["-%original_token%"], WRONG_USAGE, "option"),
    (["--restart=%vaLue%"], WRONG_USAGE, "restart"),
    (["--modle", "x"], WRONG_USAGE, "'--modle', did you mean '--model'"),
    (["--k_frac", "0.1"], WRONG_USAGE, "'--k_frac', did you mean '--k-frac'"),
    (["--all"], WRONG_USAGE, "--all: expected together with --list-layers"),
    (["stray"], WRONG_USAGE, "'stray' belongs to no option"),
    (["--memory-per-rank", "4"], WRONG_USAGE, "--memory-per-rank.*128.0 MiB.*'4', 4 B; did you mean 4G"),
    (["--memory-per-rank", "100M"], WRONG_USAGE, "--memory-per-rank.*128.0 MiB that the program itself needs"),
    (["--k-frac"], WRONG_USAGE, "--k-frac"),
    (["--device", "tpu"], WRONG_USAGE, "--device.*cpu.*tpu"),
    (["--device", "cuda:first"], WRONG_USAGE, "--device.*cuda:first"),
    (["--device", "cuda"], FAILED, "(?i)cuda"),
    (["--load-dtype", "fp8"], WRONG_USAGE, "--load-dtype.*fp32.*fp8"),
    (["--min-eigenvalues", "-1"], WRONG_USAGE, "--min-eigenvalues: expected a whole number, 0 or more, found '-1'"),
    (["--precisions", "fp32,fp7"], WRONG_USAGE, "--precisions.*'fp7'.*did you mean fp"),
    (["--precisions", ""], WRONG_USAGE, "--precisions: expected a comma-separated list, found ''"),
    (["--precisions", "fp8,FP8_E4M3"], WRONG_USAGE, "--precisions: expected each once, found fp8_e4m3 twice"),
    (["--precisions", "fp32,,bf16"], WRONG_USAGE, "--precisions"),
    (["--precisions", "fp32,bf16,fp32"], WRONG_USAGE, "--precisions.*fp32"),
    (["--k-frac", "0"], WRONG_USAGE, "--k-frac.*0"),
    (["--k-frac", "-0.1"], WRONG_USAGE, "--k-frac"),
    (["--k-frac", "1.5"], WRONG_USAGE, "--k-frac.*1.5"),
    (["--k-frac", "nan"], WRONG_USAGE, "--k-frac.*nan"),
    (["--share-tolerance", "1"], WRONG_USAGE, r"--share-tolerance.*\[0, 1\).*1"),
    (["--share-tolerance", "-1e-5"], WRONG_USAGE, "--share-tolerance"),
    (["--k-frac", "a tenth"], WRONG_USAGE, "--k-frac.*a tenth"),
    (["--filter-layers", "("], WRONG_USAGE, "--filter-layers"),
    (["--filter-layers", "q\udcff"], WRONG_USAGE, r"--filter-layers: expected UTF-8"),
    (["--filter-layers", "no_such_layer"], WRONG_USAGE, "no_such_layer"),
    (["--plot-format", "gif"], WRONG_USAGE, "--plot-format.*png.*gif"),
    (["--max-layers-per-plot", "-1"], WRONG_USAGE, "--max-layers-per-plot"),
    (["--max-layers-per-plot", "ten"], WRONG_USAGE, "--max-layers-per-plot.*ten"),
    (["--log-level", "LOUD"], WRONG_USAGE, "--log-level.*INFO.*LOUD"),
    (["--individual-plots", "sometimes"], WRONG_USAGE, "--individual-plots.*never.*sometimes"),
    (["--config", "/nowhere/run.cfg"], FAILED, "/nowhere/run.cfg"),
]

# The value of --model, the exit code, a pattern.
BAD_MODELS = [
    ("meta-llama/Llama-3.1-8B", FAILED, r'hf download meta-llama/Llama-3\.1-8B --include "\*\.safetensors"'),
    ("/nowhere/model", WRONG_USAGE, "/nowhere/model"),
    ("org/../../etc", WRONG_USAGE, r"\.\."),
    ("org/a--b", WRONG_USAGE, "--"),
    ("", WRONG_USAGE, "--model"),
]

# Options of alpha-hill-report beside a good file, a pattern.
BAD_REPORT_OPTIONS = [
    (["--k-frac", "2"], "--k-frac"),
    (["--precisions", "fp64"], "fp64"),
    (["--precisions", "fp99"], "fp99"),
    (["--filter-layers", "["], "--filter-layers"),
    (["--filter-layers", "no_such_layer"], "no_such_layer"),
    (["--plot-format", "bmp"], "--plot-format.*svg.*bmp"),
    (["--unknown"], "--unknown"),
]


class BadInputTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.output = self.folder / "results"
        self.cache = {"HF_HUB_CACHE": str(self.folder / "hub")}

    def refuse(self, exit_code, pattern, *arguments, program="alpha-hill", ranks=None):
        done = run(program, *arguments, ranks=ranks, timeout=30, environment=self.cache)
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        self.assertEqual(done.returncode, exit_code, done.stderr)
        self.assertEqual(len(errors), 1, done.stderr)
        self.assertRegex(errors[0], pattern)
        self.assertFalse((self.output / RESULTS).exists())
        self.assertFalse((self.output / STATISTICS).exists())

    def refuse_analysis(self, exit_code, pattern, model, *options, **keywords):
        self.refuse(exit_code, pattern, "--model", model, "--output-dir", self.output, *options, **keywords)

    def good_model(self):
        return llama("fp32", blocks=1).write(self.folder / "model")

    def test_broken_checkpoints(self):
        for number, (what, pattern, fill) in enumerate(checkpoints()):
            with self.subTest(what):
                folder = self.folder / f"model {number}"
                folder.mkdir()
                (folder / "config.json").write_text(json.dumps(CONFIG))
                fill(folder)
                self.refuse_analysis(FAILED, pattern, folder)

    def test_models_that_are_not_there(self):
        for model, exit_code, pattern in BAD_MODELS:
            with self.subTest(model):
                self.refuse_analysis(exit_code, pattern, model)

    def test_no_model(self):
        self.refuse(WRONG_USAGE, "--model", "--output-dir", self.output)
        self.refuse(WRONG_USAGE, "a model is named by --model: --model org/name", "org/name")

    def test_wrong_options(self):
        model = self.good_model()
        for options, exit_code, pattern in BAD_OPTIONS:
            with self.subTest(options):
                self.refuse_analysis(exit_code, pattern, model, *options)

    def test_several_ranks_end_with_one_error(self):
        self.refuse_analysis(FAILED, "hf download", "org/name", ranks=3)
        self.refuse_analysis(FAILED, "(?i)cuda", self.good_model(), "--device", "cuda", ranks=3)
        self.refuse_analysis(WRONG_USAGE, "--k-frac", self.good_model(), "--k-frac", "2", ranks=3)

    def test_a_configuration_file_with_an_unknown_option(self):
        for written, pattern in (("k-fraction = 0.1", "k-fraction"),
                                 ("k_frac = 0.1", "line 1: .*'k_frac', .*'k-frac'")):
            (self.folder / "run.cfg").write_text(written + "\n")
            self.refuse_analysis(WRONG_USAGE, pattern, self.good_model(), "--config", self.folder / "run.cfg")

    def test_output_folders_that_cannot_be_written(self):
        model = self.good_model()
        for output in (model / "config.json", model / "config.json" / "results", "/proc/results"):
            with self.subTest(output):
                self.refuse(FAILED, str(output), "--model", model, "--output-dir", output)

    def test_other_settings_for_a_run_that_was_begun(self):
        model = self.good_model()
        self.succeed("alpha-hill", "--model", model, "--output-dir", self.output, "--no-report")
        for option, value in (("--load-dtype", "bf16"), ("--share-tolerance", "0"), ("--k-frac", "0.2")):
            with self.subTest(option):
                self.refuse_analysis(FAILED, "--restart", model, option, value)
        self.refuse_analysis(FAILED, "--fuse-scales is 'off', expected 'on'", model, "--fuse-scales")
        self.analyse(model, self.output, "--load-dtype", "bf16", "--restart")

    def test_another_model_for_a_run_that_was_begun(self):
        self.succeed("alpha-hill", "--model", self.good_model(), "--output-dir", self.output, "--no-report")
        other = llama("bf16", blocks=1).write(self.folder / "other")
        self.refuse_analysis(FAILED, "--restart", other)

    def refuse_report(self, exit_code, pattern, *arguments):
        self.refuse(exit_code, pattern, *arguments, "--output-dir", self.output, program="alpha-hill-report")

    def test_wrong_options_of_the_report(self):
        self.succeed("alpha-hill", "--model", self.good_model(), "--output-dir", self.folder / "run", "--no-report")
        for options, pattern in BAD_REPORT_OPTIONS:
            with self.subTest(options):
                self.refuse_report(WRONG_USAGE, pattern, self.folder / "run" / STORE, *options)
        self.refuse(FAILED, "config.json", self.folder / "run" / STORE, "--output-dir",
                    self.folder / "model" / "config.json", program="alpha-hill-report")

    def test_files_that_are_no_results(self):
        (self.folder / "text.h5").write_text("alpha")
        with h5py.File(self.folder / "other.h5", "w") as other:
            other["results"] = [1.0]
        with h5py.File(self.folder / "newer.h5", "w") as newer:
            newer.attrs["schema_version"] = 999
        for name in ("text.h5", "other.h5", "newer.h5", "missing.h5"):
            with self.subTest(name):
                self.refuse_report(FAILED, name, self.folder / name)
        self.refuse_report(WRONG_USAGE, "FILE|file|h5")


if __name__ == "__main__":
    unittest.main()
