mod lists;

use std::{
    fs,
    path::{Path, PathBuf},
};

use image::{GrayImage, Luma, Rgb, RgbImage};

use super::*;
use crate::data::{DatasetLayout, Subset};

/// A temporary folder filled by a test.
struct Tree(tempfile::TempDir);

impl Tree {
    fn with(images: &[&str]) -> Self {
        let tree = Self(tempfile::Builder::new().prefix("parts").tempdir().unwrap());
        images.iter().for_each(|name| tree.image(name));
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// Writes a grey image whose content depends on its name.
    fn image(&self, name: &str) {
        let hash = crate::data::FileHash::of(name.as_bytes());
        let tint = |x: u32, y: u32| hash.as_bytes()[(y % 20 / 4 * 6 + x % 24 / 4) as usize] / 4;
        GrayImage::from_fn(24, 20, |x, y| Luma([60 + tint(x, y) + (x + y) as u8])).save(self.path(name)).unwrap();
    }

    /// Writes a mask with a spot.
    fn mask(&self, name: &str) {
        let spot = |x, y| if (4..9).contains(&x) && (5..9).contains(&y) { 255 } else { 0 };
        GrayImage::from_fn(24, 20, |x, y| Luma([spot(x, y)])).save(self.path(name)).unwrap();
    }

    fn empty_mask(&self, name: &str) {
        GrayImage::new(24, 20).save(self.path(name)).unwrap();
    }

    fn text(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self) -> Result<Dataset, DataError> {
        describe(self.0.path(), &|_, _| true)
    }

    /// The names of the images that would be trained on, below the folder.
    fn trained(&self, set: &Dataset) -> Vec<String> {
        set.healthy_for_training().map(|item| self.below(&item.path)).collect()
    }

    fn below(&self, path: &Path) -> String {
        path.strip_prefix(self.0.path()).unwrap_or(path).to_string_lossy().replace('\\', "/")
    }

    fn unclear(&self) -> String {
        match self.read() {
            Err(DataError::Unclear(unclear)) => unclear.to_string(),
            other => panic!("{other:?}"),
        }
    }
}

fn types(set: &Dataset) -> Vec<String> {
    set.summary().defect_types.into_keys().collect()
}

#[test]
fn folders_of_healthy_and_defective_parts_are_told_apart_in_any_language() {
    for (healthy, defective) in [
        ("OK", "NG"),
        ("ok", "ko"),
        ("good", "defect"),
        ("Good parts", "not good"),
        ("i.O.", "n.i.O."),
        ("io", "nio"),
        ("gut", "schlecht"),
        ("Gutteile", "Ausschuss"),
        ("bon", "mauvais"),
        ("buono", "difettoso"),
        ("合格", "不良"),
        ("良品", "不良品"),
        ("pass", "fail"),
        ("normal", "abnormal"),
        ("normal", "anomaly"),
        ("defect-free", "defective"),
        ("01_good", "02_bad"),
        ("ohne Fehler", "mit Fehler"),
        ("sans défaut", "avec défaut"),
        ("without defect", "defect"),
        ("accepted", "rejected"),
        ("undamaged", "damaged"),
        ("conforme", "non conforme"),
        ("годные", "брак"),
        ("ok_front", "def_front"),
        ("正常", "异常"),
        ("양품", "불량"),
        ("buenos", "defectuosos"),
        ("OK", "NOK"),
        ("Without_Defects", "With_Defects"),
        ("healthy", "scratched"),
        ("dobre", "wadliwe"),
        ("uncracked", "cracked"),
    ] {
        let tree =
            Tree::with(&[&format!("{healthy}/1.png"), &format!("{healthy}/2.png"), &format!("{defective}/1.png")]);
        let set = tree.read().unwrap_or_else(|error| panic!("{healthy}, {defective}: {error}"));
        assert_eq!(
            tree.trained(&set),
            [format!("{healthy}/1.png"), format!("{healthy}/2.png")],
            "{healthy}, {defective}"
        );
        assert_eq!((set.layout, set.summary().defective), (DatasetLayout::Folders, 1), "{healthy}, {defective}");
        // The same below other folders, and with subsets.
        let deep = Tree::with(&[
            &format!("data/train/{healthy}/1.png"),
            &format!("data/test/{healthy}/2.png"),
            &format!("data/test/{defective}/1.png"),
        ]);
        let set = deep.read().unwrap();
        assert_eq!(deep.trained(&set), [format!("data/train/{healthy}/1.png")], "{healthy}, {defective}");
    }
}

#[test]
fn names_that_can_be_read_in_two_ways_are_asked_about() {
    for (a, b) in [
        ("positive", "negative"),
        ("0", "1"),
        ("1", "2"),
        ("yes", "no"),
        ("true", "false"),
        ("alpha", "zeta"),
        ("A", "B"),
        ("class0", "class1"),
        ("label_0", "label_1"),
        ("ja", "nein"),
        ("left housing", "Ausschlag"),
        ("train", "test"),
        ("scratch", "dent"),
        ("parts", "rebus"),
        ("x1", "x2y"),
        ("good_and_bad", "other"),
        ("2026-11-01", "tmpfolder"),
    ] {
        let tree = Tree::with(&[&format!("{a}/1.png"), &format!("{a}/2.png"), &format!("{b}/1.png")]);
        let text = tree.unclear();
        for words in
            [&format!("{a}: 2 images"), &format!("{b}: 1 image"), "--healthy DIR, --defective DIR and --masks DIR"]
        {
            assert!(text.contains(words), "{a}, {b}: {text}");
        }
    }
    let tree = Tree::with(&["1.png", "2.png", "3.png", "Aussortiertes/1.png"]);
    assert!(tree.unclear().contains("Aussortiertes"));
    let tree = Tree::with(&["1.png", "2.png", "NG/1.png"]);
    assert!(tree.unclear().contains("3 images") || tree.unclear().contains("2 images"));
}

#[test]
fn plain_folders_are_healthy() {
    for images in [
        vec!["1.png", "2.png"],
        vec!["2026-11-01/1.png", "2026-11-02/1.png"],
        vec!["batch_3/1.png", "batch_4/1.png", "1.png"],
        vec!["cam1/1.png", "cam2/1.png"],
        vec!["Charge 7/links/1.png", "Charge 7/rechts/1.png", "Charge 8/links/1.png"],
        vec!["housing_a/1.png", "housing_b/1.png"],
        vec!["0/1.png", "1/1.png", "2/1.png", "3/1.png", "4/1.png"],
        vec!["P1234/1.png", "AB-5678/1.png"],
        vec!["images/raw/1.png"],
        vec!["train/1.png"],
        vec!["Bauteil Kappe/1.png"],
        vec!["label_1.png", "label_2.png"],
    ] {
        let tree = Tree::with(&images);
        let set = tree.read().unwrap_or_else(|error| panic!("{images:?}: {error}"));
        assert_eq!((set.layout, tree.trained(&set).len()), (DatasetLayout::Flat, images.len()), "{images:?}");
    }
}

#[test]
fn names_of_files_that_tell_defective_parts_are_followed() {
    for images in [
        vec!["OK_1.png", "ok_2.png", "NG_1.png"],
        vec!["gut-01.png", "Gut-02.png", "schlecht-01.png"],
        vec!["part_good_1.png", "part_good_2.png", "part_scratch_1.png"],
        vec!["day 1/Pass1.png", "day 2/Pass2.png", "day 2/Fail1.png"],
    ] {
        let tree = Tree::with(&images);
        let set = tree.read().unwrap_or_else(|error| panic!("{images:?}: {error}"));
        assert_eq!((set.layout, tree.trained(&set).len()), (DatasetLayout::Folders, 2), "{images:?}");
        assert_eq!(set.summary().defective, 1, "{images:?}");
    }
    for images in [vec!["1.png", "2.png", "3_defect.png"], vec!["NG1.png", "NG2.png"], vec!["a.png", "b (bad).png"]] {
        let error = Tree::with(&images).read().unwrap_err();
        assert!(matches!(&error, DataError::Unclear(_)) && error.to_string().contains("defective"), "{error}");
    }
    // A name of the part, or a hash, says nothing about defects.
    for images in [
        vec!["spot_weld_1.png", "spot_weld_2.png"],
        vec!["0bad12c4d5e6.png", "77aa01bad1ff.png"],
        vec!["x3ko7.png", "q9ng2p.png"],
    ] {
        let set = Tree::with(&images).read().unwrap_or_else(|error| panic!("{images:?}: {error}"));
        assert_eq!((set.layout, set.summary().healthy), (DatasetLayout::Flat, 2), "{images:?}");
    }
}

#[test]
fn a_folder_named_after_defects_is_not_healthy_itself() {
    let tree = Tree::with(&["NG/1.png", "NG/2.png", "OK/1.png"]);
    let error = describe(&tree.path("NG"), &|_, _| true).unwrap_err();
    assert!(matches!(error, DataError::Unclear(_)), "{error}");
    assert_eq!(describe(&tree.path("OK"), &|_, _| true).unwrap().items.len(), 1);
}

#[test]
fn masks_beside_their_images_make_those_defective() {
    for (image, mask) in [
        ("900.png", "900_mask.png"),
        ("900.jpg", "900_label.bmp"),
        ("900.png", "900_GT.png"),
        ("900.png", "900-seg.png"),
        ("900.png", "900_gt_0.png"),
        ("900.png", "mask_900.png"),
        ("Part0.jpg", "Part0_label.bmp"),
        ("a b.png", "a b Mask.png"),
        ("900.png", "900_ground_truth.png"),
        ("900.png", "900.mask.png"),
        ("teil.png", "teil_Maske.png"),
        // Known by their pixels alone.
        ("900.png", "900x.png"),
        ("900.png", "m900.png"),
        ("900.jpg", "900.png"),
    ] {
        let tree = Tree::with(&["000.png", "001.png", "002.png", image]);
        tree.mask(mask);
        let set = tree.read().unwrap_or_else(|error| panic!("{mask}: {error}"));
        assert_eq!(tree.trained(&set), ["000.png", "001.png", "002.png"], "{mask}");
        let defective = set.items.iter().find(|item| item.label != Label::Healthy).unwrap();
        assert_eq!(
            (tree.below(&defective.path), tree.below(defective.mask.as_ref().unwrap())),
            (image.into(), mask.into())
        );
    }
    // A mask whose image is unknown.
    let tree = Tree::with(&["000.png", "001.png", "002.png"]);
    tree.mask("other_mask.png");
    assert!(tree.unclear().contains("1 mask belongs to no image"));
    let tree = Tree::with(&["000.png", "001.png", "002.png"]);
    tree.mask("zz.png");
    assert!(tree.unclear().contains("looks like a mask"));
}

#[test]
fn folders_of_masks_are_recognised_by_name() {
    for masks in ["ground_truth", "masks", "labels", "annotations", "GT", "Masken", "Label", "groundtruth", "掩膜"] {
        let tree = Tree::with(&["images/000.png", "images/001.png", "images/002.png"]);
        tree.mask(&format!("{masks}/001.png"));
        tree.empty_mask(&format!("{masks}/002.png"));
        let set = tree.read().unwrap_or_else(|error| panic!("{masks}: {error}"));
        assert_eq!(tree.trained(&set), ["images/000.png", "images/002.png"], "{masks}");
        assert_eq!((set.layout, set.summary().masks), (DatasetLayout::Masks, 1));
    }
}

#[test]
fn an_inverted_set_of_masks_keeps_its_labels() {
    let tree = Tree::with(&["a.png", "b.png", "c.png", "d.png"]);
    for name in ["a_mask.png", "b_mask.png", "c_mask.png"] {
        let spot = |x, y| if (4..9).contains(&x) && (5..9).contains(&y) { 0 } else { 255 };
        GrayImage::from_fn(24, 20, |x, y| Luma([spot(x, y)])).save(tree.path(name)).unwrap();
    }
    GrayImage::from_pixel(24, 20, Luma([255])).save(tree.path("d_mask.png")).unwrap();
    let set = tree.read().unwrap();
    assert_eq!(tree.trained(&set), ["d.png"]);
    assert!(set.notes.iter().any(|note| note.contains("background of #ffffff")), "{:?}", set.notes);
}

#[test]
fn mvtec_without_train_and_its_relatives() {
    let tree = Tree::with(&["test/good/000.png", "test/scratch/000.png", "test/bubbles/000.png"]);
    tree.mask("ground_truth/scratch/000_mask.png");
    tree.mask("ground_truth/bubbles/000_mask.png");
    let set = tree.read().unwrap();
    assert_eq!(
        (set.layout, tree.trained(&set), types(&set)),
        (
            DatasetLayout::MvtecAd,
            vec!["test/good/000.png".to_owned()],
            vec!["bubbles".to_owned(), "scratch".to_owned()]
        )
    );
    assert_eq!(set.summary().masks, 2);
    // Names that say nothing elsewhere are types of defects beside `good`.
    let tree = Tree::with(&["train/good/0.png", "test/good/1.png", "test/color/2.png", "test/manipulated_front/3.png"]);
    assert_eq!(types(&tree.read().unwrap()), ["color", "manipulated_front"]);
    // A type of defect may say that something is broken or faulty without speaking for the folders beside it.
    for broken in ["broken_yarn", "faulty_imprint", "damaged_case", "defekte_Kante"] {
        let types_too = [format!("test/{broken}/2.png"), "test/poke/3.png".to_owned()];
        let tree = Tree::with(&["train/good/0.png", "test/good/1.png", &types_too[0], &types_too[1]]);
        assert_eq!(types(&tree.read().unwrap()), [broken, "poke"]);
    }
    let tree = Tree::with(&["train/good/0.png", "test/good/1.png", "test/NG/2.png", "test/poke/3.png"]);
    assert!(tree.unclear().contains("poke"));
    tree.mask("ground_truth/NG/2_mask.png");
    tree.mask("ground_truth/poke/3_mask.png");
    assert_eq!(types(&tree.read().unwrap()), ["NG", "poke"]);
    let tree = Tree::with(&["train/good/0.png", "test/good/1.png", "test/2026-11-01/2.png"]);
    assert!(tree.unclear().contains("2026-11-01"));
    // BTAD
    let tree = Tree::with(&["train/ok/0000.png", "test/ok/0000.png", "test/ko/0000.png"]);
    tree.mask("ground_truth/ko/0000.bmp");
    let set = tree.read().unwrap();
    assert_eq!((tree.trained(&set), set.summary().masks), (vec!["train/ok/0000.png".to_owned()], 1));
    // VisA
    let tree = Tree::with(&["Data/Images/Normal/0000.JPG", "Data/Images/Anomaly/000.JPG"]);
    tree.mask("Data/Masks/Anomaly/000.png");
    let set = tree.read().unwrap();
    assert_eq!((tree.trained(&set), set.summary().masks), (vec!["Data/Images/Normal/0000.JPG".to_owned()], 1));
    // KolektorSDD and KolektorSDD2
    let tree = Tree::with(&["kos01/Part0.jpg", "kos01/Part1.jpg", "kos02/Part0.jpg"]);
    tree.mask("kos01/Part0_label.bmp");
    tree.empty_mask("kos01/Part1_label.bmp");
    tree.empty_mask("kos02/Part0_label.bmp");
    let set = tree.read().unwrap();
    assert_eq!(tree.trained(&set), ["kos01/Part1.jpg", "kos02/Part0.jpg"]);
    let tree = Tree::with(&["train/10.png", "train/11.png", "test/20.png", "test/21.png"]);
    ["train/10_GT.png", "test/20_GT.png"].iter().for_each(|name| tree.mask(name));
    ["train/11_GT.png", "test/21_GT.png"].iter().for_each(|name| tree.empty_mask(name));
    let set = tree.read().unwrap();
    assert_eq!((tree.trained(&set), set.summary().defective), (vec!["train/11.png".to_owned()], 2));
    assert_eq!(set.items.iter().filter(|item| item.subset == Subset::Test).count(), 2);
    // MVTec LOCO: a folder of masks for each image.
    let tree = Tree::with(&["train/good/000.png", "test/logical_anomalies/000.png", "test/logical_anomalies/001.png"]);
    tree.mask("ground_truth/logical_anomalies/000/000.png");
    tree.mask("ground_truth/logical_anomalies/001/000.png");
    tree.mask("ground_truth/logical_anomalies/001/001.png");
    let set = tree.read().unwrap();
    assert_eq!((tree.trained(&set).len(), set.summary().defective, set.summary().masks), (1, 2, 1));
    // DAGM in capitals
    let tree = Tree::with(&["Class1/Train/0001.PNG", "Class1/Train/0008.PNG"]);
    tree.mask("Class1/Train/Label/0008_LABEL.PNG");
    let set = tree.read().unwrap();
    assert_eq!((tree.trained(&set), set.summary().masks), (vec!["Class1/Train/0001.PNG".to_owned()], 1));
}

#[test]
fn annotations_that_are_not_read_stop_the_reading() {
    let tree = Tree::with(&["a.png", "b.png"]);
    tree.text("b.txt", "0 0.5 0.5 0.1 0.2\n");
    assert!(tree.unclear().contains("b.txt is an annotation"));
    let tree = Tree::with(&["images/a.png", "images/b.png"]);
    tree.text("labels/b.xml", "<annotation><object><name>dent</name></object></annotation>");
    assert!(tree.unclear().contains("b.xml is an annotation"));
    let tree = Tree::with(&["a.png", "b.png"]);
    tree.text("b.txt", "exposure 12 ms\n");
    tree.text("set.json", "{\"camera\": 3}");
    assert_eq!(tree.read().unwrap().items.len(), 2);
}

#[test]
fn roles_that_the_user_has_said_are_followed() {
    let tree =
        Tree::with(&["alpha/1.png", "alpha/2.png", "zeta/1.png", "zeta/x/3.png", "omega/1.png", "alpha/rest/4.png"]);
    tree.mask("spots/zeta/1.png");
    let roles = FolderRoles {
        root: tree.0.path().to_owned(),
        healthy: vec!["alpha".into()],
        defective: vec![DefectiveFolder { folder: "zeta".into(), defect_type: None }],
        masks: vec!["spots".into()],
        left_out: vec!["alpha/rest".into()],
    };
    let source = crate::data::DataSource::Assigned(roles.clone());
    assert_eq!(source.to_string().parse::<crate::data::DataSource>().unwrap(), source);
    let set = describe_assigned(&roles, &|_, _| true).unwrap();
    assert_eq!(tree.trained(&set), ["alpha/1.png", "alpha/2.png"]);
    assert_eq!((types(&set), set.summary().masks), (vec!["x".to_owned(), "zeta".to_owned()], 1));
    let scratch = FolderRoles {
        defective: vec![DefectiveFolder { folder: "zeta".into(), defect_type: Some("scratch".into()) }],
        ..roles.clone()
    };
    assert_eq!(types(&describe_assigned(&scratch, &|_, _| true).unwrap()), ["scratch"]);
    let twice = FolderRoles { healthy: vec!["alpha".into(), "zeta".into()], ..roles.clone() };
    assert!(describe_assigned(&twice, &|_, _| true).unwrap_err().to_string().contains("has two roles"));
    let absent = FolderRoles { healthy: vec!["gone".into()], ..roles };
    assert!(matches!(describe_assigned(&absent, &|_, _| true), Err(DataError::Missing(_))));
    // A tree of both is not healthy as a whole.
    let tree = Tree::with(&["set/OK/1.png", "set/NG/1.png", "set/NG/1_mask.png"]);
    let whole = FolderRoles { root: tree.0.path().to_owned(), healthy: vec!["set".into()], ..FolderRoles::default() };
    assert_eq!(tree.trained(&describe_assigned(&whole, &|_, _| true).unwrap()), ["set/OK/1.png"]);
}

#[test]
fn the_same_pixels_in_another_encoding_are_one_image() {
    let tree = Tree::with(&["0.png", "1.png", "2.png", "3.png", "4.png", "5.png", "6.png", "7.png"]);
    let first = image::open(tree.path("0.png")).unwrap().into_luma8();
    first.save(tree.path("copy.bmp")).unwrap();
    first.save(tree.path("copy.tif")).unwrap();
    image::DynamicImage::ImageLuma8(first.clone()).into_rgb8().save(tree.path("rgb.png")).unwrap();
    let wide = image::ImageBuffer::from_fn(24, 20, |x, y| Luma([u16::from(first.get_pixel(x, y)[0]) * 257]));
    wide.save(tree.path("wide.png")).unwrap();
    let set = tree.read().unwrap();
    let note = set.notes.iter().find(|note| note.contains("the same pixels")).unwrap();
    assert!(
        note.starts_with("4 images have the same pixels as another (0.png, copy.bmp, copy.tif, rgb.png)"),
        "{note}"
    );
    let opened = crate::data::DataSource::Folder(tree.0.path().to_owned()).open(&|_, _| true).unwrap();
    for seed in 0..8 {
        let split = opened.split(0.5, seed).unwrap();
        let sides: Vec<bool> = (opened.dataset.items.iter())
            .filter(|item| item.pixels == opened.dataset.items[0].pixels)
            .map(|item| split.train.contains(&item.hash))
            .collect();
        assert!(sides.len() == 5 && sides.iter().all(|side| *side == sides[0]));
    }
    // Known as defective under another name.
    let tree = Tree::with(&["good/1.png", "good/2.png", "bad/3.png"]);
    image::open(tree.path("bad/3.png")).unwrap().save(tree.path("good/4.bmp")).unwrap();
    let set = tree.read().unwrap();
    assert_eq!(tree.trained(&set), ["good/1.png", "good/2.png"]);
    assert!(set.skipped[0].reason.contains("the same image is listed as defective"));
}

#[test]
fn images_that_show_nothing_are_not_trained_on() {
    let tree = Tree::with(&["a.png", "b.png", "c.png"]);
    GrayImage::new(24, 20).save(tree.path("dark.png")).unwrap();
    let set = tree.read().unwrap();
    assert_eq!(tree.trained(&set), ["a.png", "b.png", "c.png"]);
    assert!(set.notes[0].contains("1 image shows nothing") && set.notes[0].contains("dark.png"), "{:?}", set.notes);
    for i in 0..4 {
        GrayImage::from_pixel(24, 20, Luma([40 * i])).save(tree.path(&format!("uniform{i}.png"))).unwrap();
    }
    let text = tree.read().unwrap_err().to_string();
    assert!(text.contains("5 of 8 healthy images") && text.contains("dark.png is black all over"), "{text}");
}

#[test]
fn lost_colours_and_mixed_images_are_said() {
    let tree = Tree::with(&["a.png"]);
    RgbImage::from_fn(24, 20, |x, y| Rgb([90 + x as u8, 60, 40 + y as u8])).save(tree.path("b.png")).unwrap();
    RgbImage::from_fn(240, 200, |x, y| Rgb([90 + x as u8 / 8; 3].map(|v| v + y as u8 / 9)))
        .save(tree.path("c.png"))
        .unwrap();
    let set = tree.read().unwrap();
    let lines = set.summary().sentences().join("\n");
    assert!(lines.contains("the images differ greatly in size: 2 of 3 are 24 x 20 pixels"), "{lines}");
    assert!(lines.contains("1 have colours and 2 are grey"), "{lines}");
    assert!(set.colour().sentence(Some(1)).starts_with("1 image has colours, but the model sees grey"));
    assert!(!set.colour().sentence(Some(3)).contains("grey"));
}

#[test]
fn names_of_files_in_healthy_folders_that_say_defective_are_asked_about() {
    for images in [
        &["good/ok_002.png", "good/scratch_001.png", "good/003.png"][..],
        &["train/good/img_01.png", "train/good/img_NG_03.png", "test/bad/1.png"],
        &["OK/teil1.png", "OK/teil2_Kratzer.png"],
        &["gut/001.png", "gut/002_nio.png", "schlecht/1.png"],
        &["good/0001.png", "good/0012NG.png"],
        &["良品/001.png", "良品/不良_002.png"],
        &["conforme/p1.png", "conforme/p2_rayure.png"],
        &["buono/a1.png", "buono/graffio_2.png"],
        &["healthy/x_defect_7.png", "healthy/x_8.png"],
        &["normal/2026-11-01_cam1.png", "normal/2026-11-01_cam2_reject.png"],
        &["pass/a.png", "pass/FAIL_b.png", "fail/c.png"],
        &["годные/1.png", "годные/брак_2.png"],
        &["good/part(2).png", "good/part(3)_dented.png"],
        &["good/crack-sensor_001.png", "good/crack-sensor_bad_002.png"],
        &["cam1/good/p1.png", "cam2/good/p1.png", "cam2/good/p2-scratched.png", "cam1/bad/p3.png"],
        &["train/good/000.png", "test/good/000.png", "test/good/ng01.png"],
        &["good/crack_free_1.png", "good/crack_2.png"],
        &["good/imgNG7.png", "good/img8.png"],
        &["good/teil_1.png", "good/teil_verkratzt_7.png"],
        // Types of defects of all files in a folder without names of its own.
        &["scratch_1.png", "dent_2.png", "crack_3.png"],
    ] {
        let said = Tree::with(images).unclear();
        assert!(
            said.contains("the part is defective") || said.contains("the parts are defective"),
            "{images:?}: {said}"
        );
    }
    // Without a mask that marks it, an image would count as healthy.
    let tree = Tree::with(&["images/p_1.png", "images/p_2.png", "images/p_3.png", "images/p_NG_4.png"]);
    tree.mask("masks/p_1.png");
    assert!(tree.unclear().contains("has no mask"), "{}", tree.unclear());
    tree.mask("masks/p_NG_4.png");
    assert_eq!(tree.read().unwrap().summary().defective, 2);
}

#[test]
fn names_that_tell_no_file_from_another_are_no_sign() {
    for (images, trained) in [
        (&["good/crack-sensor_001.png", "good/crack-sensor_002.png", "bad/crack-sensor_009.png"][..], 2),
        (&["train/good/000.png", "train/good/001.png", "test/good/000.png", "test/scratch/000.png"], 2),
        (&["good/no_crack_1.png", "good/2.png"], 2),
        (&["good/a3f09bad12ce.png", "good/00d5fbadbad1.png"], 2),
        (&["OK/NG-200_001.png", "OK/NG-200_002.png", "NG/NG-200_003.png"], 2),
        (&["cam1/good/crack-sensor_1.png", "cam1/good/crack-sensor_2.png", "cam2/good/plate_1.png"], 3),
        (&["good/defect-free_1.png", "good/scratchfree_2.png", "good/3.png"], 3),
        (&["good/x3ko7.png", "good/IMG_001.png", "good/undamaged_01.png"], 3),
        (&["good/ok_1.png", "good/ok_2.png", "bad/ng_1.png"], 2),
        (&["good/ohne Fehler 1.png", "good/2.png", "bad/Fehler 1.png"], 2),
        (&["good/male-plug_1.png", "good/female-plug_2.png"], 2),
        // The names alone tell them apart.
        (&["crack-sensor_ok_1.png", "crack-sensor_ok_2.png", "crack-sensor_NG_3.png"], 2),
        (&["crack_free_1.png", "crack_free_2.png", "crack_3.png"], 2),
        (&["crack-sensor_1.png", "crack-sensor_2.png"], 2),
    ] {
        let set = Tree::with(images).read().unwrap_or_else(|error| panic!("{images:?}: {error}"));
        assert_eq!(set.healthy_for_training().count(), trained, "{images:?}");
    }
}

#[test]
fn a_file_that_is_no_image_is_passed_over_whatever_its_name() {
    let tree = Tree::with(&["good/1.png", "good/2.png"]);
    tree.text("good/broken.png", "this is no image");
    let set = tree.read().unwrap();
    assert_eq!((set.healthy_for_training().count(), set.skipped.len()), (2, 1));
}

#[test]
fn who_names_a_healthy_folder_has_the_last_word_on_doubtful_names_only() {
    let tree = Tree::with(&["good/1.png", "good/2.png", "good/spot-weld_3.png", "parts/1.png", "parts/img_NG_2.png"]);
    let read = |healthy: &str| {
        let root = tree.0.path().to_owned();
        let roles = FolderRoles { root, healthy: vec![healthy.into()], ..FolderRoles::default() };
        describe_assigned(&roles, &|_, _| true).unwrap()
    };
    let doubtful = read("good");
    assert_eq!(doubtful.healthy_for_training().count(), 3);
    assert!(doubtful.notes.iter().any(|note| note.contains("spot-weld_3.png")), "{:?}", doubtful.notes);
    let plain = read("parts");
    assert_eq!(tree.trained(&plain), ["parts/1.png"]);
    assert!(plain.skipped.iter().any(|skipped| skipped.reason.contains("its name says")), "{:?}", plain.skipped);
}
