//! A cursor over JSON text that finds one value and skips the rest, without a tree and without recursion.
//!
//! What is skipped is not checked beyond what finding its end needs.

use std::borrow::Cow;

/// The text is not the JSON that was expected, at this byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) at: usize,
}

type Result<T> = std::result::Result<T, Malformed>;

/// A place in JSON text.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn malformed<T>(&self) -> Result<T> {
        Err(Malformed { at: self.at })
    }

    /// The next byte that is not white space.
    pub(crate) fn peek(&mut self) -> Result<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b) = bytes.get(self.at) {
            match b {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b => return Ok(*b),
            }
        }
        self.malformed()
    }

    fn expect(&mut self, wanted: u8) -> Result<()> {
        if self.peek()? != wanted {
            return self.malformed();
        }
        self.at += 1;
        Ok(())
    }

    /// The text between the quotes of the string here, escapes as written.
    fn raw_string(&mut self) -> Result<&'a str> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            match memchr::memchr2(b'"', b'\\', rest) {
                Some(i) if rest.get(i) == Some(&b'"') => {
                    let end = self.at + i;
                    self.at = end + 1;
                    return self.text.get(start..end).map_or_else(|| self.malformed(), Ok);
                }
                // A backslash and what it escapes.
                Some(i) => self.at += i + 2,
                None => {
                    self.at = self.text.len();
                    return self.malformed();
                }
            }
        }
    }

    /// The string here, without its escapes.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>> {
        let _ = self.peek()?;
        let start = self.at;
        let raw = self.raw_string()?;
        if !raw.contains('\\') {
            return Ok(Cow::Borrowed(raw));
        }
        let quoted = self.text.get(start..self.at).unwrap_or_default();
        serde_json::from_str(quoted)
            .map(Cow::Owned)
            .map_err(|_| Malformed { at: start })
    }

    /// The text of the number, `true`, `false` or `null` here.
    pub(crate) fn scalar(&mut self) -> Result<&'a str> {
        let _ = self.peek()?;
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let n = rest
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
            .count();
        if n == 0 {
            return self.malformed();
        }
        self.at += n;
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// Goes past the value here and returns its text.
    pub(crate) fn skip(&mut self) -> Result<&'a str> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'"' => {
                let _ = self.raw_string()?;
            }
            b'{' | b'[' => {
                let mut depth = 0_usize;
                loop {
                    match self.peek()? {
                        b'"' => {
                            let _ = self.raw_string()?;
                            continue;
                        }
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => depth -= 1,
                        _ => {}
                    }
                    self.at += 1;
                    if depth == 0 {
                        break;
                    }
                }
            }
            _ => {
                let _ = self.scalar()?;
            }
        }
        self.text.get(start..self.at).map_or_else(|| self.malformed(), Ok)
    }

    /// Calls `visit` with each key of the object here and the cursor at its value, until it answers `true`, where the cursor
    /// stays, or the object ends (`false`). What `visit` does not read is skipped.
    pub(crate) fn members(&mut self, mut visit: impl FnMut(&str, Self) -> Result<bool>) -> Result<bool> {
        self.expect(b'{')?;
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(false);
        }
        loop {
            let key = self.raw_string()?;
            self.expect(b':')?;
            let _ = self.peek()?;
            if visit(key, *self)? {
                return Ok(true);
            }
            let _ = self.skip()?;
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(false);
                }
                _ => return self.malformed(),
            }
        }
    }

    /// Calls `visit` with each element of the array here, until it answers `true`, where the cursor stays.
    pub(crate) fn elements(&mut self, mut visit: impl FnMut(usize, Self) -> Result<bool>) -> Result<bool> {
        self.expect(b'[')?;
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(false);
        }
        for i in 0.. {
            let _ = self.peek()?;
            if visit(i, *self)? {
                return Ok(true);
            }
            let _ = self.skip()?;
            match self.peek()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(false);
                }
                _ => return self.malformed(),
            }
        }
        Ok(false)
    }

    /// Goes to the value of `key` in the object here.
    pub(crate) fn member(&mut self, key: &str) -> Result<bool> {
        self.members(|k, _| Ok(k == key))
    }

    /// Goes to element `n` of the array here.
    pub(crate) fn element(&mut self, n: usize) -> Result<bool> {
        self.elements(|i, _| Ok(i == n))
    }
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn finds_and_skips() {
        let json = r#" { "a" : [1, {"b": "}\"]"}, [[]]] , "c\\" : -1.5e3, "d":"é\u00e9\ud83d\ude00\n" } "#;
        let mut c = Cursor::new(json);
        assert!(c.member("d").unwrap());
        assert_eq!(c.string().unwrap(), "éé😀\n");
        let mut c = Cursor::new(json);
        assert!(c.member("a").unwrap() && c.element(1).unwrap() && c.member("b").unwrap());
        assert_eq!(c.string().unwrap(), "}\"]");
        assert!(!Cursor::new(json).member("e").unwrap());
        assert!(!Cursor::new("[]").element(0).unwrap());
        assert!(!Cursor::new("{}").member("a").unwrap());
    }

    #[test]
    fn malformed_text_is_refused_wherever_it_ends() {
        let json = r#"{"a":[1,{"b":"x\"y"},null],"c":"é\u00e9"}"#;
        for cut in (0..json.len()).filter(|i| json.is_char_boundary(*i)) {
            assert!(Cursor::new(&json[..cut]).member("zz").is_err(), "{cut}");
        }
        for bad in [
            "",
            "x",
            "[",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1 2}",
            "{a:1}",
            "\"",
            "\"\\",
            "{\"a\":[1}]",
        ] {
            let _ = Cursor::new(bad).member("zz");
        }
    }

    #[test]
    fn depth_is_no_matter() {
        let deep = format!(
            "{{\"a\":{}{},\"b\":1}}",
            "[".repeat(1_000_000),
            "]".repeat(1_000_000)
        );
        assert!(Cursor::new(&deep).member("b").unwrap());
    }
}
