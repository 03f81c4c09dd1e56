//! The module layers and the import cycles that ARCHITECTURE.md names, checked against the sources.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    files,
    imports::{Crate, cycles},
    read,
};

/// Maximum number of lines of a source file, tests included.
const FILE_LINES: usize = 700;

/// Returns the lines of the first fenced block below a heading of ARCHITECTURE.md.
fn block(heading: &str) -> Vec<String> {
    let text = read("ARCHITECTURE.md");
    let section = text.lines().skip_while(|line| line.trim_start_matches('#').trim() != heading).skip(1);
    let fenced = section.take_while(|line| !line.starts_with('#')).skip_while(|line| !line.starts_with("```")).skip(1);
    let lines: Vec<String> = fenced.take_while(|line| !line.starts_with("```")).map(str::to_owned).collect();
    assert!(!lines.is_empty(), "ARCHITECTURE.md has no block under '{heading}'");
    lines
}

/// Returns the layer of each top-level module, 0 at the top.
fn layers() -> BTreeMap<String, usize> {
    let mut layers = BTreeMap::new();
    for (layer, line) in block("Layers").iter().enumerate() {
        for module in line.split_whitespace() {
            layers.insert(module.to_owned(), layer);
        }
    }
    layers
}

fn top(file: &str) -> &str {
    file.trim_start_matches("src/").split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

#[test]
fn modules_import_only_from_layers_below() {
    let layers = layers();
    let layer =
        |file: &str| *layers.get(top(file)).unwrap_or_else(|| panic!("{file} belongs to no layer of ARCHITECTURE.md"));
    let mut upward = Vec::new();
    for (file, targets) in Crate::read().graph() {
        if file == "src/lib.rs" {
            continue;
        }
        for (target, names) in targets {
            if top(&file) != top(&target) && layer(&target) <= layer(&file) {
                upward.push(format!("{file} imports {names:?} from {target}"));
            }
        }
    }
    assert!(upward.is_empty(), "imports that do not lead to a lower layer:\n{}", upward.join("\n"));
    for module in layers.keys() {
        let exists = files("src", "rs").iter().any(|file| top(&file.to_string_lossy().replace('\\', "/")) == module);
        assert!(exists, "ARCHITECTURE.md names the module {module}, which does not exist");
    }
}

#[test]
fn import_cycles_are_listed_in_the_architecture() {
    let named: Vec<BTreeSet<String>> = block("Import cycles")
        .iter()
        .map(|line| {
            line.split(':').next().unwrap_or_default().split_whitespace().map(|file| format!("src/{file}")).collect()
        })
        .filter(|group: &BTreeSet<String>| group.len() > 1)
        .collect();
    let graph = Crate::read().graph();
    let found = cycles(&graph);
    let mut unknown = Vec::new();
    for group in found.iter().filter(|group| !named.contains(group)) {
        for file in group {
            for (target, names) in graph.get(file).into_iter().flatten().filter(|(target, _)| group.contains(*target)) {
                unknown.push(format!("{file} imports {names:?} from {target}"));
            }
        }
    }
    assert!(unknown.is_empty(), "files that import each other in a cycle:\n{}", unknown.join("\n"));
    for group in &named {
        assert!(found.contains(group), "ARCHITECTURE.md names a cycle that no longer exists: {group:?}");
    }
}

#[test]
fn no_source_file_is_too_long() {
    let long = files("src", "rs").into_iter().filter(|file| read(file).lines().count() > FILE_LINES);
    let long: Vec<String> = long.map(|file| file.display().to_string()).collect();
    assert!(long.is_empty(), "more than {FILE_LINES} lines: {}", long.join(", "));
}

#[test]
fn no_two_types_share_a_name() {
    let sources = Crate::read();
    let types = sources.types();
    let shared: Vec<String> =
        types.iter().filter(|(_, files)| files.len() > 1).map(|(name, files)| format!("{name}: {files:?}")).collect();
    assert!(shared.is_empty(), "{}", shared.join("\n"));
    assert!(types.len() > 200, "only {} types were found", types.len());
}
