//! Marks over the images and the readout of the pixel under the pointer.

use egui::{Align, Color32, Layout, Rect, RichText, Stroke, Ui, vec2};

use super::{
    raster::{DisplayMap, MapSource, grey_level},
    status::verdict_mark,
};
use crate::{
    engine::inspection::QueryView,
    inspect::{KeptFrame, Verdict, critic::embedding::SIDE, difference_of_pixel},
    ui::{
        theme,
        theme::Palette,
        widgets::{image_pane::Placement, ticks},
    },
};

/// Marks the corners of the highest-scoring crop, which starts at `(x, y)`.
pub(super) fn corner_marks(ui: &Ui, body: Rect, placed: &Placement, (x, y): (usize, usize), verdict: Verdict) {
    let p = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(body.intersect(ui.clip_rect()));
    let first = egui::pos2(x as f32, y as f32);
    let [from, to] = [first, first + vec2(SIDE as f32, SIDE as f32)].map(|at| placed.to_screen(at));
    let place = Rect::from_min_max(from, to);
    let arm = (place.width() / 5.0).clamp(3.0, 14.0);
    let colour = p.verdict(verdict_mark(verdict));
    for stroke in [Stroke::new(3.5, Color32::from_black_alpha(140)), Stroke::new(theme::CURVE, colour)] {
        for (corner, dx, dy) in [
            (place.left_top(), arm, arm),
            (place.right_top(), -arm, arm),
            (place.left_bottom(), arm, -arm),
            (place.right_bottom(), -arm, -arm),
        ] {
            painter.line(vec![corner + vec2(dx, 0.0), corner, corner + vec2(0.0, dy)], stroke);
        }
    }
}

/// Marks the pixel under the pointer with a cross.
pub(super) fn cross(ui: &Ui, body: Rect, placed: &Placement, (x, y): (usize, usize)) {
    let p = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(body.intersect(ui.clip_rect()));
    let at = placed.to_screen(egui::pos2(x as f32 + 0.5, y as f32 + 0.5));
    let (gap, reach) = (placed.scale.max(4.0) / 2.0 + 1.0, placed.scale.max(4.0) / 2.0 + 7.0);
    for stroke in [Stroke::new(3.0, Color32::from_black_alpha(140)), Stroke::new(theme::HAIRLINE, p.accent)] {
        for (dx, dy) in [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)] {
            painter.line_segment([at + vec2(dx, dy) * gap, at + vec2(dx, dy) * reach], stroke);
        }
    }
}

/// Draws one line with the values of the pixel under the pointer.
pub(super) fn readout(
    ui: &mut Ui,
    view: &QueryView,
    kept: Option<&KeptFrame>,
    source: &MapSource,
    at: Option<(usize, usize)>,
) {
    let p = Palette::of(ui);
    let query = &view.query;
    let index = at.map(|(x, y)| y * query.width() + x);
    let (plane, channels) = (query.pixels(), query.channels());
    let levels = |value: &dyn Fn(usize) -> f32| {
        index.map(|i| (0..channels).map(|c| grey_level(value(c * plane + i))).collect::<Vec<f32>>())
    };
    let q = levels(&|i| query.values().get(i).copied().unwrap_or_default());
    let r = kept.and_then(|kept| levels(&|i| kept.value(i)));
    let difference = q.as_ref().zip(r.as_ref()).map(|(q, r)| difference_of_pixel(q.iter().zip(r).map(|(q, r)| q - r)));
    let inspected = index.is_none_or(|i| source.value(i).is_some() || !source.is_available());
    let (width, unit) = match channels {
        3 => (66.0, "red, green and blue, 0 to 255"),
        _ => (30.0, "grey levels, 0 to 255"),
    };
    let signed = match difference {
        _ if !inspected => "ignored".to_owned(),
        Some(d) => format!("{d:+.1}").replace('-', "−"),
        None => "–".to_owned(),
    };
    let coordinate = |v: Option<usize>| v.map_or_else(|| "–".to_owned(), |v| v.to_string());
    let map_name = match source.kind {
        DisplayMap::Feature => Some("feature"),
        DisplayMap::Critic => Some("critic"),
        DisplayMap::Distance => Some("distance"),
        DisplayMap::Difference | DisplayMap::Signed => None,
    };
    let map = map_name.map(|name| (name, ticks::figure(index.and_then(|i| source.value(i))), 48.0));
    let cells = [
        ("x", coordinate(at.map(|a| a.0)), 28.0),
        ("y", coordinate(at.map(|a| a.1)), 28.0),
        ("image", level_text(q.as_deref()), width),
        ("reconstruction", level_text(r.as_deref()), width),
        ("difference", signed, 40.0),
    ];
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme::GAP_XS;
        for (name, value, width) in cells.into_iter().chain(map) {
            ui.label(theme::weak_caption(&p, name));
            ui.allocate_ui_with_layout(vec2(width, theme::ROW_TIGHT), Layout::right_to_left(Align::Center), |ui| {
                ui.set_min_width(width);
                ui.label(RichText::new(value).text_style(theme::caption()).color(p.text_strong));
            });
            ui.add_space(theme::GAP_M);
        }
        ui.add(egui::Label::new(theme::weak_caption(&p, unit)).truncate());
    });
}

/// Formats the level of a pixel, or the levels of its channels.
fn level_text(levels: Option<&[f32]>) -> String {
    match levels {
        Some([grey]) => format!("{grey:.1}"),
        Some(channels) => channels.iter().map(|v| format!("{v:.0}")).collect::<Vec<_>>().join(" "),
        None => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_levels_of_every_channel_are_read() {
        assert_eq!(level_text(Some(&[127.5])), "127.5");
        assert_eq!(level_text(Some(&[200.2, 0.0, 17.8])), "200 0 18");
        assert_eq!(level_text(None), "–");
    }
}
