//! The documentation: relative links are valid, and README.md stays short.

use std::path::{Path, PathBuf};

use crate::{files, read, root};

const README_LINES: usize = 150;

/// Returns the Markdown files of the repository.
fn documents() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(PathBuf::from).into();
    found.extend(files("docs", "md"));
    found
}

/// Returns the targets of all inline links and images outside code blocks.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        let mut rest = line;
        while let Some(start) = rest.find("](") {
            rest = &rest[start + 2..];
            let Some(end) = rest.find(')') else { break };
            found.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
    }
    found
}

/// Returns the anchors of a document's headings, as GitHub derives them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>().replace(' ', "-")
        })
        .collect()
}

/// Returns an error message if the link is broken.
fn broken(document: &Path, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() { document.to_path_buf() } else { document.parent().unwrap().join(path) };
    if !root().join(&target).exists() {
        return Some(format!("{}: {link} does not exist", document.display()));
    }
    if !anchor.is_empty() && !anchors(&read(&target)).iter().any(|found| found == anchor) {
        return Some(format!("{}: {link}: no such heading in {}", document.display(), target.display()));
    }
    None
}

#[test]
fn relative_links_are_valid() {
    let mut checked = 0;
    let mut wrong = Vec::new();
    for document in documents() {
        for link in links(&read(&document)) {
            checked += 1;
            wrong.extend(broken(&document, &link));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 20, "only {checked} links were found");
}

#[test]
fn broken_links_are_found() {
    let document = Path::new("docs/method.md");
    assert_eq!(links("[a](b.md) and ![c](../d.png)\n```\n[no](code)\n```"), ["b.md", "../d.png"]);
    assert!(broken(document, "no-such-page.md").is_some());
    assert!(broken(document, "../README.md#no-such-heading").is_some());
    assert_eq!(broken(document, "../README.md"), None);
    assert_eq!(anchors("# Two commands, please!\ntext"), ["two-commands-please"]);
}

#[test]
fn the_readme_stays_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= README_LINES, "README.md has {lines} lines, more than {README_LINES}: move details to docs/");
}
