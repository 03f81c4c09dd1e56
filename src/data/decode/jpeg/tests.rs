use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// A photograph-like picture: a gradient, a few discs and some noise.
fn samples(width: u16, height: u16, channels: usize, seed: u64) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let discs: Vec<[f32; 4]> = (0..6).map(|_| std::array::from_fn(|_| rng.random_range(0.0..1.0))).collect();
    let mut all = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (f32::from(x) / f32::from(width), f32::from(y) / f32::from(height));
            let mut level = 60.0 + 90.0 * u + 40.0 * v;
            for [cx, cy, r, tone] in &discs {
                if (u - cx).powi(2) + (v - cy).powi(2) < (0.2 * r).powi(2) {
                    level = 255.0 * tone;
                }
            }
            for c in 0..channels {
                all.push((level + 20.0 * c as f32 + rng.random_range(-12.0..12.0)).clamp(0.0, 255.0) as u8);
            }
        }
    }
    all
}

struct Kind {
    name: &'static str,
    channels: usize,
    quality: u8,
    sampling: SamplingFactor,
    is_progressive: bool,
    restarts: Option<u16>,
    optimised: bool,
}

const PLAIN: Kind = Kind {
    name: "grey",
    channels: 1,
    quality: 90,
    sampling: SamplingFactor::R_4_4_4,
    is_progressive: false,
    restarts: None,
    optimised: false,
};

const KINDS: [Kind; 9] = [
    PLAIN,
    Kind { name: "grey, coarse", quality: 40, ..PLAIN },
    Kind { name: "grey, restarts", restarts: Some(4), ..PLAIN },
    Kind { name: "grey, own tables", optimised: true, ..PLAIN },
    Kind { name: "colour", channels: 3, ..PLAIN },
    Kind { name: "colour, 4:2:0", channels: 3, sampling: SamplingFactor::R_4_2_0, ..PLAIN },
    Kind {
        name: "colour, 4:2:2, restarts",
        channels: 3,
        sampling: SamplingFactor::R_4_2_2,
        restarts: Some(3),
        ..PLAIN
    },
    Kind { name: "grey, progressive", is_progressive: true, ..PLAIN },
    Kind {
        name: "colour, progressive, 4:2:0",
        channels: 3,
        is_progressive: true,
        sampling: SamplingFactor::R_4_2_0,
        optimised: true,
        ..PLAIN
    },
];

fn encoded(kind: &Kind, width: u16, height: u16, seed: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, kind.quality);
    encoder.set_sampling_factor(kind.sampling);
    encoder.set_progressive(kind.is_progressive);
    encoder.set_optimized_huffman_tables(kind.optimised);
    if let Some(interval) = kind.restarts {
        encoder.set_restart_interval(interval);
    }
    let colour = if kind.channels == 1 { ColorType::Luma } else { ColorType::Rgb };
    encoder.encode(&samples(width, height, kind.channels, seed), width, height, colour).unwrap();
    bytes
}

#[test]
fn whole_files_pass_whatever_their_kind_and_size() {
    for kind in &KINDS {
        for (i, (width, height)) in [(1, 1), (7, 9), (16, 16), (33, 65), (100, 41), (128, 96)].into_iter().enumerate() {
            let bytes = encoded(kind, width, height, i as u64);
            assert_eq!(check(&bytes), Ok(()), "{} {width}x{height}", kind.name);
            let header = frame(&bytes).unwrap();
            assert_eq!((header.width, header.height), (width.into(), height.into()));
            // A camera may append a preview, and fill the space before a marker.
            assert_eq!(check(&[&bytes[..], &bytes[..40], b"trailing"].concat()), Ok(()));
            let (body, end) = bytes.split_at(bytes.len() - 2);
            assert_eq!(check(&[body, &[0xff, 0xff, 0xff], end].concat()), Ok(()));
        }
    }
}

#[test]
fn a_file_that_lost_bytes_anywhere_is_refused() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for kind in &KINDS {
        let (mut found, mut all) = (0, 0);
        for seed in 0..4 {
            let bytes = encoded(kind, 200, 152, seed);
            let start = bytes.windows(2).position(|w| w == [0xff, 0xda]).unwrap() + 14;
            for _ in 0..50 {
                let length = rng.random_range(1..bytes.len() / 4);
                let at = rng.random_range(start..bytes.len() - 2 - length);
                let damaged = [&bytes[..at], &bytes[at + length..]].concat();
                all += 1;
                found += usize::from(check(&damaged).is_err());
            }
        }
        assert!(found * 100 >= all * 98, "{}: {found} of {all}", kind.name);
    }
}

#[test]
fn a_sector_of_other_bytes_is_refused() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let (mut found, mut all) = (0, 0);
    for kind in &KINDS {
        let bytes = encoded(kind, 200, 152, 3);
        for _ in 0..20 {
            let at = rng.random_range(700..bytes.len() - 600);
            let mut damaged = bytes.clone();
            let fill = if rng.random_bool(0.5) { 0 } else { rng.random() };
            damaged[at..at + 512].fill(fill);
            all += 1;
            found += usize::from(check(&damaged).is_err());
        }
    }
    assert!(found * 100 >= all * 97, "{found} of {all}");
}

#[test]
fn a_file_without_its_end_is_truncated() {
    for kind in &KINDS {
        let bytes = encoded(kind, 64, 64, 1);
        for keep in [bytes.len() - 1, bytes.len() - 2, bytes.len() - 30, bytes.len() * 2 / 3, 30] {
            assert_eq!(check(&bytes[..keep]), Err(JpegFault::Truncated), "{} {keep}", kind.name);
        }
    }
}

#[test]
fn other_kinds_are_named() {
    let mut bytes = encoded(&PLAIN, 16, 16, 1);
    let at = bytes.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    let told = |bytes: &[u8]| match frame(bytes) {
        Err(JpegFault::Unsupported(what)) => what,
        other => panic!("{other:?}"),
    };
    for (marker, what) in [(0xc3, "lossless"), (0xc9, "arithmetic"), (0xc5, "hierarchical"), (0xf7, "JPEG-LS")] {
        bytes[at + 1] = marker;
        assert!(told(&bytes).contains(what), "{marker}");
    }
    (bytes[at + 1], bytes[at + 4]) = (0xc1, 12);
    assert!(told(&bytes).contains("12 bits"));
}
