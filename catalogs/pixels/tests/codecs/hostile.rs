//! Streams corrupted at random: each ends in time, in a frame of the right size or an error, within bounded memory.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::common::{busy, element, layout, streams};
use flate2::{Compression, write::DeflateEncoder};
use radlake_pixels::{Encoding, Layout, Limits, PixelData, decode_frame};

const VARIANTS: u32 = 1000;
const LONGEST: Duration = Duration::from_secs(2);
/// Most that all of this may add to the memory of the process, in kB.
const MEMORY: u64 = 512 << 10;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// Flips, cuts, inserts and blanks some places.
fn corrupt(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=random.below(4) {
        // Headers decide most: half of the damage is there.
        let reach = if random.below(2) == 0 {
            out.len()
        } else {
            out.len().min(120)
        };
        let at = random.below(reach);
        match random.below(6) {
            _ if out.is_empty() => {}
            0 => out[at] ^= 1 << random.below(8),
            1 => out[at] = random.next() as u8,
            2 => out.truncate(at),
            3 => {
                let many = random.below(9);
                out.splice(at..at, (0..many).map(|_| random.next() as u8));
            }
            4 => {
                let end = (at + random.below(16)).min(out.len());
                out[at..end].fill(0);
            }
            _ => {
                let end = (at + 1 + random.below(4)).min(out.len());
                out[at..end].fill(0xFF);
            }
        }
    }
    out
}

/// The largest memory that the process had, in kB; 0 where the system does not tell.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

fn attack(name: &str, bytes: &[u8], encoding: Encoding, layout: &Layout) {
    let mut random = Random(
        name.bytes()
            .fold(7, |seed, byte| seed.rotate_left(7) ^ u64::from(byte)),
    );
    let mut decoded = 0;
    for variant in 0..VARIANTS {
        let stream = corrupt(bytes, &mut random);
        // The element around it is hit too, now and then.
        let value = element(&stream);
        let value = if variant % 8 == 0 {
            corrupt(&value, &mut random)
        } else {
            value
        };
        let start = Instant::now();
        let result = PixelData::encapsulated(&value)
            .and_then(|data| decode_frame(&data, layout, encoding, 0, &Limits::default()));
        let took = start.elapsed();
        assert!(took < LONGEST, "{name}, variant {variant}: {took:?}");
        if let Ok(frame) = result {
            assert_eq!(frame.samples.len(), layout.samples(), "{name}, variant {variant}");
            decoded += 1;
        }
    }
    // Otherwise the damage would be too great to reach what is behind the headers.
    assert!(decoded > 0, "{name}: no variant was decoded");
}

#[test]
fn corrupted_streams() {
    // Panics of decoders become errors; their messages would fill the screen.
    std::panic::set_hook(Box::new(|info| {
        if info.location().is_some_and(|l| l.file().ends_with("hostile.rs")) {
            eprintln!("{info}");
        }
    }));
    let before = peak();
    for stream in streams() {
        attack(stream.name, &stream.bytes, stream.encoding, &stream.layout);
    }
    let bytes: Vec<u8> = busy(16, 1)
        .iter()
        .flat_map(|&v| (v as u16).to_le_bytes())
        .collect();
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
    deflated.write_all(&bytes).unwrap();
    attack(
        "deflated",
        &deflated.finish().unwrap(),
        Encoding::DeflatedFrame,
        &layout(16, 1),
    );
    attack(
        "uncompressed",
        &bytes,
        Encoding::EncapsulatedUncompressed,
        &layout(16, 1),
    );
    attack("rle", &rle(&bytes), Encoding::Rle, &layout(16, 1));
    let _ = std::panic::take_hook();
    let grown = peak() - before;
    assert!(grown < MEMORY, "{grown} kB more than before");
}

/// Two segments of literals and a run each.
fn rle(words: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 64];
    out[0] = 2;
    for byte in [1, 0] {
        let at = out.len() as u32;
        out[8 - 4 * byte..12 - 4 * byte].copy_from_slice(&at.to_le_bytes());
        let plane: Vec<u8> = words.iter().skip(byte).step_by(2).copied().collect();
        out.push(127);
        out.extend(&plane[..128]);
        out.push(plane.len() as u8 - 128 - 1);
        out.extend(&plane[128..]);
    }
    out
}

/// Headers of JPEG 2000 that are in order and promise far more than the stream holds.
#[test]
fn layers_and_tiles_without_end() {
    for stream in streams().into_iter().filter(|s| s.encoding == Encoding::Jpeg2000) {
        let coding = stream.bytes.windows(2).position(|w| w == [0xFF, 0x52]).unwrap();
        for layers in [2_u16, 0x0400, 0x4000, 0xFFFF] {
            for side in [1_u32, 2, 16] {
                let mut bytes = stream.bytes.clone();
                bytes[coding + 6..coding + 8].copy_from_slice(&layers.to_be_bytes());
                // SIZ follows SOC: the sides of a tile.
                bytes[24..28].copy_from_slice(&side.to_be_bytes());
                bytes[28..32].copy_from_slice(&side.to_be_bytes());
                let value = element(&bytes);
                let data = PixelData::encapsulated(&value).unwrap();
                let start = Instant::now();
                let _ = decode_frame(&data, &stream.layout, stream.encoding, 0, &Limits::default());
                let took = start.elapsed();
                assert!(
                    took < LONGEST,
                    "{}, {layers} layers, tiles of {side}: {took:?}",
                    stream.name
                );
            }
        }
    }
}
