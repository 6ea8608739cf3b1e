//! Samples of one bit (PS3.5 8.1.1): a continuous stream, least significant bit first, frames not byte-aligned.

/// `count` bits from bit `first_bit` on, as 0 or 1. Bits beyond the end of `bytes` are left out, so that the result may
/// be shorter than `count`.
pub fn unpack_bits(bytes: &[u8], first_bit: u64, count: usize) -> Vec<u8> {
    let all = bytes.len() as u64 * 8;
    let there = all.saturating_sub(first_bit).min(count as u64) as usize;
    let mut out = Vec::with_capacity(there);
    let (mut byte, mut bit) = ((first_bit / 8) as usize, (first_bit % 8) as u32);
    while out.len() < there {
        let Some(&value) = bytes.get(byte) else { break };
        let take = (8 - bit).min((there - out.len()) as u32);
        out.extend((bit..bit + take).map(|b| value >> b & 1));
        (byte, bit) = (byte + 1, 0);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_not_byte_aligned() {
        // Frames of 3 × 3 bits: the second starts in the middle of the second byte.
        let bytes = [0b1011_0101, 0b0110_1100, 0b1111_1111];
        assert_eq!(unpack_bits(&bytes, 0, 9), [1, 0, 1, 0, 1, 1, 0, 1, 0]);
        assert_eq!(unpack_bits(&bytes, 9, 9), [0, 1, 1, 0, 1, 1, 0, 1, 1]);
        assert_eq!(unpack_bits(&bytes, 22, 9), [1, 1]);
        assert_eq!(unpack_bits(&bytes, 24, 1), []);
        assert_eq!(unpack_bits(&bytes, u64::MAX, 4), []);
        for first in 0..24 {
            for (i, bit) in unpack_bits(&bytes, first, 24).into_iter().enumerate() {
                let at = first as usize + i;
                assert_eq!(bit, bytes[at / 8] >> (at % 8) & 1);
            }
        }
    }
}
