//! Generated documentation is up to date.

use std::fs;

use ganspect::files;

use crate::root;

/// Environment variable that makes the test rewrite stale files.
const UPDATE: &str = "UPDATE_DOCS";

#[test]
fn the_command_line_reference_is_up_to_date() {
    let path = root().join("docs/cli.md");
    let wanted = ganspect::cli::reference();
    let found = fs::read_to_string(&path).unwrap_or_default();
    if found == wanted {
        return;
    }
    if std::env::var(UPDATE).is_ok_and(|value| value == "1") {
        files::write_atomic(&path, wanted.as_bytes()).unwrap();
        return;
    }
    let differs = found.lines().zip(wanted.lines()).position(|(found, wanted)| found != wanted);
    let line = differs.unwrap_or(found.lines().count().min(wanted.lines().count())) + 1;
    panic!("docs/cli.md is out of date from line {line} on; run `{UPDATE}=1 cargo test --release --test repository`");
}
