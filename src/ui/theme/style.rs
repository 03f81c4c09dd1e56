//! The egui style of the window.

use egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Margin, Stroke, Style, TextStyle, Theme, Visuals, epaint,
    style::WidgetVisuals, vec2,
};

use super::{
    palette::Palette,
    sizes::{GAP_L, GAP_M, GAP_S, GAP_XS, HAIRLINE, RADIUS, ROW},
    text_styles::{BODY_SIZE, CAPTION_SIZE, FIGURE_SIZE, SECTION_SIZE, VERDICT_SIZE, figure, section, verdict},
};

/// Applies text styles, sizes and colours. Call it whenever the theme changes; [`install_fonts`] is needed once.
pub(crate) fn apply(ctx: &Context, dark: bool) {
    ctx.set_theme(if dark { Theme::Dark } else { Theme::Light });
    for theme in [Theme::Dark, Theme::Light] {
        ctx.set_style_of(theme, style(Palette::new(theme == Theme::Dark)));
    }
}

/// Installs the icon font, once.
pub(crate) fn install_fonts(ctx: &Context) {
    egui_material_icons::initialize(ctx);
}

pub(super) fn style(p: Palette) -> Style {
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
    v.warn_fg_color = p.warning;
    v.error_fg_color = p.error;
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
