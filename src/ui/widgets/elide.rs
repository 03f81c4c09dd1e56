//! Names and paths that are too long for their place, cut in the middle: the beginning says what it is, the end which.

use std::{collections::HashSet, path::Path, sync::Arc};

use egui::{Color32, FontId, Galley, Label, Response, Role, TextStyle, Ui, WidgetInfo};

use crate::text::PrintablePath;

/// Returns the text, with an ellipsis in its middle if it does not fit.
pub(crate) fn elide(text: &str, fits: impl Fn(&str) -> bool) -> String {
    if fits(text) {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let kept = |n: usize| -> String {
        let (head, tail) = (n / 2, n - n / 2);
        chars[..head].iter().chain(['…'].iter()).chain(&chars[chars.len() - tail..]).collect()
    };
    let (mut low, mut high) = (0, chars.len());
    // The largest number of characters that fits.
    while low + 1 < high {
        let middle = usize::midpoint(low, high);
        if fits(&kept(middle)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    kept(low)
}

/// Returns the text as it fits into this width.
pub(crate) fn elided_text(ui: &Ui, text: &str, font: &FontId, width: f32) -> String {
    elide(text, |text| {
        let galley = ui.painter().layout_no_wrap(text.to_owned(), font.clone(), Color32::PLACEHOLDER);
        galley.size().x <= width
    })
}

/// Lays out a name on one line of this width.
pub(crate) fn elided(ui: &Ui, text: &str, font: FontId, colour: Color32, width: f32) -> Arc<Galley> {
    let text = elided_text(ui, text, &font, width.max(0.0));
    ui.painter().layout_no_wrap(text, font, colour)
}

/// Draws a name over the rest of the row. The whole name is its tooltip if it is cut, and its accessible name.
pub(crate) fn name_label(ui: &mut Ui, name: &str, style: TextStyle, colour: Color32) -> Response {
    let galley = elided(ui, name, style.resolve(ui.style()), colour, ui.available_width());
    let cut = galley.text() != name;
    let response = ui.add(Label::new(galley));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, name));
    if cut { response.on_hover_text(name) } else { response }
}

/// Returns the names that occur more than once.
pub(crate) fn repeated<'a>(names: impl Iterator<Item = &'a str>) -> HashSet<&'a str> {
    let mut seen = HashSet::new();
    names.filter(|name| !seen.insert(*name)).collect()
}

/// Returns the name of a file, with its folder before it where the name alone is not unique.
pub(crate) fn distinct_name(name: &str, path: Option<&Path>, repeated: bool) -> String {
    let folder = path.and_then(Path::parent).and_then(Path::file_name).filter(|_| repeated);
    folder.map_or_else(|| name.to_owned(), |folder| format!("{}/{name}", folder.printable()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_in_the_middle_to_what_fits() {
        let to = |n: usize| move |text: &str| text.chars().count() <= n;
        assert_eq!(elide("part-0001.png", to(13)), "part-0001.png");
        assert_eq!(elide("line-3-camera-2-part-000123.png", to(13)), "line-3…23.png");
        assert_eq!(elide("größere-Teile-0001.png", to(11)), "größe…1.png");
        assert_eq!(elide("part", to(1)), "…");
        assert_eq!(elide("part", to(0)), "…", "a name is never nothing");
        assert_eq!(elide("", to(0)), "");
        for n in 1..40 {
            let text = elide("/data/2026/line-3/camera-2/000123.png", to(n));
            assert!(text.chars().count() <= n && (n < 8 || text.ends_with("png")), "{n}: {text}");
        }
    }

    #[test]
    fn the_folder_tells_equal_names_apart() {
        let names = ["a.png", "b.png", "a.png", "a.png"];
        assert_eq!(repeated(names.into_iter()), HashSet::from(["a.png"]));
        let path = Path::new("/parts/crack/000.png");
        assert_eq!(distinct_name("000.png", Some(path), true), "crack/000.png");
        assert_eq!(distinct_name("000.png", Some(path), false), "000.png");
        assert_eq!(distinct_name("pasted 1", None, true), "pasted 1");
        assert_eq!(distinct_name("000.png", Some(Path::new("000.png")), true), "000.png");
    }
}
