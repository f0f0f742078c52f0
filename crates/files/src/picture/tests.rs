use testing::pictures::{SECRET_PLACE, bomb, is_blue, is_red, jpeg, look, photograph, png, segments};

use super::*;

const MILLION: u64 = 1_000_000;

fn read(bytes: &[u8], content_type: ContentType, side: u32) -> Result<Picture, Error> {
    Picture::read(Bytes::copy_from_slice(bytes), content_type, MILLION, side)
}

fn redrawn(bytes: &[u8], content_type: ContentType, side: u32) -> Vec<u8> {
    read(bytes, content_type, side).unwrap().jpeg().unwrap()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn where_a_photograph_was_taken_is_gone_and_it_stands_upright() {
    let taken = photograph(300, 200);
    // Exif, XMP and a comment: the camera told everything.
    assert!(contains(&taken, SECRET_PLACE) && segments(&taken).starts_with(&[0xe1, 0xe1, 0xfe]));
    let drawn = redrawn(&taken, ContentType::Jpeg, 1_000);
    let (upper, lower, size) = look(&drawn);
    assert!(is_red(upper) && is_blue(lower), "{upper:?} {lower:?}");
    assert_eq!(size, (200, 300));
    assert!(!contains(&drawn, SECRET_PLACE) && !contains(&drawn, "Exif") && !contains(&drawn, "adobe"));
    let allowed = [0xe0, 0xdb, 0xc0, 0xc4, 0xda];
    assert!(segments(&drawn).iter().all(|kind| allowed.contains(kind)), "{:x?}", segments(&drawn));
}

#[test]
fn what_was_hidden_behind_a_picture_is_gone() {
    let polyglot = [jpeg(40, 40), b"<html><script>alert(1)</script>PK\x03\x04".to_vec()].concat();
    let drawn = redrawn(&polyglot, ContentType::Jpeg, 100);
    assert!(!contains(&drawn, "script") && !contains(&drawn, "PK\x03\x04"));
    assert!(drawn.ends_with(&[0xff, 0xd9]));
}

#[test]
fn a_picture_is_made_smaller_and_never_larger() {
    for (side, expected) in
        [(1_000, (400, 100)), (400, (400, 100)), (200, (200, 50)), (3, (3, 1)), (1, (1, 1))]
    {
        let picture = read(&jpeg(400, 100), ContentType::Jpeg, side).unwrap();
        assert_eq!(picture.size(), expected);
        assert_eq!(u32::try_from(picture.rgb.len()), Ok(expected.0 * expected.1 * 3));
    }
    let picture = read(&jpeg(400, 100), ContentType::Jpeg, 1_000).unwrap();
    assert_eq!(picture.within(80).unwrap().within(40).unwrap().size(), (40, 10));
}

#[test]
fn what_is_transparent_is_laid_on_white() {
    for (colour, expected) in [
        ([220, 20, 20, 255], [220, 20, 20]),
        ([0, 0, 0, 0], [255, 255, 255]),
        ([0, 0, 0, 128], [127, 127, 127]),
    ] {
        let picture = read(&png(5, 4, colour), ContentType::Png, 10).unwrap();
        assert_eq!(picture.rgb, expected.repeat(20), "{colour:?}");
    }
}

#[test]
fn a_webp_is_read_too() {
    let mut webp = Vec::new();
    let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut webp);
    encoder.encode(&[20, 20, 220].repeat(100), 10, 10, ExtendedColorType::Rgb8).unwrap();
    let (upper, lower, size) = look(&redrawn(&webp, ContentType::Webp, 10));
    assert!(is_blue(upper) && is_blue(lower) && size == (10, 10));
    // A chunk that says it has four gigabytes is not believed.
    let body = webp.split_off(12);
    let lie = [&webp[..], b"EXIF\xf0\xff\xff\xff".as_slice(), &body].concat();
    assert!(matches!(read(&lie, ContentType::Webp, 10), Err(Error::BrokenPicture)));
}

#[test]
fn a_few_bytes_that_would_unpack_to_gigabytes_are_refused_unread() {
    for (width, height) in [(30_000, 30_000), (u32::MAX / 2, 1), (1_001, 1_000)] {
        let refused = read(&bomb(width, height), ContentType::Png, 10);
        assert!(matches!(refused, Err(Error::TooManyPixels { pixels_max: MILLION })), "{width} × {height}");
    }
    assert!(matches!(read(&jpeg(1_250, 801), ContentType::Jpeg, 10), Err(Error::TooManyPixels { .. })));
    assert_eq!(read(&jpeg(1_250, 800), ContentType::Jpeg, 10).unwrap().size(), (10, 6));
}

#[test]
fn what_is_no_picture_is_refused_whatever_it_begins_with() {
    let photo = photograph(30, 20);
    let broken = [
        (ContentType::Jpeg, photo[..20].to_vec()),
        (ContentType::Jpeg, [&[0xff, 0xd8, 0xff, 0xe0][..], &[7; 600]].concat()),
        (ContentType::Png, bomb(10, 10)),
        (ContentType::Png, png(10, 10, [1; 4])[..40].to_vec()),
        (ContentType::Webp, b"RIFF\x10\0\0\0WEBPVP8 \x04\0\0\0abcd".to_vec()),
        (ContentType::Png, jpeg(10, 10)),
        (ContentType::Pdf, jpeg(10, 10)),
        (ContentType::Png, bomb(0, 10)),
    ];
    for (content_type, bytes) in broken {
        let refused = read(&bytes, content_type, 10);
        assert!(matches!(refused, Err(Error::BrokenPicture)), "{content_type:?} {:?}", refused.err());
    }
}

#[test]
fn colours_of_a_wider_space_are_shown_as_they_were_seen() {
    // The same numbers mean a stronger red in Display P3: in sRGB it takes more.
    let mut plain = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut plain, 95);
    let profile = ColorProfile::new_display_p3().encode().unwrap();
    image::ImageEncoder::set_icc_profile(&mut encoder, profile).unwrap();
    encoder.encode(&[200, 60, 60].repeat(64), 8, 8, ExtendedColorType::Rgb8).unwrap();
    let picture = read(&plain, ContentType::Jpeg, 8).unwrap();
    let [red, green, ..] = picture.rgb.as_slice() else { panic!("no pixel") };
    assert!(*red > 208 && *green < 56, "{red} {green}");
    assert!(!segments(&picture.jpeg().unwrap()).contains(&0xe2));
    // What is no profile changes nothing.
    assert_eq!(converted(&[1, 2, 3], b"no profile"), None);
}
