//! A scan, line by line (T.87 A.3 to A.8, annex B).

use super::bits::Bits;
use super::header::{Frame, Interleave, Scan};
use super::model::{Context, J, Parameters, RunContext};
use crate::error::Result;

/// Contexts of regular mode: 0 is run mode's.
const CONTEXTS: usize = 365;

/// Two lines of one component. Places 0 and `width + 1` lie beyond the edges.
struct Lines {
    above: Vec<i32>,
    row: Vec<i32>,
}

impl Lines {
    fn new(width: usize) -> Self {
        Self {
            above: vec![0; width + 2],
            row: vec![0; width + 2],
        }
    }

    /// Samples beyond the edges: right of the line above its last, left of this line the first above (A.2.1).
    fn start(&mut self, width: usize) {
        self.above[width + 1] = self.above[width];
        self.row[0] = self.above[1];
    }

    /// Ra, Rb, Rc, Rd of place `x`.
    fn around(&self, x: usize) -> [i32; 4] {
        [
            self.row[x - 1],
            self.above[x],
            self.above[x - 1],
            self.above[x + 1],
        ]
    }
}

/// Decodes the scan into the interleaved samples; gives the length of its data.
pub(super) fn decode(frame: &Frame, scan: &Scan<'_>, words: &mut [u32]) -> Result<usize> {
    let parameters = Parameters::new(frame.precision, scan.near, scan.presets)?;
    let (width, channels) = (frame.width, frame.ids.len());
    let mut state = State {
        contexts: vec![Context::new(&parameters); CONTEXTS],
        runs: [RunContext::new(&parameters); 2],
        bits: Bits::new(scan.data),
        parameters,
    };
    let mut lines: Vec<Lines> = scan.components.iter().map(|_| Lines::new(width)).collect();
    let mut run_index = vec![0; scan.components.len()];
    for y in 0..frame.height {
        lines.iter_mut().for_each(|l| l.start(width));
        if scan.interleave == Interleave::Sample {
            state.line(&mut lines, width, &mut run_index[0])?;
        } else {
            for (one, run_index) in lines.chunks_mut(1).zip(&mut run_index) {
                state.line(one, width, run_index)?;
            }
        }
        for (component, lines) in scan.components.iter().zip(&mut lines) {
            let places = words[y * width * channels..]
                .iter_mut()
                .skip(*component)
                .step_by(channels);
            for (place, &value) in places.zip(&lines.row[1..=width]) {
                *place = value as u32;
            }
            std::mem::swap(&mut lines.above, &mut lines.row);
        }
    }
    Ok(state.bits.end())
}

struct State<'a> {
    parameters: Parameters,
    contexts: Vec<Context>,
    runs: [RunContext; 2],
    bits: Bits<'a>,
}

impl State<'_> {
    /// One line of components that alternate sample by sample.
    fn line(&mut self, lines: &mut [Lines], width: usize, run_index: &mut usize) -> Result<()> {
        let mut x = 1;
        while x <= width {
            let mut contexts = [(0, false); 4];
            for (context, lines) in contexts.iter_mut().zip(lines.iter()) {
                let [a, b, c, d] = lines.around(x);
                *context = self.parameters.context([d - b, b - c, c - a]);
            }
            if contexts.iter().take(lines.len()).all(|c| c.0 == 0) {
                x = self.run(lines, x, width, run_index)?;
                continue;
            }
            for (lines, context) in lines.iter_mut().zip(contexts) {
                lines.row[x] = self.regular(lines.around(x), context)?;
            }
            x += 1;
        }
        Ok(())
    }

    /// One sample in regular mode (A.4 to A.6). With several components, context 0 is one of these too.
    fn regular(&mut self, [a, b, c, _]: [i32; 4], (index, mirrored): (usize, bool)) -> Result<i32> {
        let p = &self.parameters;
        let context = &mut self.contexts[index];
        let prediction = if c >= a.max(b) {
            a.min(b)
        } else if c <= a.min(b) {
            a.max(b)
        } else {
            a + b - c
        };
        let correction = if mirrored { -context.c } else { context.c };
        let prediction = (prediction + correction).clamp(0, p.maximum);
        let k = context.k()?;
        let mapped = self.bits.golomb(k, p.limit, p.wide)?;
        let error = context.unmap(mapped, k, p.near);
        context.update(error, p);
        Ok(p.reconstruct(prediction, if mirrored { -error } else { error }))
    }

    /// A run and the sample that ends it (A.7); gives the place after them.
    fn run(
        &mut self,
        lines: &mut [Lines],
        start: usize,
        width: usize,
        run_index: &mut usize,
    ) -> Result<usize> {
        let mut x = start;
        let ended = loop {
            if x > width {
                break false;
            }
            if self.bits.bits(1)? == 0 {
                let length = self.bits.bits(J[*run_index])? as usize;
                x += length;
                break x <= width;
            }
            x += 1 << J[*run_index];
            if x <= width + 1 {
                *run_index = (*run_index + 1).min(31);
            }
        };
        let end = x.min(width + 1);
        for lines in lines.iter_mut() {
            let value = lines.row[start - 1];
            lines.row[start..end].fill(value);
        }
        if !ended {
            return Ok(end);
        }
        let alone = lines.len() == 1;
        let p = &self.parameters;
        let limit = p.limit - J[*run_index] - 1;
        for lines in lines.iter_mut() {
            let [a, b, ..] = lines.around(x);
            // Samples of several components are never taken as alike (annex B).
            let alike = alone && (a - b).abs() <= p.near;
            let context = &mut self.runs[usize::from(alike)];
            let k = context.k(alike)?;
            let mapped = self.bits.golomb(k, limit, p.wide)?;
            let error = context.error(mapped, k, alike, p);
            lines.row[x] = if alike {
                p.reconstruct(a, error)
            } else {
                p.reconstruct(b, if a > b { -error } else { error })
            };
        }
        *run_index = run_index.saturating_sub(1);
        Ok(x + 1)
    }
}
