//! Formats numbers for exported images.

/// Formats a number to about four significant digits, with thousands separators.
pub(crate) fn significant(value: f64) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    let size = value.abs();
    let text = match size {
        0.0 => return "0".into(),
        _ if size >= 1_000.0 => {
            let whole = format!("{size:.0}");
            let groups: Vec<&str> = {
                let head = whole.len() % 3;
                let (first, rest) = whole.split_at(head);
                std::iter::once(first)
                    .filter(|g| !g.is_empty())
                    .chain((0..rest.len() / 3).map(|i| &rest[3 * i..3 * i + 3]))
                    .collect()
            };
            groups.join(",")
        }
        _ if size >= 100.0 => format!("{size:.1}"),
        _ if size >= 10.0 => format!("{size:.2}"),
        _ if size >= 1.0 => format!("{size:.3}"),
        _ if size >= 1e-4 => format!("{size:.4}"),
        _ => format!("{size:.1e}"),
    };
    if value < 0.0 { format!("−{text}") } else { text }
}

/// As [`significant`], without trailing zeros.
pub(crate) fn trimmed(value: f64) -> String {
    let text = significant(value);
    if !text.contains('.') || text.contains('e') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').into()
}
