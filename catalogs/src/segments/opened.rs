//! One file in memory, known again as the instance that the lake has.

use crate::dicom::objects::plain;
use crate::dicom::{BytesSource, DataSet, Header, Limits, Scratch, Tree, read_header};

use super::images::Located;

/// Bytes of one file that are read, and to which a deflated one may inflate.
pub(crate) const MAX_FILE: u64 = 4 << 30;

/// Calls `f` with what a file's bytes hold: the bytes as they can be read, the header, its data set.
///
/// # Errors
/// That of `f`; that the bytes are not DICOM any more, or another instance than `located`. For people; no names, no values.
pub(crate) fn opened<R>(
    bytes: &[u8],
    located: &Located,
    f: impl FnOnce(&[u8], &Header<'_>, DataSet<'_>) -> Result<R, String>,
) -> Result<R, String> {
    let mut scratch = Scratch::default();
    let limits = Limits::default();
    let header = read_header(&mut BytesSource::new(bytes), &limits, &mut scratch)
        .map_err(|refusal| format!("its file cannot be read any more: {}", refusal.reason()))?;
    // Whoever could write into the lake's tables could have them name any file, and so could a file that was changed.
    if header.sop_instance_uid() != located.instance
        || header.hash(bytes.len() as u64).to_hex() != located.header_hash
    {
        return Err("its file has changed since it was ingested: ingest it again with --replace".to_owned());
    }
    let readable = plain(bytes, &header, MAX_FILE)?;
    if readable.as_ptr() == bytes.as_ptr() {
        let tree = Tree::of(&header);
        return f(bytes, &header, tree.root());
    }
    let mut scratch = Scratch::default();
    let header = read_header(&mut BytesSource::new(&readable), &limits, &mut scratch)
        .map_err(|refusal| format!("its data set cannot be read: {}", refusal.reason()))?;
    let tree = Tree::of(&header);
    f(&readable, &header, tree.root())
}
