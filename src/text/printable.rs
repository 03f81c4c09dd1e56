//! Names and paths for a terminal or the window: without control characters, and never more than one line.

use std::{
    borrow::Cow,
    ffi::OsStr,
    fmt,
    fmt::{Display, Write},
    path::Path,
};

/// Shows paths. [`Path::display`] is banned, because it passes control characters on and hides bytes that are not UTF-8.
pub(crate) trait PrintablePath {
    /// Shows the path on one line. Control characters, marks that change the direction of text, and bytes that are not UTF-8
    /// are escaped: `a\nb`, `\u{202e}`, `\xff`. The text is for reading; [`path_text`](super::path_text) keeps every path.
    fn printable(&self) -> Printable<'_>;
}

impl PrintablePath for Path {
    fn printable(&self) -> Printable<'_> {
        Printable(self.as_os_str())
    }
}

impl PrintablePath for OsStr {
    fn printable(&self) -> Printable<'_> {
        Printable(self)
    }
}

/// A path that is shown escaped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printable<'a>(&'a OsStr);

impl Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(self.0.len());
        for chunk in self.0.as_encoded_bytes().utf8_chunks() {
            chunk.valid().chars().try_for_each(|c| push(&mut text, c, false))?;
            chunk.invalid().iter().try_for_each(|byte| write!(text, "\\x{byte:02x}"))?;
        }
        f.pad(&text)
    }
}

/// Returns a text on one line, escaped like a path.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, false)
}

/// Returns a text escaped like a path, except that its line breaks are kept.
pub(crate) fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, true)
}

/// Returns JSON with the characters escaped, in the way of JSON, that act on a terminal; it means the same.
pub(crate) fn json_escaped(json: &str) -> Cow<'_, str> {
    // Controls other than the line breaks between its parts are escaped already.
    let acts = |c: char| is_escaped(c) && !c.is_ascii() || c == '\x7f';
    if !json.contains(acts) {
        return json.into();
    }
    let mut out = String::with_capacity(json.len() + 8);
    for c in json.chars() {
        match acts(c) {
            true => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
            false => out.push(c),
        }
    }
    out.into()
}

fn escaped(text: &str, keeps_lines: bool) -> Cow<'_, str> {
    if text.chars().all(|c| !is_escaped(c) || keeps_lines && c == '\n') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 8);
    // Writing to a string does not fail.
    let _ = text.chars().try_for_each(|c| push(&mut out, c, keeps_lines));
    out.into()
}

fn push(out: &mut String, c: char, keeps_lines: bool) -> fmt::Result {
    match c {
        '\n' if keeps_lines => out.write_char(c),
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        c if c.is_ascii() && is_escaped(c) => write!(out, "\\x{:02x}", u32::from(c)),
        c if is_escaped(c) => write!(out, "\\u{{{:x}}}", u32::from(c)),
        c => out.write_char(c),
    }
}

/// Whether a character acts on the terminal or the order of the text, or is invisible. Joiners are kept, because several
/// scripts need them.
pub(super) fn is_escaped(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_on_one_line_without_anything_that_acts() {
        for (name, shown) in [
            ("/parts/a b.png", "/parts/a b.png"),
            ("grüße ½ 部品 👩‍🔧.png", "grüße ½ 部品 👩‍🔧.png"),
            ("a\nhealthy  b.png", "a\\nhealthy  b.png"),
            ("\u{1b}[31mred\r\t\u{7f}", "\\x1b[31mred\\r\\t\\x7f"),
            ("\u{9b}31m\u{85}", "\\u{9b}31m\\u{85}"),
            ("gnp.\u{202e}a\u{2066}\u{200f}\u{feff}\u{2028}", "gnp.\\u{202e}a\\u{2066}\\u{200f}\\u{feff}\\u{2028}"),
        ] {
            assert_eq!(printable(name), shown);
            assert_eq!(Path::new(name).printable().to_string(), shown);
        }
        assert_eq!(printable_lines("a\nb\u{1b}"), "a\nb\\x1b");
        let json = serde_json::to_string("a\u{1b}\u{9b}\u{202e}\u{7f}\u{e0001}\n").unwrap();
        let escaped = json_escaped(&json);
        assert_eq!(escaped, r#""a\u001b\u009b\u202e\u007f\udb40\udc01\n""#);
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), serde_json::from_str::<String>(&json).unwrap());
        assert_eq!(format!("{:>5}|", Path::new("a").printable()), "    a|");
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_not_utf_8_are_told_apart() {
        use std::os::unix::ffi::OsStrExt;
        let shown = |bytes| OsStr::from_bytes(bytes).printable().to_string();
        assert_eq!(shown(b"part \xff.png"), "part \\xff.png");
        assert_eq!(shown(b"part \xfe\xc3.png"), "part \\xfe\\xc3.png");
    }
}
