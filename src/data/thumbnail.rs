//! Small 8-bit versions of images, for lists and previews.

use super::picture::unit_to_u8;

/// Reduces an image with values in [-1, 1] by box averaging until its longer side has at most `side` pixels.
/// `at` reads the value at x, y and channel. Returns the new width and height, and the bytes with interleaved channels.
pub(crate) fn thumbnail(
    (w, h): (usize, usize),
    channels: usize,
    side: usize,
    at: impl Fn(usize, usize, usize) -> f32,
) -> (usize, usize, Vec<u8>) {
    let longer = w.max(h).max(1);
    let reduced = |n: usize| if longer > side { (n * side / longer).max(1) } else { n.max(1) };
    let (width, height) = (reduced(w), reduced(h));
    let mut bytes = Vec::with_capacity(width * height * channels);
    for y in 0..height {
        let rows = y * h / height..((y + 1) * h / height).max(y * h / height + 1);
        for x in 0..width {
            let columns = x * w / width..((x + 1) * w / width).max(x * w / width + 1);
            for c in 0..channels {
                let sum: f32 = rows.clone().map(|v| columns.clone().map(|u| at(u, v, c)).sum::<f32>()).sum();
                let mean = sum / (rows.len() * columns.len()) as f32;
                bytes.push(unit_to_u8(mean));
            }
        }
    }
    (width, height, bytes)
}
