//! Pictures drawn anew: what comes out are the pixels that somebody sees, and nothing else of what came in. Where the bytes come from and
//! go to does not belong here.

use std::io::Cursor;
use std::panic::catch_unwind;

use bytes::Bytes;
use fast_image_resize::images::Image;
use fast_image_resize::{PixelType, ResizeOptions, Resizer};
use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageError, Limits, RgbImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use crate::error::Error;
use crate::model::ContentType;

/// Good enough to see a crack in a tile; twice the bytes show no more.
const QUALITY: u8 = 82;
/// More than these for each pixel that may be is refused: 8 bits of each colour and of transparency.
const BYTES_A_PIXEL: u64 = 4;
/// Colour profiles are a few kilobytes; a file that says it has more is not asked for it.
const PROFILE_BYTES_MAX: usize = 1024 * 1024;

/// A picture in memory: three bytes a pixel, opaque, in sRGB.
pub(crate) struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Picture {
    /// Reads a picture of at most so many pixels, made as small as `side` asks for, and turned the way up that it was taken.
    pub(crate) fn read(
        bytes: Bytes,
        content_type: ContentType,
        pixels_max: u64,
        side: u32,
    ) -> Result<Self, Error> {
        // Whatever anybody makes up is met here. A decoder that gives up in its own way says no more than that it cannot be read.
        catch_unwind(move || decode(bytes, content_type, pixels_max, side))
            .unwrap_or(Err(Error::BrokenPicture))
    }

    /// Width and height.
    pub(crate) const fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    pub(crate) fn longest_side(&self) -> u32 {
        self.width.max(self.height)
    }

    /// The picture with no side longer than this.
    pub(crate) fn within(self, side: u32) -> Result<Self, Error> {
        let longest = self.longest_side();
        if longest <= side {
            return Ok(self);
        }
        let scaled = |length: u32| {
            let rounded = (u64::from(length) * u64::from(side) + u64::from(longest) / 2) / u64::from(longest);
            u32::try_from(rounded).unwrap_or(side).max(1)
        };
        let (width, height) = (scaled(self.width), scaled(self.height));
        let from = Image::from_vec_u8(self.width, self.height, self.rgb, PixelType::U8x3).map_err(broken)?;
        let mut to = Image::new(width, height, PixelType::U8x3);
        Resizer::new().resize(&from, &mut to, &ResizeOptions::new()).map_err(broken)?;
        Ok(Self { width, height, rgb: to.into_vec() })
    }

    /// The picture as a JPEG.
    pub(crate) fn jpeg(&self) -> Result<Vec<u8>, Error> {
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
            .encode(&self.rgb, self.width, self.height, ExtendedColorType::Rgb8)
            .map_err(broken)?;
        Ok(jpeg)
    }

    /// From the colours of this profile to sRGB; as they are where that makes no sense.
    fn in_srgb(self, profile: &[u8]) -> Self {
        match converted(&self.rgb, profile) {
            Some(rgb) => Self { rgb, ..self },
            None => self,
        }
    }

    fn turned(self, orientation: Orientation) -> Result<Self, Error> {
        if orientation == Orientation::NoTransforms {
            return Ok(self);
        }
        let image = RgbImage::from_raw(self.width, self.height, self.rgb).ok_or(Error::BrokenPicture)?;
        let mut image = DynamicImage::ImageRgb8(image);
        image.apply_orientation(orientation);
        Ok(Self { width: image.width(), height: image.height(), rgb: image.into_rgb8().into_raw() })
    }
}

fn decode(bytes: Bytes, content_type: ContentType, pixels_max: u64, side: u32) -> Result<Picture, Error> {
    match content_type {
        ContentType::Jpeg => draw(JpegDecoder::new(Cursor::new(bytes)).map_err(broken)?, pixels_max, side),
        ContentType::Png => {
            let mut limits = Limits::no_limits();
            limits.max_alloc = Some(pixels_max.saturating_mul(BYTES_A_PIXEL));
            let decoder =
                PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(|error| match error {
                    ImageError::Limits(_) => Error::TooManyPixels { pixels_max },
                    other => broken(other),
                })?;
            draw(decoder, pixels_max, side)
        }
        ContentType::Webp => {
            if !is_whole(&bytes) {
                return Err(Error::BrokenPicture);
            }
            let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(broken)?;
            if decoder.has_animation() {
                return Err(Error::BrokenPicture);
            }
            draw(decoder, pixels_max, side)
        }
        ContentType::Pdf | ContentType::Zip => Err(Error::BrokenPicture),
    }
}

fn draw(mut decoder: impl ImageDecoder, pixels_max: u64, side: u32) -> Result<Picture, Error> {
    // What the first bytes promise, before anything of it is unpacked.
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width).saturating_mul(u64::from(height));
    if pixels > pixels_max || decoder.total_bytes() > pixels_max.saturating_mul(BYTES_A_PIXEL) {
        return Err(Error::TooManyPixels { pixels_max });
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten().filter(|profile| profile.len() <= PROFILE_BYTES_MAX);
    let image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    let picture = Picture { width, height, rgb: opaque(image) }.within(side)?;
    let picture = match profile {
        Some(profile) => picture.in_srgb(&profile),
        None => picture,
    };
    picture.turned(orientation)
}

/// Three bytes a pixel; what is transparent is laid on white.
fn opaque(image: DynamicImage) -> Vec<u8> {
    match image {
        DynamicImage::ImageRgb8(image) => image.into_raw(),
        image if image.color().has_alpha() => on_white(image.into_rgba8().into_raw()),
        image => image.into_rgb8().into_raw(),
    }
}

/// In place: at this size another copy would be felt.
fn on_white(mut rgba: Vec<u8>) -> Vec<u8> {
    let pixels = rgba.len() / 4;
    for pixel in 0..pixels {
        let from = rgba.get(pixel * 4..).and_then(<[u8]>::first_chunk);
        let Some([red, green, blue, opacity]) = from.copied() else { break };
        let laid = |colour: u8| {
            let (colour, opacity) = (u32::from(colour), u32::from(opacity));
            u8::try_from((colour * opacity + 255 * (255 - opacity) + 127) / 255).unwrap_or(u8::MAX)
        };
        if let Some(to) = rgba.get_mut(pixel * 3..pixel * 3 + 3) {
            to.copy_from_slice(&[laid(red), laid(green), laid(blue)]);
        }
    }
    rgba.truncate(pixels * 3);
    rgba
}

fn converted(rgb: &[u8], profile: &[u8]) -> Option<Vec<u8>> {
    let profile = ColorProfile::new_from_slice(profile).ok()?;
    if profile.color_space != DataColorSpace::Rgb {
        return None;
    }
    let (srgb, options) = (ColorProfile::new_srgb(), TransformOptions::default());
    let transform = profile.create_transform_8bit(Layout::Rgb, &srgb, Layout::Rgb, options).ok()?;
    let mut converted = vec![0; rgb.len()];
    transform.transform(rgb, &mut converted).ok()?;
    Some(converted)
}

/// Whether every chunk of a WebP lies within it: its decoder makes room for what a chunk says it has before it looks.
fn is_whole(webp: &[u8]) -> bool {
    let mut rest = webp.get(12..).unwrap_or_default();
    while let Some(length) = rest.get(4..8).and_then(<[u8]>::first_chunk) {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some(after) = rest.get(8..).and_then(|body| body.get(length..)) else { return false };
        // Chunks begin at even places.
        rest = after.get(length % 2..).unwrap_or_default();
    }
    true
}

fn broken(error: impl std::fmt::Display) -> Error {
    tracing::debug!(%error, "a picture cannot be read");
    Error::BrokenPicture
}

#[cfg(test)]
mod tests;
