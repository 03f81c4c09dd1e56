//! Settings of an earlier version are taken over and written back with every key and value.

use std::{fs, path::Path};

use ganspect::ui::Settings;

use super::harness::open_in;

const EARLIER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/version-0.1/settings.toml");

fn table(path: &Path) -> toml::Table {
    fs::read_to_string(path).unwrap().parse().unwrap()
}

#[test]
fn settings_of_an_earlier_version_keep_every_key_and_value() {
    let (settings, fault) = Settings::load(Path::new(EARLIER));
    assert_eq!(fault, None);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    settings.save(&file).unwrap();
    assert_eq!(table(&file), table(Path::new(EARLIER)));
}

#[test]
fn page_layouts_of_an_earlier_version_are_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let earlier = Settings::load(Path::new(EARLIER)).0;
    let layouts = earlier.layouts.clone();
    let mut test = open_in(folder, true, [1280.0, 800.0], |_| {}, move |settings| settings.layouts = layouts);
    test.harness.run_steps(3);
    eframe::App::on_exit(test.harness.state_mut());
    let kept = test.harness.state().settings();
    assert_eq!(kept.layouts.len(), 4);
    for (page, layout) in &earlier.layouts {
        let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let (mut kept, earlier) = (parsed(&kept.layouts[page]), parsed(layout));
        // Outlines are shown unless switched off, which no earlier version could.
        if let Some(triptych) = kept.get_mut("triptych").and_then(|own| own.as_object_mut()) {
            assert_eq!(triptych.remove("outlines"), Some(true.into()), "{page}");
        }
        assert_eq!(kept, earlier, "{page}");
    }
}
