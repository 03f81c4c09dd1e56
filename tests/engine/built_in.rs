//! The model that comes with the program: as new as the program, and right about its own surface.

use std::{fs, path::Path, process::Command};

use ganspect::{
    data::{surface, surface::SurfaceKind},
    model::Bundle,
};

const BUILT_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/turned.ganspect");

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
