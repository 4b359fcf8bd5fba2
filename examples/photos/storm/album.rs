//! The pictures that clients upload: small, unlike each other, and some of them broken.

use std::collections::HashSet;
use std::io::Cursor;
use std::sync::LazyLock;

use bytes::Bytes;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use crate::picture;

/// How many there are: more than the clients of one seed upload, so that none is uploaded twice.
const PICTURES: u32 = 48;

/// One picture.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) bytes: Bytes,
    /// What is to become of it; nothing where it cannot be decoded.
    pub(crate) made: Option<Made>,
}

/// What is to become of a picture.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) thumbnail: Bytes,
}

impl Picture {
    /// Whether this is the thumbnail of it and of no other.
    pub(crate) fn has_thumbnail(&self, bytes: &Bytes) -> bool {
        self.made.as_ref().is_some_and(|made| made.thumbnail == *bytes)
    }
}

/// All of them; no two have the same size in pixels.
pub(crate) fn album() -> &'static [Picture] {
    static ALBUM: LazyLock<Vec<Picture>> = LazyLock::new(|| {
        let all: Vec<Picture> = (0..PICTURES).map(picture).collect();
        let made: HashSet<&Bytes> =
            all.iter().flat_map(|picture| &picture.made).map(|made| &made.thumbnail).collect();
        assert_eq!(
            made.len(),
            all.iter().flat_map(|picture| &picture.made).count(),
            "a thumbnail tells whose it is"
        );
        all
    });
    &ALBUM
}

fn picture(number: u32) -> Picture {
    // Flat, so that their thumbnails are: a seed makes many, and few pixels take little time.
    let (width, height) = (32 + 2 * number, 2 + number % 3);
    let bytes = match number % 6 {
        0 | 3 => noisy_png(width, height),
        // Half of one.
        5 => {
            let mut bytes = noisy_png(width, height);
            bytes.truncate(bytes.len() / 2);
            bytes
        }
        _ => jpeg(width, height),
    };
    let made = picture::thumbnail(&bytes).ok().map(|made| {
        assert_eq!((made.width, made.height), (width, height));
        Made { width, height, thumbnail: made.jpeg.into() }
    });
    assert_eq!(made.is_none(), number % 6 == 5, "what is whole can be decoded, and what is cut cannot");
    Picture { bytes: bytes.into(), made }
}

pub(crate) fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).expect("encodes");
    bytes.into_inner()
}

/// Red on the left, blue on the right; of another shade for another width.
pub(crate) fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let green = (width % 64 * 4) as u8;
    let colour = |x| if x < width / 2 { Rgb([220, green, 20]) } else { Rgb([20, green, 220]) };
    encoded(RgbImage::from_fn(width, height, |x, _| colour(x)), ImageFormat::Jpeg)
}

/// A picture that does not compress, so that half of its bytes are half of its rows.
pub(crate) fn noisy_png(width: u32, height: u32) -> Vec<u8> {
    let noise = |x: u32, y: u32| {
        (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).wrapping_mul(2_246_822_519) >> 24
    };
    let pixel = |x, y| Rgb([noise(x, y) as u8, noise(y, x) as u8, noise(x + 7, y + 3) as u8]);
    encoded(RgbImage::from_fn(width, height, pixel), ImageFormat::Png)
}
