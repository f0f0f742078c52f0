//! Pictures as cameras make them, and as those who mean harm do.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

/// Where [`photograph`] was taken, as a text that stands in it three times.
pub const SECRET_PLACE: &str = "30.267153N 97.743057W";

/// Red, in three bytes.
const RED: [u8; 3] = [220, 20, 20];
/// Blue.
const BLUE: [u8; 3] = [20, 20, 220];

/// A photograph of so many pixels, its left half red and its right half blue, taken with the camera on its side: whoever looks at it sees
/// it turned, red above blue. It tells where it was taken, in its Exif, its XMP and a comment.
///
/// # Panics
/// When it cannot be written.
#[must_use]
pub fn photograph(width: u32, height: u32) -> Vec<u8> {
    let plain = jpeg(width, height);
    let (start, rest) = plain.split_at(2);
    let xmp = [b"http://ns.adobe.com/xap/1.0/\0", SECRET_PLACE.as_bytes()].concat();
    let segments = [segment(0xe1, &exif()), segment(0xe1, &xmp), segment(0xfe, SECRET_PLACE.as_bytes())];
    [start, &segments.concat(), rest].concat()
}

/// The same picture with nothing in it but its pixels.
///
/// # Panics
/// When it cannot be written.
#[must_use]
pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut written = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut written, 90);
    encoder.encode(&halves(width, height), width, height, ExtendedColorType::Rgb8).expect("a JPEG");
    written
}

/// A PNG of so many pixels, all of this colour and opacity.
///
/// # Panics
/// When it cannot be written.
#[must_use]
pub fn png(width: u32, height: u32, colour: [u8; 4]) -> Vec<u8> {
    let pixels = usize::try_from(u64::from(width) * u64::from(height)).expect("a small picture");
    let mut written = Vec::new();
    let encoder = PngEncoder::new(&mut written);
    encoder.write_image(&colour.repeat(pixels), width, height, ExtendedColorType::Rgba8).expect("a PNG");
    written
}

/// A few bytes that say of themselves that they are a PNG of so many pixels.
#[must_use]
pub fn bomb(width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &header), &chunk(b"IDAT", &[]), &chunk(b"IEND", &[])].concat()
}

/// The colour in the middle of the upper and of the lower half of a JPEG, and its width and height.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn look(jpeg: &[u8]) -> ([u8; 3], [u8; 3], (u32, u32)) {
    let image =
        image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg).expect("a JPEG").into_rgb8();
    let (width, height) = image.dimensions();
    (image.get_pixel(width / 2, height / 4).0, image.get_pixel(width / 2, height * 3 / 4).0, (width, height))
}

/// Whether this is about red.
#[must_use]
pub fn is_red(colour: [u8; 3]) -> bool {
    is_about(colour, RED)
}

/// Whether this is about blue.
#[must_use]
pub fn is_blue(colour: [u8; 3]) -> bool {
    is_about(colour, BLUE)
}

/// The kinds of the segments of a JPEG before its pixels: `0xe1` is Exif or XMP, `0xfe` a comment.
#[must_use]
pub fn segments(jpeg: &[u8]) -> Vec<u8> {
    let mut found = Vec::new();
    let mut rest = jpeg.get(2..).unwrap_or_default();
    while let [0xff, kind, high, low, ..] = rest {
        found.push(*kind);
        if *kind == 0xda {
            break;
        }
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        rest = rest.get(2 + length..).unwrap_or_default();
    }
    found
}

fn is_about(colour: [u8; 3], wanted: [u8; 3]) -> bool {
    colour.iter().zip(wanted).all(|(is, wanted)| is.abs_diff(wanted) < 12)
}

fn halves(width: u32, height: u32) -> Vec<u8> {
    let row: Vec<u8> = (0..width).flat_map(|x| if x < width / 2 { RED } else { BLUE }).collect();
    row.repeat(usize::try_from(height).expect("a small picture"))
}

fn segment(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).expect("a short segment");
    [&[0xff, kind][..], &length.to_be_bytes(), body].concat()
}

/// A TIFF as Exif has it, numbers with the low byte first: the orientation "turn it to the right", and where it was.
fn exif() -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value].concat()
    };
    let (short, long, text, ratio) = (3_u16, 4_u16, 2_u16, 5_u16);
    let text_length = u32::try_from(SECRET_PLACE.len()).expect("a short text");
    // 8 bytes of header; three entries with their count and end; four entries with theirs.
    let gps_at: u32 = 8 + 2 + 3 * 12 + 4;
    let values_at = gps_at + 2 + 4 * 12 + 4;
    let first = [
        entry(0x0112, short, 1, [6, 0, 0, 0]),
        entry(0x010e, text, text_length, (values_at + 48).to_le_bytes()),
        entry(0x8825, long, 1, gps_at.to_le_bytes()),
    ]
    .concat();
    let gps = [
        entry(1, text, 2, *b"N\0\0\0"),
        entry(2, ratio, 3, values_at.to_le_bytes()),
        entry(3, text, 2, *b"W\0\0\0"),
        entry(4, ratio, 3, (values_at + 24).to_le_bytes()),
    ]
    .concat();
    let ratios = [30, 1, 16, 1, 1_752, 1_000, 97, 1, 44, 1, 35_005, 1_000_u32];
    let ratios: Vec<u8> = ratios.iter().flat_map(|number| number.to_le_bytes()).collect();
    let end = 0_u32.to_le_bytes();
    [
        &b"Exif\0\0II*\0"[..],
        &8_u32.to_le_bytes(),
        &3_u16.to_le_bytes(),
        &first,
        &end,
        &4_u16.to_le_bytes(),
        &gps,
        &end,
        &ratios,
        SECRET_PLACE.as_bytes(),
    ]
    .concat()
}

/// A PNG's chunk, with the sum that PNG asks for.
fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("a short chunk");
    let checked = [&kind[..], body].concat();
    let mut sum = u32::MAX;
    for byte in &checked {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    [&length.to_be_bytes()[..], &checked, &(!sum).to_be_bytes()].concat()
}
