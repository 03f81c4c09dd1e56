//! Reference of the command line as Markdown, generated from the argument definitions.

use std::fmt::Write;

use clap::{Arg, Command, builder::StyledStr};

/// First line of the reference.
const HEADER: &str = "<!-- Generated from the command line definition; do not edit. Update with \
                      `UPDATE_DOCS=1 cargo test --release --test repository`. -->";

/// Returns the reference of a command and all its subcommands.
pub(super) fn markdown(mut command: Command) -> String {
    command.build();
    let mut text = format!("{HEADER}\n\n# Command line\n\n{}\n\n", about(&command));
    let global: Vec<&Arg> = command.get_arguments().filter(|arg| arg.is_global_set()).collect();
    text.push_str("Options of every command:\n\n");
    table(&mut text, &global);
    text.push_str("Every command also has `--help`, and the program has `--version`. ");
    text.push_str("The exit code is 0 for success, 1 for a defect with `--fail-on-defect`, 2 for an error, ");
    text.push_str("and 3 when `inspect` or `watch --once` found an image that is not a picture of the part.\n");
    for subcommand in subcommands(&command) {
        section(&mut text, subcommand, 2);
    }
    text
}

/// Returns the subcommands, without `help`.
fn subcommands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|sub| sub.get_name() != "help")
}

/// Adds a section on a command, and one on each of its subcommands.
fn section(text: &mut String, command: &Command, level: usize) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    // Writing to a string does not fail.
    let _ = write!(text, "\n{} {name}\n\n{}\n\n", "#".repeat(level), about(command));
    let usage = command.clone().render_usage().to_string();
    let _ = write!(text, "```text\n{}\n```\n", usage.trim_start_matches("Usage:").trim());
    let own = |arg: &&Arg| !arg.is_global_set() && !matches!(arg.get_id().as_str(), "help" | "version");
    let arguments: Vec<&Arg> = command.get_arguments().filter(own).collect();
    if !arguments.is_empty() {
        text.push('\n');
        table(text, &arguments);
    }
    for subcommand in subcommands(command) {
        section(text, subcommand, level + 1);
    }
}

/// Adds a table of arguments: name with value, description, default.
fn table(text: &mut String, arguments: &[&Arg]) {
    text.push_str("| Option | Description | Default |\n|---|---|---|\n");
    for arg in arguments {
        let _ = writeln!(text, "| {} | {} | {} |", name(arg), description(arg), default(arg));
    }
    text.push('\n');
}

/// Returns the argument as it is typed: `--out <DIR>`, or `<PATHS>...` for a positional one.
fn name(arg: &Arg) -> String {
    let values = match (arg.get_value_names(), takes_value(arg)) {
        (Some(names), true) => names.iter().map(|name| format!("<{name}>")).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    };
    let name = match arg.get_long() {
        Some(long) => format!("--{long} {values}"),
        None if arg.get_num_args().is_some_and(|range| range.max_values() > 1) => format!("{values}..."),
        None => values,
    };
    format!("`{}`", cell(name.trim()))
}

/// Returns the help of an argument and its possible values.
fn description(arg: &Arg) -> String {
    let mut text = arg.get_help().map(plain).unwrap_or_default();
    let values: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|value| takes_value(arg) && !value.is_hide_set())
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}`: {}", value.get_name(), plain(help)),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    if !values.is_empty() {
        let _ = write!(text, "<br>{}", values.join("<br>"));
    }
    cell(&text)
}

/// Returns the default values of an argument, or "required", or nothing.
fn default(arg: &Arg) -> String {
    let values: Vec<String> = arg
        .get_default_values()
        .iter()
        .filter(|_| takes_value(arg))
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    if arg.is_required_set() { "required".to_owned() } else { cell(&values.join(", ")) }
}

/// Whether an argument takes a value, unlike a flag.
fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// Returns the description of a command.
fn about(command: &Command) -> String {
    command.get_about().map(plain).unwrap_or_default()
}

/// Returns a text of clap without styles and line breaks.
fn plain(text: &StyledStr) -> String {
    text.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Escapes a text for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
