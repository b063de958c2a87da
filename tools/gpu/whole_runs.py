"""Whole runs of alpha-hill on the GPU against the CPU: of generated models, and of the first block of a checkpoint."""

from gpu.compare_runs import compare
from gpu.running import words_of

RESULTS = "precision_alpha_hill_results.csv"
# Of generated models: their orders, which go to XsyevBatched and to Xsyevd, and options.
SAMPLES = {"bf16": (256, "--dtype", "bf16"), "fp32": (256, "--dtype", "fp32"), "large": (1024, "--blocks", "1")}


def run_both(work, name, *options):
    """On the CPU and on the GPU, then the largest difference."""
    seconds, outputs = {}, {}
    for device in ("cpu", "cuda"):
        outputs[device] = work.check.options.out / "runs" / f"{name}-{device}"
        begun = work.left()
        code = work.run([work.program("alpha-hill"), "--device", device, "--output-dir", outputs[device], "--restart",
                         "--individual-plots", "never", "--log-level", "WARNING", *options])
        seconds[f"{device}_seconds"] = round(begun - work.left(), 3)
        if code != 0:
            work.found(f"runs, {name}", "failed", why=f"alpha-hill --device {device}: {words_of(code)}")
            return
    agree, found = compare(*(output / RESULTS for output in outputs.values()))
    work.found(f"runs, {name}", "passed" if agree else "failed", **seconds, **found)


def run_sample(work, name, order, *options):
    model = work.check.options.out / "runs" / f"sample-{name}"
    hidden = min(order, work.check.options.largest)
    code = work.run([work.program("alpha-hill-sample"), "--hidden", hidden, *options, model])
    if code != 0:
        work.found(f"runs, {name}", "failed", why=f"alpha-hill-sample: {words_of(code)}")
        return
    run_both(work, name, "--model", model, "--precisions", "fp64,fp32,fp16,bf16")


def check_runs(work):
    for name, sample in SAMPLES.items():
        run_sample(work, name, *sample)
    if work.check.options.checkpoint:
        run_both(work, "block", "--model", work.check.options.checkpoint, "--filter-layers", r"(layers?|h)\.0\.")
