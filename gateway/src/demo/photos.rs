//! The photographs of the demo's jobs. Nobody took them: they are drawn here, in a few flat colours.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

use super::stage::{StageError, told};

const WIDTH: u32 = 960;
const HEIGHT: u32 = 640;
/// Where the ground begins.
const GROUND: u32 = 440;

/// A photograph that a homeowner of the demo adds to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Photo {
    /// The line along which a fence is to stand, with the two posts that are left of the old one.
    FenceLine,
    /// What is left of the old fence.
    OldFence,
    /// The corner of a gutter, and the drops below it.
    GutterCorner,
}

impl Photo {
    /// What its owner calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::FenceLine => "where the fence goes.jpg",
            Self::OldFence => "the old fence.jpg",
            Self::GutterCorner => "leaking corner.jpg",
        }
    }

    /// The picture, as a JPEG.
    ///
    /// # Errors
    /// [`StageError`], when it cannot be written.
    pub(super) fn draw(self) -> Result<Vec<u8>, StageError> {
        let picture = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| Rgb(self.colour(x, y)));
        let mut written = Cursor::new(Vec::new());
        picture.write_to(&mut written, ImageFormat::Jpeg).map_err(told("a photograph"))?;
        Ok(written.into_inner())
    }

    fn colour(self, x: u32, y: u32) -> [u8; 3] {
        match self {
            Self::FenceLine => fence_line(x, y),
            Self::OldFence => old_fence(x, y),
            Self::GutterCorner => gutter_corner(x, y),
        }
    }
}

const WOOD: [u8; 3] = [146, 108, 70];
const GAP: [u8; 3] = [84, 62, 42];
const STRING: [u8; 3] = [214, 64, 48];
const GUTTER: [u8; 3] = [226, 228, 230];
const BRICK: [u8; 3] = [158, 84, 66];
const MORTAR: [u8; 3] = [196, 188, 176];
const WATER: [u8; 3] = [96, 148, 196];

fn fence_line(x: u32, y: u32) -> [u8; 3] {
    let is_post = [(150, 190), (770, 810)].iter().any(|(from, to)| (*from..*to).contains(&x));
    if is_post && (250..500).contains(&y) {
        return WOOD;
    }
    // A red string is stretched between the posts.
    if (190..770).contains(&x) && (300..304).contains(&y) { STRING } else { garden(x, y) }
}

fn old_fence(x: u32, y: u32) -> [u8; 3] {
    // Boards of 70 pixels; each stands a little higher or lower than its neighbour, and the fifth is gone.
    let board = x / 70;
    let top = 200 + board * 37 % 60;
    let stands = board != 5 && (top..520).contains(&y);
    match (stands, x % 70) {
        (true, 0..64) => WOOD,
        (true, _) => GAP,
        (false, _) if (470..490).contains(&y) => GAP,
        (false, _) => garden(x, y),
    }
}

fn gutter_corner(x: u32, y: u32) -> [u8; 3] {
    let is_pipe = (700..750).contains(&x) && y >= 140;
    if (100..150).contains(&y) || is_pipe {
        return GUTTER;
    }
    if y < 100 {
        return sky(y);
    }
    // Drops fall where the two pieces meet.
    if (640..646).contains(&x) && y % 60 < 22 {
        return WATER;
    }
    // Bricks of 80 by 30 pixels, every other row half a brick further.
    let row = y / 30;
    let shifted = x + row % 2 * 40;
    if y % 30 < 4 || shifted % 80 < 4 { MORTAR } else { BRICK }
}

fn garden(x: u32, y: u32) -> [u8; 3] {
    match y {
        0..GROUND => sky(y),
        // Grass is never of one green.
        _ => [72, byte(120 + (x * 7 + y * 13) % 34), 58],
    }
}

fn sky(y: u32) -> [u8; 3] {
    [byte(150 + y / 8), byte(190 + y / 10), 236]
}

fn byte(shade: u32) -> u8 {
    u8::try_from(shade).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_a_picture_of_its_own() {
        let drawn = [Photo::FenceLine, Photo::OldFence, Photo::GutterCorner].map(|photo| {
            let jpeg = photo.draw().unwrap();
            let seen = image::load_from_memory_with_format(&jpeg, ImageFormat::Jpeg).unwrap();
            assert_eq!((seen.width(), seen.height()), (WIDTH, HEIGHT), "{photo:?}");
            jpeg
        });
        assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2] && drawn[0] != drawn[2]);
    }
}
