"""Reports as a user gets them: pictures that can be read, where they are written, and what is removed."""

import shutil
import struct
import unittest
import zlib

from support.models import llama
from support.programs import RESULTS, STATISTICS, STORE, ProgramTest, run

NO_FONTS = '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig></fontconfig>\n'


def read_png(path):
    """Width, height and the bytes of the rows, all checksums checked."""
    stored = path.read_bytes()
    assert stored[:8] == b"\x89PNG\r\n\x1a\n", path
    chunks, at = {}, 8
    while at < len(stored):
        size, = struct.unpack_from(">I", stored, at)
        kind, contents = stored[at + 4:at + 8], stored[at + 8:at + 8 + size]
        assert zlib.crc32(kind + contents) == struct.unpack_from(">I", stored, at + 8 + size)[0], path
        chunks[kind] = contents
        at += 12 + size
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"], path
    width, height = struct.unpack_from(">II", chunks[b"IHDR"])
    return width, height, zlib.decompress(chunks[b"IDAT"])


def files_under(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


class ReportTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = llama("bf16", blocks=1).write(self.folder / "model")
        self.output = self.folder / "results"
        self.succeed("alpha-hill", "--model", self.model, "--output-dir", self.output, "--no-report")

    def report(self, *options, **keywords):
        return self.succeed("alpha-hill-report", self.output / STORE, *options, **keywords)

    def test_every_picture_can_be_read(self):
        self.report()
        pictures = list(self.output.rglob("*.png"))
        self.assertGreater(len(pictures), 15)
        for picture in pictures:
            width, height, rows = read_png(picture)
            self.assertEqual(len(rows), height * (1 + 3 * width), picture)
            self.assertGreater(len(set(rows)), 50, f"{picture} is empty")

    def test_a_report_is_written_beside_its_results_file(self):
        self.report("--individual-plots", "never")
        self.assertLessEqual({RESULTS, STATISTICS, "plots/all_layers_combined.png"}, files_under(self.output))

    def test_a_comparison_is_written_into_a_folder_of_its_own(self):
        other = self.folder / "other" / STORE
        other.parent.mkdir()
        shutil.copy(self.output / STORE, other)
        self.succeed("alpha-hill-report", self.output / STORE, other, "--individual-plots", "never", cwd=self.folder)
        self.assertLessEqual({"comparison.csv", "comparison.png", f"results/{RESULTS}", f"other/{RESULTS}"},
                             files_under(self.folder / "comparison"))

    def test_text_is_drawn_without_fonts_too(self):
        config = self.folder / "fonts.conf"
        config.write_text(NO_FONTS)
        done = self.report("--individual-plots", "never", environment={"FONTCONFIG_FILE": str(config)})
        self.assertEqual(done.stderr.count("no fonts are found"), 1, done.stderr)
        read_png(self.output / "plots/all_layers_combined.png")

    def test_a_run_that_begins_anew_removes_tables_and_plots(self):
        self.report()
        (self.output / "notes.txt").write_text("mine")
        done = run("alpha-hill", "--model", self.model, "--output-dir", self.output, "--restart", "--no-report",
                   "--precisions", "fp32")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(files_under(self.output), {"alpha_hill.journal", STORE, "notes.txt"})


if __name__ == "__main__":
    unittest.main()
