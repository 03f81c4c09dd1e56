//! Files of an earlier version open and give the same numbers; command-line options, exit codes and keys are unchanged.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command as Process,
};

use clap::CommandFactory;
use ganspect::{
    cli::Arguments,
    train::{KNOBS, Recipe},
};
use serde_json::Value;

const EARLIER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/version-0.1");

/// Relative tolerance of comparisons: processors sum in different orders.
const ROUNDING: f64 = 0.01;

fn earlier(name: &str) -> PathBuf {
    Path::new(EARLIER).join(name)
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Runs the program on the CPU, checks its exit code and returns its output.
fn program(folder: &Path, arguments: &[&str], code: i32) -> String {
    let mut process = Process::new(env!("CARGO_BIN_EXE_ganspect"));
    let output = process.current_dir(folder).args(["--device", "cpu"]).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn assert_close(what: &str, now: f64, then: f64) {
    assert!((now - then).abs() <= ROUNDING * then.abs().max(0.1), "{what}: {now}, but {then} in the earlier version");
}

#[test]
fn a_run_of_an_earlier_version_resumes_with_the_same_numbers_under_the_same_tags() {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&earlier("run"), &folder.path().join("run"));
    let resume = ["train", "--resume", "run", "--steps", "8", "--set", "train.model_at_end=false"];
    program(folder.path(), &resume, 0);
    program(folder.path(), &["runs", "export", "run", "--out", "now.json"], 0);
    let (now, then) = (json(&folder.path().join("now.json")), json(&earlier("resumed-run.json")));
    for kind in ["scalars", "images", "histograms", "texts"] {
        let tags = |log: &Value| log[kind].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(tags(&now), tags(&then), "{kind}");
    }
    let mut compared = 0;
    for (tag, series) in then["scalars"].as_object().unwrap().iter().filter(|(tag, _)| !tag.starts_with("speed/")) {
        let points = |series: &Value| series.as_array().unwrap().clone();
        let (now, then) = (points(&now["scalars"][tag]), points(series));
        assert_eq!(now.len(), then.len(), "{tag}");
        for (now, then) in now.iter().zip(&then) {
            assert_eq!(now[0], then[0], "{tag}");
            if let (Some(now), Some(then)) = (now[1].as_f64(), then[1].as_f64()) {
                assert_close(tag, now, then);
                compared += 1;
            }
        }
    }
    assert!(compared > 50, "only {compared} values were compared");
}

#[test]
fn the_model_of_an_earlier_version_gives_the_same_numbers_under_the_same_keys() {
    let arguments = ["inspect", "--model", "turned.ganspect", "--json", "crack-000.png", "good-000.png"];
    let lines = |text: &str| text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>();
    let now = lines(&program(Path::new(EARLIER), &arguments, 0));
    let then = lines(&fs::read_to_string(earlier("inspected.jsonl")).unwrap());
    assert_eq!((now.len(), then.len()), (2, 2));
    for (now, then) in now.iter().zip(&then) {
        // The statistics of the whole frame are new among the scores, and the anomaly regions with their rule are new.
        let new = ["frame", "regions", "region_rule"];
        let keys = |value: &Value| {
            value.as_object().unwrap().keys().filter(|key| !new.contains(&key.as_str())).cloned().collect::<Vec<_>>()
        };
        for part in ["", "/knobs", "/scores", "/records/0"] {
            assert_eq!(keys(now.pointer(part).unwrap()), keys(then.pointer(part).unwrap()), "{part}");
        }
        for exact in ["model", "hash", "verdict", "p", "n", "rate", "tiles", "steps", "knobs"] {
            assert_eq!(now[exact], then[exact], "{exact}");
        }
        for (name, then) in then["scores"].as_object().unwrap() {
            // A score that the model lacks was 0; it is null now.
            match (now["scores"][name].as_f64(), then.as_f64().unwrap()) {
                (Some(now), then) => assert_close(name, now, then),
                (None, then) => assert_eq!(then, 0.0, "{name}"),
            }
        }
    }
}

/// Returns the rows of a CSV file by column, without the wording of the verdict, which may change.
fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        let cells = head.iter().zip(row.iter()).map(|(column, cell)| (column.clone(), cell.to_owned()));
        // The record does not say whether a file still exists.
        cells.filter(|(column, _)| column != "words" && column != "missing").collect()
    });
    rows.collect()
}

#[test]
fn the_record_of_an_earlier_version_is_exported_as_before() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(earlier("record.sqlite"), folder.path().join("record.sqlite")).unwrap();
    program(folder.path(), &["review", "export", "--db", "record.sqlite", "--out", "out", "--format", "csv"], 0);
    let (mut now, mut then) = (table(&folder.path().join("out/review.csv")), table(&earlier("review.csv")));
    // Scores that no model had are empty.
    for row in &mut now {
        assert_eq!(["critic_line", "texture"].map(|column| row.remove(column)), [const { Some(String::new()) }; 2]);
    }
    // A score that the model lacks was 0; its cell is empty now.
    for cell in then.iter_mut().filter_map(|row| row.get_mut("critic_pattern")).filter(|cell| *cell == "0") {
        cell.clear();
    }
    assert_eq!(now, then);
    assert_eq!(now.len(), 9);
    let listed = program(folder.path(), &["review", "list", "--db", "record.sqlite"], 0);
    assert_eq!(listed.lines().filter(|line| line.contains("/parts/")).count(), 9, "{listed}");
}

#[test]
fn a_recipe_of_an_earlier_version_keeps_every_key_and_value() {
    let text = fs::read_to_string(earlier("run/recipe.toml")).unwrap();
    let recipe = Recipe::from_toml(&text).unwrap();
    let written: toml::Table = recipe.to_toml().parse().unwrap();
    // Apart from knobs of later versions.
    let mut then = written.clone();
    for (group, knob) in [("data", "bit_depth"), ("critic", "drop_outliers"), ("critic", "pretrained")] {
        assert!(then[group].as_table_mut().unwrap().remove(knob).is_some(), "{knob}");
    }
    assert_eq!(then, text.parse::<toml::Table>().unwrap());
    // Every value in the file is a knob, and every knob is in the file.
    let mut keys = Vec::new();
    for (group, value) in &written {
        match value {
            toml::Value::Table(table) => keys.extend(table.keys().map(|key| format!("{group}.{key}"))),
            _ => keys.push(group.clone()),
        }
    }
    let mut knobs: Vec<&str> = KNOBS.iter().map(|knob| knob.key).collect();
    keys.sort();
    knobs.sort_unstable();
    assert_eq!(keys, knobs);
}

/// Lists every command with its options, their short forms and values, one per line.
fn command_line(command: &clap::Command, path: &str, lines: &mut Vec<String>) {
    lines.push(path.to_owned());
    let mut options = Vec::new();
    for argument in command.get_arguments() {
        let Some(long) = argument.get_long() else { continue };
        let mut line = format!("    --{long}");
        if let Some(short) = argument.get_short() {
            line.push_str(&format!(" -{short}"));
        }
        if argument.get_action().takes_values() {
            for value in argument.get_possible_values() {
                line.push_str(&format!(" {}", value.get_name()));
            }
        }
        options.push(line);
    }
    options.sort();
    lines.extend(options);
    for child in command.get_subcommands().filter(|child| child.get_name() != "help") {
        command_line(child, &format!("{path} {}", child.get_name()), lines);
    }
}

#[test]
fn every_command_option_and_value_of_an_earlier_version_is_still_there() {
    let mut command = Arguments::command();
    command.build();
    let mut now = Vec::new();
    command_line(&command, "ganspect", &mut now);
    let then = fs::read_to_string(earlier("command-line.txt")).unwrap();
    // Every option must follow the heading of its command; new ones may come between, and an option may have new values.
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let holds = |now: &str, then: &str| {
        let (now, then) = (words(now), words(then));
        now.first() == then.first() && then.iter().all(|word| now.contains(word))
    };
    let mut at = 0;
    for line in then.lines() {
        let heading = !line.starts_with(' ');
        let found = now[at..].iter().position(|found| if heading { found == line } else { holds(found, line) });
        at += found.unwrap_or_else(|| panic!("'{line}' is missing; the command line is now\n{}", now.join("\n"))) + 1;
    }
}

#[test]
fn exit_codes_tell_scripts_what_happened() {
    let folder = Path::new(EARLIER);
    let inspect = ["inspect", "--model", "built-in", "--csv", "--fail-on-defect"];
    program(folder, &[&inspect[..], &["good-000.png"]].concat(), 0);
    program(folder, &[&inspect[..], &["crack-000.png"]].concat(), 1);
    program(folder, &[&inspect[..], &["good-000.png", "README.md"]].concat(), 2);
    program(folder, &["inspect", "--no-such-option"], 2);
}
