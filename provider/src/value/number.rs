//! Numbers without loss: integers and decimals of any size that Terraform can hold, and infinities.

use std::fmt;

use bigdecimal::num_bigint::{BigInt, Sign};
use bigdecimal::{BigDecimal, ToPrimitive};

/// Longest decimal text, and most digits on either side of the point. The exact decimal text of
/// the smallest `f64` has 1074 digits; a longer number is an attack or a mistake, and writing out
/// something like `1e999999999` would take all memory.
const MAX_DIGITS: i64 = 1100;

/// Longest text and largest exponent that are looked at at all; zeros may still bring it into range.
const MAX_TEXT: usize = 3300;
const MAX_EXPONENT: i64 = 3300;

/// A number. Compares by value: 1, 1.0 and 10e-1 are equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(Repr);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Repr {
    NegativeInfinity,
    Finite(BigDecimal),
    PositiveInfinity,
}

/// A text or float that is not a number which Terraform can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NumberError(&'static str);

impl Number {
    pub(crate) const POSITIVE_INFINITY: Self = Self(Repr::PositiveInfinity);
    pub(crate) const NEGATIVE_INFINITY: Self = Self(Repr::NegativeInfinity);

    /// Reads decimal text, with or without an exponent.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        const NOT_DECIMAL: NumberError = NumberError("not a decimal number");
        if text.len() > MAX_TEXT {
            return Err(NumberError("a number with too many digits"));
        }
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let shape_is_plain = unsigned.starts_with(|first: char| first.is_ascii_digit())
            && unsigned.chars().all(|character| {
                character.is_ascii_digit() || matches!(character, '.' | 'e' | 'E' | '+' | '-')
            });
        if !shape_is_plain {
            return Err(NOT_DECIMAL);
        }
        // The exponent is looked at before anything computes with it.
        if let Some((_, exponent)) = unsigned.split_once(['e', 'E']) {
            let exponent: i64 = exponent.parse().map_err(|_| NOT_DECIMAL)?;
            if exponent.abs() > MAX_EXPONENT {
                return Err(NumberError("a number with too large an exponent"));
            }
        }
        let decimal: BigDecimal = text.parse().map_err(|_| NOT_DECIMAL)?;
        Self::finite(&decimal)
    }

    fn finite(decimal: &BigDecimal) -> Result<Self, NumberError> {
        let decimal = decimal.normalized();
        let (digits, scale) = decimal.as_bigint_and_exponent();
        let length = i64::try_from(digits.magnitude().to_string().len()).unwrap_or(i64::MAX);
        if scale > MAX_DIGITS || length.saturating_sub(scale) > MAX_DIGITS {
            return Err(NumberError("a number with too many digits"));
        }
        Ok(Self(Repr::Finite(decimal)))
    }

    /// The exact value of a float. Not-a-number is refused: Terraform crashes on it.
    pub fn from_f64(float: f64) -> Result<Self, NumberError> {
        if float.is_nan() {
            return Err(NumberError("not-a-number"));
        }
        if float.is_infinite() {
            return Ok(if float > 0.0 {
                Self::POSITIVE_INFINITY
            } else {
                Self::NEGATIVE_INFINITY
            });
        }
        let bits = float.to_bits();
        let exponent_bits = i64::try_from((bits >> 52) & 0x7ff).unwrap_or_default();
        let fraction = bits & 0x000f_ffff_ffff_ffff;
        let (mantissa, exponent) = if exponent_bits == 0 {
            (fraction, -1074)
        } else {
            (fraction | 0x0010_0000_0000_0000, exponent_bits - 1075)
        };
        let sign = if float.is_sign_negative() {
            Sign::Minus
        } else {
            Sign::Plus
        };
        let mantissa = BigInt::from_biguint(sign, mantissa.into());
        let magnitude = u32::try_from(exponent.unsigned_abs()).unwrap_or_default();
        // m / 2^k is m * 5^k / 10^k, which a decimal can hold exactly.
        let decimal = if exponent >= 0 {
            BigDecimal::new(mantissa * BigInt::from(2u8).pow(magnitude), 0)
        } else {
            BigDecimal::new(
                mantissa * BigInt::from(5u8).pow(magnitude),
                i64::from(magnitude),
            )
        };
        Self::finite(&decimal)
    }

    /// The number as an integer, when it is one and fits.
    pub fn to_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Finite(decimal) if decimal.is_integer() => decimal.to_i64(),
            _ => None,
        }
    }

    /// Infinite, with its sign; nothing for a finite number.
    pub(crate) fn infinity(&self) -> Option<f64> {
        match self.0 {
            Repr::NegativeInfinity => Some(f64::NEG_INFINITY),
            Repr::PositiveInfinity => Some(f64::INFINITY),
            Repr::Finite(_) => None,
        }
    }
}

impl std::str::FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        Self::parse(text)
    }
}

impl From<i64> for Number {
    fn from(integer: i64) -> Self {
        Self(Repr::Finite(BigDecimal::from(integer).normalized()))
    }
}

impl From<u64> for Number {
    fn from(integer: u64) -> Self {
        Self(Repr::Finite(BigDecimal::from(integer).normalized()))
    }
}

/// Plain decimal text without an exponent.
impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::NegativeInfinity => formatter.write_str("-infinity"),
            Repr::PositiveInfinity => formatter.write_str("infinity"),
            Repr::Finite(decimal) => formatter.write_str(&decimal.to_plain_string()),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Number({self})")
    }
}
