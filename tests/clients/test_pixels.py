"""Every pixel of every file that pydicom's package carries, against pydicom's own `pixel_array`.

The program under test is the example `decode_pixels` of the crate `radlake-pixels` (`cargo build --workspace --example
decode_pixels`), beside the binary. pydicom decodes with pylibjpeg (libjpeg, OpenJPEG) and CharLS, and converts
YBR_FULL and YBR_FULL_422 to RGB, as `pixel_array` does without `raw=True`; radlake-pixels documents the same rule. Lossless
encodings must be equal, lossy ones within LOSSY of pydicom's.
"""

import json
import os
import subprocess
import warnings
from pathlib import Path

import pytest

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed: its files are what is read")
numpy = pytest.importorskip("numpy")

# Most grey levels by which a lossy encoding may differ, by transfer syntax; others must be equal. The cosine transform is
# within a level of libjpeg's.
LOSSY = {
    "1.2.840.10008.1.2.4.50": 1,
    "1.2.840.10008.1.2.4.51": 1,
    "1.2.840.10008.1.2.4.91": 1,
}

# Where YBR becomes RGB: a level of luminance and one of chroma, times 1.772, are up to three levels of blue.
CONVERTED = 3

# Files with pixels that are refused, with what the reason holds. The list can only shrink.
REFUSED = {
    # Its meta group is implicit VR, which dicom-object, that the example reads with, does not take.
    "SC_rgb_jpeg.dcm": "meta group",
}

# Files that pydicom's decoders refuse and we decode: a marker segment that libjpeg does not expect.
MORE = {"JPEG-lossy.dcm"}


@pytest.fixture(scope="module")
def program():
    binary = os.environ.get("RADLAKE_BIN")
    path = Path(binary).parent / "examples" / "decode_pixels" if binary else None
    if path is None or not path.exists():
        pytest.skip("the example decode_pixels is not built beside RADLAKE_BIN")
    return path


def offered():
    """Files of pydicom's package that have pixels."""
    root = Path(pydicom.__file__).parent
    for path in sorted(root.rglob("*")):
        if not path.is_file() or path.suffix in (".py", ".pyc"):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                dataset = pydicom.dcmread(path)
                pixels = any(k in dataset for k in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"))
            except Exception:
                continue
        if pixels and "Rows" in dataset:
            yield path


def expected(path):
    """pydicom's array and how far apart ours may be, or what it says against it."""
    from pydicom.pixels import pixel_array

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path)
        try:
            syntax = str(dataset.file_meta.TransferSyntaxUID)
            bound = LOSSY.get(syntax, 0)
            if bound and "YBR_FULL" in dataset.PhotometricInterpretation:
                bound = CONVERTED
            return pixel_array(dataset), bound
        except Exception as error:
            return str(error), None


def decoded(program, path, raw):
    """Our array, or the reason for none."""
    raw.unlink(missing_ok=True)
    run = subprocess.run([program, path, "--raw", raw], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, f"{path}: {run.stderr}"
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    if "refused" in lines[-1]:
        return lines[-1]["refused"]
    first = lines[0]
    kinds = {"u": "uint", "i": "int", "f": "float"}
    values = numpy.fromfile(raw, dtype=kinds[first["type"][0]] + first["type"][1:])
    shape = [len(lines), first["rows"], first["columns"], first["samples"]]
    return values.reshape(shape)


@pytest.mark.parametrize("path", list(offered()), ids=lambda path: path.name)
def test_pixels(program, path, tmp_path):
    theirs, bound = expected(path)
    ours = decoded(program, path, tmp_path / "raw")
    if isinstance(ours, str):
        if isinstance(theirs, str):
            return
        assert path.name in REFUSED and REFUSED[path.name] in ours, ours
        return
    assert path.name not in REFUSED, "decoded now: take it out of REFUSED"
    if isinstance(theirs, str):
        assert path.name in MORE, theirs
        return
    assert ours.dtype == theirs.dtype.newbyteorder("="), (ours.dtype, theirs.dtype)
    assert ours.size == theirs.size, (ours.shape, theirs.shape)
    apart = numpy.abs(ours.reshape(theirs.shape).astype("int64") - theirs.astype("int64"))
    if theirs.dtype.kind == "f":
        assert numpy.array_equal(ours.reshape(theirs.shape), theirs, equal_nan=True)
        return
    worst = int(apart.max())
    assert worst <= bound, f"{worst} grey levels apart, {(apart > bound).mean():.2%} of the samples by more than {bound}"
