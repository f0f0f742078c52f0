//! Money: whole minor units (cents) of one ISO 4217 currency. No float comes near it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why an amount cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not an active ISO 4217 code.
    #[error("`{0}` is not an ISO 4217 currency code")]
    UnknownCurrency(String),
    /// Two currencies met in one sum.
    #[error("{0} and {1} cannot be added up")]
    CurrencyMismatch(Currency, Currency),
    /// The result does not fit 64 bits.
    #[error("the amount is out of range")]
    OutOfRange,
    /// An amount below zero where only a sum of money makes sense.
    #[error("the amount is negative")]
    Negative,
}

/// An ISO 4217 currency, written as its three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The US dollar, the default of a new installation.
    pub const USD: Self = Self(iso_currency::Currency::USD);

    /// The three letters.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimals the minor unit stands for: 2 for USD, 0 for JPY.
    #[must_use]
    pub fn exponent(self) -> u16 {
        self.0.exponent().unwrap_or(0)
    }
}

impl std::str::FromStr for Currency {
    type Err = MoneyError;
    fn from_str(code: &str) -> Result<Self, MoneyError> {
        iso_currency::Currency::from_code(code)
            .map(Self)
            .ok_or_else(|| MoneyError::UnknownCurrency(code.to_owned()))
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;
    fn try_from(code: String) -> Result<Self, MoneyError> {
        code.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A sum of money, never below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// # Errors
    /// [`MoneyError::Negative`] below zero.
    pub fn new(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        if minor < 0 { Err(MoneyError::Negative) } else { Ok(Self { minor, currency }) }
    }

    /// Nothing, in this currency.
    #[must_use]
    pub fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Minor units (cents of a dollar).
    #[must_use]
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// The currency that the minor units are of.
    #[must_use]
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::OutOfRange`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Self::new(self.minor.checked_add(other.minor).ok_or(MoneyError::OutOfRange)?, self.currency)
    }

    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], or [`MoneyError::Negative`] when more is taken than is there.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Self::new(self.minor.checked_sub(other.minor).ok_or(MoneyError::OutOfRange)?, self.currency)
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch(self.currency, other.currency))
        }
    }
}

impl fmt::Display for Money {
    /// `1,234.50 USD`: for people; programs read the minor units.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = 10_i64.pow(u32::from(self.currency.exponent()));
        let whole = (self.minor / scale).to_string();
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        if scale > 1 {
            write!(f, ".{:0width$}", self.minor % scale, width = usize::from(self.currency.exponent()))?;
        }
        write!(f, " {}", self.currency)
    }
}

/// A rate in hundredths of a percent: 290 is 2.9 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BasisPoints(u32);

impl BasisPoints {
    /// One whole: 10,000 basis points.
    pub const WHOLE: i64 = 10_000;

    /// A rate of so many hundredths of a percent.
    #[must_use]
    pub const fn new(points: u32) -> Self {
        Self(points)
    }

    /// The number of basis points.
    #[must_use]
    pub const fn points(self) -> u32 {
        self.0
    }

    /// `floor((rate · minor + 5000) / 10000)`: this share of an amount, a half rounded up.
    ///
    /// # Errors
    /// [`MoneyError::Negative`] for an amount below zero, [`MoneyError::OutOfRange`] past 64 bits.
    pub fn of_half_up(self, minor: i64) -> Result<i64, MoneyError> {
        if minor < 0 {
            return Err(MoneyError::Negative);
        }
        let product = i128::from(minor) * i128::from(self.0) + i128::from(Self::WHOLE / 2);
        i64::try_from(product / i128::from(Self::WHOLE)).map_err(|_| MoneyError::OutOfRange)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_half_is_rounded_up() {
        let fee = BasisPoints::new(290);
        for (amount, expected) in
            [(0, 0), (17, 0), (18, 1), (100, 3), (10_000, 290), (180_000, 5_220), (50, 1), (52, 2)]
        {
            assert_eq!(fee.of_half_up(amount), Ok(expected), "{amount}");
        }
        assert_eq!(fee.of_half_up(-1), Err(MoneyError::Negative));
        assert_eq!(BasisPoints::new(u32::MAX).of_half_up(i64::MAX), Err(MoneyError::OutOfRange));
    }

    #[test]
    fn currencies_do_not_mix_and_sums_do_not_wrap() {
        let euro: Currency = "EUR".parse().unwrap();
        let dollar = Money::new(5, Currency::USD).unwrap();
        assert_eq!(dollar.plus(Money::zero(euro)), Err(MoneyError::CurrencyMismatch(Currency::USD, euro)));
        assert_eq!(
            Money::new(i64::MAX, euro).unwrap().plus(Money::new(1, euro).unwrap()),
            Err(MoneyError::OutOfRange)
        );
        assert_eq!(dollar.minus(Money::new(6, Currency::USD).unwrap()), Err(MoneyError::Negative));
        assert!("usd".parse::<Currency>().is_err());
    }

    #[test]
    fn money_is_written_for_people() {
        let written = |minor, code: &str| Money::new(minor, code.parse().unwrap()).unwrap().to_string();
        assert_eq!(written(123_456_789, "USD"), "1,234,567.89 USD");
        assert_eq!(written(5, "USD"), "0.05 USD");
        assert_eq!(written(1_500, "JPY"), "1,500 JPY");
        assert_eq!(written(1_234_567, "KWD"), "1,234.567 KWD");
    }

    proptest! {
        /// What makes parts of a release carry the fee of the whole.
        #[test]
        fn fees_of_growing_sums_never_shrink(rate in 0_u32..=10_000, parts in prop::collection::vec(1_i64..1_000_000, 1..20)) {
            let rate = BasisPoints::new(rate);
            let (mut paid, mut taken) = (0, 0);
            for part in parts {
                paid += part;
                let due = rate.of_half_up(paid).unwrap() - taken;
                prop_assert!(due >= 0 && due <= part);
                taken += due;
            }
            prop_assert_eq!(taken, rate.of_half_up(paid).unwrap());
        }
    }
}
