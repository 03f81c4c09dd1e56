use super::{
    specimen::{SpecimenPair, draw_pair},
    *,
};
use crate::data::{Picture, Samples, colour::has_colour};

fn bytes(picture: &Picture) -> &[u8] {
    match picture.samples() {
        Samples::U8(bytes) => bytes,
        Samples::U16(_) => panic!("not 8 bits"),
    }
}

/// Autocorrelation of the image at the shift `dx`, `dy`.
fn correlation(bytes: &[u8], side: usize, dx: usize, dy: usize) -> f64 {
    let mean = bytes.iter().map(|b| f64::from(*b)).sum::<f64>() / bytes.len() as f64;
    let at = |x: usize, y: usize| f64::from(bytes[y * side + x]) - mean;
    let (mut sum, mut power) = (0.0, 0.0);
    for y in 0..side - dy {
        for x in 0..side - dx {
            sum += at(x, y) * at(x + dx, y + dy);
            power += (at(x, y).powi(2) + at(x + dx, y + dy).powi(2)) / 2.0;
        }
    }
    sum / power
}

#[test]
fn names_can_be_parsed() {
    for kind in SurfaceKind::ALL {
        assert_eq!(kind.to_string().parse(), Ok(kind));
        assert_eq!(serde_json::to_string(&kind).expect("json"), format!("\"{kind}\""));
    }
    for defect in DefectType::ALL {
        assert_eq!(defect.to_string().parse(), Ok(defect));
        assert_eq!(serde_json::to_string(&defect).expect("json"), format!("\"{defect}\""));
    }
    let message = "honed".parse::<SurfaceKind>().expect_err("no such surface").to_string();
    assert!(SurfaceKind::ALL.iter().all(|kind| message.contains(kind.name())), "{message}");
    let message = "rust".parse::<DefectType>().expect_err("no such defect").to_string();
    assert!(DefectType::ALL.iter().all(|defect| message.contains(defect.name())), "{message}");
}

#[test]
fn a_specimen_depends_only_on_its_arguments() {
    for kind in SurfaceKind::ALL {
        let healthy = draw(kind, None, 4, 9, 64);
        assert_eq!(healthy, draw(kind, None, 4, 9, 64));
        assert!(healthy.mask.is_none());
        assert_ne!(healthy, draw(kind, None, 5, 9, 64));
        assert_ne!(healthy, draw(kind, None, 4, 10, 64));
        // The texture under a defect differs as well.
        let pair = draw_pair(kind, Some(DefectType::Pit), 4, 9, 64);
        assert_ne!(bytes(&healthy.picture), pair.healthy);
        let damaged = draw(kind, Some(DefectType::Pit), 4, 9, 64);
        assert_eq!(damaged, draw(kind, Some(DefectType::Pit), 4, 9, 64));
    }
}

#[test]
fn images_use_the_middle_of_the_range() {
    for kind in SurfaceKind::ALL {
        for index in 0..6 {
            let specimen = draw(kind, None, 1, index, 128);
            let grey = bytes(&specimen.picture);
            let n = grey.len() as f64;
            let mean = grey.iter().map(|b| f64::from(*b)).sum::<f64>() / n;
            let variance = grey.iter().map(|b| (f64::from(*b) - mean).powi(2)).sum::<f64>() / n;
            let clipped = grey.iter().filter(|b| **b == 0 || **b == 255).count();
            assert!((0.35..0.60).contains(&(mean / 255.0)), "{kind} {index}: mean {mean}");
            let deviation = variance.sqrt();
            assert!((15.0..60.0).contains(&deviation), "{kind} {index}: deviation {deviation}");
            assert!(clipped * 50 < grey.len(), "{kind} {index}: {clipped} pixels clipped");
        }
    }
}

#[test]
fn a_mask_covers_the_visible_defect_only() {
    for kind in SurfaceKind::ALL {
        for &defect in kind.defects() {
            for (index, side) in [(0, 64), (1, 64), (2, 96), (3, 160), (4, 160), (5, 256)] {
                let about = format!("{kind} {defect} {index} at {side}");
                let SpecimenPair { healthy, damaged } = draw_pair(kind, Some(defect), 2, index, side);
                let (picture, mask) = damaged.expect("a defect");
                let inside = mask.iter().filter(|m| **m == 255).count();
                assert!(inside >= 12, "{about}: the mask has {inside} pixels");
                assert!(inside * 10 < mask.len() * 4, "{about}: the mask has {inside} pixels");
                let mut change = 0_u64;
                for (i, (h, p)) in healthy.iter().zip(&picture).enumerate() {
                    let m = mask[i / kind.channels()];
                    assert!(m == 255 || (m == 0 && h == p), "{about}: a pixel outside the mask changed");
                    change += u64::from(h.abs_diff(*p));
                }
                assert!(change >= 5 * inside as u64, "{about}: a total change of {change} over {inside} pixels");
            }
        }
    }
}

#[test]
fn any_side_is_drawn() {
    for (asked, given) in [(0, 16), (1, 16), (17, 17), (301, 301)] {
        for &defect in SurfaceKind::Milled.defects() {
            let specimen = draw(SurfaceKind::Milled, Some(defect), 3, 0, asked);
            let mask = specimen.mask.expect("a mask");
            assert_eq!((specimen.picture.width(), mask.height()), (given, given));
            assert!(bytes(&mask).contains(&255), "{defect} at {asked}");
        }
    }
}

#[test]
fn turned_grooves_are_straight_and_keep_their_feed() {
    let side = 96;
    for index in 0..4 {
        let specimen = draw(SurfaceKind::Turned, None, 8, index, side);
        let grey = bytes(&specimen.picture);
        let along = correlation(grey, side, 0, 5);
        let across = correlation(grey, side, 5, 0);
        assert!(along > 0.7 && across < 0.0, "{index}: along {along}, across {across}");
        let best = (5..16).max_by(|a, b| correlation(grey, side, *a, 0).total_cmp(&correlation(grey, side, *b, 0)));
        let feed = best.expect("a lag") as f32;
        let [low, high] = texture::TURNED_FEED;
        assert!((low - 1.0..=high + 1.0).contains(&feed), "{index}: the feed is {feed} pixels");
        assert!(correlation(grey, side, feed as usize, 0) > 0.5, "{index}: not periodic");
    }
}

#[test]
fn ground_and_brushed_lines_run_along_x() {
    for kind in [SurfaceKind::Ground, SurfaceKind::Brushed] {
        let specimen = draw(kind, None, 8, 0, 128);
        let grey = bytes(&specimen.picture);
        let (along, across) = (correlation(grey, 128, 6, 0), correlation(grey, 128, 0, 6));
        assert!(along > across + 0.3, "{kind}: along {along}, across {across}");
    }
}

#[test]
fn coloured_surfaces_have_colour_and_the_others_have_none() {
    for kind in SurfaceKind::ALL {
        for index in 0..3 {
            let picture = draw(kind, None, 3, index, 96).picture;
            assert_eq!(picture.channels(), kind.channels());
            assert_eq!(has_colour(&picture), kind.is_coloured(), "{kind} {index}");
        }
        let of_hue = kind.defects().contains(&DefectType::Discolouration);
        assert!(of_hue == kind.is_coloured() && kind.defects().len() >= 4, "{kind}");
    }
    // Another specimen of the same surface has the same hue.
    let hue = |kind, index| {
        let picture = draw(kind, None, 3, index, 96).picture;
        let mean = |c: usize| bytes(&picture).iter().skip(c).step_by(3).map(|v| f64::from(*v)).sum::<f64>();
        [mean(0) / mean(1), mean(2) / mean(1)]
    };
    for kind in [SurfaceKind::Painted, SurfaceKind::Anodised] {
        let [one, other] = [0, 1].map(|index| hue(kind, index));
        assert!(one.iter().zip(other).all(|(a, b)| (a / b - 1.0).abs() < 0.15), "{kind}: {one:?} {other:?}");
    }
    let [painted, anodised] = [SurfaceKind::Painted, SurfaceKind::Anodised].map(|kind| hue(kind, 0));
    assert!(painted[0] > 1.2 && painted[1] < 0.7 && anodised[0] < 0.9 && anodised[1] > 1.3);
}

#[test]
fn a_discolouration_is_as_light_as_the_surface_and_of_another_hue() {
    for kind in [SurfaceKind::Painted, SurfaceKind::Anodised] {
        for (index, side) in (0..8).map(|index| (index, if index % 2 == 0 { 96 } else { 192 })) {
            let about = format!("{kind} {index} at {side}");
            let SpecimenPair { healthy, damaged } = draw_pair(kind, Some(DefectType::Discolouration), 5, index, side);
            let (picture, mask) = damaged.expect("a defect");
            let luminance = |bytes: &[u8]| -> Vec<f64> {
                let of = |p: &[u8]| 0.2126 * f64::from(p[0]) + 0.7152 * f64::from(p[1]) + 0.0722 * f64::from(p[2]);
                bytes.chunks_exact(3).map(of).collect()
            };
            let (before, after) = (luminance(&healthy), luminance(&picture));
            let mean = |values: &[f64], within: u8| {
                let all = values.iter().zip(&mask).filter(|(_, m)| **m == within).map(|(v, _)| *v);
                let (sum, count) = all.fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
                sum / count
            };
            // Inside and outside differ no more than they do without the defect.
            let contrast = |values: &[f64]| mean(values, 255) - mean(values, 0);
            let changed = contrast(&after) - contrast(&before);
            assert!(changed.abs() < 1.0, "{about}: {changed} levels lighter");
            let most = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(most < 2.0, "{about}: up to {most} levels");
            let shift = |c: usize| {
                let own = |bytes: &[u8]| {
                    mean(&bytes.iter().skip(c).step_by(3).map(|v| f64::from(*v)).collect::<Vec<_>>(), 255)
                };
                own(&picture) - own(&healthy)
            };
            let hue = [0, 1, 2].map(shift);
            assert!(hue.iter().any(|v| v.abs() > 8.0), "{about}: {hue:?}");
        }
    }
}
