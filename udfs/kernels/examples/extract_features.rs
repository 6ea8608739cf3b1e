//! Features of regions from a stream of bytes, and how long they take: what the comparisons in `benchmarks/peers` drive.
//!
//! ```text
//! extract_features FILE|- [key=value …]
//! ```
//!
//! The input is one record after another. A record, little-endian:
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `RADLAKE1` |
//! | 3 × u32 | voxels along x, y, z |
//! | 3 × f64 | spacing, mm |
//! | 3 × f64 | origin, mm |
//! | 9 × f64 | direction cosines, row-major |
//! | u8 | type of the voxels: `s` int16, `f` float32, `d` float64 |
//! | u32, then as many | settings as `key=value` separated by spaces (below), UTF-8 |
//! | voxels × 2, 4 or 8 | intensities, x fastest |
//! | voxels | mask, 0 outside |
//!
//! Settings, by PyRadiomics' names: `binWidth`, `binCount`, `minimumROIDimensions`, `force2D` (the dimension), `distances` (`1,2`),
//! `weightingNorm`, `symmetricalGLCM` (`0`), `gldm_a`; `images` (`original,wavelet,log`; without it only the original, by the shorter way)
//! with `sigma` (`1,2,3`). Arguments after the file are settings of every record; beside them `warm=N` (passes that are not timed),
//! `repeat=N` (timed passes over all records), `threads=N` (records at once), `quiet=1` (times only).
//!
//! Printed are, for each record, `record=K` and a line for each feature, `glcm_MCC=0.63…` with 17 significant digits or
//! `glcm_MCC=undefined:reason`, with the image before it where images were asked for; or `error=reason`. With `repeat`, last:
//! `seconds_best`, `seconds_median`, and `cpu_mean`, the processor time of all threads in a pass on average (Linux only; the kernel
//! keeps it to a few milliseconds).
#![expect(
    clippy::disallowed_methods,
    reason = "a program beside the functions: what it reads are its arguments"
)]

use std::fmt::Write as _;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use radlake_kernels::image_types::{self, Derived, ImageType};
use radlake_kernels::neighbours::WeightingNorm;
use radlake_kernels::pyradiomics::{self, Settings};
use radlake_kernels::{Discretisation, Geometry, Mask, PixelType, Volume};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A region and how to measure it.
struct Case {
    image: Volume,
    mask: Mask,
    settings: Settings,
    /// Empty: the original image by [`pyradiomics::extract`].
    images: Vec<ImageType>,
}

/// How often, and on how many threads.
struct Passes {
    warm: usize,
    repeat: usize,
    threads: usize,
    quiet: bool,
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Failure> {
        let (head, tail) = self.0.split_at_checked(length).ok_or("the record is cut off")?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        Ok(self.take(N)?.try_into()?)
    }

    fn u32(&mut self) -> Result<usize, Failure> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn f64s<const N: usize>(&mut self) -> Result<[f64; N], Failure> {
        let mut out = [0.0; N];
        for v in &mut out {
            *v = f64::from_le_bytes(self.array()?);
        }
        Ok(out)
    }

    fn values<const N: usize>(
        &mut self,
        count: usize,
        value: impl Fn([u8; N]) -> f64,
    ) -> Result<Vec<f64>, Failure> {
        let length = count.checked_mul(N).ok_or("the volume is too large")?;
        let (chunks, _) = self.take(length)?.as_chunks::<N>();
        Ok(chunks.iter().map(|&b| value(b)).collect())
    }

    fn case(&mut self, more: &str) -> Result<Case, Failure> {
        if &self.array::<8>()? != b"RADLAKE1" {
            return Err("not a record".into());
        }
        let size = [self.u32()?, self.u32()?, self.u32()?];
        let geometry = Geometry {
            size,
            spacing: self.f64s()?,
            origin: self.f64s()?,
            direction: self.f64s()?,
        };
        geometry.check()?;
        let [kind] = self.array()?;
        let length = self.u32()?;
        let line = std::str::from_utf8(self.take(length)?)?.to_owned();
        let (pixel, values) = match kind {
            b's' => (
                PixelType::INT16,
                self.values(geometry.len(), |b| f64::from(i16::from_le_bytes(b)))?,
            ),
            b'f' => (
                PixelType::Float32,
                self.values(geometry.len(), |b| f64::from(f32::from_le_bytes(b)))?,
            ),
            b'd' => (
                PixelType::Float64,
                self.values(geometry.len(), f64::from_le_bytes)?,
            ),
            _ => return Err("the type of the voxels is none of s, f, d".into()),
        };
        let inside = self.take(geometry.len())?.iter().map(|&b| b != 0).collect();
        let (settings, images) = settings(&format!("{line} {more}"))?;
        Ok(Case {
            image: Volume::new(geometry.clone(), values, pixel)?,
            mask: Mask::new(geometry, inside)?,
            settings,
            images,
        })
    }
}

fn list<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    text: &str,
) -> Result<Vec<T>, Failure> {
    text.split(',').map(|w| Ok(w.parse()?)).collect()
}

fn settings(line: &str) -> Result<(Settings, Vec<ImageType>), Failure> {
    let mut settings = Settings::default();
    let (mut names, mut sigmas) = (String::new(), Vec::new());
    for word in line.split_whitespace() {
        let (key, value) = word.split_once('=').ok_or("a setting is not key=value")?;
        match key {
            "binWidth" => settings.discretisation = Discretisation::PyRadiomicsWidth(value.parse()?),
            "binCount" => settings.discretisation = Discretisation::PyRadiomicsCount(value.parse()?),
            "minimumROIDimensions" => settings.minimum_dimensions = value.parse()?,
            "force2D" => settings.force_2d = Some(value.parse()?),
            "distances" => settings.distances = list(value)?,
            "symmetricalGLCM" => settings.symmetrical_glcm = value != "0",
            "gldm_a" => settings.gldm_a = value.parse()?,
            "weightingNorm" => {
                settings.weighting_norm = match value {
                    "infinity" => WeightingNorm::Infinity,
                    "euclidean" => WeightingNorm::Euclidean,
                    "manhattan" => WeightingNorm::Manhattan,
                    "no_weighting" => WeightingNorm::NoWeighting,
                    _ => return Err("weightingNorm is not known".into()),
                }
            }
            "images" => names = value.to_owned(),
            "sigma" => sigmas = list(value)?,
            "warm" | "repeat" | "threads" | "quiet" => {}
            _ => return Err(format!("setting {key} is not known").into()),
        }
    }
    let mut images = Vec::new();
    for name in names.split(',').filter(|n| !n.is_empty()) {
        match name {
            "original" => images.push(ImageType::Original),
            "wavelet" => images.push(ImageType::Wavelet),
            "log" => images.extend(sigmas.iter().map(|s| ImageType::LoG(*s))),
            _ => return Err(format!("image type {name} is not known").into()),
        }
    }
    Ok((settings, images))
}

fn measure(case: &Case) -> radlake_kernels::Result<Vec<Derived>> {
    if !case.images.is_empty() {
        return image_types::extract(&case.image, &case.mask, &case.settings, &case.images);
    }
    let features = pyradiomics::extract(&case.image, &case.mask, &case.settings)?;
    Ok(vec![Derived {
        image: String::new(),
        features,
    }])
}

fn print(number: usize, found: &radlake_kernels::Result<Vec<Derived>>, out: &mut String) -> std::fmt::Result {
    writeln!(out, "record={number}")?;
    let found = match found {
        Ok(found) => found,
        Err(error) => return writeln!(out, "error={error}"),
    };
    for derived in found {
        for f in &derived.features {
            let image = if derived.image.is_empty() {
                String::new()
            } else {
                format!("{}_", derived.image)
            };
            let name = format!("{image}{}_{}", f.class, f.name);
            match f.value {
                Ok(value) => writeln!(out, "{name}={value:.16e}")?,
                Err(why) => writeln!(out, "{name}=undefined:{}", why.reason())?,
            }
        }
    }
    Ok(())
}

/// Seconds that the calling thread has run.
fn processor_seconds() -> f64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse::<f64>().ok())
        .map_or(f64::NAN, |ns| ns * 1e-9)
}

/// One pass over all cases: wall and processor seconds.
fn pass(cases: &[Case], threads: usize) -> (f64, f64) {
    let next = AtomicUsize::new(0);
    let work = || {
        let before = processor_seconds();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            std::hint::black_box(measure(std::hint::black_box(case))).ok();
        }
        processor_seconds() - before
    };
    let start = Instant::now();
    let spent = if threads < 2 {
        work()
    } else {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().map(|w| w.join().unwrap_or(f64::NAN)).sum()
        })
    };
    (start.elapsed().as_secs_f64(), spent)
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments
        .next()
        .ok_or("usage: extract_features FILE|- [key=value …]")?;
    let more: Vec<String> = arguments.collect();
    let mut passes = Passes {
        warm: 0,
        repeat: 0,
        threads: 1,
        quiet: false,
    };
    for (key, value) in more.iter().filter_map(|word| word.split_once('=')) {
        match key {
            "warm" => passes.warm = value.parse()?,
            "repeat" => passes.repeat = value.parse()?,
            "threads" => passes.threads = value.parse()?,
            "quiet" => passes.quiet = value != "0",
            _ => {}
        }
    }
    let mut bytes = Vec::new();
    if path == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes)?;
    } else {
        bytes = std::fs::read(path)?;
    }
    let (mut rest, more) = (Bytes(&bytes), more.join(" "));
    let mut cases = Vec::new();
    while !rest.0.is_empty() {
        cases.push(rest.case(&more)?);
    }
    let mut out = String::new();
    for (number, case) in cases.iter().enumerate().filter(|_| !passes.quiet) {
        print(number, &measure(case), &mut out)?;
    }
    for _ in 0..passes.warm {
        pass(&cases, passes.threads);
    }
    let mut times: Vec<(f64, f64)> = (0..passes.repeat).map(|_| pass(&cases, passes.threads)).collect();
    times.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    if let (Some((best, _)), Some((median, _))) = (times.first(), times.get(times.len() / 2)) {
        let cpu = times.iter().map(|t| t.1).sum::<f64>() / times.len() as f64;
        writeln!(
            out,
            "seconds_best={best:.9}\nseconds_median={median:.9}\ncpu_mean={cpu:.9}"
        )?;
    }
    print!("{out}");
    Ok(())
}
