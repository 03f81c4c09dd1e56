//! What a model sees of colour, from the command line: decided by the images, said, refused, and dropped only with a word.

use std::{fs, path::Path, process::Command as Process};

use ganspect::{
    data::{
        Picture, Samples, surface,
        surface::{DefectType, SetSize, SurfaceKind, write_set},
    },
    model::Channels,
    train::Recipe,
};

/// Runs the program on the CPU, checks that its exit code is one of `codes`, and returns what it printed.
fn program(folder: &Path, arguments: &[&str], codes: &[i32]) -> String {
    let mut process = Process::new(env!("CARGO_BIN_EXE_ganspect"));
    let output = process.current_dir(folder).args(["--device", "cpu"]).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.code().is_some_and(|code| codes.contains(&code)), "{arguments:?}: {said}");
    said
}

/// Settings of an inspection that takes no time.
const FAST: [&str; 4] = ["--set", "steps=1", "--set", "frame_steps=1"];

fn save(path: &Path, picture: &Picture) {
    let Samples::U8(bytes) = picture.samples() else { panic!("8 bits") };
    let kind = if picture.channels() == 3 { image::ColorType::Rgb8 } else { image::ColorType::L8 };
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::save_buffer(path, bytes, picture.width() as u32, picture.height() as u32, kind).unwrap();
}

/// Trains a model that is good for nothing within a second.
fn train<'a>(data: &'a str, out: &'a str, more: &[&'a str], code: i32, folder: &Path) -> String {
    let mut arguments = vec!["train", "--data", data, "--out", out, "--steps", "2"];
    for setting in [
        "model.size=32",
        "model.latent_size=8",
        "train.batch=4",
        "encoder.steps=2",
        "encoder.batch=4",
        "critic.steps=2",
        "critic.batch=4",
        "critic.crop=32",
        "critic.views=false",
    ] {
        arguments.extend(["--set", setting]);
    }
    arguments.extend(more);
    program(folder, &arguments, &[code])
}

fn channels(run: &Path) -> Channels {
    Recipe::from_record(&fs::read_to_string(run.join("recipe.toml")).unwrap()).unwrap().model.channels
}

#[test]
fn coloured_images_give_a_model_in_colour_that_refuses_grey_ones_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let size = SetSize { train: 14, test_good: 2, test_per_defect: 1, side: 64 };
    write_set(&at("parts"), SurfaceKind::Painted, 3, size, &|_, _| true).unwrap();
    let said = program(folder.path(), &["data", "describe", "parts"], &[0]);
    assert!(said.contains("the healthy images have colour, so the model sees colour (3 channels)"), "{said}");
    let said = train("parts", "run", &[], 0, folder.path());
    assert!(said.contains("data    the healthy images have colour, so the model sees colour"), "{said}");
    let stored = fs::read_to_string(at("run/recipe.toml")).unwrap();
    assert!(channels(&at("run")) == Channels::Colour && stored.contains("channels = 3"), "{stored}");

    let grey = surface::draw(SurfaceKind::Painted, None, 40, 0, 64).picture.into_grey();
    save(&at("new/grey.png"), &grey);
    save(
        &at("new/stain.png"),
        &surface::draw(SurfaceKind::Painted, Some(DefectType::Discolouration), 40, 0, 64).picture,
    );
    let way_out = "the image is grey, but the model sees colour; inspect an image in colour, or train a model";
    let model = "run/model.ganspect";
    let said = program(folder.path(), &[&["inspect", "--model", model, "new"][..], &FAST].concat(), &[2]);
    assert!(said.contains("grey.png") && said.to_lowercase().contains(way_out) && said.contains("stain.png"), "{said}");
    assert!(program(folder.path(), &["model", "show", model], &[0]).contains("sees colour (3 channels)"));
    // Among test images it is left out by name.
    save(&at("parts/test/good/grey.png"), &grey);
    let report = ["evaluate", "--model", model, "--data", "parts", "--report", "report"];
    let said = program(folder.path(), &[&report[..], &FAST].concat(), &[0]);
    let page = fs::read_to_string(at("report/report.html")).unwrap_or_else(|_| said.clone());
    assert!(
        [&said, &page].iter().any(|text| text.contains("grey.png") && text.contains("the model sees colour")),
        "{said}"
    );
    // A watched folder says so too, and goes on.
    let watch = ["watch", "new", "--model", model, "--once"];
    let said = program(folder.path(), &[&watch[..], &FAST].concat(), &[0, 3]);
    assert!(said.contains("grey.png") && said.contains("the model sees colour"), "{said}");
}

#[test]
fn grey_images_give_a_model_in_grey_that_says_where_it_drops_colour() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let size = SetSize { train: 14, test_good: 1, test_per_defect: 1, side: 64 };
    write_set(&at("parts"), SurfaceKind::Ground, 3, size, &|_, _| true).unwrap();
    let said = program(folder.path(), &["data", "describe", "parts"], &[0]);
    assert!(said.contains("the images are grey, so the model sees grey (1 channel)"), "{said}");
    let said = train("parts", "run", &["--set", "model.channels=auto"], 0, folder.path());
    assert!(said.contains("the images are grey, so the model sees grey"), "{said}");
    assert_eq!(channels(&at("run")), Channels::Grey);
    // What is asked for is not changed in silence.
    let said = train("parts", "other", &["--set", "model.channels=3"], 2, folder.path());
    assert!(said.contains(".png") && said.contains("it is grey, but the model sees colour"), "{said}");
    assert!(said.contains("set model.channels to auto or 1") && !at("other").exists(), "{said}");
    let said = train("parts", "another", &["--set", "model.channels=2"], 2, folder.path());
    assert!(said.contains("'model.channels' is 2, but must be one of auto, 1, 3"), "{said}");

    let picture = surface::draw(SurfaceKind::Painted, None, 40, 0, 64).picture;
    save(&at("new/part.png"), &picture);
    for command in [&["inspect", "new/part.png"][..], &["watch", "new", "--once"]] {
        let arguments = [command, &["--model", "run/model.ganspect"], &FAST].concat();
        let said = program(folder.path(), &arguments, &[0, 3]);
        assert!(said.contains("part.png: its colours are not seen, because the model was trained on grey"), "{said}");
    }
}

#[test]
fn a_recipe_keeps_the_number_of_channels_that_it_names() {
    for (text, channels) in [
        ("[model]\nchannels = 1\n", Channels::Grey),
        ("[model]\nchannels = 3\n", Channels::Colour),
        ("[model]\nchannels = \"auto\"\n", Channels::Auto),
        ("", Channels::Auto),
    ] {
        let recipe = Recipe::from_toml(text).unwrap();
        assert_eq!(recipe.model.channels, channels, "{text}");
        assert_eq!(Recipe::from_toml(&recipe.to_toml()).unwrap(), recipe);
    }
    // What a run or a model stored without a number was grey.
    assert_eq!(Recipe::from_record("").unwrap().model.channels, Channels::Grey);
}
