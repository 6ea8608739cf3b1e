//! Going through a file without a table, to find what its columns are.

use futures::TryStreamExt;
use radlake::Error;

use super::Pieces;
use super::fields::Fields;
use super::options::{Header, Options};
use super::split::{Block, Splitter};

/// A record of text or CSV.
pub(crate) struct Record<'a>(&'a Fields<'a>);

impl Record<'_> {
    /// Its fields.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// A field; `None` where it is NULL.
    pub(crate) fn value(&self, at: usize) -> Option<&[u8]> {
        (!self.0.is_null(at)).then(|| self.0.raw(at))
    }

    /// A field as text.
    pub(crate) fn text(&self, at: usize) -> String {
        String::from_utf8_lossy(self.0.raw(at)).into_owned()
    }
}

/// Shows every record to `see`, and whether it is the header; ends early when that says false.
pub(crate) async fn scan(
    mut pieces: Pieces,
    options: &Options,
    mut see: impl FnMut(&Record<'_>, bool) -> bool,
) -> Result<(), Error> {
    let mut splitter = Splitter::new(options);
    let mut decoder = options.charset.decoder();
    let mut header = options.header != Header::No;
    let mut all = |block: Block| {
        let mut fields = Fields::new(&block, options);
        while fields.next() {
            if !see(&Record(&fields), std::mem::take(&mut header)) {
                return false;
            }
        }
        true
    };
    let at = |line: i64| {
        move |error| Error::Row {
            table: "file".to_owned(),
            line,
            column: None,
            error: Box::new(error),
        }
    };
    while let Some(piece) = pieces.try_next().await? {
        let line = splitter.line();
        let block = match &mut decoder {
            Some(decoder) => {
                let decoded = decoder.decode(&piece, false);
                let decoded = decoded.ok_or_else(|| Error::Encoding(options.charset.name().to_owned()));
                splitter.push(&decoded.map_err(at(line))?)
            }
            None => splitter.push(&piece),
        };
        if let Some(block) = block.map_err(at(splitter.line()))?
            && !all(block)
        {
            return Ok(());
        }
    }
    if let Some(block) = splitter.finish().map_err(at(splitter.line()))? {
        all(block);
    }
    Ok(())
}
