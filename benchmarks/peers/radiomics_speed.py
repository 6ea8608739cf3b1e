"""Radlake's radiomics kernels beside PyRadiomics 3.0.1 and flash-radiomics 1.0.0: the same 107 features from arrays in memory.

    python -m venv V; . V/bin/activate
    pip install -r requirements-radiomics.txt
    pip install --no-build-isolation pyradiomics==3.0.1
    pip install --no-deps flash-radiomics==1.0.0
    cargo build --release -p radlake-kernels --example extract_features
    python radiomics_speed.py TARGET/release/examples/extract_features DATA [--rounds 3] [--regions 200] [--only NAME]

DATA holds `ibsi/ct_phantom/nifti` and `pyradiomics` (radiomics of the CT phantom are rounded to whole HU first, as IBSI says); a case
whose files are absent is skipped by name. One thread each. In every round each program runs once, in turns; what is quoted is the best
round. Every program is warm: its first, untimed pass is not counted. PyRadiomics and flash-radiomics get SimpleITK images, without
additional information, and flash-radiomics without the file it else writes (preprocess_case, then extract_from_preprocessed, with and
without preCrop, of which the faster is quoted). "cropped" is flash-radiomics given the region's box by numpy, which spares it its own
passes over the whole image: the best that a caller can make of it. The kernels get the whole image. Of the kernels' passes within a
round, twenty where they are short, the median counts. `cpu` compares processor time, which on a loaded machine is the steadier.
"""

import argparse
import os
import pathlib
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy
import SimpleITK
from scipy import ndimage

import radiomics_io as io

BINNINGS = {"FBS 25": {"binWidth": 25}, "FBS 5": {"binWidth": 5}, "FBN 32": {"binCount": 32}}
CLASSES = ["shape", "firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm"]


class PyRadiomics:
    name = "PyRadiomics"

    def __init__(self, cases):
        self.work = [(io.pyradiomics(case.settings), case.itk()) for case in cases]

    def once(self):
        return [extractor.execute(*images) for extractor, images in self.work]


class Flash:
    name = "flash-radiomics"

    def __init__(self, cases, crop, by_hand=False):
        from flash_radiomics import RadiomicsFeatureExtractor

        self.work = []
        for case in cases:
            settings = dict(case.settings, additionalInfo=False, backend="cpu", num_threads=1, segmentClassWorkers=1)
            extractor = RadiomicsFeatureExtractor(**settings, preCrop=crop)
            extractor.disableAllFeatures()
            for name in CLASSES:
                extractor.enableFeatureClassByName(name)
            self.work.append((extractor, case if by_hand else case.itk()))

    def once(self):
        answers = []
        for extractor, images in self.work:
            if isinstance(images, io.Case):
                images = images.cropped().itk()
            answers.append(extractor.extract_from_preprocessed(extractor.preprocess_case(*images)))
        return answers


class Kernels:
    name = "Radlake"

    def __init__(self, binary, path, threads=1, repeat=1):
        self.command = [binary, path, "warm=1", f"repeat={repeat}", "quiet=1", f"threads={threads}"]

    def once(self):
        return io.run(*self.command)[1]


def measure(programs, rounds):
    """Best wall and processor seconds of each, in turns."""
    best = [[float("inf"), float("inf")] for _ in programs]
    for number in range(rounds + 1):
        for k, program in enumerate(programs):
            wall, cpu = time.perf_counter(), time.process_time()
            answer = program.once()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            if isinstance(program, Kernels):
                wall, cpu = answer["seconds_median"], answer["cpu_mean"]
            elif number == 0:
                continue
            best[k] = [min(best[k][0], wall), min(best[k][1], cpu)]
    return best


def synthetic(count):
    """Regions of 1 to 50 ml at 1 × 1 × 2 mm: lumpy balls in textured images of their own."""
    cases = []
    for k in range(count):
        rng = numpy.random.default_rng([77, k])
        ml = 50 ** (k / max(count - 1, 1))
        radius = (3000 * ml / (4 * numpy.pi)) ** (1 / 3)
        half = numpy.ceil(numpy.array([radius / 2, radius, radius]) * 1.5).astype(int) + 2
        z, y, x = numpy.ogrid[-half[0] : half[0] + 1, -half[1] : half[1] + 1, -half[2] : half[2] + 1]
        distance = numpy.sqrt((2 * z) ** 2 + y**2 + x**2) / radius
        lumps = ndimage.gaussian_filter(rng.standard_normal(distance.shape), [2, 4, 4])
        mask = distance + 0.25 * lumps / lumps.std() < 1
        texture = ndimage.gaussian_filter(rng.standard_normal(distance.shape), 0.8)
        values = numpy.rint(40 + 60 * texture / texture.std() - 30 * distance).astype(numpy.int16)
        cases.append(io.Case(f"synthetic {k}", values, mask, (1.0, 1.0, 2.0)))
    return cases


def agree(kernels, flash, case):
    """That both compute the same: how many of the kernels' features flash-radiomics has within 1e-4, kurtosis (excess) apart."""
    same = sum(
        value is not None and abs(flash.get(f"original_{name}", numpy.nan) - value) <= 1e-4 * abs(value) + 1e-9
        for name, value in kernels.items()
    )
    return f"{same} of {len(kernels)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--regions", type=int, default=200)
    parser.add_argument("--only")
    options = parser.parse_args()
    groups = []
    for name, image, mask, whole in [
        ("IBSI CT", "ibsi/ct_phantom/nifti/image.nii.gz", "ibsi/ct_phantom/nifti/mask.nii.gz", True),
        ("lung1", "pyradiomics/lung1_image.nrrd", "pyradiomics/lung1_label.nrrd", False),
        ("brain1", "pyradiomics/brain1_image.nrrd", "pyradiomics/brain1_label.nrrd", False),
    ]:
        image, mask = options.data / image, options.data / mask
        if image.exists() and mask.exists():
            groups.append((name, [io.Case.read(name, image, mask, whole=whole)]))
        else:
            print(f"skipped: {name} is not in {options.data}")
    if options.regions:
        groups.append((f"{options.regions} synthetic", synthetic(options.regions)))
    groups = [g for g in groups if options.only is None or options.only in g[0]]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "records")
        print("| case | voxels | binning | Radlake ms | flash-radiomics ms | times | by cpu | cropped ms | times | by cpu | PyRadiomics ms | times | by cpu | flash agrees |")
        print("|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|")
        for name, cases in groups:
            for binning, settings in BINNINGS.items():
                some = [case.with_settings(**settings) for case in cases]
                io.write(path, some)
                flash = [Flash(some, False), Flash(some, True), Flash(some, False, by_hand=True)]
                repeat = 20 if sum(c.voxels() for c in some) < 10000 else 3 if len(some) == 1 else 1
                programs = [Kernels(options.binary, path, repeat=repeat), *flash, PyRadiomics(some)]
                ours, *theirs, cropped, old = measure(programs, options.rounds)
                peer = [min(t[k] for t in theirs) for k in (0, 1)]
                answers, _ = io.run(options.binary, path)
                same = agree(answers[0], flash[0].once()[0], name)
                print(
                    f"| {name} | {sum(c.voxels() for c in some):,} | {binning} | {ours[0] * 1e3:.2f} "
                    f"| {peer[0] * 1e3:.1f} | **{peer[0] / ours[0]:.1f}** | {peer[1] / ours[1]:.1f} "
                    f"| {cropped[0] * 1e3:.1f} | {cropped[0] / ours[0]:.1f} | {cropped[1] / ours[1]:.1f} "
                    f"| {old[0] * 1e3:.0f} | **{old[0] / ours[0]:.0f}** | {old[1] / ours[1]:.0f} | {same} |",
                    flush=True,
                )
        for name, cases in groups:
            if len(cases) < 2:
                continue
            print("\n| regions at once | binning | one thread ms | two ms | times | voxels per second and core |\n|---|---|---:|---:|---:|---:|")
            for binning, settings in BINNINGS.items():
                io.write(path, [case.with_settings(**settings) for case in cases])
                one, two = measure([Kernels(options.binary, path), Kernels(options.binary, path, 2)], 2 * options.rounds + 1)
                pace = sum(c.voxels() for c in cases) / one[0]
                print(f"| {name} | {binning} | {one[0] * 1e3:.0f} | {two[0] * 1e3:.0f} | **{one[0] / two[0]:.2f}** | {pace:.2e} |")
        for name, cases in groups:
            if name != "lung1":
                continue
            some = [cases[0].with_settings(binWidth=25, images=["original", "wavelet", "log"], sigma=[1.0, 2.0, 3.0, 4.0, 5.0])]
            io.write(path, some)
            ours, old = measure([Kernels(options.binary, path, repeat=3), PyRadiomics(some)], options.rounds)
            count = len(io.run(options.binary, path)[0][0])
            print("\n| case | features | Radlake ms | PyRadiomics ms | times | by cpu |\n|---|---:|---:|---:|---:|---:|")
            print(f"| {name} | {count:,} | {ours[0] * 1e3:.1f} | {old[0] * 1e3:.0f} | **{old[0] / ours[0]:.1f}** | {old[1] / ours[1]:.1f} |")


if __name__ == "__main__":
    main()
