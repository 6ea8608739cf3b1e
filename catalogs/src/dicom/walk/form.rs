//! How the header of an element is written whose VR PS3.5 does not know.

use super::{UNDEFINED, Walk};
use crate::dicom::{ITEM, Refusal, SEQUENCE_END, Vr, syntax::Coding};

/// What follows the tag of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A length of 32 bits.
    Implicit,
    /// VR, two reserved bytes, a length of 32 bits.
    Long,
    /// VR, a length of 16 bits.
    Short,
}

/// Values longer than this (bytes) are not read to see what comes behind them.
const PEEK: u32 = 64 << 10;

impl Walk<'_, '_> {
    /// The form of an element in an explicit data set of which the four bytes behind the tag start with no VR.
    ///
    /// Two letters are a VR that a later edition adds, which has the long form (PS3.5 §7.1.2), or an invented one. Anything else
    /// (blanks, question marks, NULs, small letters) is a spoilt VR or the length of an implicit element. The first form counts
    /// behind which the data set goes on.
    #[cold]
    pub(super) fn unknown_form(&mut self, tag: u32, coding: Coding, after: [u8; 4]) -> Result<Form, Refusal> {
        let [e, f, g, h] = after;
        let long = [g, h] == [0, 0];
        if e.is_ascii_uppercase() && f.is_ascii_uppercase() {
            // Where nothing fits it is as the standard has it.
            let fits_long = long
                && (self.leads_on(tag, coding, Form::Long)? || !self.leads_on(tag, coding, Form::Short)?);
            return Ok(match fits_long {
                true => Form::Long,
                false => Form::Short,
            });
        }
        if coding.u32(after) == UNDEFINED || self.leads_on(tag, coding, Form::Implicit)? {
            return Ok(Form::Implicit);
        }
        for form in [Form::Short, Form::Long] {
            if (form == Form::Short || long) && self.leads_on(tag, coding, form)? {
                return Ok(form);
            }
        }
        Ok(Form::Implicit)
    }

    /// Whether the element here, read in a form, fits into what holds it and ends where something ends or a later element starts.
    fn leads_on(&mut self, tag: u32, coding: Coding, form: Form) -> Result<bool, Refusal> {
        let size = if form == Form::Long { 12 } else { 8 };
        if self.window.ensure(self.at + size)? > 0 {
            return Ok(false);
        }
        let [.., e, f, g, h] = self.window.array::<8>(self.at);
        let len = match form {
            Form::Implicit => coding.u32([e, f, g, h]),
            Form::Long => coding.u32(self.window.array(self.at + 8)),
            Form::Short => u32::from(coding.u16([g, h])),
        };
        if len == UNDEFINED {
            let first = self.window.ensure(self.at + size + 4)? == 0;
            let item = coding.tag(self.window.array(self.at + size));
            return Ok(first && matches!(item, ITEM | SEQUENCE_END));
        }
        let behind = self.at + size + len as usize;
        let end = self.window.offset(self.at) + size as u64 + u64::from(len);
        if end >= self.bound() || len > PEEK {
            return Ok(end == self.bound());
        }
        if self.window.end().is_some_and(|file| end > file) {
            return Ok(false);
        }
        match self.window.ensure(behind + 8)? {
            0 => {
                let [a, b, c, d, e, f, ..]: [u8; 8] = self.window.array(behind);
                let next = coding.tag([a, b, c, d]);
                let known = next >> 16 == 0xFFFE
                    || Vr::from_bytes([e, f]).is_some()
                    || self.dictionary.lookup(next).is_some();
                Ok(next > tag && known)
            }
            missing => Ok(missing == 8),
        }
    }
}
