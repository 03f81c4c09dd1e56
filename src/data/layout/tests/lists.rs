//! Label lists.

use super::*;

/// Ten healthy images and two defective ones with masks, listed by `list`.
fn listed(name: &str, list: impl AsRef<[u8]>) -> Tree {
    let tree = Tree::with(&["img/g0.png", "img/g1.png", "img/b0.png"]);
    tree.mask("img/m0.png");
    tree.text(name, list);
    tree
}

#[test]
fn lists_of_any_spreadsheet_are_read() {
    let plain =
        "image_filepath,lbl_image_filepath,is_defective\nimg/g0.png,,0\nimg/g1.png,,0\nimg/b0.png,img/m0.png,1\n";
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(plain.replace(',', "\t").encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let lists: Vec<(&str, Vec<u8>)> = vec![
        ("list.csv", plain.into()),
        ("list.csv", plain.replace(',', ";").into()),
        ("list.csv", plain.replace(',', "\t").into()),
        ("list.tsv", plain.replace(',', "\t").into()),
        ("list.csv", plain.replace(',', "|").into()),
        ("list.csv", format!("sep=,\r\n{plain}").into()),
        (
            "list.csv",
            plain
                .replacen(
                    "image_filepath,lbl_image_filepath,is_defective",
                    "Image_FilePath,Lbl_Image_FilePath,IS_DEFECTIVE",
                    1,
                )
                .into(),
        ),
        ("list.csv", utf16),
        ("LIST.CSV", format!("\u{feff}{}", plain.replace("img/", "C:\\data\\set\\img\\")).into()),
        ("list.csv", plain.replace("img/", "/mnt/other/img/").replace(".png", ".PNG").into()),
        ("list.csv", "img/g0.png,,OK\nimg/g1.png,,OK\nimg/b0.png,img/m0.png,NG\n".into()),
        ("lists/list.csv", plain.into()),
    ];
    for (name, list) in lists {
        let tree = listed(name, &list);
        let set = tree.read().unwrap_or_else(|error| panic!("{}: {error}", String::from_utf8_lossy(&list)));
        assert_eq!(tree.trained(&set), ["img/g0.png", "img/g1.png"], "{}", String::from_utf8_lossy(&list));
        assert_eq!((set.layout, set.summary().defective, set.summary().masks), (DatasetLayout::Csv, 1, 1));
        assert!(set.skipped.is_empty(), "{:?}", set.skipped);
    }
    let tree = Tree::with(&["img/g0.png", "img/b0.png"]);
    tree.text("list.csv", "image_filepath,is_defective\nimg/g0.png,0\nimg/b0.png,1\n");
    tree.text("notes.csv", "who,when\nada,monday\n");
    tree.text("exposure.csv", "image,exposure\nimg/g0.png,1.5\nimg/b0.png,1.6\n");
    let set = tree.read().unwrap();
    assert_eq!((tree.trained(&set), set.summary().defective), (vec!["img/g0.png".to_owned()], 1));
}

#[test]
fn lists_name_images_without_extension_or_folder() {
    for list in [
        "id,verdict\ng0,pass\ng1,pass\nb0,fail\n",
        "verdict;id\npass;g0\npass;g1\nfail;b0\n",
        "g0,OK\ng1,OK\nb0,NG\n",
        "label,image\nOK,g0.png\nOK,g1.png\nNG,b0.png\n",
        "serial,old file,label\n7,D:\\line 3\\G0.PNG,0\n8,D:\\line 3\\G1.PNG,0\n9,D:\\line 3\\B0.PNG,1\n",
    ] {
        let tree = listed("list.csv", list);
        let set = tree.read().unwrap_or_else(|error| panic!("{list}: {error}"));
        assert_eq!(tree.trained(&set), ["img/g0.png", "img/g1.png"], "{list}");
        assert_eq!(set.summary().defective, 1, "{list}");
        // Opened itself, it is read in the same way.
        let set = describe(&tree.0.path().join("list.csv"), &|_, _| true).unwrap();
        assert_eq!((tree.trained(&set).len(), set.summary().defective), (2, 1), "{list}");
    }
    // Numbers that are labels are no names of images.
    let tree = Tree::with(&["0.png", "1.png", "2.png", "3.png"]);
    tree.text("list.csv", "image,label\n0,0\n1,0\n2,1\n3,0\n");
    let set = tree.read().unwrap();
    assert_eq!(tree.trained(&set), ["0.png", "1.png", "3.png"]);
    // A name that two images have is none.
    let tree = Tree::with(&["a/g0.png", "b/g0.png", "a/g1.png", "b/g2.png"]);
    tree.text("list.csv", "image,label\ng0,good\ng1,good\ng2,bad\n");
    let set = tree.read().unwrap();
    assert_eq!(tree.trained(&set), ["a/g1.png"]);
    let error = listed("list.csv", "image,label\nx0.png,good\nx1.png,bad\n").read().unwrap_err().to_string();
    assert!(error.contains("2 images, for example x0.png, and none of them exists"), "{error}");
}

#[test]
fn a_list_of_other_files_does_not_stand_in_the_way_of_folders_with_roles() {
    let table = "file,width,contrast\n000,1.5,0.2\n001,2.5,0.4\n";
    let tree = Tree::with(&["train/good/000.png", "train/good/001.png", "test/good/000.png", "test/cut/000.png"]);
    tree.text("defects.csv", table);
    let set = tree.read().unwrap();
    assert_eq!((tree.trained(&set).len(), set.summary().defective), (2, 1));
    assert!(set.notes.iter().any(|note| note.contains("defects.csv")), "{:?}", set.notes);
    assert!(set.skipped.iter().any(|skipped| skipped.path.ends_with("defects.csv")));
    // Nor of a public set that is recognised by its own rules.
    let tree = Tree::with(&["Class1/Train/0001.PNG", "Class1/Train/0008.PNG"]);
    tree.mask("Class1/Train/Label/0008_label.PNG");
    tree.text("defects.csv", table);
    let set = tree.read().unwrap();
    assert_eq!((set.layout, tree.trained(&set).len(), set.summary().defective), (DatasetLayout::Dagm, 1, 1));
    // Where the folders say nothing, the list may be the labels.
    let tree = Tree::with(&["a/000.png", "b/000.png"]);
    tree.text("defects.csv", table);
    assert!(tree.read().is_err());
}

#[test]
fn a_spreadsheet_beside_images_without_roles_is_asked_about() {
    for name in ["labels.xlsx", "Befunde.ods", "results/list.xls"] {
        let tree = Tree::with(&["img/1.png", "img/2.png"]);
        tree.text(name, "PK");
        let text = tree.unclear();
        assert!(text.contains("may hold their labels") && text.contains("save it as CSV"), "{text}");
        // Roles that folders give are clear without it.
        let tree = Tree::with(&["good/1.png", "good/2.png", "bad/3.png"]);
        tree.text(name, "PK");
        assert_eq!(tree.trained(&tree.read().unwrap()).len(), 2);
    }
}

#[test]
fn a_list_that_cannot_be_read_stops_with_its_line() {
    let message = |name: &str, list: &str| listed(name, list).read().unwrap_err().to_string();
    let text = message("list.csv", "image;state\nimg/g0.png;fertig\nimg/b0.png;halb\n");
    assert!(text.contains("list.csv, line 2: state is `fertig`: enter 0, 1, true or false"), "{text}");
    let text = message("list.csv", "image,exposure\nimg/g0.png,1.5\nimg/b0.png,2.5\n");
    assert!(text.contains("no column says which parts are healthy"), "{text}");
    let text = message("list.csv", "image,is_defective\nimg/g0.png,0\nimg/b0.png,1\nimg/g0.png,1\n");
    assert!(text.contains("line 4: img/g0.png is listed in line 2 with another label"), "{text}");
    let tree = listed("one.csv", "image,is_defective\nimg/g0.png,0\n");
    tree.text("two.csv", "image,is_defective\nimg/g1.png,0\n");
    let text = tree.read().unwrap_err().to_string();
    assert!(text.contains("several lists of images (one.csv, two.csv)"), "{text}");
    // Lists of subsets belong together.
    let tree = listed("train.csv", "image,label\nimg/g0.png,good\nimg/g1.png,good\n");
    tree.text("test.csv", "image,label,mask\nimg/b0.png,bad,img/m0.png\n");
    let set = tree.read().unwrap();
    assert_eq!((tree.trained(&set).len(), set.summary().defective), (2, 1));
}

#[test]
fn files_that_a_list_misses_or_invents_are_counted() {
    let tree = listed("list.csv", "image,is_defective\nimg/g0.png,0\nimg/b0.png,1\nimg/gone.png,0\nimg/lost.png,0\n");
    let set = tree.read().unwrap();
    assert_eq!(tree.trained(&set), ["img/g0.png"]);
    let notes = set.summary().sentences().join("\n");
    assert!(notes.contains("2 listed images do not exist, for example img/gone.png in line 4"), "{notes}");
    assert!(notes.contains("2 images are not on the list and left out, for example"), "{notes}");
}
