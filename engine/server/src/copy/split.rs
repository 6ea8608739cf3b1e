//! From a stream of bytes to blocks of whole records, with the number of the line that each block begins on.
//!
//! Only ends of lines, quotes and escapes are looked at here, so that the fields of several blocks can be read at once.

use memchr::{memchr2, memchr3};
use radlake::Error;

use super::options::{Layout, Options};

/// Bytes of a block.
const BLOCK: usize = 1 << 20;
/// Bytes of the longest record.
const LONGEST: usize = 256 << 20;

/// Whole records.
#[derive(Debug, PartialEq)]
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    /// The line that it begins on, from 1.
    pub(crate) line: i64,
    pub(crate) ends: Ends,
}

/// How lines end; the first one decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Ends {
    #[default]
    Unknown,
    Newline,
    Return,
    ReturnNewline,
}

/// Cuts a stream into blocks.
pub(crate) struct Splitter {
    csv: bool,
    quote: u8,
    /// Other than the quote itself.
    escape: Option<u8>,
    buffer: Vec<u8>,
    /// Up to here everything has been looked at.
    scanned: usize,
    /// Here the last whole record ends.
    whole: usize,
    quoted: bool,
    escaped: bool,
    line: i64,
    lines: i64,
    ends: Ends,
    finished: bool,
}

fn format(message: &str, hint: &str) -> Error {
    Error::CopyFormat {
        message: message.to_owned(),
        hint: (!hint.is_empty()).then(|| hint.to_owned()),
    }
}

impl Splitter {
    pub(crate) fn new(options: &Options) -> Self {
        let csv = options.layout == Layout::Csv;
        Self {
            csv,
            quote: options.quote,
            escape: (csv && options.escape != options.quote).then_some(options.escape),
            buffer: Vec::new(),
            scanned: 0,
            whole: 0,
            quoted: false,
            escaped: false,
            line: 1,
            lines: 0,
            ends: Ends::Unknown,
            finished: false,
        }
    }

    /// The line that is being looked at.
    pub(crate) fn line(&self) -> i64 {
        self.line + self.lines
    }

    /// Takes a piece in; gives a block if one is full.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<Option<Block>, Error> {
        if self.finished {
            return Ok(None);
        }
        self.buffer.extend_from_slice(piece);
        self.scan(false)?;
        if self.buffer.len() - self.whole > LONGEST {
            return Err(Error::LimitExceeded(format!(
                "a row is longer than {} MiB",
                LONGEST >> 20
            )));
        }
        Ok((self.whole >= BLOCK || (self.finished && self.whole > 0)).then(|| self.cut(self.whole)))
    }

    /// The stream is over: what is left.
    pub(crate) fn finish(&mut self) -> Result<Option<Block>, Error> {
        if !self.finished {
            self.scan(true)?;
            if self.quoted {
                return Err(format("unterminated CSV quoted field", ""));
            }
            // The last line need not end.
            if self.buffer[self.whole..] == *b"\\." {
                self.buffer.truncate(self.whole);
            }
            self.whole = self.buffer.len();
        }
        Ok((self.whole > 0).then(|| self.cut(self.whole)))
    }

    fn cut(&mut self, at: usize) -> Block {
        let rest = self.buffer.split_off(at);
        let bytes = std::mem::replace(&mut self.buffer, rest);
        self.scanned -= at;
        self.whole = 0;
        let line = self.line;
        self.line += self.lines;
        self.lines = 0;
        Block {
            bytes,
            line,
            ends: self.ends,
        }
    }

    fn scan(&mut self, last: bool) -> Result<(), Error> {
        while self.scanned < self.buffer.len() && !self.finished {
            let rest = &self.buffer[self.scanned..];
            if self.escaped {
                // A character of an escape is none of those below, unless a line ends in it.
                self.escaped = false;
                self.lines += i64::from(rest[0] == b'\n');
                self.scanned += 1;
                continue;
            }
            let found = match (self.csv, self.quoted, self.escape) {
                (false, ..) => memchr3(b'\n', b'\r', b'\\', rest),
                (true, true, None) => memchr2(b'\n', self.quote, rest),
                (true, true, Some(escape)) => memchr3(b'\n', self.quote, escape, rest),
                (true, false, _) => memchr3(b'\n', b'\r', self.quote, rest),
            };
            let Some(found) = found else {
                self.scanned = self.buffer.len();
                return Ok(());
            };
            let at = self.scanned + found;
            let byte = self.buffer[at];
            match byte {
                b'\n' if self.quoted => {
                    self.lines += 1;
                    self.scanned = at + 1;
                }
                b'\n' => {
                    match self.ends {
                        Ends::Unknown => self.ends = Ends::Newline,
                        Ends::Newline => {}
                        _ if self.csv => {
                            return Err(format(
                                "unquoted newline found in data",
                                "Use quoted CSV field to represent newline.",
                            ));
                        }
                        _ => {
                            return Err(format(
                                "literal newline found in data",
                                "Use \"\\n\" to represent newline.",
                            ));
                        }
                    }
                    self.end(at, 1);
                }
                b'\r' if !self.quoted => {
                    if at + 1 == self.buffer.len() && !last && self.ends != Ends::Return {
                        // Whether a newline follows is not known yet.
                        self.scanned = at;
                        return Ok(());
                    }
                    let newline = self.buffer.get(at + 1) == Some(&b'\n');
                    match (self.ends, newline) {
                        (Ends::Unknown | Ends::ReturnNewline, true) => {
                            self.ends = Ends::ReturnNewline;
                            self.end(at, 2);
                        }
                        (Ends::Unknown | Ends::Return, _) => {
                            self.ends = Ends::Return;
                            self.end(at, 1);
                        }
                        _ if self.csv => {
                            return Err(format(
                                "unquoted carriage return found in data",
                                "Use quoted CSV field to represent carriage return.",
                            ));
                        }
                        _ => {
                            return Err(format(
                                "literal carriage return found in data",
                                "Use \"\\r\" to represent carriage return.",
                            ));
                        }
                    }
                }
                quote if self.csv && quote == self.quote => {
                    self.quoted = !self.quoted;
                    self.scanned = at + 1;
                }
                // A backslash of text, or CSV's escape within quotes.
                _ => {
                    self.escaped = true;
                    self.scanned = at + 1;
                }
            }
        }
        Ok(())
    }

    /// A record ends at `at` with `width` bytes; `\.` alone on a line ends the data.
    fn end(&mut self, at: usize, width: usize) {
        let record = &self.buffer[self.whole..at];
        if record == b"\\." {
            self.finished = true;
            self.buffer.truncate(self.whole);
            self.scanned = self.whole;
            return;
        }
        self.lines += 1;
        self.scanned = at + width;
        self.whole = self.scanned;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn splitter(csv: bool, escape: u8) -> Splitter {
        Splitter {
            csv,
            quote: b'"',
            escape: (csv && escape != b'"').then_some(escape),
            buffer: Vec::new(),
            scanned: 0,
            whole: 0,
            quoted: false,
            escaped: false,
            line: 1,
            lines: 0,
            ends: Ends::Unknown,
            finished: false,
        }
    }

    /// Whatever the pieces, the records are the same.
    fn all(csv: bool, escape: u8, text: &str, piece: usize) -> Result<(String, Ends), Error> {
        let mut splitter = splitter(csv, escape);
        let mut out = Vec::new();
        for piece in text.as_bytes().chunks(piece) {
            if let Some(block) = splitter.push(piece)? {
                out.extend(block.bytes);
            }
        }
        let mut ends = Ends::Unknown;
        if let Some(block) = splitter.finish()? {
            ends = block.ends;
            out.extend(block.bytes);
        }
        Ok((String::from_utf8(out).unwrap(), ends))
    }

    #[test]
    fn records_end_where_no_quote_or_escape_is_open() {
        for piece in [1, 2, 3, 100] {
            let whole = |csv, text: &str, ends| {
                assert_eq!(all(csv, b'"', text, piece).unwrap(), (text.to_owned(), ends));
            };
            whole(true, "a,\"b\nc\"\nd,e", Ends::Newline);
            whole(true, "a\r\n\"b\r\nc\"\r\n", Ends::ReturnNewline);
            whole(true, "a\rb\r", Ends::Return);
            whole(false, "a\\\nb\nc\n", Ends::Newline);
            whole(false, "a\\\\\nb\n", Ends::Newline);
            assert_eq!(all(false, b'"', "a\nb\n\\.\nc\n", piece).unwrap().0, "a\nb\n");
            assert_eq!(all(true, b'\\', "\"a\\\"\nb\"\nc\n", piece).unwrap().0.len(), 10);
            for (csv, text) in [
                (true, "a\nb\r\n"),
                (true, "a\r\nb\n"),
                (false, "a\nb\rc\n"),
                (true, "\"a\n"),
            ] {
                let error = all(csv, b'"', text, piece);
                assert!(matches!(error, Err(Error::CopyFormat { .. })), "{text:?}");
            }
        }
    }

    #[test]
    fn blocks_know_their_first_line() {
        let mut splitter = splitter(true, b'"');
        let row = format!("\"{}\n\"\n", "x".repeat(1000));
        let mut lines = Vec::new();
        for _ in 0..3000 {
            if let Some(block) = splitter.push(row.as_bytes()).unwrap() {
                lines.push((block.line, block.bytes.len() / row.len()));
            }
        }
        assert_eq!(lines[0].0, 1);
        assert_eq!(lines[1].0, 1 + 2 * lines[0].1 as i64);
    }
}
