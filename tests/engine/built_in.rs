//! The model that comes with the program: as new as the program, and right about its own surface.

use std::{fs, path::Path, process::Command};

use burn::tensor::Device;
use ganspect::{
    data::{
        Picture, surface,
        surface::{DefectType, SurfaceKind},
    },
    inspect::{InvertKnobs, Model, ScoreKind},
    model::Bundle,
    train::{Preset, Recipe},
};

const BUILT_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/turned.ganspect");

#[test]
fn the_built_in_model_is_as_new_as_the_program() {
    let remedy = "run scripts/built-in-model";
    let (bundle, origin) = Bundle::read_with_provenance(Path::new(BUILT_IN)).unwrap();
    let fresh = Bundle::default();
    let newest = tempfile::tempdir().unwrap();
    fresh.write(&newest.path().join("new.ganspect")).unwrap();
    let (_, written) = Bundle::read_with_provenance(&newest.path().join("new.ganspect")).unwrap();
    assert_eq!(origin.format, written.format, "the format of the built-in model is old: {remedy}");
    // The recipe of a CPU, with what the script sets.
    let script = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/built-in-model")).unwrap();
    let mut recipe = Preset::Laptop.recipe();
    recipe.train.steps = 2_500;
    for knob in ["encoder.steps=1500", "model.latent_size=40"] {
        assert!(script.contains(&format!("--set {knob}")) && script.contains("--steps 2500"), "{knob}");
        recipe.assign(knob).unwrap();
    }
    // Decided by its images.
    recipe.assign("model.channels=1").unwrap();
    let text = &bundle.meta["recipe"];
    let differences = recipe.differences(&Recipe::from_record(text).unwrap());
    assert!(differences.is_empty(), "the recipe of the built-in model is old ({differences:?}): {remedy}");
    assert_eq!(text.parse::<toml::Table>().unwrap(), recipe.to_toml().parse().unwrap(), "it lacks a knob: {remedy}");
    let model = Model::load(Path::new(BUILT_IN), &Device::flex()).unwrap();
    let calibration =
        model.calibration(&InvertKnobs::default()).unwrap_or_else(|| panic!("it is not calibrated: {remedy}"));
    assert!(calibration.frames.is_some(), "it does not know what frames of the part look like: {remedy}");
    assert!(!calibration.fusion.is_empty() && calibration.fusion.iter().all(|term| term.least.is_some()), "{remedy}");
    assert!(bundle.tensors.iter().any(|tensor| tensor.name == "usual/exposures"), "it knows no exposures: {remedy}");
    for kind in ScoreKind::ALL {
        let known = calibration.held_out.iter().any(|held_out| held_out.scores.get(kind) != 0.0);
        assert!(known, "it has no score {}: {remedy}", kind.name());
    }
    assert!(fs::metadata(BUILT_IN).unwrap().len() < 6 << 20, "it is too large to ship");
}

#[test]
fn the_built_in_model_knows_its_part_at_other_exposures_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = |defect, index| surface::draw(SurfaceKind::Turned, defect, 40, index, 256).picture;
    let save = |name: &str, picture: &Picture, gain: f32| {
        let pixels = (0..256 * 256).map(|i| {
            let value = 0.5 * (picture.unit(i % 256, i / 256, 0) + 1.0) * gain;
            (value.clamp(0.0, 1.0) * 255.0).round() as u8
        });
        let path = folder.path().join(format!("{name}.png"));
        image::GrayImage::from_raw(256, 256, pixels.collect()).unwrap().save(&path).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let verdicts = |paths: &[String]| -> (Vec<String>, Option<i32>) {
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ganspect"));
        let run = command.args(["inspect", "--device", "cpu", "--model", "built-in", "--json"]).args(&paths);
        let run = run.output().unwrap();
        let rows = String::from_utf8_lossy(&run.stdout).into_owned();
        let of =
            |row: &str| serde_json::from_str::<serde_json::Value>(row).unwrap()["verdict"].as_str().unwrap().into();
        (rows.lines().map(of).collect(), run.status.code())
    };
    let good: Vec<String> = (0..3)
        // Beyond this exposure, white pixels lose their structure.
        .flat_map(|i| [1.0, 0.5, 1.25].map(|gain| save(&format!("good-{i}-{gain}"), &drawn(None, i), gain)))
        .collect();
    let (good, code) = verdicts(&good);
    // Twenty held-out images promise one false alarm in twenty on average only.
    assert!(code == Some(0) && good.iter().filter(|verdict| *verdict == "defective").count() <= 2, "{good:?}");
    let cracked: Vec<String> =
        [1.0, 0.5].map(|gain| save(&format!("crack-{gain}"), &drawn(Some(DefectType::Crack), 1), gain)).into();
    assert_eq!(verdicts(&cracked), (vec!["defective".into(); 2], Some(0)));
    let grey = |name: &str, level: f32| {
        let path = folder.path().join(format!("{name}.png"));
        image::GrayImage::from_pixel(256, 256, image::Luma([(level * 255.0) as u8])).save(&path).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let none = [grey("black", 0.0), grey("grey", 0.5), grey("white", 1.0)];
    assert_eq!(verdicts(&none), (vec!["not-this-part".into(); 3], Some(3)));
}

#[test]
fn a_model_that_computes_no_numbers_stops_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::read(Path::new(BUILT_IN)).unwrap();
    let generator = bundle.tensors.iter_mut().filter(|tensor| tensor.name.starts_with("ema/"));
    generator.for_each(|tensor| tensor.values.fill(1e37));
    let model = folder.path().join("overflown.ganspect");
    bundle.write(&model).unwrap();
    let parts = folder.path().join("parts");
    fs::create_dir(&parts).unwrap();
    for i in 0..3 {
        let picture = surface::draw(SurfaceKind::Turned, None, 40, i, 64).picture;
        let pixels = (0..64 * 64).map(|at| ((picture.unit(at % 64, at / 64, 0) + 1.0) * 127.5) as u8).collect();
        image::GrayImage::from_raw(64, 64, pixels).unwrap().save(parts.join(format!("{i}.png"))).unwrap();
    }
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ganspect"));
        command.args(["--device", "cpu"]).args(arguments).arg("--model").arg(&model);
        let run = command.output().unwrap();
        let [rows, said] = [run.stdout, run.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        assert_eq!(run.status.code(), Some(2), "{rows}{said}");
        assert!(said.contains("overflown.ganspect") && said.contains("NaN or infinity"), "{said}");
        for verdict in ["healthy", "suspect", "defective", "not this part"] {
            assert!(!rows.lines().any(|row| row.starts_with(verdict)), "{rows}");
        }
        said
    };
    let said = run(&["inspect", parts.to_str().unwrap()]);
    assert!(said.contains("the inspection was stopped") && !said.contains("2.png"), "{said}");
    run(&["watch", parts.to_str().unwrap(), "--once", "--settle", "0"]);
}
