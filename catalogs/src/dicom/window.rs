//! The part of a file that is in memory: a prefix that grows as the walk needs more, without the values it skips.

use flate2::{Decompress, FlushDecompress, Status};

use super::{HeaderSource, Limits, Refusal};

/// Bytes of the first read; most headers end within.
const FIRST: usize = 16 << 10;
/// Most bytes that a read asks for beyond what is needed.
const AHEAD: usize = 256 << 10;
/// A buffer that one odd file made larger than this is given back.
const KEEP: usize = 4 << 20;

/// The buffer, reused from file to file. `bytes.len()` is how far it has been zeroed, `filled` how much of it is file.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
}

impl Buffer {
    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    fn clear(&mut self) {
        self.filled = 0;
        if self.bytes.len() > KEEP {
            self.bytes = Vec::new();
        }
    }
}

#[expect(
    clippy::large_enum_variant,
    reason = "one per file being read, on the stack; a box would be an allocation per file"
)]
enum Input<'a> {
    Plain(&'a mut dyn HeaderSource),
    Deflated(Inflate<'a>),
    Ended,
}

/// A buffer being filled from a source. Positions are offsets in the buffer.
pub(super) struct Window<'a> {
    buffer: &'a mut Buffer,
    input: Input<'a>,
    /// Where the input ends, in the same count as [`Window::offset`], if that is known.
    end: Option<u64>,
    ended: bool,
    skipped: u64,
    max: usize,
}

impl<'a> Window<'a> {
    pub(super) fn new(source: &'a mut dyn HeaderSource, buffer: &'a mut Buffer, limits: &Limits) -> Self {
        buffer.clear();
        let end = source.size();
        // Offsets are kept in 32 bits.
        let max = limits.max_header_bytes.min(u32::MAX as usize);
        Self {
            buffer,
            input: Input::Plain(source),
            end,
            ended: false,
            skipped: 0,
            max,
        }
    }

    /// The bytes in memory from a position on.
    #[inline]
    pub(super) fn from(&self, at: usize) -> &[u8] {
        self.buffer.filled().get(at..).unwrap_or_default()
    }

    /// `N` bytes at a position; they must have been made sure of before.
    #[inline]
    pub(super) fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        self.from(at).first_chunk().copied().unwrap_or([0; N])
    }

    /// Where in the file (if deflated: in what it inflates to) a position is.
    #[inline]
    pub(super) fn offset(&self, at: usize) -> u64 {
        at as u64 + self.skipped
    }

    /// Where the input ends, if that is known.
    #[inline]
    pub(super) fn end(&self) -> Option<u64> {
        self.end
    }

    /// Gets the bytes up to `to` into memory; how many are missing because the input ends before.
    #[inline]
    pub(super) fn ensure(&mut self, to: usize) -> Result<usize, Refusal> {
        if to <= self.buffer.filled {
            Ok(0)
        } else {
            self.fill(to)
        }
    }

    #[cold]
    fn fill(&mut self, to: usize) -> Result<usize, Refusal> {
        if to > self.max {
            return Err(Refusal::HeaderTooLarge { limit: self.max });
        }
        while self.buffer.filled < to && !self.ended {
            let filled = self.buffer.filled;
            // Grows by what has come, not by what is claimed: a claim costs nothing until the bytes are there.
            let want = (filled + filled.clamp(FIRST, AHEAD)).min(self.max.max(to));
            if self.buffer.bytes.len() < want {
                self.buffer.bytes.resize(want, 0);
            }
            let got = self.input.read(&mut self.buffer.bytes[filled..want])?;
            self.buffer.filled += got;
            self.ended = got == 0;
        }
        Ok(to.saturating_sub(self.buffer.filled))
    }

    /// Passes over `n` bytes at `at`. `Ok(true)`: they were in memory already and stay there; `Ok(false)`: the buffer goes on
    /// at `at` with what follows them. The error is how many are missing.
    pub(super) fn skip(&mut self, at: usize, n: u64) -> Result<Result<bool, u64>, Refusal> {
        let here = (self.buffer.filled - at) as u64;
        if n <= here {
            return Ok(Ok(true));
        }
        let rest = n - here;
        let passed = self.input.skip(rest)?;
        if passed < rest {
            return Ok(Err(rest - passed));
        }
        self.buffer.filled = at;
        self.skipped += n;
        Ok(Ok(false))
    }

    /// From `at` on the file is a deflate stream, and the window one over what it inflates to.
    pub(super) fn inflate(&mut self, at: usize, limits: &Limits) {
        self.input = match std::mem::replace(&mut self.input, Input::Ended) {
            Input::Plain(source) => {
                let bytes = self.from(at).to_vec();
                self.buffer.filled = at.min(self.buffer.filled);
                self.end = None;
                self.ended = false;
                Input::Deflated(Inflate {
                    source,
                    next: 0,
                    filled: bytes.len(),
                    bytes,
                    state: Decompress::new(false),
                    ended: false,
                    start: at as u64,
                    limit: limits.max_inflated_bytes,
                })
            }
            other => other,
        };
    }
}

impl Input<'_> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Refusal> {
        match self {
            Self::Plain(source) => read(*source, buf),
            Self::Deflated(inflate) => inflate.read(buf),
            Self::Ended => Ok(0),
        }
    }

    fn skip(&mut self, n: u64) -> Result<u64, Refusal> {
        match self {
            Self::Plain(source) => source.skip(n).map_err(unreadable),
            Self::Deflated(inflate) => inflate.skip(n),
            Self::Ended => Ok(0),
        }
    }
}

fn unreadable(e: std::io::Error) -> Refusal {
    Refusal::Unreadable { kind: e.kind() }
}

fn read(source: &mut dyn HeaderSource, buf: &mut [u8]) -> Result<usize, Refusal> {
    loop {
        match source.read(buf) {
            // A source that claims more than it was given room for must not make us read beyond it.
            Ok(n) => return Ok(n.min(buf.len())),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(unreadable(e)),
        }
    }
}

/// A raw deflate stream (PS3.5 §A.5), inflated no further than is asked for, and never beyond a limit.
struct Inflate<'a> {
    source: &'a mut dyn HeaderSource,
    bytes: Vec<u8>,
    next: usize,
    filled: usize,
    state: Decompress,
    ended: bool,
    start: u64,
    limit: u64,
}

impl Inflate<'_> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Refusal> {
        while !self.ended && !buf.is_empty() {
            if self.next == self.filled {
                self.bytes.resize(FIRST, 0);
                self.filled = read(self.source, &mut self.bytes)?;
                self.next = 0;
            }
            let (before_in, before_out) = (self.state.total_in(), self.state.total_out());
            let input = &self.bytes[self.next..self.filled];
            let end = input.is_empty();
            let status = self
                .state
                .decompress(input, buf, FlushDecompress::None)
                .map_err(|_| Refusal::BadDeflate { at: self.start })?;
            let (used, made) = (
                self.state.total_in() - before_in,
                self.state.total_out() - before_out,
            );
            self.next += used as usize;
            // An input that ends within the stream shows as a data set that is cut short.
            self.ended = status == Status::StreamEnd || (end && made == 0);
            if self.state.total_out() > self.limit {
                return Err(Refusal::InflatesTooFar { limit: self.limit });
            }
            if made > 0 {
                return Ok(made as usize);
            }
        }
        Ok(0)
    }

    fn skip(&mut self, n: u64) -> Result<u64, Refusal> {
        let mut trash = [0; 8192];
        let mut left = n;
        while left > 0 {
            let want = usize::try_from(left).map_or(trash.len(), |left| left.min(trash.len()));
            match self.read(&mut trash[..want])? {
                0 => break,
                got => left -= got as u64,
            }
        }
        Ok(n - left)
    }
}
