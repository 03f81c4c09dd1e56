//! Exports of a record: what they cover, and that they never show another part.

use ganspect::{
    inspect::RegionShape,
    review::{
        Judgement, PartFile, Record, export,
        export::{Coco, ExportFormat, ExportScope},
        record::NewOpinion,
    },
};

use crate::reviewing::{exported, filed, judge, sample_record};

/// Counts the images in a PDF.
fn page_images(pdf: &[u8]) -> usize {
    String::from_utf8_lossy(pdf).matches("/Subtype /Image").count()
}

#[test]
fn an_overwritten_file_is_never_exported_as_the_part_that_was_judged() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = Record::open(&folder.path().join("review.sqlite")).unwrap();
    let image = |name: &str, side: u32, level: u8| {
        let path = folder.path().join(name);
        let grey = image::GrayImage::from_pixel(side, side, image::Luma([level]));
        // Uncompressed, so that all files of a size have the same length.
        grey.save(&path).unwrap();
        path
    };
    let judged = [image("same-size.bmp", 32, 40), image("other-size.bmp", 32, 50), image("kept.bmp", 32, 60)];
    let parts = judged.map(|path| filed(&mut record, path, 0.01));
    for part in parts {
        judge(&mut record, part, "ada", Judgement::Agree);
    }
    // The station counts from 1 again: same names, same sizes, other parts.
    image("same-size.bmp", 32, 200);
    image("other-size.bmp", 48, 210);
    image("kept.bmp", 32, 220);
    let items = record.queue().unwrap();
    assert!(items.iter().all(|item| item.part.file() == PartFile::Replaced));
    let out = folder.path().join("out");
    let write = |format| export::write(&record, &items, format, &out).unwrap();
    for format in [ExportFormat::Csv, ExportFormat::Jsonl, ExportFormat::Coco, ExportFormat::Masks, ExportFormat::Pdf] {
        assert_eq!(write(format).missing, 3, "{format:?}");
    }
    let pdf = std::fs::read(out.join("parts.pdf")).unwrap();
    assert_eq!(page_images(&pdf), 0, "no page shows another part");
    assert!(String::from_utf8_lossy(&pdf).contains("now holds another image"));
    let coco: Coco = serde_json::from_str(&std::fs::read_to_string(out.join("coco.json")).unwrap()).unwrap();
    assert!(coco.images.iter().all(|image| image.missing));
    let csv = std::fs::read_to_string(out.join("review.csv")).unwrap();
    assert!(csv.lines().skip(1).all(|line| line.contains(",true,")), "{csv}");
}

#[test]
fn several_outlines_of_one_verdict_are_kept_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = Record::open(&folder.path().join("review.sqlite")).unwrap();
    let path = folder.path().join("part.png");
    image::GrayImage::new(32, 24).save(&path).unwrap();
    let part = filed(&mut record, path, 0.01);
    let [first, second] =
        [[2.0, 2.0], [20.0, 10.0]].map(|[x, y]: [f32; 2]| RegionShape::Rectangle([x, y], [x + 4.0, y + 5.0]));
    let opinion = NewOpinion {
        region: Some(first.clone()),
        more_regions: vec![second.clone()],
        ..NewOpinion::new(part.inspection, "ada", Judgement::Defective)
    };
    record.add_opinion(&opinion).unwrap();
    let items = record.queue().unwrap();
    assert_eq!(items[0].drawn_shapes(), [&first, &second]);
    let out = folder.path().join("out");
    assert_eq!(export::write(&record, &items, ExportFormat::Coco, &out).unwrap().rows, 2);
    let mask = export::write(&record, &items, ExportFormat::Masks, &out).unwrap().files[0].clone();
    let white = image::open(mask).unwrap().into_luma8().pixels().filter(|p| p.0[0] == 255).count();
    assert_eq!(white, 40);
    export::write(&record, &items, ExportFormat::Csv, &out).unwrap();
    let mut csv = csv::Reader::from_path(out.join("review.csv")).unwrap();
    let column = csv.headers().unwrap().iter().position(|name| name == "more_regions").unwrap();
    let row = csv.records().next().unwrap().unwrap();
    assert_eq!(&row[column], r#"[{"rectangle":[[20.0,10.0],[24.0,15.0]]}]"#);
    // One that is no shape is refused whole.
    let wrong = NewOpinion { more_regions: vec![RegionShape::Polygon(vec![[0.0, 0.0]])], ..opinion };
    assert!(record.add_opinion(&wrong).is_err());
}

#[test]
fn every_format_of_a_filtered_export_names_its_filter() {
    let folder = tempfile::tempdir().unwrap();
    let (record, all) = sample_record(folder.path());
    let out = folder.path().join("out");
    let items: Vec<_> = all.iter().filter(|item| item.defective() == Some(true)).cloned().collect();
    let scope = ExportScope { filter: Some("done, in /line/3".into()), selects: true, named: true, whole: all.len() };
    let mut names = Vec::new();
    for format in [ExportFormat::Csv, ExportFormat::Jsonl, ExportFormat::Coco, ExportFormat::Masks, ExportFormat::Pdf] {
        let written = export::write_scope(&record, &items, &scope, format, &out).unwrap();
        for path in written.files {
            let name = path.strip_prefix(&out).unwrap().to_string_lossy().into_owned();
            assert!(name.contains("done-in-line-3"), "{name}");
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            assert!(format == ExportFormat::Masks || text.contains("done, in /line/3"), "{name}");
            names.push(name);
        }
    }
    assert!(names.len() >= 7, "{names:?}");
    let report = String::from_utf8_lossy(&std::fs::read(out.join("shift-done-in-line-3.pdf")).unwrap()).into_owned();
    for needs_all in ["Verdicts of the model", "Observed against promised", "Drift of healthy parts", "To do"] {
        assert!(!report.contains(needs_all), "{needs_all}");
    }
    assert!(report.contains("3 of 5 parts") && report.contains("Worst parts"));
    // A day or a folder is a shift of its own, whose shares are known.
    let day = ExportScope { filter: Some("since 12 March 2026".into()), selects: false, named: false, ..scope };
    export::write_scope(&record, &items, &day, ExportFormat::Pdf, &out).unwrap();
    let report = String::from_utf8_lossy(&std::fs::read(out.join("shift.pdf")).unwrap()).into_owned();
    assert!(report.contains("only since 12 March 2026") && report.contains("Verdicts of the model"));
}

#[test]
fn masks_are_white_where_the_defect_is() {
    let (_folder, out, written) = exported(ExportFormat::Masks);
    assert_eq!((written.rows, written.left_out, written.missing), (3, 0, 1));
    let folder = out.join("ground_truth/crack");
    let mask = |name: &str| {
        let mask = image::open(folder.join(name)).unwrap().into_luma8();
        assert_eq!(mask.dimensions(), (32, 24));
        assert!(mask.pixels().all(|p| matches!(p.0[0], 0 | 255)));
        mask
    };
    let count = |mask: &image::GrayImage| mask.pixels().filter(|p| p.0[0] == 255).count();
    // Two parts of the same name in different folders.
    let (drawn, found) = (mask("part_mask.png"), mask("part_2_mask.png"));
    assert_eq!((count(&drawn), count(&found), count(&mask("gone, \"quoted\"_mask.png"))), (40, 7, 7));
    assert_eq!((drawn.get_pixel(4, 5).0, drawn.get_pixel(13, 8).0, drawn.get_pixel(14, 8).0), ([255], [255], [0]));
    assert_eq!((found.get_pixel(3, 3).0, found.get_pixel(4, 3).0), ([255], [0]));
}

#[test]
fn the_pdf_has_a_page_per_part() {
    let (_folder, out, written) = exported(ExportFormat::Pdf);
    // One page for the shift, and one for each part except healthy ones without a verdict.
    assert_eq!((written.rows, written.files.len(), written.missing), (6, 2, 1));
    let read = |name: &str| std::fs::read(out.join(name)).unwrap();
    let pages = |pdf: &[u8]| {
        let text = String::from_utf8_lossy(pdf);
        (text.matches("/Type /Page\n").count(), text.contains("/Count 5"), text.matches("/Subtype /Image").count())
    };
    let (shift, parts) = (read("shift.pdf"), read("parts.pdf"));
    assert!(shift.starts_with(b"%PDF-") && parts.starts_with(b"%PDF-") && parts.ends_with(b"%%EOF"));
    assert_eq!((pages(&shift).0, pages(&parts)), (1, (5, true, 4)));
    let text = String::from_utf8_lossy(&shift);
    for said in [
        "Shift report",
        "Observed against promised false-alarm rate",
        "1 of 3 defective parts were not flagged.",
        "crack",
    ] {
        assert!(text.contains(said), "{said}");
    }
    let text = String::from_utf8_lossy(&parts);
    assert!(text.contains("The image is missing") && text.contains("1 in 100 healthy parts would score this high"));
    assert_eq!(text.matches("(Anomaly regions)").count(), 5);
    assert_eq!((text.matches("(Region 1)").count(), text.matches("(Region 2)").count()), (5, 5));
    assert!(text.contains("2 regions above the threshold."));
}

#[test]
fn an_empty_queue_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    let record = Record::in_memory().unwrap();
    for (format, files) in [
        (ExportFormat::Csv, 1),
        (ExportFormat::Jsonl, 1),
        (ExportFormat::Coco, 1),
        (ExportFormat::Masks, 0),
        (ExportFormat::Pdf, 1),
        (ExportFormat::Regions, 1),
    ] {
        let written = export::write(&record, &[], format, folder.path()).unwrap();
        assert_eq!(written.files.len(), files, "{format:?}");
    }
}
