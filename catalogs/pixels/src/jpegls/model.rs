//! Parameters and statistics (T.87 A.2, A.6, A.7).

use super::broken;
use super::header::Presets;
use crate::error::Result;

/// Order of run lengths (A.2.1).
pub(super) const J: [u32; 32] = [
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15,
];

/// What does not change within a scan.
pub(super) struct Parameters {
    pub(super) maximum: i32,
    pub(super) near: i32,
    thresholds: [i32; 3],
    reset: i32,
    range: i32,
    /// Bits of a mapped error that is written out, and the longest code.
    pub(super) wide: u32,
    pub(super) limit: u32,
}

impl Parameters {
    /// Defaults of C.2.4.1.1 where nothing is preset. Fails if the presets contradict each other.
    pub(super) fn new(precision: u32, near: i32, presets: Presets) -> Result<Self> {
        let top = (1 << precision) - 1;
        let maximum = if presets.maximum == 0 {
            top
        } else {
            presets.maximum
        };
        if maximum > top || near > 255.min(maximum / 2) {
            return broken("the largest value or error is out of range");
        }
        let clamp = |v: i32, low: i32| if v > maximum || v < low { low } else { v };
        let basic = if maximum >= 128 {
            let factor = (maximum.min(4095) + 128) / 256;
            [
                factor + 2 + 3 * near,
                factor * 4 + 3 + 5 * near,
                factor * 17 + 4 + 7 * near,
            ]
        } else {
            let factor = 256 / (maximum + 1);
            [
                (3 / factor + 3 * near).max(2),
                (7 / factor + 5 * near).max(3),
                (21 / factor + 7 * near).max(4),
            ]
        };
        let mut thresholds = presets.thresholds;
        let mut low = near + 1;
        for (threshold, basic) in thresholds.iter_mut().zip(basic) {
            if *threshold == 0 {
                *threshold = clamp(basic, low);
            }
            if *threshold < low || *threshold > maximum.max(low) {
                return broken("thresholds are out of range");
            }
            low = *threshold;
        }
        let reset = if presets.reset == 0 { 64 } else { presets.reset };
        if reset < 3 {
            return broken("the reset value is out of range");
        }
        let step = 2 * near + 1;
        let range = (maximum + 2 * near) / step + 1;
        let bits = |values: i32| 32 - (values - 1).leading_zeros();
        let bpp = bits(maximum + 1).max(2);
        Ok(Self {
            maximum,
            near,
            thresholds,
            reset,
            range,
            wide: bits(range),
            limit: 2 * (bpp + bpp.max(8)),
        })
    }

    /// A gradient's region, -4 to 4 (A.3.3).
    fn region(&self, d: i32) -> i32 {
        let [t1, t2, t3] = self.thresholds;
        let size = d.abs();
        let region = if size <= self.near {
            0
        } else if size < t1 {
            1
        } else if size < t2 {
            2
        } else if size < t3 {
            3
        } else {
            4
        };
        if d < 0 { -region } else { region }
    }

    /// The context of three gradients, and whether it is mirrored; 0 is run mode (A.3.4).
    pub(super) fn context(&self, gradients: [i32; 3]) -> (usize, bool) {
        let [a, b, c] = gradients.map(|d| self.region(d));
        let q = 81 * a + 9 * b + c;
        (q.unsigned_abs() as usize, q < 0)
    }

    /// The value that an error makes of a prediction (A.4.5, A.8).
    pub(super) fn reconstruct(&self, prediction: i32, error: i32) -> i32 {
        let step = 2 * self.near + 1;
        let span = self.range * step;
        let mut value = prediction + error * step;
        if value < -self.near {
            value += span;
        } else if value > self.maximum + self.near {
            value -= span;
        }
        value.clamp(0, self.maximum)
    }
}

/// Statistics of one context (A.6).
#[derive(Clone, Copy)]
pub(super) struct Context {
    a: i32,
    b: i32,
    pub(super) c: i32,
    n: i32,
}

impl Context {
    pub(super) fn new(p: &Parameters) -> Self {
        Self {
            a: ((p.range + 32) / 64).max(2),
            b: 0,
            c: 0,
            n: 1,
        }
    }

    /// Golomb parameter (A.5.1).
    pub(super) fn k(&self) -> Result<u32> {
        golomb(self.n, self.a)
    }

    /// The error that a mapped one stands for (A.5.2).
    pub(super) fn unmap(&self, mapped: i32, k: u32, near: i32) -> i32 {
        let error = if mapped & 1 == 0 {
            mapped >> 1
        } else {
            -((mapped + 1) >> 1)
        };
        // The sign's meaning is turned where errors lean to the negative.
        if near == 0 && k == 0 && 2 * self.b <= -self.n {
            -error - 1
        } else {
            error
        }
    }

    /// A.6.1 and A.6.2.
    pub(super) fn update(&mut self, error: i32, p: &Parameters) {
        self.b += error * (2 * p.near + 1);
        self.a += error.abs();
        if self.n == p.reset {
            (self.a, self.b, self.n) = (self.a >> 1, self.b >> 1, self.n >> 1);
        }
        self.n += 1;
        if self.b <= -self.n {
            self.b = (self.b + self.n).max(1 - self.n);
            self.c = (self.c - 1).max(-128);
        } else if self.b > 0 {
            self.b = (self.b - self.n).min(0);
            self.c = (self.c + 1).min(127);
        }
    }
}

/// Statistics of the samples that end runs (A.7.2).
#[derive(Clone, Copy)]
pub(super) struct RunContext {
    a: i32,
    n: i32,
    negative: i32,
}

impl RunContext {
    pub(super) fn new(p: &Parameters) -> Self {
        Self {
            a: ((p.range + 32) / 64).max(2),
            n: 1,
            negative: 0,
        }
    }

    /// Golomb parameter; `alike` is RItype.
    pub(super) fn k(&self, alike: bool) -> Result<u32> {
        golomb(self.n, self.a + if alike { self.n >> 1 } else { 0 })
    }

    /// The error that a mapped one stands for; statistics are updated.
    pub(super) fn error(&mut self, mapped: i32, k: u32, alike: bool, p: &Parameters) -> i32 {
        let kind = i32::from(alike);
        let value = mapped + kind;
        let odd = value & 1 == 1;
        let size = (value + i32::from(odd)) / 2;
        let error = if (k != 0 || 2 * self.negative >= self.n) == odd {
            -size
        } else {
            size
        };
        if error < 0 {
            self.negative += 1;
        }
        self.a += (mapped + 1 - kind) >> 1;
        if self.n == p.reset {
            (self.a, self.n, self.negative) = (self.a >> 1, self.n >> 1, self.negative >> 1);
        }
        self.n += 1;
        error
    }
}

fn golomb(n: i32, a: i32) -> Result<u32> {
    match (0..24).find(|&k| n << k >= a) {
        Some(k) => Ok(k),
        None => broken("statistics out of range"),
    }
}
