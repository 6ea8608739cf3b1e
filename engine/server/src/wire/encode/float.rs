//! float4 and float8.
//!
//! Text is the shortest form that reads back as the same number, in PostgreSQL's layout: scientific below
//! 1e-4 and from 1e15 (1e6 for float4) on, an exponent of at least two digits.

use std::fmt::LowerExp;
use std::num::NonZeroI32;

use arrow::buffer::ScalarBuffer;
use arrow::datatypes::ArrowNativeType;
use bytes::{BufMut, BytesMut};
use lexical_core::{FromLexical, ToLexicalWithOptions, WriteFloatOptions};

use super::{Format, Result, Style, Value};

const FORMAT: u128 = lexical_core::format::STANDARD;

const fn options(above: i32) -> WriteFloatOptions {
    WriteFloatOptions::builder()
        .positive_exponent_break(NonZeroI32::new(above))
        .negative_exponent_break(NonZeroI32::new(-4))
        .trim_floats(true)
        .build_strict()
}

/// What differs between the two widths.
trait Float:
    ArrowNativeType + ToLexicalWithOptions<Options = WriteFloatOptions> + FromLexical + LowerExp
{
    const OPTIONS: WriteFloatOptions;
    /// C's DBL_DIG or FLT_DIG.
    const DIGITS: i32;
    /// From here on integers are further apart than one, and a short decimal may lie exactly between two.
    const EXACT: f64;
    fn wide(self) -> f64;
    /// The neighbours half-way to which the number is rounded to, as (below, above).
    fn neighbours(self) -> (f64, f64);
    fn binary(self, out: &mut BytesMut);
}

impl Float for f64 {
    const OPTIONS: WriteFloatOptions = options(14);
    const DIGITS: i32 = 15;
    const EXACT: f64 = 9_007_199_254_740_992.0;

    fn wide(self) -> f64 {
        self
    }

    fn neighbours(self) -> (f64, f64) {
        (self.next_down(), self.next_up())
    }

    fn binary(self, out: &mut BytesMut) {
        out.put_f64(self);
    }
}

impl Float for f32 {
    const OPTIONS: WriteFloatOptions = options(5);
    const DIGITS: i32 = 6;
    const EXACT: f64 = 16_777_216.0;

    fn wide(self) -> f64 {
        f64::from(self)
    }

    fn neighbours(self) -> (f64, f64) {
        (f64::from(self.next_down()), f64::from(self.next_up()))
    }

    fn binary(self, out: &mut BytesMut) {
        out.put_f32(self);
    }
}

struct Text<T: ArrowNativeType>(ScalarBuffer<T>);
struct Digits<T: ArrowNativeType>(ScalarBuffer<T>, i32);
struct Binary<T: ArrowNativeType>(ScalarBuffer<T>);

/// real.
pub(super) fn float4(values: ScalarBuffer<f32>, format: Format, style: &Style) -> Box<dyn Value> {
    writer(values, format, style)
}

/// double precision.
pub(super) fn float8(values: ScalarBuffer<f64>, format: Format, style: &Style) -> Box<dyn Value> {
    writer(values, format, style)
}

fn writer<T: Float>(values: ScalarBuffer<T>, format: Format, style: &Style) -> Box<dyn Value> {
    match format {
        Format::Binary => Box::new(Binary(values)),
        Format::Text if style.extra_float_digits > 0 => Box::new(Text(values)),
        Format::Text => Box::new(Digits(values, (T::DIGITS + style.extra_float_digits).max(1))),
    }
}

impl<T: Float> Value for Binary<T> {
    #[inline]
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        self.0[row].binary(out);
        Ok(())
    }

    #[inline]
    fn put(&self, row: usize, out: &mut BytesMut) -> Result {
        out.put_i32(size_of::<T>() as i32);
        self.0[row].binary(out);
        Ok(())
    }
}

impl<T: Float> Value for Text<T> {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        let value = self.0[row];
        if put_special(value.wide(), out) {
            return Ok(());
        }
        let mut buffer = [0u8; 128];
        let written = lexical_core::write_with_options::<T, FORMAT>(value, &mut buffer, &T::OPTIONS);
        if value.wide().abs() >= T::EXACT && is_midpoint(value, written) {
            put_inside(value, out);
        } else {
            put_exponent(written, out);
        }
        Ok(())
    }

    fn bare(&self) -> bool {
        true
    }
}

impl<T: Float> Value for Digits<T> {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        let value = self.0[row].wide();
        if !put_special(value, out) {
            put_general(value, self.1 as usize, out);
        }
        Ok(())
    }

    fn bare(&self) -> bool {
        true
    }
}

/// NaN and the infinities in PostgreSQL's words.
fn put_special(value: f64, out: &mut BytesMut) -> bool {
    if value.is_finite() {
        return false;
    }
    out.put_slice(match value {
        v if v.is_nan() => b"NaN",
        v if v > 0.0 => b"Infinity",
        _ => b"-Infinity",
    });
    true
}

/// Rewrites `1.5e7` as `1.5e+07`.
fn put_exponent(written: &[u8], out: &mut BytesMut) {
    let Some(at) = written.iter().position(|b| *b == b'e') else {
        out.put_slice(written);
        return;
    };
    let (mantissa, exponent) = (&written[..at], &written[at + 1..]);
    let (sign, digits) = match exponent.first() {
        Some(b'-') => (b'-', &exponent[1..]),
        _ => (b'+', exponent),
    };
    out.put_slice(mantissa);
    out.put_u8(b'e');
    out.put_u8(sign);
    if digits.len() < 2 {
        out.put_u8(b'0');
    }
    out.put_slice(digits);
}

/// PostgreSQL never prints a decimal that lies exactly between two floats, though it reads back as the even one.
fn is_midpoint<T: Float>(value: T, written: &[u8]) -> bool {
    let Some(shown) = integer(written) else {
        return false;
    };
    let (below, above) = value.neighbours();
    [below, above].into_iter().any(|other| {
        // All are integers here, of at most 128 bits: the sum is exact.
        let (a, b) = (value.wide().abs(), other.abs());
        b.is_finite() && a < 1e38 && b < 1e38 && (a as u128) + (b as u128) == shown.saturating_mul(2)
    })
}

/// The absolute value of a decimal without fraction.
fn integer(written: &[u8]) -> Option<u128> {
    let (mut number, mut fraction, mut exponent) = (0u128, None, 0i32);
    let mut bytes = written.strip_prefix(b"-").unwrap_or(written).iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'.' => fraction = Some(0i32),
            b'e' => {
                exponent = std::str::from_utf8(bytes.as_slice()).ok()?.parse().ok()?;
                break;
            }
            digit => {
                number = number.checked_mul(10)?.checked_add(u128::from(digit - b'0'))?;
                fraction = fraction.map(|places| places + 1);
            }
        }
    }
    number.checked_mul(10u128.checked_pow(u32::try_from(exponent - fraction.unwrap_or(0)).ok()?)?)
}

/// The shortest decimal strictly nearer to `value` than to its neighbours.
fn put_inside<T: Float>(value: T, out: &mut BytesMut) {
    for digits in 1..=16 {
        let written = format!("{value:.digits$e}");
        if lexical_core::parse::<T>(written.as_bytes()).is_ok_and(|read| read == value)
            && !is_midpoint(value, written.as_bytes())
        {
            return put_exponent(trim_mantissa(&written).as_bytes(), out);
        }
    }
    put_exponent(format!("{value:e}").as_bytes(), out);
}

fn trim_mantissa(written: &str) -> String {
    match written.split_once('e') {
        Some((mantissa, exponent)) if mantissa.contains('.') => {
            format!(
                "{}e{exponent}",
                mantissa.trim_end_matches('0').trim_end_matches('.')
            )
        }
        _ => written.to_owned(),
    }
}

/// C's `%.{digits}g`.
fn put_general(value: f64, digits: usize, out: &mut BytesMut) {
    let precision = digits.saturating_sub(1);
    let scientific = format!("{value:.precision$e}");
    let exponent: i32 = scientific
        .split_once('e')
        .and_then(|(_, e)| e.parse().ok())
        .unwrap_or(0);
    if exponent < -4 || exponent >= digits as i32 {
        put_exponent(trim_mantissa(&scientific).as_bytes(), out);
        return;
    }
    let places = (digits as i32 - 1 - exponent).max(0) as usize;
    let fixed = format!("{value:.places$}");
    let trimmed = if fixed.contains('.') {
        fixed.trim_end_matches('0').trim_end_matches('.')
    } else {
        fixed.as_str()
    };
    out.put_slice(trimmed.as_bytes());
}
