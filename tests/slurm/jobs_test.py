"""What jobs/submit submits, in a real Slurm: complete on two nodes and through every interruption, each layer once."""

import atexit
import os
import re
import signal
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np

from slurm_cluster import NODES, SlurmCluster
from support.faults import stop_after
from support.journal_frames import read_journal
from support.models import model_of
from support.processes import is_stopped, kill
from support.programs import BIN, ENVIRONMENT, REPOSITORY, RESULTS, STORE, ProgramTest, read_csv, run
from support.results_files import read_table

JOBS = REPOSITORY / "jobs"
NO_LAYER_PLOTS = ("--individual-plots", "never")
LAYERS, ORDER = 60, 512  # some seconds of work for one core
JOURNAL = "alpha_hill.journal"
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"}

slurm = None


def setUpModule():
    global slurm
    # Ranks of a test's two nodes share one host, where MPI would take them for neighbours in one shared memory. Nor is
    # it to wake the drivers of networks that are not there.
    slurm = SlurmCluster(ENVIRONMENT | {"OMPI_MCA_btl": "self,tcp", "OMPI_MCA_pml": "ob1"})
    atexit.register(slurm.stop)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # which leads there too
    slurm.start()


def model_of_order(order, layers):
    random = np.random.default_rng(4)
    return model_of([random.standard_t(3, (order, order)).astype(np.float32) for _ in range(layers)])


class JobsTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model, self.output = self.folder / "model", self.folder / "results"
        self.site = self.folder / "site"
        self.site.write_text(f"# one host would do\nsbatch = --nodes=2\n\nprograms = {BIN}\nmemory = 400M\n")
        self.addCleanup(self.empty_queue)

    def empty_queue(self):
        slurm.run("scancel", "--user", os.getuid())
        slurm.wait_for("an empty queue", lambda: not slurm.run("squeue", "--noheader"))

    def submit_command(self, *options, more=NO_LAYER_PLOTS, time="5", ranks=4):
        """For the analysis of self.model, unless options name others."""
        which = () if "--models" in options else ("--model", self.model)
        return (JOBS / "submit", "--site", self.site, *which, "--ranks", ranks, "--time", time,
                "--output-dir", self.output, *options, "--", *more)

    def submit(self, *options, variables=None, **keywords):
        """@return the two jobs: analysis, report"""
        said = slurm.run(*self.submit_command(*options, **keywords), cwd=self.folder, variables=variables)
        return [re.search(rf"^{name} +job (\d+)", said, re.M)[1] for name in ("analysis", "report")]

    def log(self):
        return "\n".join(log.read_text(errors="replace") for log in sorted(self.output.rglob("*.log")))

    def await_end(self, job, state="COMPLETED"):
        def ended():
            found = slurm.job(job)
            return found if found["JobState"] in ENDED else None
        try:
            self.assertEqual(slurm.wait_for(f"the end of job {job}", ended)["JobState"], state)
        except AssertionError as error:
            raise AssertionError(f"{error}\n--- logs of the jobs\n{self.log()}") from None

    def results(self, output=None):
        return h5py.File((output or self.output) / STORE)


class SlowModelTest(JobsTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="alphahill-")
        cls.addClassCleanup(folder.cleanup)
        cls.slow_model = model_of_order(ORDER, LAYERS).write(Path(folder.name) / "model")
        cls.undisturbed = Path(folder.name) / "undisturbed"
        done = run("alpha-hill", "--model", cls.slow_model, "--output-dir", cls.undisturbed, *NO_LAYER_PLOTS)
        assert done.returncode == 0, done.stderr

    def setUp(self):
        super().setUp()
        self.model = self.slow_model
        self.gate = self.folder / "gate"
        self.hold = stop_after(rounds=2, once=self.gate)

    def records(self):
        """The layers of the records in the journal."""
        found = read_journal(self.output / JOURNAL).records
        return [layer for layer, records in sorted(found.items()) for _ in records]

    def submit_to_be_held(self, *options, **keywords):
        """As submit, with a rank 0 that stops when some layers are finished, so that the job is in its middle for as
        long as it takes."""
        self.hold_next_turn()
        analysis, report = self.submit(*options, **keywords, variables=self.hold.environment(self.output / JOURNAL))
        self.await_hold(analysis)
        return analysis, report

    def hold_next_turn(self):
        self.gate.touch()

    def await_hold(self, job):
        slurm.wait_for("a stopped rank", lambda: any(map(is_stopped, slurm.ranks(job))))
        self.assertTrue(2 <= len(self.records()) < LAYERS, self.records())

    def end_turn_early(self, job):
        slurm.run("scancel", "--signal=USR1", job)
        kill(slurm.ranks(job), signal.SIGCONT)

    def await_requeue(self, job):
        """Waits until the job is back in the queue, and lets it begin in seconds instead of minutes: not in the same
        second, when its nodes still refuse the turn that has ended."""
        def waits_again():
            found = slurm.job(job)
            self.assertNotIn(found["JobState"], ENDED, self.log())
            return found["Restarts"] == "1" and found["JobState"] == "PENDING"
        slurm.wait_for("the job to be back in the queue", waits_again)
        self.assertTrue(2 <= len(self.records()) < LAYERS, self.records())
        slurm.run("scontrol", "update", f"JobId={job}", "StartTime=now+3")

    def assert_completes(self, analysis, report):
        """Every layer is in the journal once, and the table is that of one undisturbed process."""
        self.await_end(analysis)
        self.await_end(report)
        self.assertEqual(sorted(self.records()), list(range(1, LAYERS + 1)))
        self.assertEqual((self.output / RESULTS).read_bytes(), (self.undisturbed / RESULTS).read_bytes())

    def test_a_job_on_two_nodes_gives_the_table_of_one_process_and_a_report(self):
        analysis, report = self.submit()
        self.assert_completes(analysis, report)
        self.assertEqual(slurm.job(analysis)["NodeList"], "n[1-2]")
        with self.results() as file:
            self.assertEqual(set(file["results/rank"][:]), {0, 1, 2, 3})
        self.assertTrue(list((self.output / "plots").glob("*.png")))

    def test_the_time_limit_puts_the_job_back_into_the_queue(self):
        # Until Slurm's warning, after 40 s, which also wakes rank 0 up.
        analysis, report = self.submit_to_be_held("--sbatch=--signal=USR1@200", time="4")
        self.await_requeue(analysis)
        self.assert_completes(analysis, report)
        self.assertRegex(self.log(), "turn 1 ended with exit code 75")

    def test_scontrol_requeue(self):
        analysis, report = self.submit_to_be_held()
        slurm.run("scontrol", "requeue", analysis)
        self.await_requeue(analysis)
        self.assert_completes(analysis, report)

    def test_a_rank_is_killed(self):
        analysis, report = self.submit_to_be_held()
        kill(slurm.ranks(analysis)[-1:])
        self.await_requeue(analysis)
        self.assert_completes(analysis, report)

    def test_the_node_of_the_batch_script_dies(self):
        self.lose_node(0)

    def test_another_node_dies(self):
        self.lose_node(1)

    def lose_node(self, number):
        analysis, report = self.submit_to_be_held()
        self.assertEqual(slurm.job(analysis)["BatchHost"], NODES[0])
        slurm.kill_node(NODES[number])
        try:
            self.await_requeue(analysis)
        finally:
            slurm.start_node(NODES[number])
        self.assert_completes(analysis, report)

    def test_status_while_it_runs(self):
        analysis, _ = self.submit_to_be_held()
        said = slurm.run(JOBS / "status", "--site", self.site, self.output)
        self.assertRegex(said, rf"\b{len(self.records())} of {LAYERS} done")
        self.assertRegex(said, rf"(?m)^state +running: pid \d+ on .*, Slurm job {analysis}, .*; last record ")
        self.assertRegex(said, r"time left  about \d")
        said = slurm.run("bash", "-c", '"$0" "$@" 2>&1', *self.submit_command("--sbatch=--hold"), cwd=self.folder)
        self.assertRegex(said, rf"warning: job {analysis} for the same output folder .* is in the queue: RUNNING")

    def test_a_cancelled_job_stays_cancelled_and_the_same_command_goes_on(self):
        analysis, report = self.submit_to_be_held()
        slurm.run("scancel", analysis)
        self.await_end(analysis, "CANCELLED")
        self.await_end(report, "CANCELLED")
        self.assert_completes(*self.submit())

    def test_turns_are_bounded_and_restart_is_for_the_first_of_them(self):
        analysis, report = self.submit_to_be_held("--turns", "2", more=("--restart",))
        self.hold_next_turn()
        self.end_turn_early(analysis)
        self.await_requeue(analysis)
        before = len(self.records())
        self.await_hold(analysis)
        self.end_turn_early(analysis)
        self.await_end(analysis, "FAILED")
        self.await_end(report, "CANCELLED")
        self.assertRegex(self.log(), "not complete after 2 turns")
        self.assertRegex(self.log(), rf"\b{before} of {LAYERS} layers already done")


class SmallModelTest(JobsTest):
    def test_spaces_and_quotes_in_arguments_survive(self):
        self.model, self.output = self.folder / "it's my model", self.folder / 'results "of" $HOME `x` 100%j'
        model_of_order(64, layers=2).write(self.model)
        regex = r"""mlp|it's "so" \$HOME *"""
        _, report = self.submit(more=("--filter-layers", regex, "--plot-format", "svg", "--individual-plots=never"))
        self.await_end(report)
        with self.results() as file:
            self.assertEqual((file.attrs["model"], file.attrs["filter_layers"]), (str(self.model), regex))
        self.assertTrue(list((self.output / "plots").glob("*.svg")))
        self.assertTrue(list(self.output.glob("analysis-*.log")))

    def test_a_container_command_comes_before_the_programs(self):
        model_of_order(64, layers=2).write(self.model)
        container = self.folder / "my container"
        container.write_text(f'#!/bin/sh\necho "$1, $2"\nshift\nPATH={BIN}:$PATH exec "$@"\n')
        container.chmod(0o755)
        self.site.write_text(f"container = '{container}' 'two words'\n")
        _, report = self.submit(ranks=1)
        self.await_end(report)
        self.assertRegex(self.log(), "(?s)two words, alpha-hill\n.*two words, alpha-hill-report\n")

    def test_a_layer_that_does_not_fit_into_the_memory_of_the_job_is_set_aside(self):
        model = model_of_order(64, layers=2)
        model.add_layer("lm_head", "other_linear", 1536, 1536)
        model.write(self.model)
        analysis, _ = self.submit("--memory", "144M", ranks=2)
        self.assertEqual(slurm.job(analysis)["MinMemoryCPU"], "144M")
        self.await_end(analysis)
        with self.results() as file:
            results = {row["layer"]: row for row in read_table(file, "results")}
        self.assertEqual([results[layer]["status"] for layer in (1, 2, 3)], ["ok", "ok", "failed"])
        self.assertRegex(results[3]["reason"], "memory")

    def test_an_array_over_models_of_which_one_is_not_there(self):
        (self.folder / "models.txt").write_text("# two of ours\nfirst model\n\n  second  \nnobody/nothing\n")
        for name, layers in (("first model", 4), ("second", 6)):
            self.analyse(model_of_order(64, layers).write(self.folder / name), self.folder / "undisturbed" / name)
        analysis, report = self.submit("--models", self.folder / "models.txt", "--no-check", ranks=2)
        for task, state, report_state in ((0, "COMPLETED", "COMPLETED"), (1, "COMPLETED", "COMPLETED"),
                                          (2, "FAILED", "CANCELLED")):
            self.await_end(f"{analysis}_{task}", state)
            self.await_end(f"{report}_{task}", report_state)
        for name in ("first model", "second"):
            self.assertEqual((self.output / name / RESULTS).read_bytes(),
                             (self.folder / "undisturbed" / name / RESULTS).read_bytes())
        said = slurm.run(JOBS / "status", "--site", self.site, self.output)
        self.assertEqual(len(re.findall("^complete$", said, re.M)), 2)

    def test_the_report_of_a_failed_analysis_is_cancelled(self):
        self.model = "nobody/nothing"
        analysis, report = self.submit("--no-check")
        self.await_end(analysis, "FAILED")
        self.await_end(report, "CANCELLED")
        self.assertEqual(slurm.job(report)["Reason"], "DependencyNeverSatisfied")

    def test_two_turns_in_a_row_that_finish_no_layer_end_the_job(self):
        model_of_order(64, layers=2).write(self.model)
        container = self.folder / "container"
        container.write_text("#!/bin/bash\n[[ $1 == alpha-hill ]] || exec env PATH=\"$BIN:$PATH\" \"$@\"\n"
                             "echo \"alpha-hill: error: no PMIx, try $SLURM_RESTART_COUNT\" >&2\nkill -SEGV $$\n")
        container.chmod(0o755)
        self.site.write_text(f"container = {container}\n")
        analysis, _ = self.submit("--no-check", ranks=1, variables={"BIN": str(BIN)})
        slurm.wait_for("the second turn", lambda: slurm.job(analysis)["Restarts"] == "1")
        slurm.run("scontrol", "update", f"JobId={analysis}", "StartTime=now+3")
        self.await_end(analysis, "FAILED")
        self.assertRegex(self.log(), "turn 1 ended with exit code 139 and finished no layer; back into the queue")
        self.assertRegex(self.log(), "error: two turns in a row finished no layer; the last one: alpha-hill: error: no "
                                     "PMIx, try 1\n")

    def test_an_analysis_is_not_left_alone_when_its_report_is_refused(self):
        self.model = "nobody/nothing"
        with self.assertRaisesRegex(AssertionError, "sbatch refused the report; the analysis is cancelled"):
            self.submit("--no-check", "--report-partition", "nowhere", "--sbatch=--hold")
        self.assertEqual(slurm.run("squeue", "--noheader"), "")

    @unittest.skipUnless("ALPHAHILL_EMULATED_GPU" in os.environ, "this build has no CUDA")
    def test_each_rank_is_bound_to_a_gpu_and_cores_and_says_so(self):
        model_of_order(40, 12).write(self.model)
        for job in self.submit("--gpus-per-node", 2, "--sbatch=--cpus-per-task=2",
                               variables={"LD_PRELOAD": os.environ["ALPHAHILL_EMULATED_GPU"]}):
            self.await_end(job)
        found = re.findall(r"^rank (\d) on \S+: .*; CUDA_VISIBLE_DEVICES (\S+); cores \S+$", self.log(), re.M)
        self.assertEqual(found, [("0", "0"), ("1", "1"), ("2", "0"), ("3", "1")])
        methods = {row["method_fp32"] for row in read_csv(self.output / RESULTS)}
        self.assertEqual(methods, {"gram_eigen_gpu"})


if __name__ == "__main__":
    unittest.main()
