//! Points on the earth, and the grid that hides the exact ones.
//!
//! Distances, boxes and searches do not belong here.

use serde::{Deserialize, Serialize};

/// The grid's step from south to north: about 1.1 km.
const STEP_DEGREES: f64 = 0.01;

/// Not a point on the earth.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a latitude is from -90 to 90, a longitude from -180 to 180")]
pub struct NotOnEarth;

/// A point by latitude and longitude in degrees (WGS 84).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Degrees", into = "Degrees")]
pub struct GeoPoint {
    lat: f64,
    lng: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Degrees {
    lat: f64,
    lng: f64,
}

impl GeoPoint {
    /// # Errors
    /// [`NotOnEarth`] when a coordinate is out of range or not a number.
    pub fn new(lat: f64, lng: f64) -> Result<Self, NotOnEarth> {
        // A NaN is in no range.
        if (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lng) {
            Ok(Self { lat, lng })
        } else {
            Err(NotOnEarth)
        }
    }

    /// Degrees north.
    #[must_use]
    pub fn lat(self) -> f64 {
        self.lat
    }

    /// Degrees east.
    #[must_use]
    pub fn lng(self) -> f64 {
        self.lng
    }
}

impl TryFrom<Degrees> for GeoPoint {
    type Error = NotOnEarth;
    fn try_from(degrees: Degrees) -> Result<Self, NotOnEarth> {
        Self::new(degrees.lat, degrees.lng)
    }
}

impl From<GeoPoint> for Degrees {
    fn from(point: GeoPoint) -> Self {
        Self { lat: point.lat, lng: point.lng }
    }
}

/// The centre of the cell, about 1 km wide and high, that a point lies in. What anyone but the parties sees, and what every
/// distance shown to them is computed from; done once, when the point is set, so that asking again tells no more.
#[must_use]
pub fn snap_to_grid(point: GeoPoint) -> GeoPoint {
    let bands = 180.0 / STEP_DEGREES;
    let band = ((point.lat + 90.0) / STEP_DEGREES).floor().clamp(0.0, bands - 1.0);
    let lat = (band + 0.5) * STEP_DEGREES - 90.0;
    // Towards the poles a degree of longitude shrinks, so a band has fewer cells there; at least one.
    let cells = (360.0 * lat.to_radians().cos() / STEP_DEGREES).round().max(1.0);
    let cell = ((point.lng + 180.0) / 360.0 * cells).floor().clamp(0.0, cells - 1.0);
    let lng = (cell + 0.5) / cells * 360.0 - 180.0;
    GeoPoint { lat: six_places(lat), lng: six_places(lng) }
}

/// Six decimals are a tenth of a metre; more would only be noise of the arithmetic.
fn six_places(degrees: f64) -> f64 {
    (degrees * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn metres(a: GeoPoint, b: GeoPoint) -> f64 {
        let (dlat, dlng) = ((b.lat - a.lat).to_radians(), (b.lng - a.lng).to_radians());
        let h = (dlat / 2.0).sin().powi(2)
            + a.lat.to_radians().cos() * b.lat.to_radians().cos() * (dlng / 2.0).sin().powi(2);
        2.0 * 6_371_000.0 * h.sqrt().min(1.0).asin()
    }

    #[test]
    fn only_points_on_the_earth_are_points() {
        for (lat, lng, good) in [
            (0.0, 0.0, true),
            (90.0, 180.0, true),
            (-90.0, -180.0, true),
            (90.01, 0.0, false),
            (0.0, -180.01, false),
            (f64::NAN, 0.0, false),
            (0.0, f64::INFINITY, false),
        ] {
            assert_eq!(GeoPoint::new(lat, lng).is_ok(), good, "{lat} {lng}");
        }
    }

    #[test]
    fn neighbours_share_their_public_point() {
        let house = GeoPoint::new(30.267_153, -97.743_057).unwrap();
        let next_door = GeoPoint::new(30.267_201, -97.743_200).unwrap();
        assert_eq!(snap_to_grid(house), snap_to_grid(next_door));
        assert_ne!(snap_to_grid(house), house);
    }

    proptest! {
        #[test]
        fn a_public_point_is_near_and_snaps_to_itself(lat in -90.0_f64..=90.0, lng in -180.0_f64..=180.0) {
            let point = GeoPoint::new(lat, lng).unwrap();
            let public = snap_to_grid(point);
            prop_assert!(GeoPoint::new(public.lat(), public.lng()).is_ok());
            prop_assert!(metres(point, public) < 850.0, "{point:?} {public:?}");
            prop_assert_eq!(snap_to_grid(public), public);
        }
    }
}
