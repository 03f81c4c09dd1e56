//! Helvetica, a standard font of every PDF viewer: encoding, text width and line wrapping.

/// Widths of the characters from space to tilde, in thousandths of the font size (Adobe's metrics).
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];

/// Width assumed for any other character.
const OTHER_WIDTH: u16 = 600;

/// Encodes a character in WinAnsi, as a question mark if it is not available.
fn encode_char(c: char) -> u8 {
    match c {
        ' '..='~' | '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(c)).unwrap_or(b'?'),
        '€' => 0x80,
        '…' => 0x85,
        '‘' => 0x91,
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        '•' => 0x95,
        '–' => 0x96,
        '—' => 0x97,
        c if c.is_whitespace() => b' ',
        _ => b'?',
    }
}

/// Encodes a text in WinAnsi.
pub(super) fn encode(text: &str) -> Vec<u8> {
    text.chars().map(encode_char).collect()
}

/// Returns the width of a text at this font size, points.
pub(super) fn width(text: &str, size: f32) -> f32 {
    let one = |c: char| {
        let index = usize::from(encode_char(c)).checked_sub(32);
        index.and_then(|i| WIDTHS.get(i)).copied().unwrap_or(OTHER_WIDTH)
    };
    text.chars().map(|c| f32::from(one(c))).sum::<f32>() * size / 1_000.0
}

/// Wraps a text into lines no wider than `max_width` points, splitting words that are too long.
pub(super) fn wrap(text: &str, size: f32, max_width: f32) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if width(&joined, size) <= max_width {
                line = joined;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for c in word.chars() {
                line.push(c);
                if width(&line, size) > max_width && line.chars().count() > 1 {
                    line.pop();
                    lines.push(std::mem::replace(&mut line, c.to_string()));
                }
            }
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_one_byte_each() {
        assert_eq!(encode("Grüße – 5 €\nΩ"), b"Gr\xfc\xdfe \x96 5 \x80 ?");
        assert!((width("Hello", 10.0) - 22.78).abs() < 1e-3);
    }

    #[test]
    fn lines_are_no_wider_than_the_paper() {
        let text =
            "a scratch along the rim, seen under the second lamp only\n\nand/a/path/without/any/space/in/it/at/all.png";
        let lines = wrap(text, 10.0, 100.0);
        assert!(lines.iter().all(|line| width(line, 10.0) <= 100.0), "{lines:?}");
        let joined: String = lines.concat().chars().filter(|c| !c.is_whitespace()).collect();
        assert_eq!(joined, text.chars().filter(|c| !c.is_whitespace()).collect::<String>());
        assert!(lines.contains(&String::new()));
        assert_eq!(wrap("x", 10.0, 1.0), ["x"]);
    }
}
