//! How everything looks: the only file that holds a colour or a size.
//!
//! Greys carry no tint, so that the eye can judge the grey of a surface beside them. One accent marks
//! what can be acted on; state is told by colour and shape, from the colour-blind-safe set of Okabe and
//! Ito; G and D keep one hue each wherever they appear.

use egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Margin, Pos2, Rect, Response, RichText, Role, Sense, Shape,
    Stroke, Style, TextStyle, Theme, Ui, Vec2, Visuals, WidgetInfo, epaint, pos2, style::WidgetVisuals, vec2,
};

use crate::train::history::Metric;

/// Gap between parts of one control, points.
pub const GAP_XS: f32 = 4.0;
/// Gap between controls.
pub const GAP_S: f32 = 8.0;
/// Margin inside a panel.
pub const GAP_M: f32 = 12.0;
/// Gap between groups.
pub const GAP_L: f32 = 16.0;
/// Gap between sections of a page.
pub const GAP_XL: f32 = 24.0;
/// Height of a row that holds controls.
pub const ROW: f32 = 28.0;
/// Height of a row of a table.
pub const ROW_TIGHT: f32 = 18.0;
/// Width of the rail.
pub const RAIL: f32 = 48.0;
/// Least width of a side panel.
pub const PANEL_MIN: f32 = 280.0;
/// Width of a side panel where the workspace is [`ROOMY`].
pub const PANEL: f32 = 306.0;
/// Width of a workspace from which nothing need be narrow.
pub const ROOMY: f32 = 1200.0;
/// Greatest width of a side panel.
pub const PANEL_MAX: f32 = 360.0;
/// Widest column of text on a page.
pub const TEXT_MAX: f32 = 640.0;
/// Side of an icon that states something.
pub const ICON: f32 = 12.0;
/// Side of an icon on a button.
pub const ICON_BUTTON: f32 = 16.0;
/// Radius of corners.
pub const RADIUS: u8 = 4;
/// Width of hairlines.
pub const HAIRLINE: f32 = 1.0;
/// Width of a curve.
pub const CURVE: f32 = 1.5;
/// Width of a curve that stands behind another.
pub const CURVE_FAINT: f32 = 1.0;
/// Height of a control within a row.
pub const CONTROL: f32 = 22.0;
/// Height of the heading of a tile.
pub const TILE_HEAD: f32 = 20.0;
/// Width kept for the labels of a vertical axis.
pub const AXIS: f32 = 40.0;
/// Width of a column of figures in the table of values.
pub const FIGURE_COLUMN: f32 = 46.0;
/// Height of a row in the table of values.
pub const ROW_VALUE: f32 = 15.0;
/// Least width of a column of curves.
pub const TILE_WIDE: f32 = 200.0;
/// Least height of a tile of curves.
pub const TILE_LEAST: f32 = 120.0;
/// Least width of a column of the table of values.
pub const VALUES_WIDE: f32 = 200.0;
/// Gap between pictures of a grid.
pub const PICTURE_GAP: f32 = 2.0;
/// Side of the tag on a chosen picture.
pub const TAG: f32 = 14.0;
/// Height of the latent walk.
pub const WALK: f32 = 148.0;
/// Width of the field that holds a knob's number.
pub const VALUE: f32 = 64.0;
/// Width of a knob's choice between words.
pub const CHOICE: f32 = 112.0;
/// Height of a knob's slider.
pub const SLIDER: f32 = 14.0;
/// Height of the line that tells a run's health.
pub const HEALTH: f32 = 20.0;
/// Least width of the curves.
pub const CURVES_LEAST: f32 = 340.0;
/// Least width of the samples.
pub const SAMPLES_LEAST: f32 = 300.0;
/// Height of what an empty place says.
pub const EMPTY_PLACE: f32 = 72.0;
/// Width of the list of queries.
pub const QUERIES: f32 = 184.0;
/// Height of a row of that list.
pub const QUERY_ROW: f32 = 48.0;
/// Side of a query's thumbnail.
pub const THUMBNAIL: f32 = 40.0;
/// Width of a colour bar with its figures.
pub const COLOUR_BAR: f32 = 52.0;
/// Width of the bar itself.
pub const COLOUR_BAR_INNER: f32 = 12.0;
/// Share of the height that the convergence takes, where that is more than its least height.
pub const CONVERGENCE_SHARE: f32 = 0.36;
/// Least height of the convergence under the pictures.
pub const CONVERGENCE: f32 = 196.0;
/// Least height of the pictures over it.
pub const PICTURES_LEAST: f32 = 200.0;
/// Width of a slider in a toolbar.
pub const SLIDER_SHORT: f32 = 48.0;
/// Width of a toolbar under which its choices are narrow.
pub const TOOLBAR_ROOMY: f32 = 560.0;
/// Height of a row of tested images.
pub const TEST_ROW: f32 = 36.0;
/// Side of a tested image's thumbnail.
pub const TEST_THUMBNAIL: f32 = 32.0;
/// Width of that table from which its columns are wide.
pub const TABLE_ROOMY: f32 = 560.0;
/// Width of the column that says how an image came out.
pub const OUTCOME: f32 = 158.0;
/// The same where there is little screen.
pub const OUTCOME_NARROW: f32 = 92.0;
/// Width of the column of kinds of defect.
pub const KIND: f32 = 96.0;
/// The same where there is little screen.
pub const KIND_NARROW: f32 = 60.0;
/// Share of the Evaluate workspace that its plots take.
pub const PLOTS_SHARE: f32 = 0.27;
/// Least width of those plots.
pub const PLOTS_LEAST: f32 = 248.0;
/// Greatest width of those plots.
pub const PLOTS_MOST: f32 = 560.0;
/// Width kept for the labels of a vertical axis in percent.
pub const AXIS_PERCENT: f32 = 34.0;
/// Width of the names of the confusion matrix's rows.
pub const MATRIX_NAMES: f32 = 56.0;
/// Height of a row of that matrix.
pub const MATRIX_ROW: f32 = 42.0;
/// Width of the bar beside a score.
pub const SCORE_BAR: f32 = 64.0;
/// Width of an interval.
pub const INTERVAL: f32 = 84.0;
/// Width of "12 of 20".
pub const CAUGHT: f32 = 64.0;
/// Width of the time that a test takes yet.
pub const TIME_LEFT: f32 = 112.0;
/// Width of a button that begins something on an empty page.
pub const CHOICE_BUTTON: f32 = 224.0;
/// Greatest height of an empty page that offers something.
pub const EMPTY_COLUMN: f32 = 380.0;
/// Width of the names of the rows of forged crops.
pub const ROW_NAMES: f32 = 52.0;
/// Height of the forged crops on a page that is about something else.
pub const FORGED: f32 = 312.0;
/// Least height of what stands above them.
pub const OVER_FORGED: f32 = 320.0;
/// Height of the histograms strip.
pub const STRIP: f32 = 132.0;

/// Height of the filmstrip of parts under review.
pub const FILM: f32 = 96.0;
/// Width of a part on it.
pub const FILM_CELL: f32 = 76.0;
/// Side of its picture.
pub const FILM_PICTURE: f32 = 56.0;
/// Height of the row of verdicts.
pub const VERDICTS: f32 = 44.0;

const CAPTION_SIZE: f32 = 11.0;
const BODY_SIZE: f32 = 13.0;
const SECTION_SIZE: f32 = 15.0;
const FIGURE_SIZE: f32 = 20.0;
const VERDICT_SIZE: f32 = 28.0;

/// Text of axes and captions, 11 points.
pub fn caption() -> TextStyle {
    TextStyle::Small
}

/// Headings of sections, 15 points.
pub fn section() -> TextStyle {
    TextStyle::Name("section".into())
}

/// Figures that a panel is about, 20 points.
pub fn figure() -> TextStyle {
    TextStyle::Heading
}

/// The verdict, 28 points.
pub fn verdict() -> TextStyle {
    TextStyle::Name("verdict".into())
}

/// Sizes of a presentation, points: they grow with the screen, so that it is read from the back of a screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PresentationSizes {
    unit: f32,
}

impl PresentationSizes {
    /// For a screen of this size.
    pub fn of(screen: Vec2) -> Self {
        let fitting = (screen.x / 1024.0).min(screen.y / 640.0).clamp(0.25, 16.0);
        // In steps, since each size of type has glyphs of its own.
        Self { unit: (fitting * 16.0).floor() / 16.0 }
    }

    /// Margin of the screen.
    pub fn margin(&self) -> f32 {
        24.0 * self.unit
    }

    /// Gap between pictures.
    pub fn gap(&self) -> f32 {
        16.0 * self.unit
    }

    /// Height of the line at the top.
    pub fn head(&self) -> f32 {
        36.0 * self.unit
    }

    /// Height of a caption, and of the hint at the foot.
    pub fn caption(&self) -> f32 {
        24.0 * self.unit
    }

    /// Height of a line of figures.
    pub fn row(&self) -> f32 {
        29.0 * self.unit
    }

    /// Height of the verdict's word, and width that its shape is given.
    pub fn word(&self) -> f32 {
        46.0 * self.unit
    }

    /// Side of that shape.
    pub fn shape(&self) -> f32 {
        0.7 * self.word()
    }

    /// The middle of that shape in the place that it is given: flush left.
    pub fn shape_in(&self, place: Rect) -> Pos2 {
        pos2(place.left() + self.shape() / 2.0, place.center().y)
    }

    /// Height of the figures that the closing page is about.
    pub fn counts(&self) -> f32 {
        104.0 * self.unit
    }

    /// Least height of curve and verdict.
    pub fn lower(&self) -> f32 {
        156.0 * self.unit
    }

    /// Side of the dot at the head of the curve, and height of bars.
    pub fn dot(&self) -> f32 {
        8.0 * self.unit
    }

    /// Width of a curve.
    pub fn curve(&self) -> f32 {
        2.0 * self.unit
    }

    /// Widest column of text.
    pub fn column(&self) -> f32 {
        720.0 * self.unit
    }

    /// Width of the names beside figures.
    pub fn names(&self) -> f32 {
        176.0 * self.unit
    }

    /// The dark theme with large type: pictures are judged in the dark, whatever the window's theme.
    pub fn style(&self) -> Style {
        let mut style = style(Palette::new(true));
        let sizes = [(caption(), 14.0), (TextStyle::Body, 18.0), (figure(), 26.0), (verdict(), 38.0)];
        for (name, size) in sizes {
            style.text_styles.insert(name, FontId::new(size * self.unit, FontFamily::Proportional));
        }
        style.spacing.item_spacing = vec2(GAP_S, GAP_XS) * self.unit;
        style
    }
}

/// How something stands: told by colour and by shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusMark {
    /// Not known yet: a grey ring.
    Unknown,
    /// As it should be: a blue circle.
    Healthy,
    /// To be looked at: an amber triangle.
    Suspect,
    /// Wrong: a vermilion diamond.
    Defective,
}

impl StatusMark {
    /// The word for it, read out by assistive technology.
    pub fn title(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Suspect => "suspect",
            Self::Defective => "defective",
        }
    }
}

/// The colours of one theme.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Palette {
    /// Whether this is the dark theme.
    pub dark: bool,
    /// Behind rail, bars and gaps between tiles.
    pub ground: Color32,
    /// Panels and tiles.
    pub panel: Color32,
    /// Behind curves.
    pub plot: Color32,
    /// Behind pictures, in both themes a neutral grey.
    pub picture: Color32,
    /// Captions on `picture`.
    pub on_picture: Color32,
    /// A control at rest.
    pub control: Color32,
    /// A control under the pointer.
    pub control_hovered: Color32,
    /// A control being pressed, or an opened menu.
    pub control_active: Color32,
    /// Behind text and numbers that can be typed.
    pub field: Color32,
    /// Lines between panels and round fields.
    pub hairline: Color32,
    /// Lines of a plot's grid.
    pub grid_line: Color32,
    /// Captions, units and what can wait.
    pub text_weak: Color32,
    /// Text.
    pub text: Color32,
    /// Headings and figures.
    pub text_strong: Color32,
    /// What can be acted on.
    pub accent: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// Behind what is selected.
    pub selection: Color32,
    /// Healthy.
    pub healthy: Color32,
    /// Suspect.
    pub suspect: Color32,
    /// Defective, and errors.
    pub defective: Color32,
    /// The generator.
    pub g: Color32,
    /// The discriminator, and D on real crops.
    pub d: Color32,
    /// D on generated crops: D's hue, darker in the light theme and deeper in the dark one.
    pub d_fake: Color32,
    /// The critic.
    pub critic: Color32,
    /// The critic on what it is not trained on.
    pub critic_held_out: Color32,
}

const DARK: Palette = Palette {
    dark: true,
    ground: Color32::from_gray(0x16),
    panel: Color32::from_gray(0x1D),
    plot: Color32::from_gray(0x18),
    picture: Color32::from_gray(0x26),
    on_picture: Color32::from_gray(0xBA),
    control: Color32::from_gray(0x2E),
    control_hovered: Color32::from_gray(0x3A),
    control_active: Color32::from_gray(0x46),
    field: Color32::from_gray(0x14),
    hairline: Color32::from_gray(0x34),
    grid_line: Color32::from_gray(0x2A),
    text_weak: Color32::from_gray(0x98),
    text: Color32::from_gray(0xCC),
    text_strong: Color32::from_gray(0xE6),
    accent: Color32::from_rgb(0x6C, 0xB6, 0xF2),
    on_accent: Color32::from_gray(0x10),
    selection: Color32::from_rgb(0x24, 0x4A, 0x6B),
    healthy: Color32::from_rgb(0x4A, 0xA3, 0xE0),
    suspect: Color32::from_rgb(0xE8, 0xA8, 0x1C),
    defective: Color32::from_rgb(0xF0, 0x70, 0x2E),
    g: Color32::from_rgb(0x2E, 0xC4, 0x96),
    d: Color32::from_rgb(0xE5, 0x9A, 0xC4),
    d_fake: Color32::from_rgb(0xA6, 0x7B, 0xE8),
    critic: Color32::from_rgb(0xC9, 0xC2, 0x4A),
    critic_held_out: Color32::from_rgb(0x56, 0xC4, 0xD6),
};

const LIGHT: Palette = Palette {
    dark: false,
    ground: Color32::from_gray(0xE6),
    panel: Color32::from_gray(0xF2),
    plot: Color32::from_gray(0xFA),
    picture: Color32::from_gray(0xC4),
    on_picture: Color32::from_gray(0x30),
    control: Color32::from_gray(0xD6),
    control_hovered: Color32::from_gray(0xC9),
    control_active: Color32::from_gray(0xBC),
    field: Color32::from_gray(0xFC),
    hairline: Color32::from_gray(0xC6),
    grid_line: Color32::from_gray(0xE6),
    text_weak: Color32::from_gray(0x54),
    text: Color32::from_gray(0x2A),
    text_strong: Color32::from_gray(0x0C),
    accent: Color32::from_rgb(0x00, 0x5F, 0xA6),
    on_accent: Color32::from_gray(0xFF),
    selection: Color32::from_rgb(0xB4, 0xD8, 0xF4),
    healthy: Color32::from_rgb(0x00, 0x6A, 0xA8),
    suspect: Color32::from_rgb(0x9A, 0x62, 0x00),
    defective: Color32::from_rgb(0xB8, 0x48, 0x00),
    g: Color32::from_rgb(0x00, 0x7F, 0x5C),
    d: Color32::from_rgb(0xC2, 0x4E, 0x92),
    d_fake: Color32::from_rgb(0x6A, 0x3F, 0xB5),
    critic: Color32::from_rgb(0x6E, 0x68, 0x00),
    critic_held_out: Color32::from_rgb(0x00, 0x74, 0x88),
};

/// Colours for other runs laid over the curves, apart from each other and from G and D.
const OVERLAYS_DARK: [Color32; 6] = [
    Color32::from_rgb(0xE8, 0xC5, 0x47),
    Color32::from_rgb(0x6C, 0xB6, 0xF2),
    Color32::from_rgb(0xF0, 0x8A, 0x4B),
    Color32::from_rgb(0xB9, 0xB9, 0xB9),
    Color32::from_rgb(0xA7, 0xC9, 0x57),
    Color32::from_rgb(0x8F, 0x9B, 0xE8),
];
const OVERLAYS_LIGHT: [Color32; 6] = [
    Color32::from_rgb(0x8C, 0x6B, 0x00),
    Color32::from_rgb(0x00, 0x6A, 0xA8),
    Color32::from_rgb(0xB3, 0x4A, 0x00),
    Color32::from_rgb(0x5F, 0x5F, 0x5F),
    Color32::from_rgb(0x4F, 0x70, 0x0B),
    Color32::from_rgb(0x3C, 0x4A, 0xB0),
];

impl Palette {
    /// The palette of the theme that `ui` is drawn in.
    pub fn of(ui: &Ui) -> Self {
        Self::new(ui.visuals().dark_mode)
    }

    /// The palette of the dark or the light theme.
    pub fn new(dark: bool) -> Self {
        if dark { DARK } else { LIGHT }
    }

    /// The colour of a metric's curve: G and D keep one hue each.
    pub fn series(&self, metric: Metric) -> Color32 {
        match metric {
            Metric::GLoss | Metric::GSuccess | Metric::GradNormG | Metric::Diversity => self.g,
            Metric::DLossReal | Metric::DAccuracyReal | Metric::GradNormD | Metric::Noise => self.d,
            Metric::DLossFake | Metric::DAccuracyFake | Metric::Dropout => self.d_fake,
            Metric::ImagesPerSecond => self.text,
            Metric::MsPerStep => self.text_weak,
            Metric::CriticLoss => self.critic,
            Metric::CriticHeldOut => self.critic_held_out,
        }
    }

    /// The colour of the `i`-th run laid over the curves.
    pub fn overlay(&self, i: usize) -> Color32 {
        let colours = if self.dark { &OVERLAYS_DARK } else { &OVERLAYS_LIGHT };
        colours[i % colours.len()]
    }

    /// The colour of a state.
    pub fn state(&self, state: StatusMark) -> Color32 {
        match state {
            StatusMark::Unknown => self.text_weak,
            StatusMark::Healthy => self.healthy,
            StatusMark::Suspect => self.suspect,
            StatusMark::Defective => self.defective,
        }
    }

    /// A colour as it looks when it steps back behind the curves.
    pub fn faint(&self, colour: Color32) -> Color32 {
        colour.gamma_multiply(if self.dark { 0.34 } else { 0.30 })
    }
}

/// Puts fonts, sizes and colours in force. Cheap enough to call whenever the theme changes; fonts need
/// [`install_fonts`] once.
pub fn apply(ctx: &Context, dark: bool) {
    ctx.set_theme(if dark { Theme::Dark } else { Theme::Light });
    for theme in [Theme::Dark, Theme::Light] {
        ctx.set_style_of(theme, style(Palette::new(theme == Theme::Dark)));
    }
}

/// Adds the icon font; once, when the window opens.
pub fn install_fonts(ctx: &Context) {
    egui_material_icons::initialize(ctx);
}

fn style(p: Palette) -> Style {
    let mut style = Style { animation_time: 0.08, ..Style::default() };
    style.text_styles = [
        (TextStyle::Small, CAPTION_SIZE, FontFamily::Proportional),
        (TextStyle::Body, BODY_SIZE, FontFamily::Proportional),
        (TextStyle::Button, BODY_SIZE, FontFamily::Proportional),
        (TextStyle::Monospace, BODY_SIZE - 1.0, FontFamily::Monospace),
        (section(), SECTION_SIZE, FontFamily::Proportional),
        (figure(), FIGURE_SIZE, FontFamily::Proportional),
        (verdict(), VERDICT_SIZE, FontFamily::Proportional),
    ]
    .into_iter()
    .map(|(name, size, family)| (name, FontId::new(size, family)))
    .collect();
    let s = &mut style.spacing;
    s.item_spacing = vec2(GAP_S, GAP_XS);
    s.button_padding = vec2(GAP_S, 3.0);
    s.interact_size = vec2(ROW, 22.0);
    s.window_margin = Margin::same(GAP_M as i8);
    s.menu_margin = Margin::same(GAP_XS as i8);
    s.indent = GAP_L;
    s.icon_width = 14.0;
    s.icon_width_inner = 8.0;
    s.icon_spacing = GAP_XS;
    s.slider_rail_height = 4.0;
    s.combo_width = 80.0;
    s.tooltip_width = 340.0;
    s.scroll.floating = true;
    s.scroll.bar_width = 8.0;
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.3;
    style.visuals = visuals(p);
    style
}

fn visuals(p: Palette) -> Visuals {
    let mut v = if p.dark { Visuals::dark() } else { Visuals::light() };
    let radius = CornerRadius::same(RADIUS);
    let widget = |fill: Color32, line: Color32, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(HAIRLINE, line),
        corner_radius: radius,
        fg_stroke: Stroke::new(HAIRLINE, text),
        expansion: 0.0,
    };
    v.widgets.noninteractive = widget(p.panel, p.hairline, p.text);
    v.widgets.inactive = widget(p.control, Color32::TRANSPARENT, p.text);
    v.widgets.hovered = widget(p.control_hovered, Color32::TRANSPARENT, p.text_strong);
    v.widgets.active = widget(p.control_active, p.accent, p.text_strong);
    v.widgets.open = widget(p.control_hovered, p.hairline, p.text_strong);
    v.weak_text_color = Some(p.text_weak);
    v.override_text_color = None;
    v.hyperlink_color = p.accent;
    v.faint_bg_color = p.grid_line;
    v.extreme_bg_color = p.plot;
    v.text_edit_bg_color = Some(p.field);
    v.code_bg_color = p.control;
    v.warn_fg_color = p.suspect;
    v.error_fg_color = p.defective;
    v.panel_fill = p.panel;
    v.window_fill = p.panel;
    v.window_stroke = Stroke::new(HAIRLINE, p.hairline);
    v.window_corner_radius = radius;
    v.menu_corner_radius = radius;
    let shadow = epaint::Shadow {
        offset: [0, 4],
        blur: 12,
        spread: 0,
        color: Color32::from_black_alpha(if p.dark { 110 } else { 40 }),
    };
    v.window_shadow = shadow;
    v.popup_shadow = shadow;
    v.selection.bg_fill = p.selection;
    v.selection.stroke = Stroke::new(HAIRLINE, p.text_strong);
    v.text_cursor.stroke = Stroke::new(2.0, p.accent);
    v.slider_trailing_fill = true;
    v.handle_shape = egui::style::HandleShape::Rect { aspect_ratio: 0.5 };
    v.collapsing_header_frame = false;
    v.indent_has_left_vline = false;
    v.striped = false;
    v
}

/// The margin of a bar across a workspace.
pub fn bar_margin() -> Margin {
    Margin::symmetric(GAP_M as i8, GAP_XS as i8)
}

/// Text in the caption size and the weak colour.
pub fn weak_caption(p: &Palette, text: impl Into<String>) -> RichText {
    RichText::new(text).text_style(caption()).color(p.text_weak)
}

/// The button that a place is about: filled with the accent. There is one in sight at a time.
pub fn primary_button(p: &Palette, text: impl Into<String>) -> egui::Button<'static> {
    egui::Button::new(RichText::new(text).color(p.on_accent)).fill(p.accent).min_size(vec2(0.0, ROW))
}

/// Outlines the tick boxes that follow in `ui`, which lies on a selected row: the fill of a control at
/// rest is too near to the selection.
pub fn boxes_on_selection(ui: &mut Ui) {
    let p = Palette::of(ui);
    let widgets = &mut ui.visuals_mut().widgets;
    for widget in [&mut widgets.noninteractive, &mut widgets.inactive, &mut widgets.hovered, &mut widgets.active] {
        widget.bg_fill = p.field;
        widget.bg_stroke = Stroke::new(HAIRLINE, p.text);
    }
}

/// A state's shape in its colour, `side` points wide.
pub fn paint_state(painter: &egui::Painter, p: &Palette, state: StatusMark, centre: Pos2, side: f32) {
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
    };
    painter.add(shape);
}

/// A state's icon as a widget of its own, with the state's word as its accessible name.
pub fn state_icon(ui: &mut Ui, state: StatusMark) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(ICON), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, state.title()));
    paint_state(ui.painter(), &Palette::of(ui), state, rect.center(), ICON);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of WCAG 2.
    fn luminance(c: Color32) -> f64 {
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(c.r()) + 0.7152 * linear(c.g()) + 0.0722 * linear(c.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_stands_out_from_everything_it_lies_on() {
        for p in [DARK, LIGHT] {
            for text in [p.text, p.text_strong, p.text_weak] {
                for ground in [p.ground, p.panel, p.plot, p.field, p.control] {
                    let c = contrast(text, ground);
                    assert!(c >= 4.5, "dark {}: {text:?} on {ground:?} is {c:.2}", p.dark);
                }
            }
            assert!(contrast(p.on_accent, p.accent) >= 4.5);
            assert!(contrast(p.accent, p.panel) >= 4.5);
            assert!(contrast(p.text, p.selection) >= 4.5, "the outline of a box on a selected row");
            for colour in [p.g, p.d, p.d_fake, p.critic, p.critic_held_out, p.healthy, p.suspect, p.defective] {
                let c = contrast(colour, p.panel);
                assert!(c >= 3.0, "dark {}: {colour:?} is {c:.2}", p.dark);
            }
        }
    }

    #[test]
    fn a_presentation_grows_with_the_screen_and_stays_within_it() {
        let units = [[512.0, 320.0], [1024.0, 640.0], [1920.0, 1080.0], [3840.0, 2160.0]].map(|[x, y]| {
            let sizes = PresentationSizes::of(vec2(x, y));
            assert!(2.0 * sizes.margin() + 2.0 * sizes.gap() < 0.1 * x && sizes.lower() < 0.3 * y);
            sizes.unit
        });
        assert_eq!(units, [0.5, 1.0, 1.6875, 3.375]);
        let style = PresentationSizes::of(vec2(1024.0, 640.0)).style();
        assert!(style.visuals.dark_mode && style.text_styles[&verdict()].size > VERDICT_SIZE);
        // Captions and the hint lie on the ground itself, colours of states too.
        for colour in [DARK.text, DARK.text_weak, DARK.healthy, DARK.suspect, DARK.defective] {
            assert!(contrast(colour, DARK.ground) >= 4.5, "{colour:?}");
        }
    }

    #[test]
    fn greys_carry_no_tint() {
        for p in [DARK, LIGHT] {
            for c in [p.ground, p.panel, p.plot, p.picture, p.control, p.field, p.hairline, p.text, p.text_weak] {
                assert!(c.r() == c.g() && c.g() == c.b(), "{c:?}");
            }
        }
    }

    #[test]
    fn g_and_d_keep_their_hue() {
        for dark in [true, false] {
            let p = Palette::new(dark);
            assert_eq!(p.series(Metric::GLoss), p.g);
            assert_eq!(p.series(Metric::GradNormG), p.g);
            assert_eq!(p.series(Metric::DLossReal), p.series(Metric::GradNormD));
        }
    }
}
