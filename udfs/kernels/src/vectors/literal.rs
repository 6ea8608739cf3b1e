//! Vectors as text: `[1,2.5,-300]`.

use std::fmt::Write as _;

use super::error::{VectorError, VectorResult};

/// Most elements of a vector (pgvector's `VECTOR_MAX_DIM`).
pub const MAX_DIMENSIONS: usize = 16_000;

/// C's `isspace` in the locale C.
const SPACES: [char; 6] = [' ', '\t', '\n', '\r', '\u{b}', '\u{c}'];

/// Reads a vector as pgvector does: numbers between brackets and commas, spaces around each of them. Numbers that are too small
/// for an `f32` are 0, numbers that are too large, NaN and infinity are refused. Hexadecimal numbers, which C's `strtof` lets
/// pgvector read, are refused too.
///
/// ```
/// assert_eq!(radlake_kernels::vectors::parse(" [ 1, 2.5 ,-3e2]"), Ok(vec![1.0, 2.5, -300.0]));
/// ```
pub fn parse(text: &str) -> VectorResult<Vec<f32>> {
    let malformed = |detail| VectorError::Syntax {
        text: text.to_owned(),
        detail,
    };
    let mut rest = text
        .trim_start_matches(SPACES)
        .strip_prefix('[')
        .ok_or_else(|| malformed(Some("Vector contents must start with \"[\".")))?;
    if rest.trim_start_matches(SPACES).starts_with(']') {
        return Err(VectorError::Empty);
    }
    let mut values = Vec::new();
    loop {
        if values.len() == MAX_DIMENSIONS {
            return Err(VectorError::TooManyDimensions);
        }
        let end = rest.find([',', ']']).ok_or_else(|| malformed(None))?;
        values.push(element(rest[..end].trim_matches(SPACES), malformed)?);
        let closed = rest[end..].starts_with(']');
        rest = &rest[end + 1..];
        if closed {
            break;
        }
    }
    if !rest.trim_start_matches(SPACES).is_empty() {
        return Err(malformed(Some("Junk after closing right brace.")));
    }
    Ok(values)
}

fn element(number: &str, malformed: impl Fn(Option<&'static str>) -> VectorError) -> VectorResult<f32> {
    let value: f32 = number.parse().map_err(|_| malformed(None))?;
    if value.is_nan() {
        return Err(VectorError::NotANumber);
    }
    if value.is_infinite() {
        // Infinity that was written has no digits.
        return Err(if number.contains(|c: char| c.is_ascii_digit()) {
            VectorError::OutOfRange {
                number: number.to_owned(),
            }
        } else {
            VectorError::Infinite
        });
    }
    Ok(value)
}

/// The text of a vector as pgvector prints it: PostgreSQL's shortest text of each `float4`, commas without spaces.
///
/// ```
/// assert_eq!(radlake_kernels::vectors::print(&[1.0, 2.5, -1e-7, 1e6]), "[1,2.5,-1e-07,1e+06]");
/// ```
pub fn print(values: &[f32]) -> String {
    let mut out = String::with_capacity(2 + 8 * values.len());
    out.push('[');
    for (k, &value) in values.iter().enumerate() {
        if k > 0 {
            out.push(',');
        }
        print_float4(&mut out, value);
    }
    out.push(']');
    out
}

/// As `float_to_shortest_decimal_buf` of PostgreSQL (`src/common/f2s.c`): scientific below 1e-4 and from 1e6 on.
fn print_float4(out: &mut String, value: f32) {
    if !value.is_finite() {
        out.push_str(match value {
            v if v.is_nan() => "NaN",
            v if v > 0.0 => "Infinity",
            _ => "-Infinity",
        });
        return;
    }
    let text = shortest(value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value.is_sign_negative() {
        out.push('-');
    }
    // Writing into a string does not fail.
    let _ = match usize::try_from(exponent) {
        _ if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            write!(out, "{mantissa}e{sign}{:02}", exponent.abs())
        }
        Ok(whole) => {
            let digits = mantissa.replace('.', "");
            match digits.split_at_checked(whole + 1) {
                Some((digits, "")) => write!(out, "{digits}"),
                Some((before, after)) => write!(out, "{before}.{after}"),
                None => write!(out, "{digits:0<width$}", width = whole + 1),
            }
        }
        Err(_) => {
            let zeros = exponent.unsigned_abs() as usize - 1;
            write!(out, "0.{:0<zeros$}{}", "", mantissa.replace('.', ""))
        }
    };
}

/// The shortest digits that are nearer to `value` than to any other `f32`, of those the nearest to it, of two the even. Rust's own
/// shortest text may lie in the middle between two numbers, where reading rounds to the even one, and of two that are
/// equally near it takes the greater.
fn shortest(value: f32) -> String {
    let nearer = |text: &String| {
        text.parse::<f64>().is_ok_and(|read| {
            let middle = |other: f32| (f64::from(value) + f64::from(other)) / 2.0;
            read as f32 == value && read != middle(value.next_up()) && read != middle(value.next_down())
        })
    };
    let text = format!("{value:e}");
    let places = text.find('e').unwrap_or(0).saturating_sub(2);
    (places..10)
        .map(|places| format!("{value:.places$e}"))
        .find(nearer)
        .unwrap_or(text)
}
