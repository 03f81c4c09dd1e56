//! The look of the window: the only module that holds a colour or a shared size.

mod controls;
mod palette;
mod presentation;
mod sizes;
mod status_mark;
mod style;
mod text_styles;

pub use controls::{bar_margin, outline_check_boxes, primary_button, weak_caption};
pub use palette::Palette;
pub use presentation::PresentationSizes;
pub use sizes::*;
pub use status_mark::{StatusMark, paint_state, state_icon};
pub use style::{apply, install_fonts};
pub use text_styles::{caption, figure, section, verdict};
