"""Reads alpha_hill.h5 as the README says: a table is a group, a column a dataset."""

import h5py


def read_table(file, name):
    """The rows of a table as dictionaries, text as str."""
    columns = {column: _values(dataset) for column, dataset in file[name].items()}
    return [dict(zip(columns, row)) for row in zip(*columns.values(), strict=True)]


def _values(dataset):
    if h5py.check_string_dtype(dataset.dtype):
        return list(dataset.asstr()[:])
    return dataset[:].tolist()
