use std::{fs, sync::Arc};

use image::{AnimationDecoder, codecs::png::PngDecoder};

use super::{
    canvas::{NOT_INSPECTED, PAGE, STRONG, verdict_colour},
    layout::ExportLayout,
    number_format::{significant, trimmed},
    numbers::*,
    raster::{PixelScale, planes_raster, reduced},
    *,
};
use crate::{
    data::{
        Picture, Samples,
        colour_map::{ColourMap, table},
    },
    files::interruption,
    inspect::{
        Assessment, InvertKnobs, Judged, KeptFrame, NoVerdict, Outcome, Planes, ScoreKind, Scores, StepRecord, Verdict,
        calibration::MapScale,
        critic::CriticMaps,
        evaluation::{EvaluatedMap, MaskOutline},
    },
    text::TableWriter,
};

/// A turned surface with a pit that the reconstruction lacks; `steps` steps of two restarts.
fn outcome(width: usize, height: usize, channels: usize, steps: usize, verdict: Option<Verdict>) -> Outcome {
    let pixels = width * height;
    let ground = |i: usize| {
        let (x, y) = (i % width, i % pixels / width);
        0.3 * ((y as f32) * 0.9 + (x as f32) * 0.04).sin() + 0.05 * ((i * 7_919 % 101) as f32 / 50.0 - 1.0)
    };
    let pit = |i: usize| {
        let (x, y) = ((i % width) as f32 / width as f32, (i % pixels / width) as f32 / height as f32);
        if (x - 0.65).hypot(y - 0.4) < 0.12 { -0.6 } else { 0.0 }
    };
    let values: Vec<f32> = (0..pixels * channels).map(|i| ground(i) + pit(i)).collect();
    let reconstruction: Vec<f32> = (0..pixels * channels).map(|i| ground(i) * 0.9).collect();
    let mut difference = vec![0.0; pixels];
    for (i, (a, b)) in values.iter().zip(&reconstruction).enumerate() {
        difference[i % pixels] += (a - b) / channels as f32;
    }
    let mut scores = Scores::default();
    for (kind, value) in ScoreKind::ALL.into_iter().zip([1_234.5, 0.0514, 0.0514, 0.6021, 1.75]) {
        scores.set(kind, value);
    }
    let assess = |verdict| {
        let p = if verdict == Verdict::Healthy { 0.62 } else { 1.0 / 61.0 };
        Assessment { kind: ScoreKind::WorstSpot, score: 0.6021, p, n: 60, rate: 0.05, verdict, reason: None }
    };
    let record = |step: usize| {
        let loss = 0.0625 + 0.25 * (-(step as f32) / 12.0).exp();
        StepRecord {
            step,
            loss: vec![loss * 1.5, loss],
            best: 1,
            residual: loss,
            feature: 0.5,
            prior: -0.25,
            z_norm: 1.0 + step as f32 / 64.0,
            seconds: step as f32 / 16.0,
        }
    };
    let judged = match verdict.map(assess) {
        Some(assessment) => {
            let scale = MapScale { difference: 0.4, feature: 2.0, critic: 8.0, distance: 8.0 };
            Judged::Verdict { scores, assessment, threshold: 0.5, scale, other_start: false }
        }
        None => Judged::without(scores, NoVerdict::NotCalibrated),
    };
    Outcome {
        critic: None,
        query: Arc::new(Planes::new(width, height, channels, values).unwrap()),
        reconstruction: Planes::new(width, height, channels, reconstruction).unwrap(),
        exposure: None,
        difference,
        feature: vec![0.0; pixels],
        inspected: None,
        judged,
        knobs: InvertKnobs { restarts: 2, ..InvertKnobs::default() },
        records: (0..steps).map(record).collect(),
        steps,
        tiles: 1,
        seconds: 1.4375,
    }
}

/// Reconstructions that fade in from grey.
fn frames(outcome: &Outcome, count: usize) -> Vec<KeptFrame> {
    let share = |i: usize| (i + 1) as f32 / count as f32;
    let packed = |v: f32| ((v + 1.0) * 32_767.5).round() as u16;
    (0..count)
        .map(|i| KeptFrame {
            step: i,
            pixels: outcome.reconstruction.values().iter().map(|v| packed(v * share(i))).collect(),
        })
        .collect()
}

fn inspected<'a>(outcome: &'a Outcome, frames: &'a [KeptFrame]) -> ExportInput<'a> {
    ExportInput {
        file: "housing-0042.png",
        model: "Turned steel, 12 June",
        hash: "9f86d081884c7d65",
        outcome,
        regions: None,
        truth: None,
        frames,
        scale: Some(MapScale { difference: 0.4, feature: 2.0, critic: 8.0, distance: 8.0 }),
        shown: EvaluatedMap::Difference,
        deciding: EvaluatedMap::Difference,
        map: ColourMap::Ember,
    }
}

#[test]
fn the_map_shown_is_named_with_its_own_scale_and_values() {
    let mut outcome = outcome(32, 16, 1, 4, Some(Verdict::Defective));
    let logit: Vec<f32> = (0..512).map(|i| if i == 40 { 6.0 } else { -1.0 }).collect();
    outcome.critic = Some(CriticMaps { logit, distance: vec![0.5; 512] });
    let frames = frames(&outcome, 2);
    let input =
        ExportInput { shown: EvaluatedMap::Critic, deciding: EvaluatedMap::Critic, ..inspected(&outcome, &frames) };
    assert_eq!((input.heading().as_str(), input.upper()), ("Critic (decides)", 8.0));
    let values = input.values();
    assert_eq!((values[40], values[0], values.len()), (6.0, 0.0, 512), "below the healthy mean is quiet");
    let other = ExportInput { shown: EvaluatedMap::Difference, ..input };
    assert_eq!((other.heading().as_str(), other.upper()), ("Difference (does not decide)", 0.4));
    // The picture follows: the two triptychs differ in the map's place only by what they show.
    let [a, b] = [&input, &other].map(|input| {
        let canvas = triptych::draw(input);
        canvas.png(canvas.whole()).unwrap()
    });
    assert_ne!(a, b);
    let numbers = InspectionNumbers::of(&input);
    assert_eq!(numbers.no_verdict, None);
}

fn decoded(path: &Path) -> image::RgbImage {
    image::open(path).unwrap().into_rgb8()
}

fn written(query: &ExportInput<'_>, part: ExportPart) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("a{}", part.suffix()));
    write_part(&path, query, part).unwrap();
    (folder, path)
}

#[test]
fn the_triptych_shows_every_pixel_where_it_belongs() {
    let outcome = outcome(64, 48, 1, 30, Some(Verdict::Defective));
    let query = inspected(&outcome, &[]);
    let (_folder, path) = written(&query, ExportPart::Triptych);
    let image = decoded(&path);
    let layout = ExportLayout::of(&query, 384, 1_600);
    assert_eq!((layout.scale, layout.size), (PixelScale { enlarge: 6, reduce: 1 }, [384, 288]));
    assert_eq!(image.width() as usize, layout.width);
    assert!(image.height() as usize > layout.bottom + 100);
    let at = |picture: usize, x: usize, y: usize| {
        image.get_pixel((layout.xs[picture] + 6 * x + 3) as u32, (layout.y + 6 * y + 3) as u32).0
    };
    let grey = |v: f32| [((v + 1.0) * 127.5).round() as u8; 3];
    for (x, y) in [(0, 0), (63, 0), (0, 47), (63, 47), (41, 19), (20, 30)] {
        assert_eq!(at(0, x, y), grey(outcome.query.at(x, y, 0)));
        assert_eq!(at(1, x, y), grey(outcome.reconstruction.at(x, y, 0)));
        let share = (outcome.difference[y * 64 + x].abs() / 0.4).min(1.0);
        assert_eq!(at(2, x, y), table(ColourMap::Ember)[(share * 255.0).round() as usize]);
    }
    // The pit exceeds the scale; the colour bar runs from the same colour at the top to the darkest one.
    assert_eq!(at(2, 41, 19), table(ColourMap::Ember)[255]);
    let bar = |y: usize| image.get_pixel(layout.bar as u32 + 5, y as u32).0;
    assert_eq!((bar(layout.y), bar(layout.y + 287)), (table(ColourMap::Ember)[255], table(ColourMap::Ember)[0]));
    assert_eq!(image.get_pixel(1, 1).0, PAGE);
    // The mark of the verdict.
    let below = layout.bottom as u32 + layout.px(16.0) as u32;
    let mark = image.get_pixel(layout.px(24.0 + 12.0) as u32, below + layout.px(17.0) as u32).0;
    assert_eq!(mark, verdict_colour(Verdict::Defective));
}

#[test]
fn without_a_calibration_there_is_no_verdict_and_the_image_sets_the_scale() {
    let mut outcome = outcome(64, 64, 3, 5, None);
    outcome.inspected = Some((0..64 * 64).map(|i| i % 64 < 50).collect());
    (0..64 * 64).filter(|i| i % 64 >= 50).for_each(|i| outcome.difference[i] = 0.0);
    let query = ExportInput { scale: None, map: ColourMap::Signed, ..inspected(&outcome, &[]) };
    let largest = outcome.difference.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    assert_eq!(query.upper(), largest);
    let image = decoded(&written(&query, ExportPart::Triptych).1);
    let layout = ExportLayout::of(&query, 384, 1_600);
    let heat = |x: usize, y: usize| image.get_pixel((layout.xs[2] + 6 * x) as u32, (layout.y + 6 * y) as u32).0;
    assert_eq!(heat(63, 10), NOT_INSPECTED);
    // The pit is darker than the reconstruction, hence blue.
    let [r, _, b] = heat(41, 25);
    assert!(b > r);
    let marks: Vec<[u8; 3]> = [Verdict::Healthy, Verdict::Defective].map(verdict_colour).into();
    let under = layout.bottom as u32..layout.bottom as u32 + layout.px(60.0) as u32;
    assert!(under.flat_map(|y| (0..400).map(move |x| (x, y))).all(|(x, y)| !marks.contains(&image.get_pixel(x, y).0)));
}

#[test]
fn images_are_scaled_to_a_viewable_size() {
    let fit = |width, height| PixelScale::of(width, height, 384, 1_600);
    assert_eq!(fit(64, 64), PixelScale { enlarge: 6, reduce: 1 });
    assert_eq!(fit(100, 64), PixelScale { enlarge: 4, reduce: 1 });
    assert_eq!(fit(384, 64), PixelScale { enlarge: 1, reduce: 1 });
    assert_eq!(fit(4_096, 3_000), PixelScale { enlarge: 1, reduce: 3 });
    // A narrow strip is not enlarged without limit.
    assert_eq!(fit(1, 4_096), PixelScale { enlarge: 1, reduce: 3 });
    assert_eq!(fit(8, 800), PixelScale { enlarge: 2, reduce: 1 });
    assert_eq!((fit(4_096, 3_000).length(4_096), fit(64, 64).length(64)), (1_366, 384));
}

#[test]
fn downscaling_a_map_keeps_its_peaks() {
    let mut map = vec![0.1; 7 * 5];
    map[2 * 7 + 3] = -0.9;
    let peak = |v: &mut dyn Iterator<Item = f32>| v.fold(0.0_f32, |m, v| if v.abs() > m.abs() { v } else { m });
    let small = reduced(&map, 7, 3, peak);
    assert_eq!(small, [0.1, -0.9, 0.1, 0.1, 0.1, 0.1]);
    let raster = planes_raster(&[-1.0, 1.0, 1.0, -1.0], 2, 1, PixelScale { enlarge: 1, reduce: 2 });
    assert_eq!((raster.width, raster.height, raster.pixels), (1, 1, vec![[128; 3]]));
}

#[test]
fn the_convergence_plays_every_kept_frame_and_holds_the_last() {
    let outcome = outcome(40, 30, 1, 12, Some(Verdict::Suspect));
    let frames = frames(&outcome, 12);
    let query = inspected(&outcome, &frames);
    let (_folder, path) = written(&query, ExportPart::Convergence);
    let bytes = fs::read(&path).unwrap();
    let decoder = PngDecoder::new(std::io::Cursor::new(&bytes)).unwrap();
    let played = decoder.apng().unwrap().into_frames().collect_frames().unwrap();
    let times: Vec<u32> = played.iter().map(|f| f.delay().numer_denom_ms()).map(|(a, b)| a / b).collect();
    assert_eq!(times, [vec![67; 11], vec![2_000]].concat());
    let layout = ExportLayout::of(&query, 256, 512);
    let enlarge = layout.scale.enlarge;
    assert_eq!(enlarge, 7);
    for (frame, kept) in played.iter().zip(&frames) {
        let at = |picture: usize, x: usize, y: usize| {
            let (x, y) = (layout.xs[picture] + enlarge * x + 1, layout.y + enlarge * y + 1);
            frame.buffer().get_pixel(x as u32, y as u32).0
        };
        for (x, y) in [(0, 0), (39, 29), (26, 12)] {
            let (query, reconstruction) = (outcome.query.at(x, y, 0), kept.value(y * 40 + x));
            let grey = |v: f32| [((v.clamp(-1.0, 1.0) + 1.0) * 127.5).round() as u8; 3];
            let share = ((query - reconstruction).abs() / 0.4).min(1.0);
            assert_eq!(at(0, x, y)[..3], grey(query));
            assert_eq!(at(1, x, y)[..3], grey(reconstruction));
            assert_eq!(at(2, x, y)[..3], table(ColourMap::Ember)[(share * 255.0).round() as usize]);
        }
    }
    // The curve grows from frame to frame.
    let ink = |i: usize| played[i].buffer().pixels().filter(|p| p.0[..3] == STRONG).count();
    assert!(ink(0) < ink(5) && ink(5) < ink(11), "{} {} {}", ink(0), ink(5), ink(11));
    // Readers of plain PNG see the first frame.
    assert_eq!(decoded(&path).dimensions(), played[0].buffer().dimensions());
}

#[test]
fn a_convergence_without_frames_shows_the_reconstruction() {
    let outcome = outcome(32, 32, 3, 0, None);
    let (_folder, path) = written(&inspected(&outcome, &[]), ExportPart::Convergence);
    let bytes = fs::read(path).unwrap();
    let decoder = PngDecoder::new(std::io::Cursor::new(bytes)).unwrap();
    assert_eq!(decoder.apng().unwrap().into_frames().collect_frames().unwrap().len(), 1);
}

#[test]
fn json_holds_the_numbers_under_their_keys() {
    let (known, unknown) = (outcome(64, 48, 1, 3, Some(Verdict::Defective)), outcome(8, 8, 1, 1, None));
    let query = inspected(&known, &[]);
    let (_folder, path) = written(&query, ExportPart::Numbers);
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(serde_json::from_str::<InspectionNumbers>(&text).unwrap(), InspectionNumbers::of(&query));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["file"], "housing-0042.png");
    assert_eq!((&json["model"], &json["hash"]), (&"Turned steel, 12 June".into(), &"9f86d081884c7d65".into()));
    assert_eq!(
        (json["width"].as_u64(), json["height"].as_u64(), json["tiles"].as_u64()),
        (Some(64), Some(48), Some(1))
    );
    assert_eq!((json["steps"].as_u64(), json["seconds"].as_f64()), (Some(3), Some(1.4375)));
    assert_eq!(json["knobs"]["restarts"], 2);
    assert_eq!(json["scores"]["l1_sum"], 1_234.5);
    assert_eq!((&json["verdict"], &json["score"]), (&"defective".into(), &"worst_spot".into()));
    assert_eq!(
        (json["p"].as_f64(), json["n"].as_u64(), json["rate"].as_f64()),
        (Some(1.0 / 61.0), Some(60), Some(0.05))
    );
    assert_eq!(json["words"], "at most 1 in 61 healthy parts would score this high, the most that 60 images can show");
    assert_eq!(json["records"].as_array().unwrap().len(), 3);
    assert_eq!((&json["records"][1]["step"], &json["records"][1]["best"]), (&1.into(), &1.into()));

    let json =
        serde_json::to_value(InspectionNumbers::of(&ExportInput { scale: None, ..inspected(&unknown, &[]) })).unwrap();
    assert!(["verdict", "score", "p", "n", "rate", "words", "scale"].iter().all(|key| json[key].is_null()));
}

#[test]
fn csv_quotes_any_file_name() {
    let (known, unknown) = (outcome(64, 48, 1, 3, Some(Verdict::Suspect)), outcome(64, 48, 1, 3, None));
    let awkward = "a, \"b\"\nc;.png";
    let rows =
        [list_row(&ExportInput { file: awkward, ..inspected(&known, &[]) }), list_row(&inspected(&unknown, &[]))];
    let mut out = Vec::new();
    let mut table = TableWriter::new(&mut out, &list_header()).unwrap();
    for row in rows {
        table.row(&row).unwrap();
    }
    let text = String::from_utf8(out.clone()).unwrap();
    assert!(text.starts_with(
        "file,verdict,p,n,rate,score,l1_sum,l1,worst_tile,worst_spot,feature,feature_spot,critic,critic_distance,critic_pattern,critic_line,texture,fused,width,height,tiles,steps,seconds,model,hash,regions\n\
         \"a, \"\"b\"\"\nc;.png\",suspect,0.01639344262295082,60,0.05,worst_spot,1234.5,0.0514,0.0514,0.6021,1.75,0,,,,,,,64,48,1,3,1.4375,\"Turned steel, 12 June\",9f86d081884c7d65,\n"
    ), "{text}");
    let mut reader = csv::Reader::from_reader(&out[..]);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!((&rows[0][0], &rows[1][0], &rows[1][1], &rows[1][2]), (awkward, "housing-0042.png", "", ""));
}

#[test]
fn steps_are_one_row_each() {
    let two = outcome(8, 8, 1, 2, None);
    let text = fs::read_to_string(written(&inspected(&two, &[]), ExportPart::Steps).1).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("step,loss,best,residual,feature,prior,z_norm,seconds,loss_1,loss_2"));
    assert_eq!(lines.next(), Some("0,0.3125,2,0.3125,0.5,-0.25,1,0,0.46875,0.3125"));
    assert_eq!((lines.next().map(|l| l.starts_with("1,")), lines.next()), (Some(true), None));
    let mut one = Vec::new();
    let record = StepRecord { loss: vec![0.5], best: 0, ..two.records[0].clone() };
    write_steps(&mut one, &[record]).unwrap();
    assert!(
        String::from_utf8(one).unwrap().starts_with("step,loss,best,residual,feature,prior,z_norm,seconds\n0,0.5,1,")
    );
}

#[test]
fn the_difference_map_is_written_unchanged() {
    let outcome = outcome(31, 17, 3, 1, None);
    let bytes = fs::read(written(&inspected(&outcome, &[]), ExportPart::Difference).1).unwrap();
    let (width, height, about, values) = tiff::tests::read(&bytes);
    assert_eq!((width, height), (31, 17));
    assert_eq!(values, outcome.difference);
    assert!(about.contains("image minus reconstruction"));
}

#[test]
fn images_with_the_same_name_get_different_files() {
    let outcome = outcome(16, 16, 1, 1, None);
    let query = inspected(&outcome, &[]);
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("new").join("out");
    let mut names = UniqueStems::default();
    let parts = [ExportPart::Numbers, ExportPart::Difference];
    let mut write = |stem: &str| -> Vec<String> {
        let paths = write_all(&dir, stem, &mut names, &query, &parts).unwrap();
        assert!(paths.iter().all(|path| path.is_file()));
        paths.iter().map(|p| p.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(write("part"), ["part.json", "part-difference.tiff"]);
    assert_eq!(write("PART"), ["PART-2.json", "PART-2-difference.tiff"]);
    assert_eq!(write("part-2"), ["part-2-2.json", "part-2-2-difference.tiff"]);
    assert_eq!(write("../a/b:c"), [".._a_b_c.json", ".._a_b_c-difference.tiff"]);
    assert_eq!(write(" .. "), ["image.json", "image-difference.tiff"]);
    assert_eq!(write(&"é".repeat(400))[0], format!("{}.json", "é".repeat(50)));
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 12);
}

#[test]
fn the_files_of_an_image_are_whole_or_absent_wherever_their_writing_stops() {
    let outcome = outcome(16, 16, 1, 1, None);
    let query = inspected(&outcome, &[]);
    let parts = [ExportPart::Numbers, ExportPart::Steps, ExportPart::Difference];
    let export = |dir: &Path| write_all(dir, "a", &mut UniqueStems::default(), &query, &parts);
    for exists in [false, true] {
        let mut operations = 0;
        loop {
            let root = tempfile::tempdir().unwrap();
            let dir = root.path().join("out");
            if exists {
                fs::create_dir(&dir).unwrap();
            }
            let (result, stopped) = interruption::after(operations, || export(&dir));
            assert_eq!(result.is_err(), stopped);
            let there: Vec<bool> = parts.iter().map(|part| dir.join(format!("a{}", part.suffix())).is_file()).collect();
            assert!(exists || there.iter().all(|file| *file == there[0]), "{there:?} after {operations} operations");
            assert!(!there[0] || there.iter().all(|file| *file), "the numbers are the last: {there:?}");
            let paths = export(&dir).unwrap();
            assert!(paths.iter().all(|path| path.is_file()));
            if !stopped {
                assert_eq!(fs::read_dir(&dir).unwrap().count(), 6);
                break;
            }
            operations += 1;
        }
        assert!(operations > 8, "each write, sync and rename counts: {operations}");
    }
}

#[test]
fn a_second_export_replaces_nothing_and_names_carry_the_folder() {
    let outcome = outcome(16, 16, 1, 1, None);
    let query = inspected(&outcome, &[]);
    let folder = tempfile::tempdir().unwrap();
    let parts = [ExportPart::Numbers, ExportPart::Steps];
    for (path, wanted) in [
        ("/set/test/crack/000.png", "crack-000"),
        ("/set/test/good/000.png", "good-000"),
        ("/set/test/good/000.png", "good-000-2"),
        ("/set/.tmp/good/../crack/000.png", "crack-000-2"),
        ("/000.png", "000"),
    ] {
        let paths = write_all(folder.path(), &stem_of(Path::new(path)), &mut UniqueStems::default(), &query, &parts);
        let name = paths.unwrap()[0].file_stem().unwrap().to_str().unwrap().to_owned();
        if !path.contains("..") {
            assert_eq!(name, wanted, "{path}");
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 10, "every export has files of its own");
    let long = stem_of(&Path::new("/").join("f".repeat(60)).join("part-0001.png"));
    let mut stems = UniqueStems::default();
    assert!(stems.unique(&long, |_| false).ends_with("-part-0001"), "the end of a long name is kept");
}

#[test]
fn every_score_fits_above_the_legend_with_the_deciding_one_first() {
    let outcome = outcome(32, 32, 1, 1, Some(Verdict::Defective));
    let input = inspected(&outcome, &[]);
    let canvas = triptych::draw(&input);
    let layout = ExportLayout::of(&input, 384, 1_600);
    // Twelve rows of scores lie above the line of the legend; the legend has two lines and the key of the marks.
    let least = layout.bottom + layout.px(16.0 + 12.0 * 20.0 + 12.0 + 15.0 + 26.0);
    assert!(canvas.whole()[3] >= least, "{:?} {least}", canvas.whole());
    let rows = triptych::score_rows(&input);
    assert_eq!((rows.len(), rows[0].0, rows[0].2), (12, "Worst spot", true));
    assert!(rows.iter().any(|(name, value, _)| *name == "Critic" && value == "–"), "{rows:?}");
}

#[test]
fn write_errors_name_the_path() {
    let outcome = outcome(16, 16, 1, 1, None);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"x").unwrap();
    let query = inspected(&outcome, &[]);
    let said = write_all(&file, "a", &mut UniqueStems::default(), &query, &ExportPart::ALL).unwrap_err().to_string();
    assert!(said.starts_with(&format!("cannot write {}", file.display())), "{said}");
    let taken = folder.path().join("a.json");
    fs::create_dir(&taken).unwrap();
    // What is there is never replaced, whatever it is.
    let paths = write_all(folder.path(), "a", &mut UniqueStems::default(), &query, &[ExportPart::Numbers]).unwrap();
    assert_eq!(paths, [folder.path().join("a-2.json")]);
}

#[test]
fn numbers_have_a_sensible_precision() {
    let wanted = [
        (0.0, "0"),
        (0.051_44, "0.0514"),
        (-0.5, "−0.5000"),
        (1.75, "1.750"),
        (12.346, "12.35"),
        (123.46, "123.5"),
        (1_234.4, "1,234"),
        (1_234_567.0, "1,234,567"),
        (0.000_012, "1.2e-5"),
        (f64::NAN, "–"),
    ];
    assert_eq!(wanted.map(|(value, _)| significant(value)), wanted.map(|(_, text)| text.to_owned()));
    assert_eq!([0.05, 0.5, 20.0, 1_000.0, 0.0, 0.016_39].map(trimmed), ["0.05", "0.5", "20", "1,000", "0", "0.0164"]);
}

#[test]
fn small_pictures_outline_the_mask() {
    let outcome = outcome(64, 32, 1, 4, Some(Verdict::Healthy));
    let mut mask = vec![0; 64 * 32];
    (10..20).for_each(|y| (20..40).for_each(|x| mask[y * 64 + x] = 255));
    let mask = MaskOutline::of(Picture::new(64, 32, 1, Samples::U8(mask)).unwrap()).unwrap();
    for draw in [query_png, |outcome: &Outcome, mask: Option<&MaskOutline>, most| {
        map_png(outcome, &outcome.difference, None, mask, most)
    }] {
        let read = |mask| image::load_from_memory(&draw(&outcome, mask, 320).unwrap()).unwrap().into_rgb8();
        let (plain, outlined) = (read(None), read(Some(&mask)));
        let by = plain.width() / 64;
        assert!(by > 1 && outlined.dimensions() == plain.dimensions());
        let differs = |x: u32, y: u32| plain.get_pixel(x, y) != outlined.get_pixel(x, y);
        for (x, y) in [(20, 15), (40, 15), (30, 10), (30, 20)] {
            assert!(differs(x * by, y * by), "the edge at {x}, {y}");
        }
        for (x, y) in [(30, 15), (5, 5), (50, 15)] {
            assert!(!differs(x * by, y * by), "no edge at {x}, {y}");
        }
    }
}

#[test]
fn a_difference_in_hue_alone_is_exported() {
    let mut outcome = outcome(8, 8, 3, 1, None);
    let hue = (0..192).map(|i| [0.2, 0.0, -0.2][i / 64]).collect();
    outcome.query = Arc::new(Planes::new(8, 8, 3, hue).unwrap());
    let difference = inspected(&outcome, &[]).difference(|_| 0.0);
    assert!(difference.iter().all(|v| (v.abs() - 0.4 / 3.0).abs() < 1e-6), "{difference:?}");
}
