//! The marks of states: healthy, suspect, defective, not this part or unknown.

use egui::{Color32, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, vec2};

use super::{palette::Palette, sizes::ICON};

/// A state, shown by colour and by shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatusMark {
    /// Not known yet: a grey ring.
    Unknown,
    /// Healthy: a blue circle.
    Healthy,
    /// Suspect: an amber triangle.
    Suspect,
    /// Defective: a vermilion diamond.
    Defective,
    /// Not a picture of this part: a grey square.
    NotThisPart,
}

impl StatusMark {
    /// Name for assistive technology.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Suspect => "suspect",
            Self::Defective => "defective",
            Self::NotThisPart => "not this part",
        }
    }
}

impl Palette {
    /// Colour of a state.
    pub(crate) fn state(&self, state: StatusMark) -> Color32 {
        match state {
            StatusMark::Unknown => self.text_weak,
            StatusMark::Healthy => self.healthy,
            StatusMark::Suspect => self.suspect,
            StatusMark::Defective => self.defective,
            StatusMark::NotThisPart => self.text,
        }
    }
}

/// Draws a state's shape in its colour, `side` points wide.
pub(crate) fn paint_state(painter: &egui::Painter, p: &Palette, state: StatusMark, centre: Pos2, side: f32) {
    let (r, colour) = (side / 2.0, p.state(state));
    let shape = match state {
        StatusMark::Unknown => Shape::circle_stroke(centre, r * 0.8, Stroke::new(1.5, colour)),
        StatusMark::Healthy => Shape::circle_filled(centre, r * 0.85, colour),
        StatusMark::Suspect => Shape::convex_polygon(
            vec![centre + vec2(0.0, -r), centre + vec2(r, r * 0.8), centre + vec2(-r, r * 0.8)],
            colour,
            Stroke::NONE,
        ),
        StatusMark::Defective => Shape::convex_polygon(
            vec![centre + vec2(0.0, -r), centre + vec2(r, 0.0), centre + vec2(0.0, r), centre + vec2(-r, 0.0)],
            colour,
            Stroke::NONE,
        ),
        StatusMark::NotThisPart => {
            Shape::rect_filled(Rect::from_center_size(centre, Vec2::splat(r * 1.5)), 0.0, colour)
        }
    };
    painter.add(shape);
}

/// A state's icon as a widget, with the state's name as its accessible name.
pub(crate) fn state_icon(ui: &mut Ui, state: StatusMark) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(ICON), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, state.title()));
    paint_state(ui.painter(), &Palette::of(ui), state, rect.center(), ICON);
    response
}
