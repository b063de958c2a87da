"""Disks that are full or read-only, and files that vanish or change while a run is in progress."""

import os
import shutil
import signal
import subprocess
import sys
import unittest

from disturbed_runs import ALL, HANGS_AFTER, JOURNAL, DisturbedTest

NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
IN_NAMESPACE = "ALPHAHILL_MAY_MOUNT"


def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)


@unittest.skipUnless(IN_NAMESPACE in os.environ, "mounting is not permitted here")
class MountedDiskTest(DisturbedTest):
    def mount_disk(self, size):
        disk = self.folder / "disk"
        disk.mkdir()
        mount("-t", "tmpfs", "-o", f"size={size}", "none", disk)
        self.addCleanup(lambda: subprocess.run(["umount", "--lazy", disk], check=True))
        return disk

    def test_a_full_disk(self):
        """Full at the journal, the HDF5 file, the tables or not at all: with less and less left over."""
        disk = self.mount_disk("1m")
        for left in range(0, 200_000, 4096 if ALL else 16384):
            ballast = disk / "ballast"
            ballast.write_bytes(bytes(2**20 - 8192 - left))
            output = disk / "results"
            done = self.run_in(output)
            if done.returncode != 0:
                self.tally["runs on a full disk"] += 1
                self.one_error(done, f"{disk}.*No space left on device")
            ballast.unlink()
            self.finish(output)
            shutil.rmtree(output)
        self.assertGreater(self.tally["runs on a full disk"], 4)

    def test_a_read_only_folder(self):
        disk = self.mount_disk("1m")
        (disk / "results").mkdir()
        mount("-o", "remount,ro", disk)
        self.one_error(self.run_in(disk / "results"), f"{disk}/results/.*Read-only file system")
        self.one_error(self.run_in(disk / "others"), f"{disk}/others.*Read-only file system")
        mount("-o", "remount,rw", disk)
        self.finish(disk / "results")


class VanishingFilesTest(DisturbedTest):
    """While the first of some large layers are computed."""
    layers = 8
    shape = (700, 700)

    def disturb(self, disturbance):
        """Calls it when a layer is done, while the run is stopped. @return what the run says"""
        process = self.stopped_run(self.folder / "results")
        disturbance()
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=HANGS_AFTER)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def test_the_output_folder_is_removed(self):
        output = self.folder / "results"
        self.one_error(self.disturb(lambda: shutil.rmtree(output)), f"{output}/{JOURNAL}: it was removed")
        self.finish(output)

    def test_the_checkpoint_is_cut(self):
        weights = self.model / "model.safetensors"
        kept = self.folder / "kept"
        shutil.copy2(weights, kept)
        self.one_error(self.disturb(lambda: os.truncate(weights, 2_000_000)), str(weights))
        self.one_error(self.run_in(self.folder / "results"), str(weights))
        shutil.copy2(kept, weights)
        self.finish(self.folder / "results")

    def test_the_checkpoint_is_overwritten(self):
        weights = self.model / "model.safetensors"

        def overwrite():
            with open(weights, "r+b") as file:
                file.seek(-4, os.SEEK_END)
                file.write(b"\0\0\0\0")

        self.one_error(self.disturb(overwrite), f"{weights}: the file was changed or replaced")
        self.one_error(self.run_in(self.folder / "results"), "headers or weights are others")

    def test_the_checkpoint_is_replaced_by_another_of_the_same_shapes(self):
        weights = self.model / "model.safetensors"
        other = self.write_model("other", seed=2) / "model.safetensors"
        self.assertEqual(other.stat().st_size, weights.stat().st_size)
        kept = weights.rename(self.folder / "kept")
        shutil.copy2(kept, weights)
        self.one_error(self.disturb(lambda: other.rename(weights)), f"{weights}: the file was changed or replaced")
        self.one_error(self.run_in(self.folder / "results"), "headers or weights are others")
        kept.rename(weights)
        self.finish(self.folder / "results")


if __name__ == "__main__":
    if IN_NAMESPACE not in os.environ and subprocess.run([*NAMESPACE, "true"], check=False).returncode == 0:
        os.environ[IN_NAMESPACE] = "1"
        os.execvp(NAMESPACE[0], [*NAMESPACE, sys.executable, "-B", *sys.argv])
    unittest.main()
