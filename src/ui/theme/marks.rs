//! The marks beside words: one enum per meaning, and one place that gives each meaning its shape and colour.
//!
//! The shapes and colours of verdicts say what a part is, and are used for nothing else.

use egui::{Align2, Color32, FontId, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, vec2};
use egui_material_icons::{MaterialIcon, icons};

use super::{palette::Palette, sizes::ICON};
use crate::engine::Severity;

/// What the model says of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VerdictMark {
    /// No verdict, or none yet.
    Unknown,
    /// Healthy.
    Healthy,
    /// Suspect.
    Suspect,
    /// Defective.
    Defective,
    /// Not a picture of this part.
    NotThisPart,
}

/// Whether a model is right about a part whose label is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutcomeMark {
    /// Right.
    Correct,
    /// Right, but close to the threshold.
    Borderline,
    /// Wrong.
    Wrong,
}

/// The severity of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoticeMark {
    /// Good to know.
    Information,
    /// Needs attention.
    Warning,
    /// Something failed.
    Error,
}

impl From<Severity> for NoticeMark {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Information,
            Severity::Warning => Self::Warning,
            Severity::Error => Self::Error,
        }
    }
}

/// How far a run, a test or the inspection of a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgressMark {
    /// Not started.
    Idle,
    /// Files are being read or written, or a device is being prepared.
    Preparing,
    /// Running.
    Running,
    /// Paused or stopped; it can be resumed.
    Paused,
    /// Finished.
    Finished,
    /// Stopped by an error.
    Failed,
}

/// The state of a record, a model or a run on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileMark {
    /// None is open.
    Closed,
    /// It will be created.
    New,
    /// Open.
    Open,
}

/// How well the two networks of a run are balanced; what needs attention has a [`NoticeMark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BalanceMark {
    /// No clear sign.
    Unclear,
    /// Balanced.
    Balanced,
}

/// What a reviewer did with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReviewMark {
    /// The verdict is being written to the record.
    Saving,
    /// Put off.
    Skipped,
    /// The reviewer is not sure.
    Unsure,
    /// The reviewer agrees with the model.
    Agreed,
    /// The reviewer disagrees with the model.
    Overruled,
}

/// How a fine-tuned model compares with the active one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ComparisonMark {
    /// Measurably better.
    Better,
    /// Measurably worse.
    Worse,
    /// No measurable difference.
    Unclear,
}

/// Any mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A verdict.
    Verdict(VerdictMark),
    /// The outcome of a test.
    Outcome(OutcomeMark),
    /// A message.
    Notice(NoticeMark),
    /// The progress of work.
    Progress(ProgressMark),
    /// The state of a file.
    File(FileMark),
    /// The balance of a run.
    Balance(BalanceMark),
    /// A reviewer's decision.
    Review(ReviewMark),
    /// A comparison of models.
    Comparison(ComparisonMark),
}

macro_rules! into_mark {
    ($($name:ident: $mark:ty),*) => {
        $(impl From<$mark> for Mark {
            fn from(mark: $mark) -> Self {
                Self::$name(mark)
            }
        })*
    };
}
into_mark!(
    Verdict: VerdictMark,
    Outcome: OutcomeMark,
    Notice: NoticeMark,
    Progress: ProgressMark,
    File: FileMark,
    Balance: BalanceMark,
    Review: ReviewMark,
    Comparison: ComparisonMark
);

/// The shape of a mark.
#[derive(Clone, Copy, Debug)]
enum MarkShape {
    Ring,
    Circle,
    Triangle,
    Diamond,
    Square,
    Tick,
    Wave,
    Cross,
    /// A glyph of the icon font.
    Glyph(&'static MaterialIcon),
}

impl VerdictMark {
    /// Name on screen and for assistive technology.
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

impl ReviewMark {
    /// Name on screen and for assistive technology.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Saving => "saving",
            Self::Skipped => "skipped",
            Self::Unsure => "unsure",
            Self::Agreed => "agreed",
            Self::Overruled => "overruled",
        }
    }
}

impl Mark {
    /// Name for assistive technology.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Verdict(mark) => mark.title(),
            Self::Outcome(OutcomeMark::Correct) => "correct",
            Self::Outcome(OutcomeMark::Borderline) => "borderline",
            Self::Outcome(OutcomeMark::Wrong) => "wrong",
            Self::Notice(NoticeMark::Information) => "Information",
            Self::Notice(NoticeMark::Warning) => "Warning",
            Self::Notice(NoticeMark::Error) => "Error",
            Self::Progress(ProgressMark::Idle) => "not started",
            Self::Progress(ProgressMark::Preparing) => "preparing",
            Self::Progress(ProgressMark::Running) => "running",
            Self::Progress(ProgressMark::Paused) => "paused",
            Self::Progress(ProgressMark::Finished) => "finished",
            Self::Progress(ProgressMark::Failed) => "failed",
            Self::File(FileMark::Closed) => "none open",
            Self::File(FileMark::New) => "to be created",
            Self::File(FileMark::Open) => "open",
            Self::Balance(BalanceMark::Unclear) => "no clear sign",
            Self::Balance(BalanceMark::Balanced) => "balanced",
            Self::Review(mark) => mark.title(),
            Self::Comparison(ComparisonMark::Better) => "better",
            Self::Comparison(ComparisonMark::Worse) => "worse",
            Self::Comparison(ComparisonMark::Unclear) => "no measurable difference",
        }
    }

    /// The one table of shapes.
    fn shape(self) -> MarkShape {
        let icon = match self {
            Self::Verdict(VerdictMark::Unknown) => return MarkShape::Ring,
            Self::Verdict(VerdictMark::Healthy) => return MarkShape::Circle,
            Self::Verdict(VerdictMark::Suspect) => return MarkShape::Triangle,
            Self::Verdict(VerdictMark::Defective) => return MarkShape::Diamond,
            Self::Verdict(VerdictMark::NotThisPart) => return MarkShape::Square,
            Self::Outcome(OutcomeMark::Correct) => return MarkShape::Tick,
            Self::Outcome(OutcomeMark::Borderline) => return MarkShape::Wave,
            Self::Outcome(OutcomeMark::Wrong) => return MarkShape::Cross,
            Self::Notice(NoticeMark::Information) => &icons::ICON_INFO_I,
            Self::Notice(NoticeMark::Warning) => &icons::ICON_PRIORITY_HIGH,
            Self::Notice(NoticeMark::Error) => &icons::ICON_REPORT,
            Self::Progress(ProgressMark::Idle) => &icons::ICON_MORE_HORIZ,
            Self::Progress(ProgressMark::Preparing) => &icons::ICON_HOURGLASS_EMPTY,
            Self::Progress(ProgressMark::Running) => &icons::ICON_DOUBLE_ARROW,
            Self::Progress(ProgressMark::Paused) => &icons::ICON_PAUSE,
            Self::Progress(ProgressMark::Finished) => &icons::ICON_FLAG,
            Self::Progress(ProgressMark::Failed) => &icons::ICON_BOLT,
            Self::File(FileMark::Closed) => &icons::ICON_FOLDER_OFF,
            Self::File(FileMark::New) => &icons::ICON_CREATE_NEW_FOLDER,
            Self::File(FileMark::Open) => &icons::ICON_FOLDER_OPEN,
            Self::Balance(BalanceMark::Unclear) => &icons::ICON_HORIZONTAL_RULE,
            Self::Balance(BalanceMark::Balanced) => &icons::ICON_MONITOR_HEART,
            Self::Review(ReviewMark::Saving) => &icons::ICON_SYNC,
            Self::Review(ReviewMark::Skipped) => &icons::ICON_SCHEDULE,
            Self::Review(ReviewMark::Unsure) => &icons::ICON_QUESTION_MARK,
            Self::Review(ReviewMark::Agreed) => &icons::ICON_THUMB_UP,
            Self::Review(ReviewMark::Overruled) => &icons::ICON_THUMB_DOWN,
            Self::Comparison(ComparisonMark::Better) => &icons::ICON_TRENDING_UP,
            Self::Comparison(ComparisonMark::Worse) => &icons::ICON_TRENDING_DOWN,
            Self::Comparison(ComparisonMark::Unclear) => &icons::ICON_TRENDING_FLAT,
        };
        MarkShape::Glyph(icon)
    }

    /// The one table of colours. Only verdicts, warnings and errors have one.
    fn colour(self, p: &Palette) -> Color32 {
        match self {
            Self::Verdict(mark) => p.verdict(mark),
            Self::Notice(mark) => p.notice(mark),
            Self::Progress(ProgressMark::Failed) => p.error,
            Self::Progress(ProgressMark::Running | ProgressMark::Finished)
            | Self::File(FileMark::Open)
            | Self::Balance(BalanceMark::Balanced)
            | Self::Outcome(OutcomeMark::Borderline) => p.text,
            Self::Outcome(OutcomeMark::Correct)
            | Self::Progress(_)
            | Self::File(_)
            | Self::Balance(BalanceMark::Unclear) => p.text_weak,
            Self::Outcome(OutcomeMark::Wrong) | Self::Review(_) | Self::Comparison(_) => p.text_strong,
        }
    }

    /// Whether it says that something failed.
    pub(crate) fn is_error(self) -> bool {
        matches!(self, Self::Notice(NoticeMark::Error) | Self::Progress(ProgressMark::Failed))
    }
}

impl Palette {
    /// Colour of a verdict.
    pub(crate) fn verdict(&self, mark: VerdictMark) -> Color32 {
        match mark {
            VerdictMark::Unknown => self.text_weak,
            VerdictMark::Healthy => self.healthy,
            VerdictMark::Suspect => self.suspect,
            VerdictMark::Defective => self.defective,
            VerdictMark::NotThisPart => self.text,
        }
    }

    /// Colour of a message's mark.
    pub(crate) fn notice(&self, mark: NoticeMark) -> Color32 {
        match mark {
            NoticeMark::Information => self.text,
            NoticeMark::Warning => self.warning,
            NoticeMark::Error => self.error,
        }
    }
}

/// Draws a mark's shape in its colour, `side` points wide.
pub(crate) fn paint_mark(painter: &egui::Painter, p: &Palette, mark: impl Into<Mark>, centre: Pos2, side: f32) {
    let mark = mark.into();
    let (r, colour) = (side / 2.0, mark.colour(p));
    let polygon = |corners: Vec<Vec2>| {
        Shape::convex_polygon(corners.into_iter().map(|at| centre + at * r).collect(), colour, Stroke::NONE)
    };
    let line = |points: Vec<Vec2>| {
        Shape::line(points.into_iter().map(|at| centre + at * r).collect(), Stroke::new(2.0, colour))
    };
    let shape = match mark.shape() {
        MarkShape::Ring => Shape::circle_stroke(centre, r * 0.8, Stroke::new(1.5, colour)),
        MarkShape::Circle => Shape::circle_filled(centre, r * 0.85, colour),
        MarkShape::Triangle => polygon(vec![vec2(0.0, -1.0), vec2(1.0, 0.8), vec2(-1.0, 0.8)]),
        MarkShape::Diamond => polygon(vec![vec2(0.0, -1.0), vec2(1.0, 0.0), vec2(0.0, 1.0), vec2(-1.0, 0.0)]),
        MarkShape::Square => Shape::rect_filled(Rect::from_center_size(centre, Vec2::splat(r * 1.5)), 0.0, colour),
        MarkShape::Tick => line(vec![vec2(-0.8, 0.1), vec2(-0.2, 0.7), vec2(0.8, -0.6)]),
        MarkShape::Wave => {
            line(vec![vec2(-0.9, 0.2), vec2(-0.5, -0.2), vec2(-0.1, 0.0), vec2(0.4, 0.25), vec2(0.9, -0.2)])
        }
        MarkShape::Cross => {
            painter.add(line(vec![vec2(-0.7, -0.7), vec2(0.7, 0.7)]));
            line(vec![vec2(-0.7, 0.7), vec2(0.7, -0.7)])
        }
        MarkShape::Glyph(icon) => {
            // A glyph fills less of its square than a shape.
            let font = FontId::new(side * 1.25, icon.font_family());
            painter.text(centre, Align2::CENTER_CENTER, icon.codepoint, font, colour);
            return;
        }
    };
    painter.add(shape);
}

/// A mark as a widget, with its accessible name.
pub(crate) fn mark_icon(ui: &mut Ui, mark: impl Into<Mark>) -> Response {
    let mark = mark.into();
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(ICON), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, mark.title()));
    paint_mark(ui.painter(), &Palette::of(ui), mark, rect.center(), ICON);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::theme::palette::contrast;

    const ALL: [Mark; 30] = [
        Mark::Verdict(VerdictMark::Unknown),
        Mark::Verdict(VerdictMark::Healthy),
        Mark::Verdict(VerdictMark::Suspect),
        Mark::Verdict(VerdictMark::Defective),
        Mark::Verdict(VerdictMark::NotThisPart),
        Mark::Outcome(OutcomeMark::Correct),
        Mark::Outcome(OutcomeMark::Borderline),
        Mark::Outcome(OutcomeMark::Wrong),
        Mark::Notice(NoticeMark::Information),
        Mark::Notice(NoticeMark::Warning),
        Mark::Notice(NoticeMark::Error),
        Mark::Progress(ProgressMark::Idle),
        Mark::Progress(ProgressMark::Preparing),
        Mark::Progress(ProgressMark::Running),
        Mark::Progress(ProgressMark::Paused),
        Mark::Progress(ProgressMark::Finished),
        Mark::Progress(ProgressMark::Failed),
        Mark::File(FileMark::Closed),
        Mark::File(FileMark::New),
        Mark::File(FileMark::Open),
        Mark::Balance(BalanceMark::Unclear),
        Mark::Balance(BalanceMark::Balanced),
        Mark::Review(ReviewMark::Saving),
        Mark::Review(ReviewMark::Skipped),
        Mark::Review(ReviewMark::Unsure),
        Mark::Review(ReviewMark::Agreed),
        Mark::Review(ReviewMark::Overruled),
        Mark::Comparison(ComparisonMark::Better),
        Mark::Comparison(ComparisonMark::Worse),
        Mark::Comparison(ComparisonMark::Unclear),
    ];

    /// Hue in degrees, or nothing for a grey.
    fn hue(c: Color32) -> Option<f64> {
        let [r, g, b] = [c.r(), c.g(), c.b()].map(f64::from);
        let (most, least) = (r.max(g).max(b), r.min(g).min(b));
        let spread = most - least;
        if spread < 8.0 {
            return None;
        }
        let sixth = if most == r {
            ((g - b) / spread).rem_euclid(6.0)
        } else if most == g {
            (b - r) / spread + 2.0
        } else {
            (r - g) / spread + 4.0
        };
        Some(sixth * 60.0)
    }

    #[test]
    fn no_two_meanings_share_a_shape_or_a_name() {
        for (i, a) in ALL.iter().enumerate() {
            for b in &ALL[i + 1..] {
                assert_ne!(format!("{:?}", a.shape()), format!("{:?}", b.shape()), "{a:?}, {b:?}");
                assert_ne!(a.title(), b.title(), "{a:?}, {b:?}");
            }
        }
    }

    #[test]
    fn the_hues_of_verdicts_mark_nothing_else() {
        for p in [Palette::new(true), Palette::new(false)] {
            let verdicts = [p.healthy, p.suspect, p.defective].map(|c| hue(c).unwrap());
            for mark in ALL.iter().filter(|mark| !matches!(mark, Mark::Verdict(_))) {
                let colour = mark.colour(&p);
                assert!(contrast(colour, p.panel) >= 3.0, "dark {}: {mark:?}", p.dark);
                let Some(own) = hue(colour) else { continue };
                for other in verdicts {
                    let apart = (own - other).abs().min(360.0 - (own - other).abs());
                    assert!(apart >= 15.0, "dark {}: {mark:?} at {own:.0}, a verdict at {other:.0}", p.dark);
                }
            }
        }
    }

    #[test]
    fn every_glyph_is_in_the_icon_font() {
        let ctx = egui::Context::default();
        crate::ui::theme::install_fonts(&ctx);
        let _ = ctx.run_ui(egui::RawInput::default(), |ui| {
            ui.ctx().fonts_mut(|fonts| {
                for mark in ALL {
                    if let MarkShape::Glyph(icon) = mark.shape() {
                        let font = FontId::new(ICON, icon.font_family());
                        assert!(fonts.has_glyphs(&font, icon.codepoint), "{mark:?}");
                    }
                }
            });
        });
    }
}
