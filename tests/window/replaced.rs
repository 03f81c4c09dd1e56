//! A part whose file was overwritten by the image of another part.

use std::fs;

use egui_kittest::kittest::Queryable;
use ganspect::{
    data::FileHash,
    engine::review::PartImage,
    review::{Record, Timestamp},
    ui::{Action, UiCommand},
};

use crate::{
    harness::{SIZE, open_in, shows},
    review::{file, image_file},
};

#[test]
fn an_overwritten_part_is_shown_by_its_copy_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let parts = folder.path().join("parts");
    let mut record = Record::open(&folder.path().join("review.sqlite")).unwrap();
    for (i, p) in [0.04, 0.01].into_iter().enumerate() {
        let path = image_file(&parts, i);
        file(&mut record, &path, p, i);
    }
    let items = record.queue().unwrap();
    let mut jpeg = std::io::Cursor::new(Vec::new());
    let judged = image::open(&items[0].part.path).unwrap().into_luma8();
    judged.write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    record.keep_picture(items[0].part.id, jpeg.get_ref(), Timestamp(1)).unwrap();
    // Other parts under the same names, with trailing bytes that make the files equally long.
    for item in &items {
        let other = fs::read(image_file(&folder.path().join("others"), 5)).unwrap();
        let mut bytes = other;
        bytes.resize(item.part.bytes as usize, 0);
        assert_ne!(FileHash::of(&bytes), item.part.hash);
        fs::write(&item.part.path, bytes).unwrap();
    }
    let mut test = open_in(folder, true, SIZE, |_| {}, |settings| settings.review.reviewer = "ada".into());
    test.harness.state_mut().apply(Action::Command(UiCommand::GoReview));
    test.until("the copy", |window| shows(window, "Shown is the copy kept in the record."));
    let images = test.harness.state().state().review.images.read().clone();
    assert!(
        matches!(&*images[&items[0].part.id], PartImage::Kept(planes, _) if planes.width() == judged.width() as usize)
    );
    assert!(!test.harness.state().state().review.maps.read().contains_key(&items[0].inspection.id));
    test.harness.state_mut().apply(Action::Command(UiCommand::ReviewForward));
    test.until("the reason", |window| shows(window, "Image not available"));
    assert!(shows(&test.harness, "the part can still be judged"));
    assert!(test.harness.query_by_label("Draw a polygon").is_none(), "there is nothing to draw on");
}
