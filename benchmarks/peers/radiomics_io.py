"""What the two radiomics comparisons share: records for the example `extract_features`, its answers, and PyRadiomics' settings."""

import logging
import struct
import subprocess
import warnings

import numpy
import SimpleITK

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)

KINDS = {"int16": b"s", "float32": b"f", "float64": b"d"}


class Case:
    """An image and its mask (arrays, z slowest), where they lie, and the settings under PyRadiomics' names."""

    def __init__(self, name, image, mask, spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), direction=None, **settings):
        self.name, self.image, self.mask = name, numpy.ascontiguousarray(image), numpy.ascontiguousarray(mask.astype(numpy.uint8))
        self.spacing, self.origin = tuple(map(float, spacing)), tuple(map(float, origin))
        self.direction = tuple(map(float, direction if direction is not None else numpy.eye(3).ravel()))
        self.settings = settings

    @classmethod
    def read(cls, name, image, mask, label=1, whole=False, **settings):
        image, mask = SimpleITK.ReadImage(str(image)), SimpleITK.ReadImage(str(mask))
        values = SimpleITK.GetArrayFromImage(image)
        if whole:
            values = numpy.rint(values)
        if values.dtype.name not in KINDS or whole:
            values = values.astype(numpy.int16)
        inside = SimpleITK.GetArrayFromImage(mask) == label
        return cls(name, values, inside, image.GetSpacing(), image.GetOrigin(), image.GetDirection(), **settings)

    def voxels(self):
        return int(self.mask.sum())

    def cropped(self):
        """The region's box; where it lies is not kept."""
        box = []
        for axes in ((1, 2), (0, 2), (0, 1)):
            used = numpy.flatnonzero(self.mask.any(axis=axes))
            box.append(slice(used[0], used[-1] + 1))
        return Case(self.name, self.image[tuple(box)], self.mask[tuple(box)], self.spacing, **self.settings)

    def with_settings(self, **settings):
        return Case(self.name, self.image, self.mask, self.spacing, self.origin, self.direction, **settings)

    def itk(self):
        """Two SimpleITK images: both peers take these from memory."""
        images = [SimpleITK.GetImageFromArray(self.image), SimpleITK.GetImageFromArray(self.mask.astype(numpy.uint32))]
        for image in images:
            image.SetSpacing(self.spacing)
            image.SetOrigin(self.origin)
            image.SetDirection(self.direction)
        return images

    def record(self):
        words = []
        for key, value in self.settings.items():
            if isinstance(value, (list, tuple)):
                value = ",".join(map(str, value))
            words.append(f"{key}={int(value) if isinstance(value, bool) else value}")
        line = " ".join(words).encode()
        return b"".join([
            b"RADLAKE1",
            struct.pack("<3I", *self.image.shape[::-1]),
            struct.pack("<15d", *self.spacing, *self.origin, *self.direction),
            KINDS[self.image.dtype.name],
            struct.pack("<I", len(line)),
            line,
            self.image.tobytes(),
            self.mask.tobytes(),
        ])


def write(path, cases):
    with open(path, "wb") as file:
        for case in cases:
            file.write(case.record())


def run(binary, path, *words):
    """The example's answer: a dictionary (or the text of an error) for each record, and the times."""
    answer = subprocess.run([binary, path, *words], capture_output=True, text=True)
    if answer.returncode:
        raise SystemExit(f"{binary} {path}: {answer.stderr}")
    records, times = [], {}
    for line in answer.stdout.splitlines():
        key, value = line.split("=", 1)
        if key == "record":
            records.append({})
        elif key == "error":
            records[-1] = value
        elif key.startswith(("seconds_", "cpu_")):
            times[key] = float(value)
        else:
            records[-1][key] = None if value.startswith("undefined:") else float(value)
    return records, times


def pyradiomics(settings):
    """An extractor of PyRadiomics with all features of the images that the settings ask for."""
    from radiomics import featureextractor

    settings = dict(settings, additionalInfo=False)
    images, sigma = settings.pop("images", ["original"]), settings.pop("sigma", [])
    if "force2D" in settings:
        settings.update(force2D=True, force2Ddimension=settings["force2D"])
    extractor = featureextractor.RadiomicsFeatureExtractor(**settings)
    extractor.disableAllImageTypes()
    for image in images:
        name = {"original": "Original", "wavelet": "Wavelet", "log": "LoG"}[image]
        extractor.enableImageTypeByName(name, customArgs={"sigma": list(sigma)} if image == "log" else None)
    return extractor
