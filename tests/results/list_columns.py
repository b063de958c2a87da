"""Prints the tables of a results file as h5py lists them: `group: column column ...`, then each text of /layers/name."""

import sys

import h5py

with h5py.File(sys.argv[1]) as file:
    for group in file:
        print(f"{group}:", *file[group])
    print(*file["layers"]["name"].asstr()[:])
    print(*file.attrs["precisions"], file.attrs["model"], file.attrs["complete"])
