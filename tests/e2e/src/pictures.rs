//! Pictures made for tests.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

/// A JPEG of 100 to 300 pixels a side that differs from that of every other number.
///
/// # Panics
/// Where the encoder fails.
#[must_use]
pub fn jpeg_of(number: u32) -> Vec<u8> {
    let (width, height) = size_of(number);
    let low = u8::try_from(number % 251).expect("below 251");
    let picture = RgbImage::from_fn(width, height, |x, y| {
        // Stripes as wide as the number says, so that no compression makes two the same.
        let stripe = if (x / (number % 13 + 2) + y / (number % 7 + 3)).is_multiple_of(2) { 200 } else { 40 };
        Rgb([stripe, low, (x % 256) as u8])
    });
    encoded(&picture)
}

/// The width and height of [`jpeg_of`] this number.
#[must_use]
pub fn size_of(number: u32) -> (u32, u32) {
    (100 + number * 37 % 201, 100 + number * 53 % 201)
}

/// Red on the left, blue on the right, as a camera writes it that was held so: with an Exif orientation.
///
/// # Panics
/// Where the encoder fails.
#[must_use]
pub fn jpeg_turned(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    let colour = |x| if x < width / 2 { Rgb([220, 20, 20]) } else { Rgb([20, 20, 220]) };
    let flat = encoded(&RgbImage::from_fn(width, height, |x, _| colour(x)));
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0, 0]);
    let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
    let start_of_image = &flat[..2];
    [start_of_image, b"\xff\xe1", &length, &exif, &flat[2..]].concat()
}

fn encoded(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 90)).expect("encodes");
    bytes
}

/// A JPEG's pixels.
///
/// # Panics
/// Where it is none.
#[must_use]
pub fn decode(bytes: &[u8]) -> RgbImage {
    let reader = image::ImageReader::with_format(Cursor::new(bytes), image::ImageFormat::Jpeg);
    reader.decode().expect("a JPEG").to_rgb8()
}
