//! Images of 16 bits keep their depth from the file to the score: a defect smaller than a step of 8 bits is seen.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use image::{ImageBuffer, Luma, Rgb};

use super::{
    Planes,
    untrained::{inspect, model},
};
use crate::{
    data::{CropSampler, DataSource, Picture, Samples, surface::SurfaceKind},
    train::{Recipe, critic::HealthyCrops},
};

const SIZE: [u32; 2] = [192, 96];

/// A level of a surface all of whose structure lies within one step of 8 bits, with or without a defect near its left edge.
fn level(number: u32, is_damaged: bool, x: u32, y: u32) -> u16 {
    let grain = ((x * 7_919 + y * 104_729 + number * 31) % 97) as f32;
    let defect = if is_damaged && (20..32).contains(&x) && (40..52).contains(&y) { 70.0 } else { 0.0 };
    (30_000.0 + grain + 20.0 * (y as f32 * 0.4).sin() + defect) as u16
}

fn write(path: &Path, number: u32, is_damaged: bool) {
    ImageBuffer::from_fn(SIZE[0], SIZE[1], |x, y| Luma([level(number, is_damaged, x, y)])).save(path).unwrap();
}

fn distinct(values: &[f32]) -> usize {
    values.iter().map(|v| v.to_bits()).collect::<BTreeSet<_>>().len()
}

#[test]
fn a_defect_below_a_step_of_8_bits_reaches_crops_and_scores() {
    let all = (0..SIZE[0] * SIZE[1]).flat_map(|i| [false, true].map(|on| level(0, on, i % SIZE[0], i / SIZE[0]) >> 8));
    assert_eq!(all.collect::<BTreeSet<_>>().len(), 1, "in 8 bits there is nothing to see");

    let folder = tempfile::tempdir().unwrap();
    for number in 0..8 {
        write(&folder.path().join(format!("{number}.png")), number, false);
    }
    let opened = DataSource::Folder(folder.path().into()).open(&|_, _| true).unwrap();
    assert_eq!(opened.dataset.items.len(), 8);
    let recipe = Recipe::default().decided(&opened.dataset);
    let opened = opened.reading_at(recipe.data.bit_depth);
    // Training: the crops of the GAN, and those of the critic, which are normalised.
    let sampler = CropSampler::new(Arc::clone(&opened.store), (0..8).collect(), recipe.crop_spec()).unwrap();
    assert!(distinct(&sampler.batch(1, 0, 2).unwrap()) > 50);
    let crops = HealthyCrops::new(&recipe, &opened.store, (0..8).collect()).unwrap();
    assert!(distinct(&crops.batch(0, 2).unwrap()) > 50 && crops.deviation() > 1e-3);
    // A reduced image is averaged in its own depth.
    let half = opened.store.get(0).unwrap().scaled(0.5);
    assert!(distinct(Planes::of(&half, 1, 1.0).values()) > 20);

    // Inspection: the critic's map changes at the defect and not far from it.
    let model = model(SurfaceKind::Turned, 4, 12);
    let read = |is_damaged: bool| {
        let path = folder.path().join("part.png");
        write(&path, 0, is_damaged);
        let picture = crate::data::decode(&path).unwrap().read_at(recipe.data.bit_depth);
        assert!(matches!(picture.samples(), Samples::U16(_)));
        Planes::for_model(&picture, 1, 1.0).unwrap()
    };
    let [good, bad] = [false, true].map(|is_damaged| inspect(&model, &read(is_damaged)).unwrap());
    let change = |columns: std::ops::Range<usize>| {
        let maps = [&good, &bad].map(|outcome| &outcome.critic.as_ref().unwrap().logit);
        let (width, height) = (SIZE[0] as usize, SIZE[1] as usize);
        let at = (0..height).flat_map(|y| columns.clone().map(move |x| y * width + x));
        at.map(|i| (maps[0][i] - maps[1][i]).abs()).fold(0.0, f32::max)
    };
    let (near, far) = (change(16..36), change(176..192));
    assert!(near > 0.0 && near > 3.0 * far, "{near} at the defect, {far} far from it");
    assert_ne!(good.scores(), bad.scores());
}

#[test]
fn colour_keeps_its_depth_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.png");
    let pixel = |x: u32, y: u32| Rgb([0, 1, 2].map(|c| level(c, false, x, y) / 3 * (c as u16 + 1)));
    ImageBuffer::from_fn(SIZE[0], SIZE[1], pixel).save(&path).unwrap();
    let picture: Picture = crate::data::decode(&path).unwrap();
    assert_eq!((picture.channels(), picture.bits()), (3, 16));
    let planes = Planes::for_model(&picture, 3, 1.0).unwrap();
    for plane in planes.values().chunks_exact(planes.pixels()) {
        assert!(distinct(plane) > 30, "{}", distinct(plane));
    }
}
