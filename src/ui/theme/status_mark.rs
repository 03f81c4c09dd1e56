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

/// Whether a model is right about a part whose label is known. Shapes of their own, without a state's colour: a state
/// says what a part is, this says how the model did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutcomeMark {
    /// Right: a tick.
    Correct,
    /// Right, but close to the threshold: a wave.
    Borderline,
    /// Wrong: a cross.
    Wrong,
}

/// Draws the mark of an outcome, `side` points wide.
pub(crate) fn paint_outcome(painter: &egui::Painter, p: &Palette, mark: OutcomeMark, centre: Pos2, side: f32) {
    let r = side / 2.0;
    let line = |colour, points: Vec<Vec2>| {
        painter.add(Shape::line(points.into_iter().map(|at| centre + at * r).collect(), Stroke::new(2.0, colour)));
    };
    match mark {
        OutcomeMark::Correct => line(p.text_weak, vec![vec2(-0.8, 0.1), vec2(-0.2, 0.7), vec2(0.8, -0.6)]),
        OutcomeMark::Borderline => {
            line(p.text, vec![vec2(-0.9, 0.2), vec2(-0.5, -0.2), vec2(-0.1, 0.0), vec2(0.4, 0.25), vec2(0.9, -0.2)])
        }
        OutcomeMark::Wrong => {
            line(p.text_strong, vec![vec2(-0.7, -0.7), vec2(0.7, 0.7)]);
            line(p.text_strong, vec![vec2(-0.7, 0.7), vec2(0.7, -0.7)]);
        }
    }
}

/// A state's icon as a widget, with the state's name as its accessible name.
pub(crate) fn state_icon(ui: &mut Ui, state: StatusMark) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(ICON), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, state.title()));
    paint_state(ui.painter(), &Palette::of(ui), state, rect.center(), ICON);
    response
}
