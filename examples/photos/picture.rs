//! Pictures: told by their first bytes, decoded within limits, made small.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits, RgbImage, Rgba};

/// The longest side of a thumbnail in pixels.
const SIDE: u32 = 256;

/// The longest side of a picture that is decoded.
const MAX_SIDE: u32 = 20_000;

/// The most memory that decoding one picture may take: a few kilobytes can unpack to gigabytes.
const MAX_DECODED: u64 = 256 << 20;

/// What a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
}

impl Format {
    /// How many bytes tell a picture.
    pub(crate) const HEAD: usize = 8;

    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if head.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else {
            None
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

/// A thumbnail, and the size of its original when it stands upright.
#[derive(Debug)]
pub(crate) struct Thumbnail {
    pub(crate) jpeg: Vec<u8>,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Decodes a picture and makes it small, upright, and opaque.
pub(crate) fn thumbnail(bytes: &[u8]) -> Result<Thumbnail, ImageError> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    // The reader's limits cover the decoder's own memory; the picture itself is reserved here.
    limits.reserve(decoder.total_bytes())?;
    // A camera's rotation; without one, or with nonsense there, the picture stands as it is.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder)?;

    // Small first: turning and blending then cost nothing.
    let mut small = picture.thumbnail(SIDE, SIDE);
    small.apply_orientation(orientation);
    let (mut width, mut height) = (picture.width(), picture.height());
    if swaps_sides(orientation) {
        std::mem::swap(&mut width, &mut height);
    }
    let mut jpeg = Vec::new();
    on_white(&small).write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, 85))?;
    Ok(Thumbnail { jpeg, width, height })
}

fn swaps_sides(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

/// JPEG knows no transparency: what shines through is white.
fn on_white(picture: &DynamicImage) -> RgbImage {
    let rgba = picture.to_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let Rgba([red, green, blue, alpha]) = *rgba.get_pixel(x, y);
        let blend = |colour: u8| {
            let (colour, alpha) = (u16::from(colour), u16::from(alpha));
            // At most 255 * 255 / 255.
            ((colour * alpha + 255 * (255 - alpha)) / 255) as u8
        };
        image::Rgb([blend(red), blend(green), blend(blue)])
    })
}
