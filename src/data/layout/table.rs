//! Reads the tables that spreadsheets write as text, in any code page and with any separator.

use std::{fs::File, io, io::Read, path::Path};

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_16BE, UTF_16LE, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253,
    WINDOWS_1254,
};

/// Largest table that is read, bytes.
const LIMIT: u64 = 64 << 20;

/// Code pages of spreadsheets that do not write Unicode, the most likely first.
const CODE_PAGES: [&Encoding; 9] =
    [WINDOWS_1252, SHIFT_JIS, GBK, WINDOWS_1250, WINDOWS_1251, EUC_KR, BIG5, WINDOWS_1253, WINDOWS_1254];

/// A row with its line in the file, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableRow {
    pub(super) line: u64,
    pub(super) cells: Vec<String>,
}

/// Reads a file as text, in each code page that it may be written in.
pub(super) fn texts(path: &Path) -> io::Result<Vec<String>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT {
        return Err(io::Error::other("the list is larger than 64 MiB"));
    }
    Ok(texts_of(&bytes))
}

fn texts_of(bytes: &[u8]) -> Vec<String> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return vec![encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned()];
    }
    // UTF-16 without a mark: most text is of characters whose upper byte is 0.
    let zeros = |offset: usize| bytes.iter().skip(offset).step_by(2).take(1 << 12).filter(|b| **b == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), bytes.len().min(1 << 13) / 2);
    if odd * 3 > half && even * 10 < odd {
        return vec![UTF_16LE.decode_without_bom_handling(bytes).0.into_owned()];
    }
    if even * 3 > half && odd * 10 < even {
        return vec![UTF_16BE.decode_without_bom_handling(bytes).0.into_owned()];
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return vec![text.to_owned()];
    }
    let decoded = CODE_PAGES.iter().map(|page| page.decode_without_bom_handling(bytes));
    decoded.filter(|(_, failed)| !failed).map(|(text, _)| text.into_owned()).collect()
}

/// Splits a text into rows, by each separator that may be meant, the most likely first.
pub(super) fn tables(text: &str, may_be_spaced: bool) -> Vec<Vec<TableRow>> {
    // Old spreadsheets end lines with a carriage return alone.
    let unified;
    let text = if text.contains('\n') || !text.contains('\r') {
        text
    } else {
        unified = text.replace('\r', "\n");
        &unified
    };
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let head = first.trim().trim_matches('"');
    if let Some(named) = head.get(..4).filter(|start| start.eq_ignore_ascii_case("sep=")).and(head.get(4..)) {
        // A tab may have been trimmed away.
        let separator = named.bytes().next().unwrap_or(b'\t');
        return vec![rows(rest, separator, 1)];
    }
    let mut found: Vec<Vec<TableRow>> =
        [b',', b';', b'\t', b'|'].iter().map(|&separator| rows(text, separator, 0)).collect();
    if may_be_spaced {
        let spaced = |(i, line): (usize, &str)| TableRow {
            line: i as u64 + 1,
            cells: line.split_whitespace().map(str::to_owned).collect(),
        };
        found.push(text.lines().enumerate().map(spaced).filter(|row| !row.cells.is_empty()).collect());
    }
    // The usual number of columns, and the number of rows that have as many.
    let shape = |rows: &Vec<TableRow>| {
        let mut widths: Vec<usize> = rows.iter().map(|row| row.cells.len()).collect();
        widths.sort_unstable();
        let usual = widths.get(widths.len() / 2).copied().unwrap_or(0);
        (usual, widths.iter().filter(|width| **width == usual).count())
    };
    found.retain(|rows| !rows.is_empty());
    // The separator that gives most columns, in most rows; the first of several.
    found.sort_by_key(|rows| std::cmp::Reverse(shape(rows)));
    found
}

/// Splits a text into rows by one separator; empty lines are left out.
fn rows(text: &str, separator: u8, skipped_lines: u64) -> Vec<TableRow> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(separator)
        .from_reader(text.as_bytes());
    // The position of a record is before the empty lines that precede it.
    let (mut line, mut counted_to) = (1 + skipped_lines, 0);
    let mut row = |record: csv::StringRecord| {
        let at = record.position().map_or(0, |position| position.byte() as usize).min(text.len());
        let empty = text.as_bytes()[at..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let breaks = text.as_bytes()[counted_to..at + empty].iter().filter(|b| **b == b'\n').count();
        (line, counted_to) = (line + breaks as u64, at + empty);
        TableRow { line, cells: record.iter().map(str::to_owned).collect() }
    };
    let mut rows = Vec::new();
    for record in reader.records() {
        let Ok(record) = record else { break };
        let row = row(record);
        if row.cells.iter().any(|cell| !cell.is_empty()) {
            rows.push(row);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<Vec<String>> {
        tables(text, false).swap_remove(0).into_iter().map(|row| row.cells).collect()
    }

    #[test]
    fn any_separator_is_recognised() {
        for text in [
            "a,b,c\n1,,2\n",
            "a;b;c\r\n1;;2\r\n",
            "a\tb\tc\n1\t\t2\n",
            "a|b|c\n1||2\n",
            "sep=;\na;b;c\n1;;2\n",
            "\"SEP=,\"\r\na,b,c\r\n1,,2\r\n",
            "sep=\t\na\tb\tc\n1\t\t2\n",
            "\"a\";\"b\";\"c\"\n\"1\";\"\";\"2\"\n",
            "a;b;c\r1;;2\r",
            "\n\na, b , c\n\n1,, 2\n",
        ] {
            assert_eq!(cells(text), [["a", "b", "c"], ["1", "", "2"]], "{text:?}");
        }
        assert_eq!(tables("sep=;\na;b\n\n1;2\n", false)[0][1].line, 4);
        // A comma within the fields of a list with semicolons.
        assert_eq!(cells("img;status\n\"a,b.png\";0,0\n"), [["img", "status"], ["a,b.png", "0,0"]]);
    }

    #[test]
    fn any_encoding_is_recognised() {
        let text = "Datei;Prüfung\nTeil ü.png;gut\n";
        let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        let (little, big) = (wide(u16::to_le_bytes), wide(u16::to_be_bytes));
        let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
        for bytes in [
            text.as_bytes().to_vec(),
            marked(b"\xef\xbb\xbf", text.as_bytes()),
            marked(b"\xff\xfe", &little),
            marked(b"\xfe\xff", &big),
            little,
            big,
            WINDOWS_1252.encode(text).0.into_owned(),
        ] {
            assert_eq!(texts_of(&bytes)[0], text, "{bytes:x?}");
        }
        let chinese = "图像,结果\n零件.png,不良\n";
        assert!(texts_of(&GBK.encode(chinese).0).iter().any(|text| text == chinese));
    }
}
