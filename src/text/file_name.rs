//! Names of written files that come from names or texts of others.

use super::printable::is_escaped;

/// Longest name of a file on common file systems, bytes.
const LIMIT: usize = 255;

/// Characters that are not allowed in names, beside control characters. Others are kept, so that a file is named like the one
/// that it belongs to.
const REFUSED: &str = if cfg!(windows) { r#"/\:*?"<>|"# } else { "/" };

/// Names that Windows keeps for devices.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Returns `name` as part of a file name that has room for `more` further bytes: without characters that some file systems
/// refuse, and shortened with a hash of the whole name, so that two long names stay different.
pub(crate) fn file_name(name: &str, more: usize) -> String {
    let plain: String = name.chars().map(|c| if is_escaped(c) || REFUSED.contains(c) { '_' } else { c }).collect();
    let mut plain = plain.trim().trim_end_matches(['.', ' ']).to_owned();
    if plain.is_empty() {
        plain = "unnamed".into();
    }
    if cfg!(windows) && is_device(&plain) {
        plain.insert(0, '_');
    }
    let most = LIMIT.saturating_sub(more);
    if plain.len() > most {
        let hash = blake3::hash(name.as_bytes()).to_hex();
        let end = format!("-{}", hash.get(..10).unwrap_or_default());
        let cut = plain.floor_char_boundary(most.saturating_sub(end.len()));
        plain.truncate(cut);
        plain.push_str(&end);
    }
    plain
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered =
        |kind: &str| stem.strip_prefix(kind).is_some_and(|n| n.len() == 1 && n.chars().all(|c| c.is_ascii_digit()));
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_allowed_everywhere_and_long_ones_stay_different() {
        for (name, wanted) in [
            ("part 7", "part 7"),
            ("grüße", "grüße"),
            ("a/b\n\u{1b}\u{202e}", "a_b___"),
            ("..", "unnamed"),
            ("", "unnamed"),
            ("part. ", "part"),
        ] {
            assert_eq!(file_name(name, 9), wanted);
        }
        assert_eq!(file_name("say \"x\"?", 9), if cfg!(windows) { "say _x__" } else { "say \"x\"?" });
        assert!(is_device("nul") && is_device("COM1.x") && !is_device("console") && !is_device("com10"));
        for c in ["a", "ü", "部", "👩"] {
            let long = c.repeat(255);
            let [one, other] = ["1", "2"].map(|end| file_name(&format!("{long}{end}"), 9));
            assert!(one != other && one.len() <= 246 && one.len() > 230, "{one}");
        }
    }
}
