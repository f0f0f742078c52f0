//! Phone numbers: judged by the numbering plans of the world, kept as E.164 writes them.

use kernel::{Fault, Faults};
use phonenumber::{Mode, ParseError, country};

/// Where numbers without a country code are taken to be: none, or an ISO 3166 country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PhoneRegion(Option<country::Id>);

impl PhoneRegion {
    /// Reads `US`; an empty text is none, so that every number needs its country code.
    ///
    /// # Errors
    /// A fault for what is no country with phones.
    pub fn new(raw: &str) -> Result<Self, Faults> {
        let unknown = |_| Fault::new("", "region", "must be an ISO 3166 country, such as US, or empty");
        if raw.is_empty() { Ok(Self(None)) } else { Ok(Self(Some(raw.parse().map_err(unknown)?))) }
    }
}

/// A phone number, as E.164 writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone(String);

impl Phone {
    /// Reads a number as people write it: with a country code, or as it is dialled in the region.
    ///
    /// # Errors
    /// A fault that says what is wrong with it.
    pub fn new(raw: &str, region: PhoneRegion) -> Result<Self, Faults> {
        let text = raw.trim();
        // The library looks for a number anywhere in a text; a text with other things in it is none.
        if !text.chars().all(is_written_in_numbers) {
            return Err(fault("phone", "must be a phone number: digits, and spaces or marks between them"));
        }
        // Written for those who call from inside the country: from outside it is left out.
        let text = if text.starts_with('+') { text.replacen("(0)", "", 1) } else { text.to_owned() };
        let number = phonenumber::parse(region.0, &text).map_err(|error| refused(&error, region))?;
        if number.extension().is_some() {
            return Err(fault(
                "phone_extension",
                "must be a number that can be called and written to, without an extension",
            ));
        }
        if !phonenumber::is_valid(&number) {
            return Err(fault("phone_unassigned", "is no number of that country"));
        }
        Ok(Self(number.format().mode(Mode::E164).to_string()))
    }

    /// `+15125550100`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Digits of any script, as people's keyboards give them, and what stands between them.
fn is_written_in_numbers(c: char) -> bool {
    c.is_numeric()
        || matches!(
            c,
            ' ' | '\u{a0}' | '+' | '\u{ff0b}' | '-' | '\u{2010}'..='\u{2015}' | '.' | '/' | '(' | ')'
        )
}

fn fault(code: &'static str, message: &str) -> Faults {
    Fault::new("", code, message).into()
}

fn refused(error: &ParseError, region: PhoneRegion) -> Faults {
    match error {
        ParseError::InvalidCountryCode if region.0.is_none() => {
            fault("phone_country_code", "must begin with a country code, such as +1 512 555 0100")
        }
        ParseError::InvalidCountryCode => {
            fault("phone_country_code", "has a country code that does not exist")
        }
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => {
            fault("phone_too_short", "is too short for a phone number")
        }
        ParseError::TooLong => fault("phone_too_long", "is too long for a phone number"),
        _ => fault("phone", "must be a phone number, such as +1 512 555 0100"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str, region: &str) -> Result<String, String> {
        let region = PhoneRegion::new(region).unwrap();
        match Phone::new(raw, region) {
            Ok(phone) => Ok(phone.as_str().to_owned()),
            Err(faults) => Err(faults.into_vec().into_iter().map(|fault| fault.code).collect()),
        }
    }

    #[test]
    fn a_number_is_kept_as_e164_writes_it() {
        for (raw, region, expected) in [
            ("+1 (512) 555-0100", "", "+15125550100"),
            ("+1 512 555 0100", "DE", "+15125550100"),
            ("512-555-0100", "US", "+15125550100"),
            ("1 512 555 0100", "US", "+15125550100"),
            ("030 901820", "DE", "+4930901820"),
            ("+49 (0)30 901820", "US", "+4930901820"),
            ("\u{ff0b}1 512.555.0100", "", "+15125550100"),
            ("+44 20 7946 0000", "US", "+442079460000"),
        ] {
            assert_eq!(read(raw, region).as_deref(), Ok(expected), "{raw} in {region}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_number_is_said() {
        for (raw, region, code) in [
            ("", "US", "phone"),
            ("call me", "US", "phone"),
            ("+1 512 555 0100 or Bob", "US", "phone"),
            ("tel:+15125550100", "US", "phone"),
            ("+1512555\u{0}0100", "US", "phone"),
            ("512 555 0100", "", "phone_country_code"),
            ("+999 512 555 0100", "US", "phone_country_code"),
            ("5550100", "US", "phone_unassigned"),
            ("+1 512 555", "US", "phone_unassigned"),
            ("+1 012 555 0100", "US", "phone_unassigned"),
            ("+1 512 555 0100 512 555 0100 555", "US", "phone_too_long"),
        ] {
            assert_eq!(read(raw, region), Err(code.to_owned()), "{raw:?} in {region:?}");
        }
    }

    #[test]
    fn a_region_is_a_country() {
        for bad in ["XX", "us", "USA", "Texas"] {
            assert!(PhoneRegion::new(bad).is_err(), "{bad}");
        }
        assert_eq!(PhoneRegion::new("").unwrap(), PhoneRegion::default());
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_somebody_types_breaks_it(raw in "[-+()./ 0-9]{0,40}", region in "(US|DE|FR|MX|)") {
            if let Ok(kept) = read(&raw, &region) {
                proptest::prop_assert_eq!(read(&kept, ""), Ok(kept));
            }
        }
    }
}
