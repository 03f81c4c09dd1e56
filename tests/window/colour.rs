//! What the window says and shows of colour.

use std::sync::Arc;

use ganspect::{
    data::surface::{SetSize, SurfaceKind, write_set},
    engine::inspection::{QueryEntry, Thumbnail},
    model::Channels,
    ui::{Action, PageId, UiCommand},
};

use crate::{
    harness::{SIZE, open, shows},
    inspected,
};

#[test]
fn the_page_of_a_data_set_says_what_its_images_decide() {
    let mut test = open(true, SIZE, |_| {});
    let size = SetSize { train: 8, test_good: 1, test_per_defect: 1, side: 64 };
    for (kind, words) in [
        (SurfaceKind::Painted, "The healthy images have colour, so the model sees colour (3 channels)."),
        (SurfaceKind::Ground, "The images are grey, so the model sees grey (1 channel)."),
    ] {
        let parts = test.path(kind.name());
        write_set(&parts, kind, 3, size, &|_, _| true).unwrap();
        test.harness.state_mut().apply(Action::Import(parts));
        test.until("the folder is read", |window| shows(window, "Train on 3 healthy images") && shows(window, words));
        assert_eq!(test.harness.state().recipe().model.channels, Channels::Auto);
    }
    // What the user chooses instead is said too.
    let painted = test.path(SurfaceKind::Painted.name());
    test.harness.state_mut().apply(Action::Import(painted));
    test.until("the folder is read", |window| shows(window, "so the model sees colour"));
    let grey = toml::Value::Integer(1);
    test.harness.state_mut().apply(Action::Knob { key: "model.channels", value: grey });
    test.until("the warning", |window| shows(window, "The images have colours, but the model sees grey"));
}

#[test]
fn an_image_whose_colours_are_dropped_says_so_beside_its_verdict() {
    let mut test = open(true, SIZE, |state| {
        inspected::model(state);
        let id = inspected::query(state, "part.png", None, 3, inspected::STEPS, 1);
        let mut status = state.inspection.status.write();
        for entry in status.entries.iter_mut().filter(|entry| entry.id == id) {
            let remark = Some("its colours are not seen, because the model was trained on grey".into());
            let pixels = (0..4 * 3 * 3).map(|i| (i * 7) as u8).collect();
            let thumbnail = Some(Arc::new(Thumbnail { width: 4, height: 3, channels: 3, pixels }));
            *entry = Arc::new(QueryEntry { remark, thumbnail, ..QueryEntry::clone(entry) });
        }
    });
    test.harness.state_mut().apply(Action::Command(UiCommand::GoInspect));
    test.harness.run_steps(4);
    assert_eq!(test.harness.state().page(), PageId::Inspect);
    assert!(shows(&test.harness, "Its colours are not seen, because the model was trained on grey."));
}
