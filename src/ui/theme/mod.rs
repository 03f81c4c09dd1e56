//! The look of the window: the only module that holds a colour or a shared size.

mod controls;
mod marks;
mod palette;
mod presentation;
mod sizes;
mod style;
mod text_styles;

pub(crate) use controls::{bar_margin, outline_check_boxes, primary_button, weak_caption};
pub(crate) use marks::{
    BalanceMark, ComparisonMark, FileMark, Mark, NoticeMark, OutcomeMark, ProgressMark, ReviewMark, VerdictMark,
    mark_icon, paint_mark,
};
pub(crate) use palette::Palette;
pub(crate) use presentation::PresentationSizes;
pub(crate) use sizes::*;
pub(crate) use style::{apply, install_fonts};
pub(crate) use text_styles::{caption, figure, section, verdict};
