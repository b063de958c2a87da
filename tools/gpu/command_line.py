"""The options of tools/check-gpu, and what it does with them."""

import argparse
import signal
import sys
import time
from pathlib import Path

from gpu.check import Check, no_gpu
from gpu.figures_file import read_figures
from gpu.libraries import BACKEND, environment_of
from gpu.parts import PARTS
from gpu.summary import summarise

ALL_SECONDS = sum(part.seconds for part in PARTS)
ABOUT = """Everything that a machine with a GPU can say about the GPU backend, part by part, from programs that are
built. It needs python3 and CUDA's libraries: those of the LD_LIBRARY_PATH, of /usr/local/cuda*, or of the Python package
`nvidia`. Each finding is a line of JSON in OUT/figures.jsonl, on disk before the next one is looked for; what programs
say besides is in OUT/PART.stderr. Exit code 0 when all parts asked for have passed, 1 otherwise."""
TABLE = "\n".join(f"  {part.name:<10} {part.seconds:>5} s {part.minutes:>4} min  {part.what}" for part in PARTS)
EPILOG = f"""The parts, in this order, with the seconds that each has and the minutes that it should take (expected,
never measured):

{TABLE}

A part that takes longer is cut off, and the next one begins. Where commands have ten minutes:

  check-gpu --seconds 580
  check-gpu --seconds 580 --only probes --only ways    # and so on: what the summary calls cut off or not run"""


def parser(root):
    carried = root / "bin"
    found = argparse.ArgumentParser(prog="check-gpu", description=ABOUT, epilog=EPILOG,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("checkpoint", nargs="?", metavar="CHECKPOINT",
                       help="folder or hub id whose first block is computed on the GPU and the CPU too")
    found.add_argument("--bin", type=Path, default=carried if carried.is_dir() else None, metavar="DIR",
                       help="the programs: build/cuda/bin of a build with its tests; in an archive, those beside this")
    found.add_argument("--seconds", type=float, default=ALL_SECONDS, metavar="N",
                       help="for all parts together (%(default)s)")
    found.add_argument("--out", type=Path, default=Path("results/check-gpu"), metavar="OUT",
                       help="folder of the figures, which are added to those that are there (%(default)s)")
    found.add_argument("--only", action="append", choices=[part.name for part in PARTS], metavar="PART",
                       help="this part; may be repeated")
    found.add_argument("--largest", type=int, default=16384, metavar="N",
                       help="order of the matrices that are measured (%(default)s)")
    found.add_argument("--summary", type=Path, metavar="OUT", help="only sum up the figures in this folder")
    return found


def print_summary(out):
    """@return the exit code of a check with these figures"""
    path = out / "figures.jsonl"
    if not path.is_file():
        sys.exit(f"check-gpu: there is no {path}")
    text, wrong = summarise(read_figures(path))
    print(f"{text}\ncheck-gpu: {wrong or 'all parts passed'}; see {path}", flush=True)
    return 1 if wrong else 0


def check_parts(options, root):
    """@return whether all have passed that were asked for"""
    options.bin, options.out = options.bin.resolve(), options.out.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    check = Check(options, root, environment_of(options.bin, root))
    check.figures.write({"part": "check", "begun": time.strftime("%F %T"), "seconds": options.seconds})
    parts = [part for part in PARTS if not options.only or part.name in options.only]
    return all([check.run_part(part) == "passed" for part in parts])


def main(root):
    """@param root  of the scripts
    @return the exit code"""
    options_of = parser(root)
    options = options_of.parse_args()
    if options.summary:
        return print_summary(options.summary)
    if not options.bin or not (options.bin / BACKEND).is_file():
        options_of.error(f"--bin: expected a folder with {BACKEND}, as a build of the preset cuda has it")
    if reason := no_gpu():
        sys.exit(f"check-gpu: {reason}")
    for end in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(end, lambda number, _: sys.exit(128 + number))
    try:
        passed = check_parts(options, root)
    except OSError as error:
        sys.exit(f"check-gpu: {error}")
    print_summary(options.out)
    return 0 if passed else 1
