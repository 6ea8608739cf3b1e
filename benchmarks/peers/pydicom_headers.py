"""Headers per second by pydicom over the files listed on standard input; one process, one thread.

Prints one JSON line. `read` is dcmread(stop_before_pixels) alone, which leaves values unparsed; `to_json` (with --json) also turns
every value into DICOM JSON, which is what ingestion has to do to fill typed columns and `dataset`. `failed` counts files that
pydicom gives up on.
"""

import json
import os
import sys
import time
import warnings

import pydicom

warnings.simplefilter("ignore")
paths = [line.rstrip("\n") for line in sys.stdin if line.strip()]
full = "--json" in sys.argv[1:]


def pass_over(each):
    failed = 0
    wall, spent = time.perf_counter(), os.times()
    for path in paths:
        try:
            each(pydicom.dcmread(path, stop_before_pixels=True))
        except Exception:
            failed += 1
    wall, after = time.perf_counter() - wall, os.times()
    user, kernel = after.user - spent.user, after.system - spent.system
    return {"wall": wall, "cpu": user + kernel, "kernel": kernel, "failed": failed}


result = {"version": pydicom.__version__, "read": pass_over(lambda dataset: None)}
if full:
    result["to_json"] = pass_over(lambda dataset: dataset.to_json(suppress_invalid_tags=True))
print(json.dumps(result))
