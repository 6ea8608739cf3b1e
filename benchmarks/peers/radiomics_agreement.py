"""Radlake's radiomics kernels beside PyRadiomics 3.0.1 over random regions: every feature, and undefined where it is undefined.

    python -m venv V; . V/bin/activate
    pip install -r requirements-radiomics.txt
    pip install --no-build-isolation pyradiomics==3.0.1
    cargo build --release -p radlake-kernels --example extract_features
    python radiomics_agreement.py TARGET/release/examples/extract_features [--regions 300] [--derived 30] [--seed 20220] [--only N]

Regions come from a fixed seed: blobs, balls, shells, plates, lines, pieces, single voxels, flat and few-levelled ones, with negative
values, anisotropic spacing and oblique axes. A value agrees if it lies within 1e-6 of PyRadiomics' (relative), or within 1e-9 of the
feature's scale (`scale` below) where terms of that scale cancel; 1e-4 and 1e-7 for derived images, whose filters run in single
precision. A value that PyRadiomics does not give (an exception, NaN) has to be undefined. Exceptions are listed in EXCEPTIONS, each
with its reason and counted in the table. Exits with 1 on a deviation.
"""

import argparse
import collections
import math
import os
import tempfile

import numpy
from scipy import ndimage

import radiomics_io as io

SHAPES = ["blob", "ball", "shell", "plate", "line", "pieces", "border", "voxel", "noise", "scattered"]


def shape_of(rng, kind):
    """A mask, z slowest."""
    size = rng.integers(8, 40, 3)
    if kind in ("ball", "shell", "border"):
        size = rng.integers(10, 44, 3)
    grid = numpy.indices(size).astype(float)
    centre = (size - 1) / 2 + rng.uniform(-1, 1, 3)
    radius = size * rng.uniform(0.25, 0.45)
    ball = sum(((grid[k] - centre[k]) / radius[k]) ** 2 for k in range(3))
    if kind == "ball":
        return ball <= 1
    if kind == "shell":
        holes = rng.random(size) < rng.choice([0.0, 0.05])
        return (ball <= 1) & (ball >= rng.uniform(0.3, 0.8)) & ~holes
    if kind == "border":
        # Cut off by one or several faces of the image.
        shifted = sum(((grid[k] - rng.choice([0, centre[k], size[k] - 1])) / radius[k]) ** 2 for k in range(3))
        return shifted <= 1
    if kind == "noise":
        return rng.random(size) < rng.uniform(0.02, 0.6)
    mask = numpy.zeros(size, bool)
    if kind == "scattered":
        # Few voxels, most without a neighbour.
        for _ in range(int(rng.integers(2, 9))):
            mask[tuple(rng.integers(0, size))] = True
    elif kind == "voxel":
        mask[tuple(rng.integers(0, size))] = True
    elif kind == "line":
        at, step = rng.integers(0, size), numpy.eye(3, dtype=int)[rng.integers(3)]
        if rng.random() < 0.4:
            step = rng.integers(-1, 2, 3)
        for _ in range(int(rng.integers(2, 30))):
            if (at < 0).any() or (at >= size).any():
                break
            mask[tuple(at)] = True
            at = at + step
    elif kind == "plate":
        axis = rng.integers(3)
        plane = [slice(None)] * 3
        plane[axis] = int(rng.integers(size[axis]))
        flat = ndimage.gaussian_filter(rng.standard_normal(size), 2)
        mask[tuple(plane)] = flat[tuple(plane)] > numpy.quantile(flat[tuple(plane)], rng.uniform(0, 0.8))
    elif kind == "pieces":
        for _ in range(int(rng.integers(2, 7))):
            low = rng.integers(0, size)
            high = numpy.minimum(low + rng.integers(1, 9, 3), size)
            mask[tuple(slice(a, b) for a, b in zip(low, high))] = True
    else:
        smooth = ndimage.gaussian_filter(rng.standard_normal(size), rng.uniform(1.5, 4))
        mask = smooth > numpy.quantile(smooth, rng.uniform(0.4, 0.95))
    return mask


def oblique(rng):
    q, _ = numpy.linalg.qr(rng.standard_normal((3, 3)))
    return q if numpy.linalg.det(q) > 0 else -q


def region(rng, number):
    """One random case."""
    kind = SHAPES[number % len(SHAPES)]
    mask = shape_of(rng, kind)
    while not mask.any() or mask.sum() > 30000:
        mask = shape_of(rng, kind)
    texture = ndimage.gaussian_filter(rng.standard_normal(mask.shape), rng.choice([0.0, 0.7, 1.5]))
    texture /= texture.std() or 1
    discretisation = [{"binWidth": 25}, {"binWidth": 5}, {"binCount": 32}][number // len(SHAPES) % 3]
    # One in six also has other settings of the matrices.
    other = [
        {"distances": [1, 2]},
        {"weightingNorm": "euclidean"},
        {"force2D": 0},
        {"symmetricalGLCM": False},
        {"gldm_a": 1},
        {"weightingNorm": "manhattan", "force2D": int(rng.integers(3))},
    ]
    discretisation |= other[number // 6 % 6] if number % 6 == 5 else {}
    look = rng.choice(["many", "some", "few", "flat", "negative"], p=[0.25, 0.35, 0.15, 0.1, 0.15])
    spread = {"many": 160, "some": 60, "few": 12, "flat": 0, "negative": 80}[look]
    values = rng.uniform(-300, 300) + spread * texture
    if look == "few":
        values = numpy.where(texture > rng.uniform(-1, 1), 40.0, 0.0) + numpy.where(texture > 1, 90.0, 0.0)
    elif look == "negative":
        values = -numpy.abs(values) - 1
    dtype = rng.choice(["int16", "float32", "float64"], p=[0.5, 0.3, 0.2])
    values = (numpy.rint(values) if dtype == "int16" else values).astype(dtype)
    spacing = rng.choice([(1.0, 1.0, 1.0), tuple(rng.uniform(0.4, 1.5, 3)), (0.7, 0.7, float(rng.uniform(1, 6)))][int(rng.integers(3))])
    case = io.Case(
        f"{kind}, {look}, {dtype}",
        values,
        mask,
        spacing if numpy.ndim(spacing) else (1.0, 1.0, 1.0),
        rng.uniform(-200, 200, 3),
        oblique(rng).ravel() if rng.random() < 0.4 else None,
        minimumROIDimensions=int(rng.choice([1, 2])),
        **discretisation,
    )
    case.kind = kind
    return case


def scale(name, values):
    """Size of the terms that cancel in a feature: rounding noise is proportional to it."""
    own = name.rsplit("_", 1)
    value = lambda other: abs(values.get(f"{own[0]}_{other}") or 0.0)
    if own[1] in ("Mean", "Median", "Minimum", "Maximum", "10Percentile", "90Percentile"):
        return value("RootMeanSquared")
    if own[1] == "Skewness":
        return 1.0
    if own[1] == "ClusterShade":
        return value("ClusterProminence") ** 0.75
    return {"Imc1": 1.0, "Imc2": 1e3, "MCC": 1.0, "Correlation": 1.0}.get(own[1], 1e-3)


def flat(case, name, a, b, got, wanted):
    image = name.rsplit("_", 2)[0]
    of = lambda feature: wanted.get("_".join(filter(None, [image if image.count("-") or image == "original" else "", "firstorder", feature])))
    spread = ("Skewness", "Kurtosis", "MeanAbsoluteDeviation", "RobustMeanAbsoluteDeviation", "Variance")
    return "_firstorder_" in f"_{name}" and name.endswith(tuple(f"_{s}" for s in spread)) and a == 0 and of("Range") == 0


def straight(case, name, a, b, got, wanted):
    own = name.rsplit("_", 1)[1]
    major = next(v for k, v in wanted.items() if k.endswith("MajorAxisLength"))
    sizes = {"Elongation": 1, "Flatness": 1, "MinorAxisLength": major, "LeastAxisLength": major}
    return own in sizes and a == 0 and abs(b) < 1e-7 * sizes[own]


def constant(case, name, a, b, got, wanted):
    return name.startswith(("wavelet", "log")) and case.image.min() == case.image.max()


WRONG_AXIS = "shape2D: PyRadiomics asks the size of another axis (its box is x, y, z, force2Ddimension z, y, x) and gives none"
EXCEPTIONS = [
    ("all values of the region are equal: the spread is 0, PyRadiomics' is the rounding of its mean (0/0 for skewness, kurtosis)", flat),
    ("voxels on a line or in a plane: an axis is 0, PyRadiomics' is the root of its eigenvalue's rounding (< 1e-7 of the major axis)", straight),
    ("a constant image: what a filter answers is its rounding noise, in both", constant),
]


def compare(case, got, wanted, relative, floor, tally, tell):
    """Counts; returns deviations."""
    if isinstance(got, str) or isinstance(wanted, str):
        same = isinstance(got, str) and isinstance(wanted, str)
        tally["region", "refused by both" if same else "REFUSED BY ONE"] += 1
        if not same:
            tell(f"{case.name} {case.settings}: got {str(got)[:80]}, PyRadiomics {str(wanted)[:80]}")
        return 0 if same else 1
    bad = 0
    refused = [name for name in got if name.startswith("shape2D_") and name not in wanted]
    if refused and case.settings.get("force2D") is not None:
        tally["exception", WRONG_AXIS] += len(refused)
        tally["shape2D", "excepted"] += len(refused)
        got = {name: value for name, value in got.items() if name not in refused}
    if set(got) != set(wanted):
        tell(f"{case.name}: names differ: {sorted(set(got) ^ set(wanted))[:6]}")
        bad += 1
    for name in sorted(set(got) & set(wanted)):
        a, b = got[name], wanted[name]
        group = name.split("_")[-2]
        if a is None or not math.isfinite(b):
            same = a is None and not math.isfinite(b)
            verdict = "undefined in both" if same else "DEVIATES"
            apart = math.nan
        else:
            apart = abs(a - b) / abs(b) if b else abs(a - b)
            close = abs(a - b) <= max(relative * abs(b), floor * scale(name, wanted))
            verdict = "agrees" if close else "DEVIATES"
            if close and abs(a - b) <= relative * abs(b):
                tally[group, "worst"] = max(tally[group, "worst"], apart)
            elif close:
                tally[group, "by scale"] += 1
        if verdict == "DEVIATES":
            reason = next((text for text, applies in EXCEPTIONS if applies(case, name, a, b, got, wanted)), None)
            if reason:
                verdict = "excepted"
                tally["exception", reason] += 1
            else:
                bad += 1
                tell(f"{case.name} {case.settings} {case.voxels()} voxels: {name}: {a}, PyRadiomics {b!r} ({apart:.1e})")
        tally[group, verdict] += 1
    return bad


def peer(case):
    settings = {k: v for k, v in case.settings.items()}
    try:
        extractor = io.pyradiomics(settings)
        flat = settings.get("force2D")
        if flat is not None and numpy.ptp(numpy.nonzero(case.mask)[flat]) == 0:
            extractor.enableFeatureClassByName("shape2D")
        found = extractor.execute(*case.itk())
    except Exception as error:
        return str(error) or repr(error)
    whole = "images" in settings
    return {(k if whole else k.removeprefix("original_")): float(v) for k, v in found.items()}


def table(tally, title):
    print(f"\n{title}\n\n| class | agree | by scale alone | undefined in both | excepted | deviate | worst relative difference |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for group in ["shape", "shape2D", "firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm"]:
        t = lambda what: tally[group, what]
        worst = t("worst") or 0.0
        print(
            f"| {group} | {t('agrees')} | {t('by scale')} | {t('undefined in both')} | {t('excepted')} | {t('DEVIATES')} | {worst:.1e} |"
        )
    print(f"\nregions refused by both: {tally['region', 'refused by both']}, by one: {tally['region', 'REFUSED BY ONE']}")
    for (what, reason), n in tally.items():
        if what == "exception":
            print(f"excepted {n}: {reason}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--regions", type=int, default=300)
    parser.add_argument("--derived", type=int, default=30)
    parser.add_argument("--seed", type=int, default=20220)
    parser.add_argument("--only", type=int)
    parser.add_argument("--tell", type=int, default=60, help="deviations to print")
    options = parser.parse_args()
    told = 0

    def tell(text):
        nonlocal told
        told += 1
        if told <= options.tell:
            print(text, flush=True)

    numpy.seterr(all="ignore")
    cases = [region(numpy.random.default_rng([options.seed, k]), k) for k in range(options.regions)]
    for k, case in enumerate(cases):
        case.name = f"{k}: {case.name}"
    large = [c for c in cases if c.kind != "voxel" and min(c.mask.shape) > 6 and c.voxels() > 50][: options.derived]
    derived = [c.with_settings(**c.settings, images=["original", "wavelet", "log"], sigma=[1.0, 2.0, 3.0]) for c in large]
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for title, some, relative, floor in [
            (f"{len(cases)} regions, original image", cases, 1e-6, 1e-9),
            (f"{len(derived)} regions, original, wavelet and LoG", derived, 1e-4, 1e-7),
        ]:
            if options.only is not None:
                some = [c for c in some if c.name.startswith(f"{options.only}:")]
            path = os.path.join(folder, "records")
            io.write(path, some)
            answers, _ = io.run(options.binary, path)
            tally = collections.Counter()
            for case, got in zip(some, answers, strict=True):
                bad += compare(case, got, peer(case), relative, floor, tally, tell)
            table(tally, title)
    print(f"\n{bad} deviations")
    return bad > 0


if __name__ == "__main__":
    raise SystemExit(main())
