//! Pictures made for tests.

use image::{ImageBuffer, ImageFormat, Rgb, RgbImage, Rgba};

use crate::storm::album::encoded;
pub(super) use crate::storm::album::{jpeg, noisy_png};

pub(super) fn decode(bytes: &[u8]) -> RgbImage {
    image::load_from_memory_with_format(bytes, ImageFormat::Jpeg).expect("a JPEG").to_rgb8()
}

/// The same as a camera writes it that was turned: with an Exif orientation.
pub(super) fn jpeg_turned(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    let upright = jpeg(width, height);
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0, 0]);
    let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
    let start_of_image = &upright[..2];
    [start_of_image, b"\xff\xe1", &length, &exif, &upright[2..]].concat()
}

pub(super) fn png_half_transparent(width: u32, height: u32) -> Vec<u8> {
    encoded(ImageBuffer::from_pixel(width, height, Rgba([255_u8, 0, 0, 128])), ImageFormat::Png)
}

pub(super) fn png_16_bit(width: u32, height: u32) -> Vec<u8> {
    encoded(ImageBuffer::from_pixel(width, height, Rgb([65_535_u16, 1_000, 1_000])), ImageFormat::Png)
}

/// A few bytes that claim to be a picture of gigabytes.
pub(super) fn bomb_png(width: u32, height: u32) -> Vec<u8> {
    let mut header = Vec::from(*b"IHDR");
    header.extend_from_slice(&width.to_be_bytes());
    header.extend_from_slice(&height.to_be_bytes());
    header.extend_from_slice(&[8, 6, 0, 0, 0]);
    // An empty zlib stream: decoders look at the header first.
    let data = [b"IDAT".as_slice(), &[0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01]].concat();
    let chunks = [header, data, b"IEND".to_vec()].map(|chunk| {
        let length = u32::try_from(chunk.len() - 4).expect("short").to_be_bytes();
        [&length[..], &chunk, &crc32(&chunk).to_be_bytes()].concat()
    });
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat()].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}
