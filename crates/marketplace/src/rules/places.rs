//! Where on the earth to look for what is within a distance of a place.

use crate::model::Circle;

/// The earth's mean radius; `marketplace.metres_between` has the same.
const EARTH_METRES: f64 = 6_371_008.8;
/// What an index is asked for is a little more than the circle, so that rounding loses nobody at its edge.
const MARGIN: f64 = 1.001;

/// Degrees between two parallels and two meridians, the second never west of the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The southern edge.
    pub south: f64,
    /// The western edge.
    pub west: f64,
    /// The northern edge.
    pub north: f64,
    /// The eastern edge.
    pub east: f64,
}

/// The bounds, on both sides of the date line two, in which every point lies that is within the circle.
#[must_use]
pub fn bounds_around(circle: Circle) -> (Bounds, Option<Bounds>) {
    let Circle { centre, metres } = circle;
    let angle = f64::from(metres) * MARGIN / EARTH_METRES;
    let (south, north) = (centre.lat() - angle.to_degrees(), centre.lat() + angle.to_degrees());
    let whole = Bounds { south: south.max(-90.0), west: -180.0, north: north.min(90.0), east: 180.0 };
    if south <= -90.0 || north >= 90.0 {
        return (whole, None);
    }
    let width = (angle.sin() / centre.lat().to_radians().cos()).min(1.0).asin().to_degrees();
    let (west, east) = (centre.lng() - width, centre.lng() + width);
    match (west < -180.0, east > 180.0) {
        (false, false) => (Bounds { west, east, ..whole }, None),
        (true, false) => (Bounds { east, ..whole }, Some(Bounds { west: west + 360.0, ..whole })),
        (false, true) => (Bounds { west, ..whole }, Some(Bounds { east: east - 360.0, ..whole })),
        (true, true) => (whole, None),
    }
}

/// The small squares' edge is a tenth of a degree, as in `marketplace.cell`.
pub(crate) const CELLS_A_DEGREE: u16 = 10;

/// The squares of a tenth of a degree that a circle touches; none when there are more than so many.
pub(crate) fn cells_around(circle: Circle, most: usize) -> Option<Vec<i32>> {
    squares_around(circle, CELLS_A_DEGREE, most)
}

/// The squares that a circle touches, so many to a degree, numbered as `marketplace.cell` and `marketplace.block` number them; none when there are
/// more than so many.
pub(crate) fn squares_around(circle: Circle, to_a_degree: u16, most: usize) -> Option<Vec<i32>> {
    let (one, two) = bounds_around(circle);
    let around = i32::from(to_a_degree) * 360;
    let place = |degrees: f64, from: f64| whole((degrees + from) * f64::from(to_a_degree), around);
    let mut squares = Vec::new();
    for bounds in std::iter::once(one).chain(two) {
        let rows = place(bounds.south, 90.0)..=place(bounds.north, 90.0);
        let columns = place(bounds.west, 180.0)..=place(bounds.east, 180.0).min(around - 1);
        let count = rows.clone().count().checked_mul(columns.clone().count())?;
        if squares.len() + count > most {
            return None;
        }
        squares.extend(rows.flat_map(|row| columns.clone().map(move |column| row * around + column)));
    }
    squares.sort_unstable();
    squares.dedup();
    Some(squares)
}

/// The whole part of a number from nothing to so many.
fn whole(number: f64, most: i32) -> i32 {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = (low + high + 1) / 2;
        if f64::from(middle) <= number {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use identity::geo::GeoPoint;
    use proptest::prelude::*;

    use super::*;

    fn metres_between(a: GeoPoint, b: GeoPoint) -> f64 {
        let (dlat, dlng) = ((b.lat() - a.lat()).to_radians(), (b.lng() - a.lng()).to_radians());
        let h = (dlat / 2.0).sin().powi(2)
            + a.lat().to_radians().cos() * b.lat().to_radians().cos() * (dlng / 2.0).sin().powi(2);
        (2.0 * EARTH_METRES * h.sqrt().min(1.0).asin()).round()
    }

    fn holds(bounds: Bounds, point: GeoPoint) -> bool {
        (bounds.south..=bounds.north).contains(&point.lat())
            && (bounds.west..=bounds.east).contains(&point.lng())
    }

    #[test]
    fn a_circle_at_the_date_line_lies_on_both_sides_of_it() {
        let circle = Circle { centre: GeoPoint::new(-16.8, 179.9).unwrap(), metres: 50_000 };
        let (west, east) = bounds_around(circle);
        let taveuni = GeoPoint::new(-16.85, -179.97).unwrap();
        assert!(!holds(west, taveuni) && east.is_some_and(|east| holds(east, taveuni)));
    }

    proptest! {
        #[test]
        fn whatever_is_within_the_circle_is_within_its_bounds(
            (lat, lng) in (-90.0_f64..=90.0, -180.0_f64..=180.0),
            (dlat, dlng) in (-6.0_f64..=6.0, -40.0_f64..=40.0),
            km in 1_i32..=500,
        ) {
            let centre = GeoPoint::new(lat, lng).unwrap();
            let turned = (lng + dlng + 540.0).rem_euclid(360.0) - 180.0;
            let point = GeoPoint::new((lat + dlat).clamp(-90.0, 90.0), turned).unwrap();
            let (one, two) = bounds_around(Circle { centre, metres: km * 1_000 });
            if metres_between(centre, point) <= f64::from(km) * 1_000.0 {
                prop_assert!(holds(one, point) || two.is_some_and(|two| holds(two, point)), "{centre:?} {point:?}");
            }
        }

        #[test]
        fn every_point_of_a_circle_is_in_one_of_its_squares(
            (lat, lng) in (-85.0_f64..=85.0, -180.0_f64..=180.0),
            (north, east) in (-0.5_f64..=0.5, -0.5_f64..=0.5),
        ) {
            let circle = Circle { centre: GeoPoint::new(lat, lng).unwrap(), metres: 20_000 };
            // Within 10 km in each direction.
            let lng = (lng + east * 0.17 / lat.to_radians().cos() + 540.0).rem_euclid(360.0) - 180.0;
            let lat = lat + north * 0.17;
            for (to_a_degree, around) in [(CELLS_A_DEGREE, 3_600), (2, 720)] {
                let squares = squares_around(circle, to_a_degree, 400).unwrap();
                let edges = f64::from(to_a_degree);
                let square = whole((lat + 90.0) * edges, around) * around + whole((lng + 180.0) * edges, around).min(around - 1);
                prop_assert!(squares.contains(&square), "{square} {squares:?}");
            }
        }
    }
}
