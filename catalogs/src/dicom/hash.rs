//! The fingerprint that tells whether a file is the one already taken.

use std::fmt;

/// 128 bits of BLAKE3 over a header and the size of its file. `Display` gives 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeaderHash([u8; 16]);

impl HeaderHash {
    /// Over `bytes` without `holes`, which ascend.
    pub(super) fn of(bytes: &[u8], holes: &[(usize, usize)], file_size: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&file_size.to_le_bytes());
        let mut at = 0;
        for (start, end) in holes {
            hasher.update(bytes.get(at..*start).unwrap_or_default());
            at = *end;
        }
        hasher.update(bytes.get(at..).unwrap_or_default());
        let mut hash = [0; 16];
        hasher.finalize_xof().fill(&mut hash);
        Self(hash)
    }

    /// The 32 hexadecimal digits.
    pub fn to_hex(self) -> String {
        self.to_string()
    }
}

impl fmt::Display for HeaderHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}
