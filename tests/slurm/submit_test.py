"""What jobs/submit and jobs/status make of their options, with programs that take the place of Slurm's."""

import os
import shlex
import shutil
import subprocess
import unittest

from support.models import llama
from support.programs import BIN, ENVIRONMENT, REPOSITORY, ProgramTest
from support.safetensors_files import file_bytes

JOBS = REPOSITORY / "jobs"
USUAL = ("--model", "org/model", "--ranks", "8", "--time", "90")


def write_unread_model(folder, order, layers):
    """Of square layers, in a file that takes no room on the disk."""
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    size = 2 * order * order
    header = {f"model.layers.{i}.mlp.up_proj.weight": {"dtype": "BF16", "shape": [order, order],
                                                       "data_offsets": [i * size, (i + 1) * size]}
              for i in range(layers)}
    with (folder / "model.safetensors").open("wb") as file:
        file.write(file_bytes(header))
        file.truncate(file.tell() + layers * size)


class ScriptsTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.environment = ENVIRONMENT | {"XDG_CONFIG_HOME": str(self.folder)}  # where the test's site file is
        self.site = self.folder / "alphahill" / "site"
        self.write_site(f"programs = {BIN}")
        self.commands_folder = self.folder / "commands"
        self.commands_folder.mkdir()

    def fake(self, name, script):
        """A program in front of PATH that takes the place of another."""
        program = self.commands_folder / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        self.environment["PATH"] = f"{self.commands_folder}:{os.environ['PATH']}"
        return program

    def write_site(self, text):
        self.site.parent.mkdir(exist_ok=True)
        self.site.write_text(text)

    def call(self, script, *arguments):
        return subprocess.run([JOBS / script, *map(str, arguments)], cwd=self.folder, env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


class SubmitTest(ScriptsTest):
    def commands(self, *options):
        """The two commands of sbatch that --print shows."""
        done = self.call("submit", "--print", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [shlex.split(line) for line in done.stdout.splitlines()[:2]]

    def refuses(self, expected, *options, script="submit", code=2):
        done = self.call(script, *options)
        with self.subTest(options=options):
            self.assertEqual((done.returncode, done.stdout), (code, ""))
            self.assertRegex(done.stderr, rf"\A{script}: error: [^\n]*{expected}[^\n]*\n\Z")

    def test_help_says_all_options(self):
        done = self.call("submit", "--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--model MODEL", "--models FILE", "--ranks", "--turns", "--container", "--site FILE", "--print"):
            self.assertIn(option, done.stdout)
        self.assertIn("jobs/status [DIR ...]", self.call("status", "--help").stdout)

    def test_print_shows_commands_and_scripts(self):
        shown = self.call("submit", *USUAL, "--print").stdout
        for script in ("analyze.sbatch", "report.sbatch"):
            self.assertIn((JOBS / script).read_text(), shown)
        self.assertFalse((self.folder / "results").exists())

    def test_ranks_time_and_memory_are_those_of_the_analysis(self):
        analysis, report = self.commands(*USUAL, "--memory", "4G")
        self.assertLessEqual({"--ntasks=8", "--time=90", "--mem-per-cpu=4G"}, set(analysis))
        self.assertLessEqual({"--time=1:00:00", "--dependency=afterok:ANALYSIS_JOB", "--kill-on-invalid-dep=yes"},
                             set(report))

    def test_one_rank_a_gpu_with_cores_near_it(self):
        analysis, report = self.commands(*USUAL, "--gpus-per-node", "4", "--memory", "60G")
        self.assertLessEqual({"--ntasks=8", "--ntasks-per-node=4", "--gpus-per-node=4", "--gpus-per-task=1",
                              "--gres-flags=enforce-binding", "--cpus-per-task=8", "--mem-per-gpu=60G"}, set(analysis))
        self.assertEqual(analysis[-3:], ["--", "--device", "cuda"])
        self.assertFalse([option for option in report if option.startswith("--g")])

    def test_at_most_one_gpu_of_a_node_is_booked_without_a_rank(self):
        for ranks, expected in ((1, 1), (2, 2), (4, 4), (5, 3), (6, 3), (7, 4)):
            analysis, _ = self.commands(*USUAL, "--gpus-per-node", "4", "--ranks", ranks)
            self.assertLessEqual({f"--gpus-per-node={expected}", f"--ntasks-per-node={expected}"}, set(analysis))

    def test_with_gpus_the_build_with_cuda_is_taken(self):
        clone = self.folder / "clone"
        shutil.copytree(JOBS, clone / "jobs")
        self.write_site("")
        for preset in ("release", "cuda"):
            program = clone / "build" / preset / "bin" / "alpha-hill"
            program.parent.mkdir(parents=True)
            program.symlink_to("/bin/true")
        for options, preset in (((), "release"), (("--gpus-per-node", "4"), "cuda")):
            done = self.call(clone / "jobs" / "submit", "--print", *USUAL, *options)
            self.assertIn(f" {clone}/build/{preset}/bin ", done.stdout.splitlines()[0])
        program.unlink()
        self.environment["PATH"] = "/usr/bin:/bin"
        done = self.call(clone / "jobs" / "submit", "--print", *USUAL, "--gpus-per-node", "4")
        self.assertIn("found no alpha-hill in build/cuda/bin or on PATH", done.stderr)

    def test_other_cores_for_a_gpu(self):
        analysis, _ = self.commands(*USUAL, "--gpus-per-node", "4", "--sbatch=--cpus-per-task=12")
        cores = [option for option in analysis if option.startswith("--cpus-per-task")]
        self.assertEqual(cores[-1], "--cpus-per-task=12", "the last one counts")

    def test_a_rank_says_what_it_has_been_given(self):
        nvidia_smi = self.folder / "nvidia-smi"
        nvidia_smi.write_text("#!/bin/sh\n\n"
                              "echo 'NVIDIA H100, 81559 MiB, 00000000:41:00.0'\n"
                              "echo 'NVIDIA H100, 81559 MiB, 00000000:C1:00.0'\n")
        nvidia_smi.chmod(0o755)
        h100 = "NVIDIA H100, 81559 MiB, 00000000"
        for path, expected in ((f"{self.folder}:{os.environ['PATH']}", f"{h100}:41:00.0 and {h100}:C1:00.0"),
                               (os.environ["PATH"], ".*")):
            done = subprocess.run(["bash", JOBS / "found.sh"], capture_output=True, text=True, timeout=60,
                                  env=self.environment | {"PATH": path, "SLURM_PROCID": "3",
                                                          "CUDA_VISIBLE_DEVICES": "1"})
            self.assertRegex(done.stdout,
                             rf"\Arank 3 on \S+: {expected}; CUDA_VISIBLE_DEVICES 1; cores [-0-9,]+\n\Z")

    def test_options_about_plots_go_to_the_report_too(self):
        more = ("--k-frac", "0.05", "--plot-format", "pdf", "--individual-plots=never", "--min-eigenvalues", "40",
                "--base", "fp32", "--metrics=all")
        analysis, report = self.commands(*USUAL, "--", *more)
        self.assertEqual(analysis[analysis.index("--") + 1:], list(more))
        self.assertEqual(report[report.index("--") + 1:], list(more[2:]))

    def test_several_models_are_an_array_with_a_folder_each(self):
        (self.folder / "a model").mkdir()
        (self.folder / "models").write_text("\ufeffa model # the small one\r\n # a comment\n\norg/model\t#")
        analysis, report = self.commands("--models", "models", "--ranks", 8, "--time", 90, "--output-dir", "out")
        self.assertIn("--array=0-1", analysis)
        self.assertIn("--dependency=aftercorr:ANALYSIS_JOB", report)
        self.assertEqual(analysis[-5:-1], ["a model", "out/a model", "org/model", "out/org--model"])

    def test_site_file_fills_what_the_command_line_leaves_open(self):
        self.write_site("# our cluster\npartition = fat nodes \naccount=ab12\nsbatch = --constraint=avx512\nranks = 3\n"
                        "modules = gcc/12 openmpi/4.1")
        analysis, report = self.commands(*USUAL, "--account", "cd34", "--sbatch=--exclusive")
        for command in (analysis, report):
            self.assertLessEqual({"--partition=fat nodes", "--account=cd34", "--constraint=avx512", "--exclusive"},
                                 set(command))
            self.assertIn("gcc/12 openmpi/4.1", command)
        self.assertIn("--ntasks=8", analysis)

    def test_a_site_file_may_have_remarks_quotes_and_line_ends_of_windows(self):
        self.write_site("\ufeffpartition = cpu # the fast one\r\naccount = 'ab12'\nmodules = \"gcc/12 openmpi/4.1\"\n"
                        "container = 'a b' 'c d'\nprograms = ~/bin\n")
        analysis, _ = self.commands(*USUAL)
        self.assertLessEqual({"--partition=cpu", "--account=ab12", "gcc/12 openmpi/4.1", "'a b' 'c d'",
                              os.path.expanduser("~/bin")}, set(analysis))

    def test_a_leading_tilde_is_the_home_folder(self):
        (self.folder / "a" / "model").mkdir(parents=True)
        (self.folder / "models").write_text("~/a/model\n")
        self.environment["HOME"] = str(self.folder)
        analysis, _ = self.commands("--models", "models", "--ranks", 8, "--time", 90, "--output-dir=~/out")
        self.assertEqual(analysis[-3:-1], [f"{self.folder}/a/model", f"{self.folder}/out/model"])

    def test_another_site_file(self):
        (self.folder / "other").write_text("partition = other")
        self.assertIn("--partition=other", self.commands(*USUAL, "--site", "other")[0])

    def test_wrong_options(self):
        self.refuses("--ranks: expected", "--model", "org/model", "--time", "90")
        self.refuses("--time: expected", "--model", "org/model", "--ranks", "8")
        self.refuses("--ranks: expected a whole number, 1 or more, found '0'", *USUAL, "--ranks", "0")
        self.refuses("--turns: .* found 'many'", *USUAL, "--turns=many")
        self.refuses("--memory: expected a size such as 4G, found '4 G'", *USUAL, "--memory", "4 G")
        self.refuses("there is no option 'rank'", *USUAL, "--rank", "8")
        self.refuses("no option 'filter-layers'; options of alpha-hill go behind --, those of sbatch as --sbatch=",
                     *USUAL, "--filter-layers", "x")
        self.refuses("no option '-n': all are written out", *USUAL, "-n", "8")
        self.refuses("expected a value of model, found '--ranks'", "--model", "--ranks", "8")
        self.refuses("expected a value of ranks, found nothing", "--ranks")
        self.refuses("expected an option, such as --model, found 'org/model'", "org/model", *USUAL)
        self.refuses("--container: expected quotes in pairs", *USUAL, "--container", "run 'it")
        self.refuses("--output-dir: expected before the --", *USUAL, "--", "--output-dir=x")
        self.refuses("--ranks: expected before the --", *USUAL, "--", "--ranks", "8")
        self.refuses("--site: cannot read 'nowhere'", *USUAL, "--site", "nowhere")

    def test_wrong_models(self):
        (self.folder / "none").write_text("# nothing yet\n")
        (self.folder / "twice").write_text("a/model\nb/../a/model\na/model\n")
        resources = ("--ranks", "8", "--time", "90")
        self.refuses("--model: expected a checkpoint folder or a hub id", *resources)
        self.refuses("--models: expected this or --model, found both", *USUAL, "--models", "none")
        self.refuses("--models: cannot read 'nowhere'", *resources, "--models", "nowhere")
        self.refuses("expected a model a line in 'none', found none", *resources, "--models", "none")
        self.refuses("two models for 'results/a--model'", *resources, "--models", "twice")
        self.refuses("--programs: there is no alpha-hill in 'nowhere'", *USUAL, "--programs", "nowhere")
        self.refuses("--models: cannot read '.'", *resources, "--models", ".")

    def fake_slurm(self):
        """Jobs 100, the analysis, and the report; `submitted` appears with them."""
        self.fake("sbatch", f"echo 100; touch {self.folder}/submitted")
        self.fake("squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")

    def submitted(self):
        there = (self.folder / "submitted").exists()
        (self.folder / "submitted").unlink(missing_ok=True)
        return there

    def test_what_alpha_hill_refuses_is_not_submitted(self):
        self.fake_slurm()
        llama("fp32").write(self.folder / "model")
        resources = ("--ranks", "8", "--time", "90")
        self.refuses("no/model: neither a folder nor", "--model", "no/model", *resources, code=1)
        self.refuses("found './missing', which is not there", "--model", "./missing", *resources)
        self.refuses("--k-frac: expected a number", "--model", "model", *resources, "--", "--k-frac", "2")
        self.refuses("--memory: expected more than", "--model", "model", *resources, "--memory", "64M")
        self.refuses("behind --: unrecognised option '--k-frc'", "--model", "model", *resources, "--", "--k-frc", "0.1")
        self.refuses("behind --: option '--no-report' cannot be specified more than once", "--model", "model", *resources,
                     "--", "--no-report")
        for option in ("--help", "--list-layers", "--dry-run"):
            self.refuses(f"behind --: {option} computes nothing", "--model", "model", *resources, "--", option)
        self.refuses("--filter-layers: 'zzz' is in none", "--model", "model", *resources, "--", "--filter-layers=zzz")
        self.assertFalse(self.submitted())
        self.assertEqual(self.call("submit", "--model", "model", *resources).returncode, 0)
        self.assertTrue(self.submitted())
        self.assertEqual(self.call("submit", "--model", "no/model", *resources, "--no-check").returncode, 0)
        self.assertTrue(self.submitted())

    def test_a_refused_model_is_named_by_its_line(self):
        self.fake_slurm()
        llama("fp32").write(self.folder / "model")
        (self.folder / "models").write_text("# ours\nmodel\n\n no/one\nno/two\n")
        done = self.call("submit", "--models", "models", "--ranks", "8", "--time", "90")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Asubmit: error: models, line 4: no/one: neither [^\n]*\n"
                                      r"submit: error: models, line 5: no/two: neither [^\n]*\n\Z")
        self.assertFalse(self.submitted())

    def test_what_is_refused_for_all_models_is_told_once(self):
        self.fake_slurm()
        llama("fp32").write(self.folder / "model")
        (self.folder / "models").write_text("model\norg/other\n")
        for models in (("--model", "model"), ("--models", "models")):
            done = self.call("submit", *models, "--ranks", "8", "--time", "90", "--", "--k-frac", "2")
            self.assertEqual((done.returncode, done.stderr),
                             (2, "submit: error: --k-frac: expected a number in (0, 1], found '2' "
                                 "(--no-check submits it unchecked)\n"))
        self.assertFalse(self.submitted())

    def test_every_line_that_is_refused_is_named(self):
        self.fake_slurm()
        (self.folder / "models").write_text("none/left\ngood/one\nno/match\n")
        self.write_site("programs = commands")
        self.fake("alpha-hill", "case $2 in none/left) echo 'alpha-hill: error: none of 8 layers can be computed' >&2; "
                                "exit 1;; no/match) echo 'alpha-hill: error: --filter-layers: no match' >&2; exit 2;; esac")
        done = self.call("submit", "--models", "models", "--ranks", "8", "--time", "90")
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"\Asubmit: error: models, line 1: none of 8 layers can be computed [^\n]*\n"
                                      r"submit: error: models, line 3: --filter-layers: no match [^\n]*\n\Z")
        self.assertFalse(self.submitted())

    def test_where_alpha_hill_does_not_run_it_is_submitted_with_a_warning(self):
        self.fake_slurm()
        for script in ("echo 'alpha-hill: error while loading shared libraries: libmpi.so.40' >&2; exit 127",
                       "kill -ILL $$"):
            self.write_site(f"programs = {self.fake('alpha-hill', script).parent}")
            done = self.call("submit", *USUAL)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stderr, r"\Asubmit: warning: models and options are not checked: alpha-hill does not "
                                          r"run here: [^\n]*\n\Z")
            self.assertTrue(self.submitted())

    def warnings_of_time(self, *options):
        done = self.call("submit", "--model", "model", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def test_a_time_that_is_too_short_is_warned_of(self):
        self.fake_slurm()
        write_unread_model(self.folder / "model", order=20000, layers=20)
        self.assertRegex(self.warnings_of_time("--ranks", 1, "--time", 10),
                         r"\Asubmit: warning: --time 10 is less than the predicted time, \d+ [^\n]* and 180 s before "
                         r"the end: that makes \d+ turns or more, --turns is 20\n\Z")
        self.assertEqual(self.warnings_of_time("--ranks", 1, "--time", "90-0"), "")
        self.assertEqual(self.warnings_of_time("--ranks", 1, "--time", "UNLIMITED"), "")

    def test_a_time_that_the_warning_before_its_end_leaves_nothing_of_is_warned_of(self):
        self.fake_slurm()
        llama("fp32").write(self.folder / "model")
        for time, work in (("1", 0), ("2:30", 0), ("4", 60), ("0:3:59", 60)):
            self.assertRegex(self.warnings_of_time("--ranks", 8, "--time", time),
                             rf"\Asubmit: warning: --time {time}: Slurm warns 180 s before the end of a turn, and the "
                             rf"run stops then: that leaves {work} s")
        for time in ("5", "0:5:0", "1-0", "1-0:0"):
            self.assertEqual(self.warnings_of_time("--ranks", 8, "--time", time), "")
        self.assertEqual(self.warnings_of_time("--ranks", 8, "--time", "1", "--sbatch=--signal=USR1@20"),
                         "submit: warning: --time 1: Slurm warns 20 s before the end of a turn, and the run stops "
                         "then: that leaves 40 s or a few more for work\n")

    def test_a_job_for_the_same_folder_is_named(self):
        self.fake_slurm()
        (self.folder / "models").write_text("one/model\nother/model\n")
        several = ("--models", "models", "--ranks", "8", "--time", "90", "--no-check")
        self.assertEqual(self.call("submit", *several).stderr, "")
        self.fake("squeue", "echo '100_1 102 RUNNING'")
        one = ("--model", "other/model", "--ranks", "8", "--time", "90", "--no-check")
        self.assertEqual(self.call("submit", *one, "--output-dir", "results/other--model").stderr,
                         "submit: warning: job 100_1 for the same output folder 'results/other--model' is in the "
                         "queue: RUNNING; scancel 100_1 ends it\n")
        self.assertEqual(self.call("submit", *one, "--output-dir", "elsewhere").stderr, "")
        self.assertEqual((self.folder / "results/other--model/alpha_hill.jobs").read_text(), "100_1\n100\n")
        self.fake("squeue", "exit 1")
        self.assertEqual(self.call("submit", *one, "--output-dir", "results/other--model").stderr,
                         "submit: warning: Slurm does not say whether a job for the same output folder is in the queue\n")
        self.assertEqual((self.folder / "results/other--model/alpha_hill.jobs").read_text(), "100_1\n100\n100\n")

    def test_wrong_site_files(self):
        for text, expected in (("partition cpu", "line 1: expected 'name = value', found 'partition cpu'"),
                               ("\n\nqueue = cpu", "line 3: there is no option 'queue'"),
                               ("account =", "line 1: expected 'name = value', found 'account ='")):
            self.write_site(text)
            self.refuses(expected, *USUAL)

    def test_status_of_what_is_not_there(self):
        self.refuses("there is no folder 'results'", script="status", code=1)
        self.refuses("no run has begun in '.*'", self.folder, script="status", code=1)

    def test_status_goes_on_past_what_is_missing_or_broken(self):
        self.fake_slurm()
        self.analyse(llama("fp32").write(self.folder / "model"), self.folder / "results")
        (self.folder / "broken").mkdir()
        (self.folder / "broken" / "alpha_hill.journal").write_text("no journal")
        done = self.call("status", "missing", "broken", "results")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Astatus: error: there is no folder 'missing'\n"
                                      r"alpha-hill-report: error: broken/alpha_hill.journal: [^\n]*\n\Z")
        self.assertRegex(done.stdout, r"\Aresults/alpha_hill.journal\n[^$]*\ncomplete\n\Z")

    def lose_run(self):
        """Results of a run that was killed on another machine, in job 100."""
        output = self.folder / "results"
        self.analyse(llama("fp32").write(self.folder / "model"), output)
        journal = output / "alpha_hill.journal"
        journal.write_bytes(journal.read_bytes()[:-1])
        (output / "alpha_hill.lock").write_text("host n9\nboot 1\npid 7\njob 100\nrequeues 0\nsince today\n")
        return output

    def test_status_asks_slurm_for_the_job_of_a_run_on_another_machine(self):
        output = self.lose_run()
        self.fake_slurm()
        self.assertRegex(self.call("status").stdout, r"(?m)^state +lost: pid 7 on n9, Slurm job 100, ")
        self.fake("squeue", "echo '100 100 RUNNING'")
        self.assertRegex(self.call("status").stdout, r"(?m)^state +running: pid 7 on n9, Slurm job 100, ")
        (output / "alpha_hill.jobs").write_text("101\n")
        self.fake("squeue", "echo '101 101 PENDING'")
        self.assertRegex(self.call("status").stdout, r"(?m)^state +lost: .*; Slurm job 101 is pending and goes on$")
        self.fake("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
        self.assertRegex(self.call("status").stdout, r"(?m)^state +running: .*cannot be seen from this machine$")

    def test_status_names_the_other_jobs_of_a_folder_and_what_is_suspended(self):
        output = self.lose_run()
        (output / "alpha_hill.jobs").write_text("99_1\n101\n")
        self.fake("squeue", "echo '99_1 100 RUNNING'; echo '101 101 PENDING'")
        self.assertRegex(self.call("status").stdout, r"(?m)^state +running: pid 7 on n9, Slurm job 100, .* ago; Slurm "
                                                     r"job 101 for the same folder is pending$")
        self.fake("squeue", "echo '99_1 100 SUSPENDED'")
        self.assertRegex(self.call("status").stdout, r"(?m)^state +suspended: pid 7 on n9, Slurm job 100, .* ago$")

    def test_status_of_a_job_that_has_not_begun(self):
        (self.folder / "results").mkdir()
        (self.folder / "results" / "alpha_hill.jobs").write_text("100\n101\n")
        self.fake("squeue", "echo '100 100 PENDING'")
        self.assertEqual(self.call("status").stdout, "results\nstate      not begun; Slurm job 100 is pending\n")
        self.fake("squeue", "echo '101 101 SUSPENDED'")
        self.assertEqual(self.call("status").stdout, "results\nstate      not begun; Slurm job 101 is suspended\n")


class AnalyzeTest(ScriptsTest):
    """Turns of analyze.sbatch."""

    def setUp(self):
        super().setUp()
        self.fake("squeue", "echo RUNNING")
        self.fake("scontrol", "")
        self.model, self.output = llama("fp32", blocks=1).write(self.folder / "model"), self.folder / "results"
        self.environment |= {"SLURM_JOB_ID": "100", "SLURM_NTASKS": "1", "SLURM_JOB_NODELIST": "n1",
                             "SLURM_JOB_END_TIME": "2000000000"}

    def turn(self, number, of_ranks, *options):
        """The ranks do this in the place of srun; their program is "$@" in it. @return exit code, what was said"""
        self.fake("srun", f"while [ ${{1#-}} != $1 ]; do shift; done\n{of_ranks}")
        log = self.folder / "log"
        begin = log.stat().st_size if log.exists() else 0
        with log.open("ab") as file:
            done = subprocess.run(["bash", JOBS / "analyze.sbatch", JOBS, "", "", BIN, "20", self.model, self.output, "--",
                                   *options], env=self.environment | {"SLURM_RESTART_COUNT": str(number - 1)},
                                  stdin=subprocess.DEVNULL, stdout=file, stderr=file, timeout=60)
        return done.returncode, log.read_text()[begin:]

    def test_a_turn_that_finishes_a_layer_is_progress(self):
        for number, layers in ((1, "q_proj"), (2, "[qk]_proj")):
            code, said = self.turn(number, f'"$@" --filter-layers {layers}; exit 75')
            self.assertEqual(code, 0)
            self.assertRegex(said, rf"turn {number} ended with exit code 75; back into the queue\n\Z")

    def test_turns_that_crash_before_a_restart_are_no_progress_and_leave_the_restart_to_be_done(self):
        self.analyse(self.model, self.output)
        code, said = self.turn(1, "exit 139", "--restart")
        self.assertEqual(code, 0)
        self.assertRegex(said, "turn 1 ended with exit code 139 and finished no layer; back into the queue; the journal "
                               "is as it was\n")
        code, said = self.turn(2, 'echo "$@"; exit 139', "--restart")
        self.assertEqual(code, 139)
        self.assertRegex(said, r"(?m)--restart$")

    def test_a_restart_is_done_once(self):
        self.analyse(self.model, self.output)
        self.turn(1, '"$@" --filter-layers q_proj; exit 75', "--restart")
        _, said = self.turn(2, 'echo "$@"; exit 75', "--restart")
        self.assertNotIn("--restart", said)
        self.assertIn("turn 2 ended with exit code 75 and finished no layer", said)

    def test_a_journal_that_cannot_be_read_is_no_progress(self):
        self.output.mkdir()
        spoil = f"date +%N > {self.output / 'alpha_hill.journal'}; exit 139"
        self.turn(1, spoil)
        code, said = self.turn(2, spoil)
        self.assertEqual(code, 139)
        self.assertIn("two turns in a row finished no layer", said)

    def reason_after(self, *lines):
        (self.folder / "log").unlink(missing_ok=True)
        (self.folder / "said").write_text("".join(f"{line}\n" for line in lines))
        self.turn(1, "exit 139")
        return self.turn(2, f"cat {self.folder / 'said'}; exit 139")[1].splitlines()[-1].split("the last one: ")[1]

    def test_the_reason_is_what_the_ranks_said(self):
        of_srun = "srun: error: n1: task 0: Exited with exit code 75"
        stopped = "12:00:00 warning stopped early: 3 of 8 layers done; run the same command again to go on"
        launcher = "12:00:00 warning what the launcher says next of an aborted job is expected"
        self.assertEqual(self.reason_after("alpha-hill: error: x: no space", "MPI error", of_srun),
                         "alpha-hill: error: x: no space")
        self.assertEqual(self.reason_after(stopped, launcher, of_srun), stopped)
        self.assertEqual(self.reason_after("[n1] Signal: Segmentation fault (11)", "[n1] *** End of error message ***",
                                           of_srun), "[n1] Signal: Segmentation fault (11)")
        self.assertEqual(self.reason_after(of_srun), of_srun)
        self.assertEqual(self.reason_after(), "it said nothing")


if __name__ == "__main__":
    unittest.main()
