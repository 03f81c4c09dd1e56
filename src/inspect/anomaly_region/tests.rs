//! Regions of hand-drawn maps.

use proptest::{collection::vec, prelude::*};

use super::{components::components, *};
use crate::inspect::{Region, Regions, evaluation::EvaluatedMap, regions::MAX_CORNERS};

/// Connected pixels above 0.5.
fn all() -> RegionRule {
    RegionRule::above(EvaluatedMap::Critic, 0.5)
}

fn find(values: &[f32], width: usize, height: usize, rule: &RegionRule) -> Vec<AnomalyRegion> {
    find_regions(values, width, height, None, rule).0
}

fn map(rows: &[&str]) -> (Vec<f32>, usize, usize) {
    let value = |c: u8| if c == b'.' { 0.0 } else { f32::from(c - b'0') };
    (rows.iter().flat_map(|row| row.bytes().map(value)).collect(), rows[0].len(), rows.len())
}

fn painted(region: &AnomalyRegion, width: usize, height: usize) -> Vec<bool> {
    let inspected = |shape| Region { ignore: false, shape };
    Regions(region.shapes().into_iter().map(inspected).collect())
        .inspected(width, height)
        .unwrap_or_else(|| vec![true; width * height])
}

#[test]
fn places_are_measured_and_come_worst_first() {
    let (values, width, height) = map(&[
        "11....9.", //
        ".1......", "..2...34", "......3.",
    ]);
    let found = find(&values, width, height, &all());
    let boxes: Vec<_> = found.iter().map(|s| (s.x, s.y, s.width, s.height, s.area, s.peak, s.at)).collect();
    assert_eq!(boxes, [(6, 0, 1, 1, 1, 9.0, [6, 0]), (6, 2, 2, 2, 3, 4.0, [7, 2]), (0, 0, 3, 3, 4, 2.0, [2, 2])],);
    let large = RegionRule { min_area: 3, most: 1, ..all() };
    assert_eq!(find(&values, width, height, &large), found[1..2]);
    assert!(find(&values, width, height, &RegionRule { edge: 9.0, level: 9.0, ..all() }).is_empty());
}

#[test]
fn odd_maps_have_no_places() {
    assert!(find(&[], 0, 0, &all()).is_empty());
    assert!(find(&[1.0; 5], 2, 3, &all()).is_empty());
    assert!(find(&[f32::NAN; 6], 2, 3, &all()).is_empty());
}

#[test]
fn an_outline_goes_along_the_pixels() {
    let (values, width, height) = map(&["....", ".11.", ".1..", "...."]);
    let found = find(&values, width, height, &all());
    let wanted = [[1, 1], [3, 1], [3, 2], [2, 2], [2, 3], [1, 3]].map(|c| c.map(|v| v as f32));
    assert_eq!(found[0].outline, wanted);
}

#[test]
fn a_ragged_place_is_outlined_in_few_corners() {
    // A comb of 2,000 teeth.
    let (width, height) = (4_001, 9);
    let values: Vec<f32> = (0..width * height).map(|i| f32::from(u8::from(i < width || i % width % 2 == 0))).collect();
    let found = find(&values, width, height, &all());
    assert!(found.len() == 1 && found[0].outline.len() <= MAX_CORNERS);
    let inside = painted(&found[0], width, height);
    assert!(values.iter().zip(inside).all(|(v, inside)| inside || *v == 0.0));
}

#[test]
fn a_large_place_is_no_deep_place() {
    let found = find(&vec![1.0; 2_000 * 2_000], 2_000, 2_000, &all());
    assert_eq!((found.len(), found[0].area, found[0].outline.len()), (1, 4_000_000, 4));
}

proptest! {
    #[test]
    fn an_outline_painted_is_the_place_without_its_holes(cells in vec(0..3_u8, 1..120), width in 1..14_usize) {
        let height = cells.len().div_ceil(width);
        let mut values: Vec<f32> = cells.iter().map(|&c| f32::from(c / 2)).collect();
        values.resize(width * height, 0.0);
        let mask: Vec<bool> = values.iter().map(|v| *v > 0.5).collect();
        for own in components(&mask, width, 0) {
            let mut alone = vec![0.0; values.len()];
            own.iter().for_each(|&i| alone[i] = 1.0);
            let found = find(&alone, width, height, &all());
            prop_assert_eq!(found.len(), 1);
            // Pixels that a 4-connected fill from outside does not reach are holes or the region itself.
            let wide = width + 2;
            let mut outside = vec![false; wide * (height + 2)];
            let mut stack = vec![0];
            while let Some(i) = stack.pop() {
                let (x, y) = (i % wide, i / wide);
                let own = (1..=width).contains(&x) && (1..=height).contains(&y) && alone[(y - 1) * width + x - 1] > 0.0;
                if own || outside[i] {
                    continue;
                }
                outside[i] = true;
                if x > 0 { stack.push(i - 1) }
                if x + 1 < wide { stack.push(i + 1) }
                if y > 0 { stack.push(i - wide) }
                if y < height + 1 { stack.push(i + wide) }
            }
            let wanted: Vec<bool> =
                (0..width * height).map(|i| !outside[(i / width + 1) * wide + i % width + 1]).collect();
            prop_assert_eq!(painted(&found[0], width, height), wanted);
        }
    }
}

/// What a region measures: box, area, centre, direction, length and breadth.
type Measured = ([usize; 4], usize, [f32; 2], Option<f32>, f32, f32);

fn measured(region: &AnomalyRegion) -> Measured {
    let m = region.measures.unwrap();
    let hundredth = |v: f32| (v * 100.0).round() / 100.0;
    let AnomalyRegion { x, y, width, height, area, .. } = *region;
    let direction = m.orientation.map(hundredth);
    ([x, y, width, height], area, m.centroid.map(hundredth), direction, hundredth(m.length), hundredth(m.breadth))
}

#[test]
fn hand_drawn_shapes_have_their_measures() {
    let table: [(&str, &[&str], Measured); 11] = [
        ("a line to the right", &["......", ".1111.", "......"], ([1, 1, 4, 1], 4, [3.0, 1.5], Some(0.0), 4.0, 1.0)),
        ("a line downwards", &["..", ".1", ".1", ".1"], ([1, 1, 1, 3], 3, [1.5, 2.5], Some(90.0), 3.0, 1.0)),
        ("a line upwards", &["..1", ".1.", "1.."], ([0, 0, 3, 3], 3, [1.5, 1.5], Some(45.0), 4.24, 1.41)),
        ("a falling line", &["1..", ".1.", "..1"], ([0, 0, 3, 3], 3, [1.5, 1.5], Some(135.0), 4.24, 1.41)),
        ("a rectangle", &["11111", "11111"], ([0, 0, 5, 2], 10, [2.5, 1.0], Some(0.0), 5.0, 2.0)),
        ("a tall rectangle", &["11.", "11.", "11."], ([0, 0, 2, 3], 6, [1.0, 1.5], Some(90.0), 3.0, 2.0)),
        ("an L", &["1..", "1..", "111"], ([0, 0, 3, 3], 5, [1.1, 1.9], Some(135.0), 4.24, 2.83)),
        ("a square", &["11", "11"], ([0, 0, 2, 2], 4, [1.0, 1.0], None, 2.0, 2.0)),
        ("a pixel", &["...", "..1"], ([2, 1, 1, 1], 1, [2.5, 1.5], None, 1.0, 1.0)),
        ("at the side of the frame", &["...1", "...1"], ([3, 0, 1, 2], 2, [3.5, 1.0], Some(90.0), 2.0, 1.0)),
        ("a row of one image", &["..111"], ([2, 0, 3, 1], 3, [3.5, 0.5], Some(0.0), 3.0, 1.0)),
    ];
    for (name, rows, wanted) in table {
        let (values, width, height) = map(rows);
        let found = find(&values, width, height, &all());
        assert_eq!(found.iter().map(measured).collect::<Vec<_>>(), [wanted], "{name}");
    }
}

#[test]
fn values_are_those_of_the_map() {
    let (values, width, height) = map(&["12.", ".3."]);
    let found = find(&values, width, height, &all());
    assert_eq!((found[0].peak, found[0].at, found[0].measures.unwrap().mean), (3.0, [1, 1], 2.0));
    // Infinite values would have no mean.
    let (mut odd, width, height) = map(&["111", "111"]);
    (odd[0], odd[5]) = (f32::INFINITY, f32::NAN);
    let found = find(&odd, width, height, &all());
    assert_eq!((found[0].area, found[0].peak, found[0].measures.unwrap().mean), (4, 1.0, 1.0));
}

#[test]
fn near_pieces_are_one_region_and_far_ones_are_two() {
    let rows = ["11..11", "11..11", "......", "......", "......", "1....."];
    let (values, width, height) = map(&rows);
    for (gap, wanted) in [(0, vec![4, 4, 1]), (1, vec![4, 4, 1]), (2, vec![8, 1]), (3, vec![9]), (64, vec![9])] {
        let found = find(&values, width, height, &RegionRule { gap, ..all() });
        assert_eq!(found.iter().map(|region| region.area).collect::<Vec<_>>(), wanted, "a gap of {gap}");
        let pieces: usize = found.iter().map(|region| region.shapes().len()).sum();
        assert_eq!(pieces, 3, "every piece keeps its outline");
        let inside: Vec<bool> = found
            .iter()
            .map(|region| painted(region, width, height))
            .fold(vec![false; values.len()], |all, own| all.iter().zip(own).map(|(a, b)| *a || b).collect());
        assert!(values.iter().zip(inside).all(|(v, inside)| (*v > 0.5) == inside));
    }
    let merged = &find(&values, width, height, &RegionRule { gap: 2, ..all() })[0];
    assert_eq!(measured(merged), ([0, 0, 6, 2], 8, [3.0, 1.0], Some(0.0), 6.0, 2.0));
}

#[test]
fn a_region_grows_from_its_core_to_its_edge() {
    let (values, width, height) = map(&["2293122", ".......", ".......", "2222222"]);
    let rule = RegionRule { level: 2.5, edge: 1.5, ..all() };
    let areas = |rule: &RegionRule| find(&values, width, height, rule).iter().map(|r| r.area).collect::<Vec<_>>();
    assert_eq!(areas(&rule), [4], "what holds no pixel above the threshold is no region");
    assert_eq!(areas(&RegionRule { gap: 1, ..rule.clone() }), [6]);
    assert_eq!(areas(&RegionRule { core: 2, ..rule.clone() }), [4]);
    assert!(areas(&RegionRule { core: 3, ..rule.clone() }).is_empty());
    assert!(areas(&RegionRule { min_area: 5, ..rule.clone() }).is_empty());
    // An edge above the threshold would leave out the core.
    assert_eq!(areas(&RegionRule { edge: 8.0, ..rule }), [2]);
}

#[test]
fn whole_and_empty_maps_are_no_special_case() {
    let rule = all();
    assert!(find(&[0.0; 12], 4, 3, &rule).is_empty());
    let whole = find(&[1.0; 12], 4, 3, &rule);
    assert_eq!(whole.iter().map(measured).collect::<Vec<_>>(), [([0, 0, 4, 3], 12, [2.0, 1.5], Some(0.0), 4.0, 3.0)]);
    for (width, height) in [(1, 5), (5, 1)] {
        assert_eq!(find(&[1.0; 5], width, height, &RegionRule { gap: 4, core: 5, ..all() }).len(), 1);
    }
    // What was not inspected is never part of a region, whatever the threshold.
    let inspected = [true, false, true, false];
    let (found, _) = find_regions(&[0.0; 4], 4, 1, Some(&inspected), &RegionRule::above(EvaluatedMap::Critic, -1.0));
    assert_eq!(found.iter().map(|region| region.x).collect::<Vec<_>>(), [0, 2]);
    assert!(find_regions(&[1.0; 4], 4, 1, Some(&[true]), &rule).0.is_empty());
}

#[test]
fn regions_beyond_the_largest_number_are_counted() {
    let (values, width, height) = map(&["1.2.3.4"]);
    let (found, left_out) = find_regions(&values, width, height, None, &RegionRule { most: 3, ..all() });
    assert_eq!((found.iter().map(|r| r.peak).collect::<Vec<_>>(), left_out), (vec![4.0, 3.0, 2.0], 1));
}

#[test]
fn micrometres_stand_beside_the_pixels() {
    let (values, width, height) = map(&["....", ".11.", "...."]);
    let plain = find(&values, width, height, &all());
    let rule = RegionRule { micrometres_per_pixel: Some(12.5), ..all() };
    let found = find(&values, width, height, &rule);
    assert_eq!(AnomalyRegion { micrometres: None, ..found[0].clone() }, plain[0]);
    let um = found[0].micrometres.unwrap();
    assert_eq!((um.area_um2, um.length_um, um.breadth_um), (312.5, 25.0, 12.5));
    assert_eq!((um.centroid_um, um.box_um), ([25.0, 18.75], [12.5, 12.5, 25.0, 12.5]));
    // The same part at twice the resolution: other pixels, the same micrometres.
    let list = RegionList { rule, regions: found, left_out: 0 }.scaled(2.0);
    assert_eq!(list.rule.micrometres_per_pixel, Some(6.25));
    assert_eq!(measured(&list.regions[0]), ([2, 2, 4, 2], 8, [4.0, 3.0], Some(0.0), 4.0, 2.0));
    assert_eq!(list.regions[0].micrometres, Some(um));
}

#[test]
fn a_region_is_stored_as_plain_keys_and_those_of_earlier_versions_are_read() {
    let (values, width, height) = map(&["1...", "..1."]);
    let rule = RegionRule { micrometres_per_pixel: Some(2.0), gap: 1, ..all() };
    for region in find(&values, width, height, &rule).into_iter().chain(find(&values, width, height, &all())) {
        let text = serde_json::to_string(&region).unwrap();
        assert_eq!(serde_json::from_str::<AnomalyRegion>(&text).unwrap(), region, "{text}");
        let keys: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert!(
            ["x", "area", "peak", "mean", "centroid", "length", "breadth"].iter().all(|key| keys.contains_key(*key))
        );
        assert_eq!(keys.contains_key("area_um2"), region.micrometres.is_some());
    }
    let before = r#"{"x":1,"y":2,"width":3,"height":4,"area":9,"peak":5.5,"at":[2,3],"outline":[]}"#;
    let region: AnomalyRegion = serde_json::from_str(before).unwrap();
    assert_eq!((region.measures, region.micrometres, region.centre()), (None, None, [2.5, 4.0]));
    assert!(region.describe().starts_with("9 pixels, 3 × 4 pixels, peak 5.5, centre x 2.5"), "{}", region.describe());
}
