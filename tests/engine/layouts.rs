//! Folders of every known layout, and invalid folders.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use ganspect::data::{CropSampler, CropSpec, DataError, DataSource, Dataset, DatasetLayout, Label, Subset, describe};
use image::{GrayImage, Luma, RgbImage};

/// A temporary folder filled by a test.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// Writes a grey image whose content depends on its name, so that no two are copies.
    fn image(&self, name: &str) {
        let tint = name.bytes().fold(0_u8, |sum, b| sum.wrapping_mul(31).wrapping_add(b));
        GrayImage::from_fn(12, 10, |x, y| Luma([tint ^ (x * 3 + y * 17) as u8])).save(self.path(name)).unwrap();
    }

    fn mask(&self, name: &str, width: u32, height: u32) {
        GrayImage::from_pixel(width, height, Luma([255])).save(self.path(name)).unwrap();
    }

    fn text(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn describe(&self) -> Result<Dataset, DataError> {
        describe(self.root(), &|_, _| true)
    }

    /// Returns the reason why the file of this name was skipped.
    fn skipped(set: &Dataset, name: &str) -> String {
        let found = set.skipped.iter().find(|s| s.path.ends_with(name));
        found.unwrap_or_else(|| panic!("{name} is not among {:?}", set.skipped)).reason.clone()
    }
}

fn defective(defect_type: &str) -> Label {
    Label::Defective(defect_type.to_owned())
}

#[test]
fn mvtec_ad() {
    let tree = Tree::new();
    for name in [
        "train/good/000.png",
        "train/good/001.png",
        "test/good/000.png",
        "test/scratch/000.png",
        "test/scratch/001.png",
        "test/pit/000.png",
    ] {
        tree.image(name);
    }
    tree.mask("ground_truth/scratch/000_mask.png", 12, 10);
    tree.mask("ground_truth/scratch/001_mask.png", 12, 9);
    tree.mask("ground_truth/pit/000.png", 12, 10);
    tree.mask("ground_truth/pit/007_mask.png", 12, 10);
    tree.text("readme.txt", "about these parts");
    tree.text("train/good/.hidden.png", "thumbnail");
    let set = tree.describe().unwrap();
    assert_eq!(set.layout, DatasetLayout::MvtecAd);
    let summary = set.summary();
    assert_eq!((summary.healthy, summary.for_training, summary.defective, summary.masks), (3, 2, 3, 2));
    assert_eq!(
        summary.defect_types.into_iter().collect::<Vec<_>>(),
        [("pit".to_owned(), 1), ("scratch".to_owned(), 2)]
    );
    let pit = set.items.iter().find(|i| i.label == defective("pit")).unwrap();
    assert!(pit.mask.as_ref().unwrap().ends_with("ground_truth/pit/000.png"));
    assert!(set.items.windows(2).all(|pair| pair[0].path < pair[1].path));
    assert_eq!(set.skipped.len(), 3);
    assert!(Tree::skipped(&set, "001_mask.png").contains("the mask is 12 x 9 pixels and its image 12 x 10"));
    assert!(Tree::skipped(&set, "007_mask.png").contains("no image belongs to this mask"));
    assert!(Tree::skipped(&set, "readme.txt").contains("outside the folders of the MVTec AD layout"));
}

#[test]
fn several_mvtec_sets_are_not_one_surface() {
    let tree = Tree::new();
    tree.image("bottle/train/good/0.png");
    tree.image("wood/train/good/0.png");
    let message = tree.describe().unwrap_err().to_string();
    assert!(message.contains("2 data sets (bottle, wood): choose one of them"), "{message}");
}

fn dagm_class(tree: &Tree, class: &str) {
    for name in ["Train/0001.PNG", "Train/0002.PNG", "Test/0003.PNG", "Test/0004.PNG"] {
        tree.image(&format!("{class}{name}"));
    }
    tree.mask(&format!("{class}Train/Label/0002_label.PNG"), 12, 10);
    tree.mask(&format!("{class}Test/Label/0003_label.PNG"), 12, 10);
    tree.text(&format!("{class}Train/Label/Labels.txt"), "1\n1 0 0001.PNG 0 0\n");
}

#[test]
fn dagm_of_several_classes_and_of_one() {
    let tree = Tree::new();
    dagm_class(&tree, "Class1/");
    dagm_class(&tree, "Class8/");
    let set = tree.describe().unwrap();
    let summary = set.summary();
    assert_eq!((set.layout, summary.healthy, summary.defective, summary.masks), (DatasetLayout::Dagm, 4, 4, 4));
    assert_eq!(summary.defect_types["Class8"], 2);
    assert_eq!(set.healthy_for_training().count(), 2);
    assert!(set.skipped.is_empty(), "{:?}", set.skipped);
    let one = describe(&tree.root().join("Class8"), &|_, _| true).unwrap();
    assert_eq!((one.layout, one.items.len()), (DatasetLayout::Dagm, 4));
    let defective_image = one.items.iter().find(|i| i.path.ends_with("Train/0002.PNG")).unwrap();
    assert_eq!((&defective_image.label, defective_image.subset), (&defective("defect"), Subset::Train));
}

#[test]
fn magnetic_tile() {
    let tree = Tree::new();
    tree.image("MT_Free/Imgs/a.jpg");
    tree.mask("MT_Free/Imgs/a.png", 12, 10);
    tree.image("MT_Blowhole/Imgs/b.jpg");
    tree.mask("MT_Blowhole/Imgs/b.png", 12, 10);
    tree.image("MT_Uneven/Imgs/c.jpg");
    GrayImage::new(12, 10).save(tree.path("MT_Uneven/Imgs/c.png")).unwrap();
    tree.text("README.md", "magnetic tiles");
    let set = tree.describe().unwrap();
    let summary = set.summary();
    assert_eq!((set.layout, summary.healthy, summary.masks), (DatasetLayout::MagneticTile, 1, 1));
    assert_eq!(summary.defect_types.keys().collect::<Vec<_>>(), ["blowhole", "uneven"]);
    assert!(Tree::skipped(&set, "MT_Uneven/Imgs/c.png").contains("the mask is empty; the image is used"));
}

#[test]
fn dagm_first_release() {
    let tree = Tree::new();
    for name in ["Class1/1.png", "Class1/2.png", "Class1/10.PNG", "Class1_def/1.png", "Class1_def/2.png"] {
        tree.image(name);
    }
    tree.text("Class1_def/labels.txt", "1\t65.2\t20.1\t1.57\t256.0\t256.0\n");
    tree.text("Class1/Thumbs.db", "thumbnails of another system");
    tree.text("Read_Me.txt", "about these classes");
    let set = tree.describe().unwrap();
    let summary = set.summary();
    assert_eq!((set.layout, summary.healthy, summary.defective, summary.masks), (DatasetLayout::Dagm, 3, 2, 0));
    assert_eq!(summary.defect_types["Class1"], 2);
    assert_eq!(set.healthy_for_training().count(), 3);
    // What systems leave behind is passed over without a word.
    assert_eq!(set.skipped.len(), 1, "{:?}", set.skipped);
    assert!(!Tree::skipped(&set, "Read_Me.txt").is_empty());
}

#[test]
fn dagm_with_files_of_other_systems() {
    let tree = Tree::new();
    dagm_class(&tree, "Class1/");
    tree.text("Class1/Train/Thumbs.db", "thumbnails of another system");
    tree.text("Class1/Test/Label/Thumbs.db", "thumbnails of another system");
    let set = tree.describe().unwrap();
    let summary = set.summary();
    assert_eq!((summary.healthy, summary.defective, summary.masks), (2, 2, 2));
    assert_eq!(set.skipped, []);
}

#[test]
fn magnetic_tile_pairs_of_jpeg_and_mask() {
    let tree = Tree::new();
    for name in ["MT_Free/Imgs/exp1_num_1.jpg", "MT_Free/Imgs/exp1_num_2.JPG", "MT_Crack/Imgs/exp2_num_3.jpg"] {
        tree.image(name);
    }
    GrayImage::new(12, 10).save(tree.path("MT_Free/Imgs/exp1_num_1.png")).unwrap();
    tree.mask("MT_Crack/Imgs/exp2_num_3.PNG", 12, 10);
    tree.text("MT_Crack/Imgs/Thumbs.db", "thumbnails of another system");
    tree.text("README.md", "about these tiles");
    let set = tree.describe().unwrap();
    let summary = set.summary();
    assert_eq!(
        (set.layout, summary.healthy, summary.defective, summary.masks),
        (DatasetLayout::MagneticTile, 2, 1, 1),
        "{:?}",
        set.skipped
    );
    assert_eq!(summary.defect_types["crack"], 1);
    assert!(!Tree::skipped(&set, "README.md").is_empty());
}

#[test]
fn csv_as_a_spreadsheet_on_windows_writes_it() {
    let tree = Tree::new();
    for name in ["lists/images/a.png", "images/b.PNG", "lists/images/c.png"] {
        tree.image(name);
    }
    tree.mask("lists/images/c_mask.png", 12, 10);
    let head = "\u{feff}image_filepath,lbl_image_filepath,is_defective\r\n";
    let rows = "images\\a.png,,0\r\n../images/b.PNG,,FALSE\r\nimages/c.png,images\\c_mask.png,1\r\ngone.png,,0\r\n";
    tree.text("lists/list.csv", &format!("{head}{rows}"));
    let set = describe(&tree.root().join("lists/list.csv"), &|_, _| true).unwrap();
    let summary = set.summary();
    assert_eq!((set.layout, summary.healthy, summary.defective, summary.masks), (DatasetLayout::Csv, 2, 1, 1));
    assert!(Tree::skipped(&set, "gone.png").contains("there is no such file"), "{:?}", set.skipped);
}

#[test]
fn csv_with_a_missing_file() {
    let tree = Tree::new();
    ["img/a.png", "img/b.png", "img/c.png"].iter().for_each(|name| tree.image(name));
    tree.mask("lbl/b.png", 12, 10);
    tree.text("list.csv", "\u{feff}image_filepath,lbl_image_filepath,is_defective\nimg/a.png,,0\nimg/b.png,lbl/b.png,1\nimg/gone.png,,0\nimg/c.png,lbl/gone.png,True\nimg/a.png,,false\n");
    let by_folder = tree.describe().unwrap();
    let by_file = describe(&tree.root().join("list.csv"), &|_, _| true).unwrap();
    assert_eq!(by_folder.items, by_file.items);
    let summary = by_file.summary();
    assert_eq!((by_file.layout, summary.healthy, summary.defective, summary.masks), (DatasetLayout::Csv, 1, 2, 1));
    assert!(
        Tree::skipped(&by_file, "img/gone.png").contains("line 4 of the CSV file lists it, but there is no such file")
    );
    assert!(Tree::skipped(&by_file, "lbl/gone.png").contains("cannot be read"));
    assert!(Tree::skipped(&by_file, "img/a.png").contains("line 6 of the CSV file lists it a second time"));
}

#[test]
fn invalid_csv_lines_are_reported() {
    let tree = Tree::new();
    tree.image("a.png");
    let message = |text: &str| {
        tree.text("list.csv", text);
        describe(&tree.root().join("list.csv"), &|_, _| true).unwrap_err().to_string()
    };
    let header = "image_filepath,lbl_image_filepath,is_defective";
    assert!(
        message(&format!("{header}\na.png,,maybe\n"))
            .contains("list.csv, line 2: is_defective is `maybe`: enter 0, 1, true or false")
    );
    assert!(message(&format!("{header}\na.png,,0\na.png\n")).contains("line 3: it has 1 fields and the header has 3"));
    assert!(message(&format!("{header}\n,,0\n")).contains("line 2: image_filepath is empty"));
    assert!(
        message("exposure,gain\n12,3\n")
            .contains("line 1: no column names images: the header has no column image_filepath")
    );
    // An unrelated CSV file does not prevent its folder from being read.
    assert_eq!(tree.describe().unwrap().layout, DatasetLayout::Flat);
    // A list of images without labels does.
    assert!(message("path,gain\na.png,3\n").contains("no column says which parts are healthy"));
    assert!(tree.describe().is_err());
}

#[test]
fn flat_folder_with_broken_files() {
    let tree = Tree::new();
    ["a.png", "2026-11-01/cam 2/b.bmp", "c.jpg"].iter().for_each(|name| tree.image(name));
    RgbImage::new(1, 1).save(tree.path("one.png")).unwrap();
    tree.text("note.png", "not a picture at all");
    let whole = fs::read(tree.root().join("a.png")).unwrap();
    fs::write(tree.path("cut.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(tree.path(".DS_Store"), b"hidden").unwrap();
    let set = tree.describe().unwrap();
    assert_eq!((set.layout, set.items.len(), set.skipped.len()), (DatasetLayout::Flat, 4, 2));
    assert!(Tree::skipped(&set, "note.png").contains("it is not an image (it looks like text)"));
    assert!(Tree::skipped(&set, "cut.png").contains("the file is truncated"));
    let lines = set.summary().sentences();
    assert_eq!(lines[0], "4 healthy images");
    assert!(lines[1].contains("every image is assumed to be healthy"));
    assert!(lines.iter().any(|line| line.starts_with("2 files skipped: cut.png (")), "{lines:?}");
}

#[test]
fn folders_with_nothing_to_train_on() {
    let message = |path: &Path| describe(path, &|_, _| true).unwrap_err().to_string();
    let tree = Tree::new();
    assert!(message(tree.root()).contains("is empty: add images of healthy parts"));
    assert!(message(&tree.root().join("absent")).contains("cannot find"));
    tree.text("a.txt", "words");
    assert!(message(&tree.root().join("a.txt")).contains("is a file: choose the folder that contains it"));
    let words = message(tree.root());
    assert!(words.contains("no usable image among 1 files") && words.contains("a.txt: it is not an image"), "{words}");
    let defective_image = Tree::new();
    defective_image.image("MT_Crack/Imgs/a.jpg");
    assert!(message(defective_image.root()).contains("there is nothing healthy to train on"));
    let untrained = Tree::new();
    fs::create_dir_all(untrained.root().join("train/good")).unwrap();
    untrained.image("test/scratch/a.png");
    assert!(message(untrained.root()).contains("none of its 1 images is marked healthy for training"));
}

#[test]
fn progress_counts_up_and_can_stop_the_reading() {
    let tree = Tree::new();
    (0..20).for_each(|i| tree.image(&format!("{i}.png")));
    let highest = AtomicUsize::new(0);
    let watch = |done: usize, total: usize| {
        assert!(done <= total);
        highest.fetch_max(done, Ordering::Relaxed);
        true
    };
    describe(tree.root(), &watch).unwrap();
    assert_eq!(highest.into_inner(), 20);
    for stop_at in [0, 1, 7, 20] {
        let stopped = describe(tree.root(), &|done, total| total == 0 || done < stop_at);
        assert!(matches!(stopped, Err(DataError::Cancelled)), "{stop_at}");
    }
    assert!(matches!(describe(tree.root(), &|_, _| false), Err(DataError::Cancelled)));
}

#[cfg(unix)]
#[test]
fn a_link_back_to_its_own_folder_is_followed_once() {
    let tree = Tree::new();
    tree.image("in/a.png");
    std::os::unix::fs::symlink(tree.root(), tree.root().join("in/loop")).unwrap();
    assert_eq!(tree.describe().unwrap().items.len(), 1);
}

#[test]
fn copies_of_one_image_stay_on_one_side_of_the_split() {
    let tree = Tree::new();
    for i in 0..10 {
        tree.image(&format!("{i}.png"));
        fs::copy(tree.root().join(format!("{i}.png")), tree.path(&format!("copies/{i}.png"))).unwrap();
    }
    let source: DataSource = tree.root().to_str().unwrap().parse().unwrap();
    let opened = source.open(&|_, _| true).unwrap();
    let split = opened.split(0.2, 4).unwrap();
    assert_eq!((split.train.len(), split.held_out.len()), (5, 5));
    let (train, held) = (opened.training_indices(&split), opened.held_out_indices(&split));
    assert_eq!((train.len(), held.len()), (10, 10));
    let name = |i: &usize| opened.dataset.items[*i].path.file_name().unwrap().to_owned();
    assert!(train.iter().all(|i| !held.iter().any(|j| name(i) == name(j))));
    let sampler = CropSampler::new(opened.store.clone(), train, CropSpec::native(8, 1)).unwrap();
    assert_eq!(sampler.batch(1, 0, 3).unwrap().len(), 3 * 64);
}

#[test]
fn the_command_line_asks_for_roles_and_takes_them() {
    let tree = Tree::new();
    (0..7).for_each(|i| tree.image(&format!("alpha/{i}.png")));
    tree.image("zeta/0.png");
    tree.mask("spots/zeta/0.png", 12, 10);
    let describe = |roles: &[&str]| {
        let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_ganspect"));
        process.args(["data", "describe"]).arg(tree.root());
        roles.chunks(2).for_each(|role| {
            process.arg(role[0]).arg(tree.root().join(role[1]));
        });
        process.output().unwrap()
    };
    let refused = describe(&[]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{text}");
    for words in ["alpha: 7 images", "zeta: 1 image", "--healthy DIR, --defective DIR and --masks DIR"] {
        assert!(text.contains(words), "{text}");
    }
    let taken = describe(&["--healthy", "alpha", "--defective", "zeta", "--masks", "spots"]);
    let text = String::from_utf8_lossy(&taken.stdout).into_owned();
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    assert!(text.contains("7 healthy images, 1 defective (zeta 1), 1 mask"), "{text}");
}
